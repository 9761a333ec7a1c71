"""Many files on the command line: what is told of each, and how the same command goes on after an interruption."""

from __future__ import annotations

import contextlib
import hashlib
import os
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from srdesk import paths
from srdesk.cli.outputs import Destination
from srdesk.cli.terminal import BatchBar, ask_about_collision, print_json, print_problem, print_remark, print_result
from srdesk.engine.batch.queue import Queue, QueueItem
from srdesk.engine.batch.queue_run import Ears
from srdesk.engine.control import Progress
from srdesk.engine.files.file_job import FileFacts
from srdesk.engine.files.file_recipe import FileRecipe
from srdesk.engine.files.file_stamp import file_stamp
from srdesk.engine.files.inputs import FoundInputs
from srdesk.engine.trust.provenance import flux_record
from srdesk.errors import QueueError, SrDeskError
from srdesk.imaging.naming import CollisionPolicy

_KEPT_S = 30 * 86400
"""How long an unfinished batch can be gone on with."""

_MOST_LISTED = 20
"""Failures that are told again at the end."""


@dataclass(frozen=True, slots=True)
class BatchOrder:
    """What a command asks for."""

    found: FoundInputs
    """The files."""
    sources: tuple[Path, ...]
    """What was named."""
    destination: Destination
    """Where the results go."""
    recipe: FileRecipe
    """How the files are enlarged."""
    template: str
    """How results are called."""
    on_collision: CollisionPolicy
    """What happens where one exists."""

    @property
    def journal(self) -> Path:
        """Where the batch is remembered: a file of its own for every other order."""
        sources = [_bytes_of(path) for path in self.sources]
        weights = self.recipe.weights
        told = None if weights is None else (_bytes_of(weights), file_stamp(weights))
        recipe = msgspec.structs.replace(self.recipe, weights=None)
        folder = self.destination.folder and _bytes_of(self.destination.folder)
        named = (*self.sources, self.destination.folder, self.recipe.weights)
        is_from_here = any(path is not None and not path.is_absolute() for path in named)  # as it is remembered
        here = [os.fsencode(Path.cwd())] if is_from_here else []
        text = msgspec.json.encode([sources, folder, told, recipe, self.template, self.on_collision, *here])
        return _folder() / f"{hashlib.sha256(text).hexdigest()[:20]}.jsonl"


@contextlib.contextmanager
def opened_queue(order: BatchOrder, is_resumed: bool) -> Iterator[Queue]:
    """Give the queue of a command: that of an earlier run of the same command if it was not finished.

    A batch is forgotten when everything in it has been enlarged.

    Args:
        order: what the command asks for.
        is_resumed: whether to go on with an earlier run, and to keep what a later one could go on with.

    Raises:
        QueueError: the same command is running.
    """
    is_kept = is_resumed and len(order.found.files) > 1
    _forget_old()
    try:
        queue = Queue.load(order.journal) if is_kept else Queue(begins_anew=not is_resumed)
    except QueueError as error:
        hint = f"{error.hint} With --no-resume nothing is remembered, and nothing gone on with."
        raise QueueError(error.path, error.reason, hint=hint) from error
    try:
        _bring_up_to_date(queue, order)
        yield queue
    finally:
        queue.close(remove=all(item.state in ("done", "skipped") for item in queue.items()))


def _bring_up_to_date(queue: Queue, order: BatchOrder) -> None:
    """Let a queue have all files that were found, and wait for those of them that are to be enlarged."""
    files = {file.path for file in order.found.files}
    queue.remove([item.id for item in queue.items() if item.source not in files or item.state == "skipped"])
    queue.retry_failed()
    queue.retry_changed()
    known = {item.source for item in queue.items()}
    done = sum(item.state == "done" for item in queue.items())
    queue.add_files(
        [file for file in order.found.files if file.path not in known],
        order.recipe,
        template=order.template,
        on_collision=order.on_collision,
        wanted=order.destination.file,
        batch=1,
    )
    if done:
        total = len(queue.items())
        print_remark(f"{done:,} of {total:,} files were enlarged by an earlier run of this command, which goes on.")
        print_remark("To enlarge them again, say --no-resume.")


def _bytes_of(path: Path) -> bytes:
    return os.fsencode(path.absolute())


def _folder() -> Path:
    return paths.state_folder() / "batches"


def _forget_old() -> None:
    """Remove the journals of batches that nobody went on with."""
    oldest_s = time.time() - _KEPT_S
    for path in _folder().glob("*.jsonl*"):
        with contextlib.suppress(OSError):
            if path.stat().st_mtime < oldest_s:
                path.unlink()


