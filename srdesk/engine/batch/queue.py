"""A queue of files to enlarge: many, from many folders, edited while it is worked through, and never forgotten."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from srdesk.engine.batch.queue_item import ItemToken, Place, QueueItem, State, taken_up
from srdesk.engine.batch.queue_journal import Ordered, QueueJournal, Record, Removed
from srdesk.engine.batch.queue_order import moved, placed
from srdesk.engine.batch.queue_speed import SpeedBook
from srdesk.engine.control import CancelToken, Progress
from srdesk.engine.files.file_recipe import FileRecipe
from srdesk.engine.files.file_stamp import file_stamp
from srdesk.engine.files.inputs import InputFile, find_inputs
from srdesk.errors import QueueError, SrDeskError
from srdesk.imaging.naming import CollisionPolicy, OutputName

__all__ = ["Queue", "QueueItem", "State"]

Callback = Callable[[], None]


class Queue:
    """Files and how each of them stands. Safe to use from several threads.

    Every change is in the journal, if there is one, when its method returns, and the subscribers have been told.
    Readers never wait for the disk.
    """

    def __init__(self, journal: QueueJournal | None = None, *, begins_anew: bool = False) -> None:
        self.begins_anew = begins_anew
        """Whether what earlier runs left unfinished of a result is removed instead of gone on with."""
        self._journal = journal
        self._lock = threading.RLock()
        self._writing = threading.Lock()
        self._items: dict[int, QueueItem] = {item.id: taken_up(item) for item in journal.items} if journal else {}
        self._snapshot = tuple(self._items.values())
        self._next_id = max(self._items, default=0) + 1
        self._next_batch = max((item.batch for item in self._snapshot), default=0) + 1
        self._makers = {(item.batch, item.output): item.id for item in self._snapshot if item.output is not None}
        self._unmeasured = {item.id for item in self._snapshot if item.megapixels is None and not item.is_finished}
        self._running: dict[int, ItemToken] = {}
        self._fractions: dict[int, Progress] = {}
        self._pending: list[Record] = []
        self._speeds = SpeedBook()
        self._callbacks: list[Callback] = []
        self._is_paused = False
        self._trouble: QueueError | None = None
        for item in self._snapshot:
            self._speeds.learn(item)

    @classmethod
    def load(cls, journal: Path) -> Queue:
        """Return the queue of a journal, empty if there is none yet.

        What was being enlarged when a program was killed waits again, or is done if its result is there.

        Raises:
            QueueError: the journal is used by another program, or cannot be read.
        """
        return cls(QueueJournal(journal))

    # --- reading --------------------------------------------------------------------------------------------------

    def items(self) -> tuple[QueueItem, ...]:
        """Return all items in order. The tuple does not change; those that stay the same are the same objects."""
        return self._snapshot

    @property
    def is_paused(self) -> bool:
        """Whether no further file is begun."""
        return self._is_paused

    @property
    def trouble(self) -> QueueError | None:
        """Why the last change could not be noted, so that it would be forgotten in a crash; None if it was."""
        return self._trouble

    def remaining_s(self) -> float | None:
        """Return the seconds until nothing is waiting or running, with as many at a time as now; None if not known."""
        with self._lock:
            return self._speeds.remaining_s(self._snapshot, self._fractions)

    def arrivals_s(self) -> dict[int, float]:
        """Return the seconds until each item that is not finished will be, by ids; only of those that can be told."""
        with self._lock:
            return self._speeds.arrivals_s(self._snapshot, self._fractions)

    def fraction(self) -> float:
        """Return the share of all items that is finished, 0 to 1; running ones count as far as they are."""
        with self._lock:
            done = sum(progress.fraction for progress in self._fractions.values())
            done += sum(item.is_finished for item in self._snapshot)
            return done / max(1, len(self._snapshot))

    def subscribe(self, callback: Callback) -> Callable[[], None]:
        """Have a function called after every change, on whichever thread changed it; return what ends that."""
        with self._lock:
            self._callbacks.append(callback)

        def unsubscribe() -> None:
            with self._lock:
                self._callbacks.remove(callback)

        return unsubscribe

    # --- what people do -------------------------------------------------------------------------------------------

    def add(
        self,
        sources: Iterable[Path],
        output_folder: Path | None,
        recipe: FileRecipe,
        *,
        template: str,
        on_collision: CollisionPolicy,
        is_recursive: bool = True,
    ) -> list[int]:
        """Append files, and all pictures in folders and below; return their ids.

        Results of the same template that lie beside their pictures are left out.

        Args:
            sources: files and folders.
            output_folder: where the results go, sub-folders kept; None for beside the files.
            recipe: how they are enlarged.
            template: how results are called.
            on_collision: what happens where one exists.
            is_recursive: whether folders are searched below as well.

        Raises:
            ConfigError: the template makes no sense.
        """
        OutputName(template)
        found = find_inputs(sources, output_folder, template=template, is_recursive=is_recursive)
        return self.add_files(found.files, recipe, template=template, on_collision=on_collision)

    def add_files(
        self,
        files: Sequence[InputFile],
        recipe: FileRecipe,
        *,
        template: str,
        on_collision: CollisionPolicy,
        wanted: Path | None = None,
        batch: int | None = None,
    ) -> list[int]:
        """Append files that were found already; return their ids.

        Args:
            files: the files, and where their results go.
            recipe: how they are enlarged.
            template: how results are called.
            on_collision: what happens where one exists.
            wanted: the very file that the result of the only one shall be.
            batch: number of an earlier batch that they belong to.
        """
        with self._lock:
            if batch is None:
                batch, self._next_batch = self._next_batch, self._next_batch + 1
            before = sum(item.batch == batch for item in self._snapshot)
            added = [
                QueueItem(
                    id=self._next_id + index,
                    source=file.path,
                    output_folder=file.output_folder,
                    recipe=recipe,
                    template=template,
                    on_collision=on_collision,
                    wanted=wanted,
                    batch=batch,
                    number=before + index + 1,
                )
                for index, file in enumerate(files)
            ]
            self._next_id += len(added)
            self._unmeasured.update(item.id for item in added)
            self._put(*added)
        self._settle()
        return [item.id for item in added]

    def remove(self, ids: Iterable[int]) -> None:
        """Take items out; one that is being enlarged is cancelled."""
        with self._lock:
            gone = [number for number in ids if self._items.pop(number, None) is not None]
            for number in gone:
                if number in self._running:
                    self._running[number].cancel()
            if gone:
                self._note(Removed(tuple(gone)))
        self._settle()

    def move(self, ids: Iterable[int], offset: int) -> None:
        """Move items by ``offset`` places, up if it is negative; those that reach an end stay in their order there."""
        with self._lock:
            self._arrange(moved(list(self._items), set(ids), offset))
        self._settle()

    def place(self, ids: Iterable[int], place: int) -> None:
        """Move items together before what is at ``place`` now."""
        with self._lock:
            self._arrange(placed(list(self._items), set(ids), place))
        self._settle()

    def revise(
        self, ids: Iterable[int], recipe: FileRecipe, *, template: str, on_collision: CollisionPolicy
    ) -> list[int]:
        """Let items that wait or have failed be enlarged in another way; return their ids. Their folders stay."""
        OutputName(template)
        chosen = set(ids)
        changes = {"recipe": recipe, "template": template, "on_collision": on_collision, "output": None}
        with self._lock:
            found = [item for item in self._snapshot if item.id in chosen and item.state in ("waiting", "failed")]
            self._put(*(msgspec.structs.replace(item, **changes) for item in found))
        self._settle()
        return [item.id for item in found]

    def retry_failed(self) -> list[int]:
        """Let everything that failed wait again; return its ids."""
        return self._reset([item for item in self._snapshot if item.state == "failed"])

    def retry_changed(self) -> list[int]:
        """Let everything done wait again whose result is gone or whose file was changed; return its ids."""
        changed = [
            item
            for item in self._snapshot
            if item.state == "done"
            and (item.output is None or not item.output.exists() or file_stamp(item.source) != item.stamp)
        ]
        return self._reset(changed)

    def clear_finished(self) -> None:
        """Take out everything that is done, skipped or failed."""
        self.remove([item.id for item in self._snapshot if item.is_finished])

    def pause(self) -> None:
        """Begin no further file."""
        self._is_paused = True
        self._tell()

    def resume(self) -> None:
        """Let files be begun again; who works through the queue has to begin anew."""
        self._is_paused = False
        self._tell()

    def close(self, *, remove: bool = False) -> None:
        """Let go of the journal, and remove it if that is wished. The queue is not to be changed afterwards."""
        if self._journal is not None:
            with self._writing:
                self._journal.close(remove=remove)

    # --- what whoever works through it does -------------------------------------------------------------------------

    def take(self, token: CancelToken) -> tuple[QueueItem, CancelToken] | None:
        """Mark the next waiting item as running; None if there is none, or the queue is paused.

        Args:
            token: stops the work as a whole.

        Returns:
            The item, and a token that is raised when it is removed, or when ``token`` is.
        """
        with self._lock:
            item = next((item for item in self._snapshot if item.state == "waiting"), None)
            if item is None or self._is_paused:
                return None
            self._running[item.id] = ItemToken(token)
            item = self._change(item.id, state="running", stamp=file_stamp(item.source))
            assert item is not None
            found = item, self._running[item.id]
        self._settle()
        return found

    def reserve(self, number: int, choose: Callable[[Callable[[Path], bool]], Place | None]) -> Place | None:
        """Choose the output of a running item so that no other item chooses the same.

        Args:
            number: id of the item.
            choose: returns the place, None for none, given a function that tells whether a path is the output of
                another item of the same batch.

        Returns:
            What it returned; it is in the journal.
        """
        with self._lock:
            batch = self._items[number].batch if number in self._items else 0

            def is_of_another(path: Path) -> bool:
                other = self._items.get(self._makers.get((batch, path), number))
                return other is not None and other.id != number and other.output == path and other.state != "skipped"

            place = choose(is_of_another)
            if place is not None:  # both at once: what was to be replaced is never taken for the result
                replacing = {"on_collision": "overwrite"} if place.may_replace else {}
                self._change(number, output=place.output, **replacing)
        self._settle()
        return place

    def unmeasured(self) -> list[QueueItem]:
        """Return the items of which nobody has said how much there is to compute."""
        with self._lock:
            self._unmeasured &= self._items.keys()
            return [self._items[number] for number in sorted(self._unmeasured)]

    def measured(self, megapixels: Mapping[int, float]) -> None:
        """Note how much there is to compute for items, by their ids."""
        with self._lock:
            self._unmeasured -= megapixels.keys()
            for number in megapixels.keys() & self._items.keys():
                self._items[number] = msgspec.structs.replace(self._items[number], megapixels=megapixels[number])
            self._snapshot = tuple(self._items.values())  # not in the journal: it can be read again from the files

    def progressed(self, number: int, progress: Progress) -> None:
        """Note how far a running item is."""
        with self._lock:
            if number in self._running:
                self._fractions[number] = progress

    def end(self, number: int, state: State, *, error: SrDeskError | None = None, **changes: Any) -> QueueItem | None:
        """Note what became of a running item, or with "waiting" that it was not finished.

        Args:
            number: its id.
            state: how it stands now.
            error: why it failed.
            changes: other fields that change.

        Returns:
            The item, None if it was removed meanwhile.
        """
        with self._lock:
            self._running.pop(number, None)
            self._fractions.pop(number, None)
            words = {"error": str(error), "hint": error.hint} if error else {}
            if state in ("waiting", "failed"):
                changes["output"] = None
            item = self._change(number, state=state, **words, **changes)
            if item is not None:
                self._speeds.learn(item)
        self._settle()
        return item

    # --- within -----------------------------------------------------------------------------------------------------

    def _arrange(self, order: list[int]) -> None:
        self._items = {number: self._items[number] for number in order}
        self._note(Ordered(tuple(order)))

    def _reset(self, items: Sequence[QueueItem]) -> list[int]:
        with self._lock:
            waiting = [
                msgspec.structs.replace(now, state="waiting", output=None, error="", hint="", seconds=0.0)
                for item in items
                if (now := self._items.get(item.id)) is not None and now.state == item.state
            ]
            self._put(*waiting)
        self._settle()
        return [item.id for item in waiting]

    def _change(self, number: int, **changes: Any) -> QueueItem | None:
        if number not in self._items:
            return None
        item = msgspec.structs.replace(self._items[number], **changes)
        self._put(item)
        return item

    def _put(self, *items: QueueItem) -> None:
        for item in items:
            self._items[item.id] = item
            if item.output is not None and item.state != "skipped":
                self._makers[item.batch, item.output] = item.id
        self._note(*items)

    def _note(self, *records: Record) -> None:
        self._pending += records
        self._snapshot = tuple(self._items.values())

    def _settle(self) -> None:
        """Write what is not in the journal yet, and tell the subscribers."""
        with self._writing:
            with self._lock:
                records, self._pending, items = self._pending, [], self._snapshot
            if self._journal is not None and records:
                try:
                    self._journal.write(records, items)
                    self._trouble = None
                except QueueError as error:
                    self._trouble = error
        self._tell()

    def _tell(self) -> None:
        with self._lock:
            callbacks = tuple(self._callbacks)
        for callback in callbacks:
            callback()
