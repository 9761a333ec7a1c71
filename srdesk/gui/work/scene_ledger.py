"""Runs from disk to disk that were begun, noted on the disk, so that those which were broken off are found again.

What is finished of a run, and whether that can be gone on with, stands in its journal beside the result. What stands
here is only where results of a scene were begun, and with which settings.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from pathlib import Path

import msgspec

from srdesk import paths
from srdesk.engine.files.file_stamp import FileStamp
from srdesk.gui.work.requests import Recipe
from srdesk.gui.work.scene_requests import SceneOrder
from srdesk.imaging.atomic import atomic_write
from srdesk.imaging.scene.tile_file import unfinished_steps

_SUFFIX = ".json"


class _Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One run. Paths are bytes, since not all names are Unicode."""

    pane: str
    source: bytes
    size_bytes: int
    modified_ns: int
    output: bytes
    model: str
    weights: bytes | None
    weights_stamp: FileStamp | None = None
    device: str
    precision: str
    window_px: int | None
    colours: tuple[int, int, int] | None


class SceneLedger:
    """One small file for each run. Safe from any thread, and for several desks.

    Args:
        folder: made when it is needed; that of the user by default.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder or paths.state_folder() / "scenes"

    def note(self, order: SceneOrder) -> None:
        """Remember that a run begins.

        Raises:
            OSError: its scene is gone, or nothing can be noted.
        """
        status, recipe = order.source.stat(), order.recipe
        entry = _Entry(
            pane=order.pane,
            source=os.fsencode(order.source.absolute()),
            size_bytes=status.st_size,
            modified_ns=status.st_mtime_ns,
            output=os.fsencode(order.output.absolute()),
            model=recipe.model,
            weights=None if recipe.weights is None else os.fsencode(recipe.weights.absolute()),
            weights_stamp=recipe.weights_stamp,
            device=recipe.device,
            precision=recipe.precision,
            window_px=recipe.window_px,
            colours=order.colours,
        )
        self._folder.mkdir(parents=True, exist_ok=True)
        with atomic_write(self._file(order.output)) as stream:
            stream.write(msgspec.json.encode(entry))

    def forget(self, output: Path) -> None:
        """Forget the run of a result, since it is finished or nothing of it is left."""
        with contextlib.suppress(OSError):
            self._file(output).unlink(missing_ok=True)

    def unfinished(self, source: Path) -> list[SceneOrder]:
        """Return the runs of a scene of which something is finished, the latest first."""
        try:
            status = source.stat()
            files = sorted(self._folder.glob(f"*{_SUFFIX}"), key=lambda file: file.stat().st_mtime_ns, reverse=True)
        except OSError:
            return []
        wanted = (os.fsencode(source.absolute()), status.st_size, status.st_mtime_ns)
        orders = []
        for file in files:
            with contextlib.suppress(OSError, msgspec.MsgspecError):
                entry = msgspec.json.decode(file.read_bytes(), type=_Entry)
                output = Path(os.fsdecode(entry.output))
                if (entry.source, entry.size_bytes, entry.modified_ns) == wanted and unfinished_steps(output) > 0:
                    orders.append(_order_of(entry, output))
        return orders

    def _file(self, output: Path) -> Path:
        name = hashlib.sha256(os.fsencode(output.absolute())).hexdigest()[:32]
        return self._folder / f"{name}{_SUFFIX}"


def _order_of(entry: _Entry, output: Path) -> SceneOrder:
    weights = None if entry.weights is None else Path(os.fsdecode(entry.weights))
    recipe = Recipe(
        model=entry.model,
        weights=weights,
        weights_stamp=entry.weights_stamp,
        device=entry.device,
        precision=entry.precision,
        window_px=entry.window_px,
    )
    source = Path(os.fsdecode(entry.source))
    return SceneOrder(pane=entry.pane, source=source, output=output, recipe=recipe, colours=entry.colours)
