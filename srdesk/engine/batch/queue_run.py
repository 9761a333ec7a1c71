"""Working through a queue: one file after the other, whatever becomes of each."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from srdesk.engine.batch.queue import Queue
from srdesk.engine.batch.queue_item import Place, QueueItem
from srdesk.engine.control import CancelToken, Control, Progress
from srdesk.engine.files.file_job import FileFacts
from srdesk.engine.files.file_outlook import output_name, probed_megapixels
from srdesk.errors import Cancelled, ImageWriteError, OutputTakenError, SrDeskError
from srdesk.imaging.claim import claimed
from srdesk.imaging.naming import CollisionPolicy, refuse_input_as_output, resolve_collision
from srdesk.imaging.scene.tile_file import has_unfinished, remove_unfinished

_PROBING_S = 0.2
"""Time for reading headers, between two files, of those whose size is not known yet."""


class EnlargeOne(Protocol):
    """Does the work of one item, mostly by `srdesk.engine.files.file_job.enlarge_file`."""

    def __call__(self, item: QueueItem, output: Path, control: Control, *, may_replace: bool) -> FileFacts:
        """Make the result of an item.

        Args:
            item: the item.
            output: what to write.
            control: how to stop, and where to report.
            may_replace: whether the output may exist.

        Raises:
            SrDeskError: it cannot be made; nothing is left over.
            Cancelled: someone asked to stop.
        """


@dataclass(frozen=True, slots=True)
class Ears:
    """Who wants to hear what; called on the thread that does the work."""

    on_progress: Callable[[QueueItem, Progress], None] | None = None
    """How far a file is."""
    on_notice: Callable[[QueueItem, str], None] | None = None
    """A sentence about it."""
    on_ended: Callable[[QueueItem, FileFacts | SrDeskError | None], None] | None = None
    """What became of it: facts, an error, or None if it was skipped."""


def run_queue(
    queue: Queue,
    enlarge_one: EnlargeOne,
    token: CancelToken,
    *,
    ears: Ears | None = None,
    ask: Callable[[Path], CollisionPolicy] | None = None,
) -> None:
    """Take the next waiting item until there is none, or the queue is paused. Several threads may do so at a time.

    An item that fails stays as failed, and the rest goes on.

    Args:
        queue: the queue; it may change meanwhile.
        enlarge_one: does the work.
        token: how to stop.
        ears: who wants to hear what.
        ask: puts the question for items with the policy "ask".

    Raises:
        Cancelled: the token was raised; what was being enlarged waits again.
        Exception: whatever else `enlarge_one` raises; likewise.
    """
    while True:
        token.check()
        probe_some(queue, token)
        taken = queue.take(token)
        if taken is None:
            return
        _Turn(queue, enlarge_one, ears or Ears(), ask, *taken).run()


@dataclass(slots=True)
class _Turn:
    """One item while it is worked on."""

    queue: Queue
    enlarge_one: EnlargeOne
    ears: Ears
    ask: Callable[[Path], CollisionPolicy] | None
    item: QueueItem
    token: CancelToken
    wanted: Path | None = None
    output: Path | None = None

    def run(self) -> None:
        """Do the work, and note what became of it."""
        started_s = time.monotonic()
        outcome: FileFacts | SrDeskError | None
        try:
            outcome = self._enlarged()
        except SrDeskError as error:
            outcome = error
        except BaseException as error:
            item = self.queue.end(self.item.id, "waiting")
            if not isinstance(error, Cancelled) or item is not None:
                raise
            if self.output is not None:  # it alone was taken out of the queue, and nobody will go on with it
                _remove_unfinished(self.output)
            return
        seconds = time.monotonic() - started_s
        number = self.item.id
        if isinstance(outcome, SrDeskError):
            item = self.queue.end(number, "failed", error=outcome, seconds=seconds)
        elif outcome is None:
            item = self.queue.end(number, "skipped", output=self.wanted)
        else:
            item = self.queue.end(number, "done", output=outcome.output, seconds=seconds - outcome.loading_s)
        if item is not None and self.ears.on_ended is not None:
            self.ears.on_ended(item, outcome)

    def _enlarged(self) -> FileFacts | None:
        """Return what the result is, None if there is one already.

        Raises:
            SrDeskError: it cannot be made.
            Cancelled: someone asked to stop.
        """
        taken: set[Path] = set()
        control = Control(self.token, self._progressed, self._noticed)
        while True:
            place = self._place(taken)
            if place is None:
                return None
            self.output = place.output
            if self.queue.begins_anew:
                _remove_unfinished(place.output)
            try:
                return self.enlarge_one(self.item, place.output, control, may_replace=place.may_replace)
            except OutputTakenError:
                if place.may_replace:
                    raise
                taken.add(place.output)  # by another program, just now: what the policy says holds for that as well

    def _place(self, taken: set[Path]) -> Place | None:
        """Return what to write, None to leave what is there."""
        item = self.item
        if item.output is not None:  # a program that was killed had begun it, under a name that it might take
            return Place(item.output, may_replace=True)
        wanted = item.wanted or item.output_folder / output_name(
            item.source, item.recipe, template=item.template, number=item.number
        )
        self.wanted = wanted
        refuse_input_as_output(wanted, [item.source])
        policy = item.on_collision

        def ask(path: Path) -> CollisionPolicy:
            nonlocal policy
            policy = self.ask(path) if self.ask is not None else policy
            return policy

        def choose(is_ours: Callable[[Path], bool]) -> Place | None:
            nonlocal policy
            policy = "number" if is_ours(wanted) else policy
            output = resolve_collision(
                wanted, policy, ask, is_taken=lambda path: os.path.lexists(path) or path in taken or is_ours(path)
            )
            return None if output is None else Place(output, may_replace=policy == "overwrite")

        place = self.queue.reserve(item.id, choose)
        if place is not None and place.may_replace and os.path.lexists(place.output):
            refuse_input_as_output(place.output, (other.source for other in self.queue.items()))
        return place

    def _progressed(self, progress: Progress) -> None:
        self.queue.progressed(self.item.id, progress)
        if self.ears.on_progress is not None:
            self.ears.on_progress(self.item, progress)

    def _noticed(self, sentence: str) -> None:
        if self.ears.on_notice is not None:
            self.ears.on_notice(self.item, sentence)


def _remove_unfinished(output: Path) -> None:
    """Remove what an earlier run from disk to disk left of a result, unless another program is going on with it."""
    if has_unfinished(output):
        with contextlib.suppress(ImageWriteError), claimed(output, may_replace=True):
            remove_unfinished(output)


def probe_some(queue: Queue, token: CancelToken) -> None:
    """Read the headers of items whose size is not known, for a moment; one that says nothing counts as empty.

    Args:
        queue: has the items, and is told.
        token: how to stop sooner.
    """
    give_up_s = time.monotonic() + _PROBING_S
    found = {}
    for item in queue.unmeasured():
        found[item.id] = probed_megapixels(item.source, item.recipe) or 0.0
        if token.is_cancelled or time.monotonic() > give_up_s:
            break
    if found:
        queue.measured(found)