@dataclass(slots=True)
class BatchReport:
    """What became of the files of one command, told as it happens and once more at the end."""

    is_json: bool
    """Whether stdout is for one JSON object."""
    is_kept: bool = False
    """Whether the same command would go on."""
    queue: Queue | None = None
    """What is worked through, once it is there."""
    bar: BatchBar = field(default_factory=BatchBar)
    workers: list[dict[str, Any]] | None = None
    """What every worker of a cluster did."""
    outputs: list[dict[str, Any]] = field(default_factory=list)
    skipped: list[dict[str, str]] = field(default_factory=list)
    failures: list[tuple[Path, SrDeskError]] = field(default_factory=list)
    _is_troubled: bool = False

    @property
    def ears(self) -> Ears:
        """Whom to tell."""
        return Ears(self._progressed, lambda item, sentence: self.remark(self._said_of(item, sentence)), self._ended)

    def ask(self, path: Path) -> CollisionPolicy:
        """Ask the person what to do with an output that exists.

        Raises:
            Cancelled: there is no answer, or Ctrl-C was pressed.
        """
        self.bar.clear()
        return ask_about_collision(path)

    def failed(self, path: Path, error: SrDeskError) -> None:
        """Tell that something went wrong with a file or a folder."""
        self.failures.append((path, error))
        self.bar.clear()
        print_problem(str(error), error.hint)

    def close(self) -> None:
        """Tell everything that is told at the end."""
        self.bar.__exit__(None, None, None)
        if self.is_json:
            print_json(self._document())
        elif self.queue is not None and len(self.queue.items()) > 1:
            self._sum_up(self.queue.items())

    def exit_code(self) -> int:
        """Return the exit status of the command."""
        if not self.failures:
            return 0
        is_batch = self.queue is not None and len(self.queue.items()) > 1
        return 1 if is_batch else self.failures[0][1].exit_code

    def _progressed(self, item: QueueItem, progress: Progress) -> None:
        del progress  # the queue knows
        assert self.queue is not None
        items = self.queue.items()
        finished = sum(other.is_finished for other in items)
        title = item.source.name if len(items) == 1 else f"{finished + 1:,}/{len(items):,} {item.source.name}"
        self.bar.show(title, self.queue.fraction(), self.queue.remaining_s())

    def _ended(self, item: QueueItem, outcome: FileFacts | SrDeskError | None) -> None:
        self.bar.clear()
        if isinstance(outcome, SrDeskError):
            self.failed(item.source, outcome)
        elif outcome is None:
            self.skipped.append({"input": str(item.source), "output": str(item.output)})
            print_remark(f"“{Path(item.output or '').name}” exists already; “{item.source.name}” is skipped.")
        else:
            self._done(item, outcome)
        trouble = self.queue.trouble if self.queue is not None else None
        if trouble is not None and not self._is_troubled:
            print_problem(f"{trouble} After an interruption, files since then would be enlarged again.", trouble.hint)
        self._is_troubled = trouble is not None

    def _done(self, item: QueueItem, facts: FileFacts) -> None:
        self.outputs.append(_facts_document(item, facts))
        if facts.resumed_windows:
            done_before = f"{facts.resumed_windows} of {facts.windows} windows had been finished before."
            print_remark(self._said_of(item, done_before))
        for loss in facts.losses:
            print_remark(self._said_of(item, loss))
        if self.is_json:
            return
        size = f"{facts.width} × {facts.height} pixels"
        speed = f"{facts.seconds:.1f} s, {facts.megapixels_per_second:.2f} megapixels/s"
        print_result(f"{facts.source} → {facts.output}  {size}, {speed}")
        if facts.flux is not None:
            print_result(f"  {facts.flux}")

    def remark(self, sentence: str) -> None:
        """Tell something that is neither a result nor a failure."""
        self.bar.clear()
        print_remark(sentence)

    def _said_of(self, item: QueueItem, sentence: str) -> str:
        """Return a sentence about a file that tells which one, where there are several."""
        is_alone = self.queue is None or len(self.queue.items()) == 1
        return sentence if is_alone or item.source.name in sentence else f"“{item.source.name}”: {sentence}"

    def _document(self) -> dict[str, Any]:
        document: dict[str, Any] = {"outputs": self.outputs}
        if self.skipped:
            document["skipped"] = self.skipped
        if self.failures:
            document["failures"] = [
                {"input": str(path), "error": str(error), "hint": error.hint} for path, error in self.failures
            ]
        if self.workers is not None:
            document["workers"] = self.workers
        return document

    def _sum_up(self, items: tuple[QueueItem, ...]) -> None:
        counts = Counter[str](item.state for item in items)
        words = {"done": "enlarged", "skipped": "skipped", "failed": "failed"}
        told = [f"{counts[state]:,} {word}" for state, word in words.items() if counts[state]]
        left = counts["waiting"] + counts["running"]
        print_remark(f"{', '.join(told) or 'Nothing was enlarged'} of {len(items):,} files.")
        failed = [item for item in items if item.state == "failed"]
        for item in failed[:_MOST_LISTED]:
            print_remark(f"  {item.error}")
        if len(failed) > _MOST_LISTED:
            print_remark(f"  … and {len(failed) - _MOST_LISTED:,} more.")
        if self.is_kept and (left or failed):
            print_remark(f"The same command {'goes on with what is left' if left else 'tries them again'}.")


def _facts_document(item: QueueItem, facts: FileFacts) -> dict[str, Any]:
    document: dict[str, Any] = {
        "input": str(facts.source),
        "output": str(facts.output),
        "model": item.recipe.model,
        "device": facts.device,
        "precision": facts.precision,
        "window_px": facts.window_px,
        "seconds": round(facts.seconds, 3),
        "megapixels_per_second": round(facts.megapixels_per_second, 3),
    }
    if facts.windows is not None:
        document |= {"windows": facts.windows, "resumed_windows": facts.resumed_windows}
    if facts.flux is not None:
        document["flux"] = msgspec.to_builtins(flux_record(facts.flux))
    return document
