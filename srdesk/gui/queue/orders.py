"""What crosses the threads of the queue: what is asked of them, and what they answer and report."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from srdesk.engine.control import Progress
from srdesk.errors import SrDeskError
from srdesk.gui.work.requests import Answer, Request
from srdesk.settings import QueueCollisionName

if TYPE_CHECKING:
    from srdesk.engine.batch.queue import Queue, State
    from srdesk.engine.files.file_recipe import FileRecipe


@dataclass(frozen=True, slots=True)
class Order:
    """How files are enlarged, and where the results go."""

    recipe: FileRecipe
    folder: Path | None
    """None for beside each picture."""
    template: str
    """Of file names, see `srdesk.imaging.naming.OutputName`."""
    on_collision: QueueCollisionName
    """What happens where the result exists."""


# --- changes of the queue ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadRequest(Request):
    """Take up the queue of an earlier desk."""

    shall_begin: bool = False
    """Whether to begin one where there is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AddRequest(Request):
    """Append files, and all pictures in folders and below."""

    paths: tuple[Path, ...]
    order: Order


@dataclass(frozen=True, slots=True, kw_only=True)
class FindRequest(Request):
    """List the pictures in folders and below; nothing is put into the queue."""

    paths: tuple[Path, ...]
    template: str
    """How results are called, which are left out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoveRequest(Request):
    """Take items out."""

    ids: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class MoveRequest(Request):
    """Move items up or down."""

    ids: tuple[int, ...]
    offset: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceRequest(Request):
    """Move items before a place."""

    ids: tuple[int, ...]
    place: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviseRequest(Request):
    """Let items that wait or have failed be enlarged in another way."""

    ids: tuple[int, ...]
    order: Order


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryRequest(Request):
    """Let everything that failed wait again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClearRequest(Request):
    """Take out everything that is finished."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasureRequest(Request):
    """Read for a moment how large pictures are."""


@dataclass(frozen=True, slots=True)
class Edited(Answer):
    """The queue is as it was asked for."""

    queue: Queue | None
    """It, safe on any thread; None if there was none to load."""


@dataclass(frozen=True, slots=True)
class Added(Edited):
    """Files were put into the queue."""

    count: int
    """How many."""
    known: int
    """How many were waiting there already, to be enlarged in the same way."""
    results: int
    """How many were left out because they are results of others."""
    failures: tuple[SrDeskError, ...]
    """What is wrong with folders."""


@dataclass(frozen=True, slots=True)
class Found(Answer):
    """The pictures in folders and below."""

    files: tuple[Path, ...]


# --- working through it -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRequest(Request):
    """Enlarge what waits, until nothing does."""

    queue: Queue


@dataclass(frozen=True, slots=True)
class Ran(Answer):
    """Nothing waits any more."""


@dataclass(frozen=True, slots=True)
class ItemProgressed:
    """How far an item is; not an answer."""

    id: int
    item_id: int
    progress: Progress


@dataclass(frozen=True, slots=True)
class ItemRemarked:
    """A sentence about an item that is not a failure; not an answer."""

    id: int
    item_id: int
    sentence: str


@dataclass(frozen=True, slots=True)
class ItemEnded:
    """What became of an item; not an answer."""

    id: int
    item_id: int
    state: State
