"""One file of a queue: what shall become of it, and how far it is."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import msgspec

from srdesk.engine.control import CancelToken
from srdesk.engine.files.file_recipe import FileRecipe
from srdesk.engine.files.file_stamp import FileStamp
from srdesk.engine.trust.sidecar import sidecar_path
from srdesk.imaging.naming import CollisionPolicy

State = Literal["waiting", "running", "done", "skipped", "failed"]


class QueueItem(msgspec.Struct, frozen=True, kw_only=True, tag="item", omit_defaults=True):
    """A file in a queue. A change makes another one of the same id."""

    id: int
    """Number in the queue, never given again."""
    source: Path
    """The file."""
    output_folder: Path
    """Where its result goes."""
    recipe: FileRecipe
    """How it is enlarged."""
    template: str
    """How its result is called, as `srdesk.imaging.naming.OutputName` has it."""
    on_collision: CollisionPolicy
    """What happens where the result exists."""
    wanted: Path | None = None
    """The very file that its result shall be; None for a name from the template."""
    batch: int = 1
    """Number of the `Queue.add` that it came with; the results of one batch do not replace each other."""
    number: int = 1
    """Its position in its batch, from 1."""
    state: State = "waiting"
    """How it stands."""
    output: Path | None = None
    """Where its result is, or will be; None until that is known."""
    error: str = ""
    """Why it failed, in one sentence."""
    hint: str = ""
    """What to do about that."""
    seconds: float = 0.0
    """How long it took, opening and saving included, loading the model not."""
    megapixels: float | None = None
    """How much there is to compute: million pixels of the result at four times; None until its header was read."""
    stamp: FileStamp | None = None
    """Size and time of change of the file when it was enlarged."""

    @property
    def is_finished(self) -> bool:
        """Whether nothing more will happen to it unless someone asks for it."""
        return self.state in ("done", "skipped", "failed")

    @property
    def kind_of_work(self) -> Hashable:
        """What its speed depends on beside its size."""
        recipe = self.recipe
        return recipe.weights, recipe.device, recipe.precision, recipe.window_px, bool(recipe.back_projection)


@dataclass(frozen=True, slots=True)
class Place:
    """Where the result of an item goes."""

    output: Path
    """The file."""
    may_replace: bool = False
    """Whether it may exist."""


def taken_up(item: QueueItem) -> QueueItem:
    """Return an item of a queue that was worked through when its program was killed, as it is to be gone on with.

    A result that is there is whole, since results get their names last; only where it may be an older one, or its
    sidecar is missing, is it made again, under the same name.
    """
    if item.state != "running":
        return item
    is_whole = (
        item.output is not None
        and item.on_collision != "overwrite"
        and item.output.exists()
        and (not item.recipe.sidecar or sidecar_path(item.output).exists())
    )
    return msgspec.structs.replace(item, state="done" if is_whole else "waiting")


class ItemToken(CancelToken):
    """The token of one item, raised with that of the whole work as well."""

    def __init__(self, whole: CancelToken) -> None:
        super().__init__()
        self._whole = whole

    @property
    def is_cancelled(self) -> bool:
        """Whether someone asked to stop this item, or all."""
        return super().is_cancelled or self._whole.is_cancelled

    def check(self) -> None:
        """Go on, or raise.

        Raises:
            Cancelled: someone asked to stop.
        """
        self._whole.check()
        super().check()
