"""How files, states and figures of the queue are written for people."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QCoreApplication

from srdesk.gui.queue.run_state import RunState, RunSummary
from srdesk.gui.status_line import duration

if TYPE_CHECKING:
    from srdesk.engine.batch.queue import QueueItem
    from srdesk.gui.queue.orders import Added

_LEAST_MPIX = 0.01
"""Smaller results are not told apart."""


def kind(path: Path) -> str:
    """Return what kind of file ``path`` is by its name, such as ``JPEG``; its suffix where it is none that is known."""
    from srdesk.imaging.formats import format_for, plain_name  # not at the top: the window need not wait for it

    return format_for(plain_name(path)) or path.suffix.lstrip(".").upper() or "–"


def state(item: QueueItem, *, has_remarks: bool = False) -> str:
    """Return how ``item`` stands, in a few words; what went wrong if something did."""
    if item.state == "failed":
        reason = item.error.removeprefix(f"“{item.source.name}”").lstrip(" :")  # the name stands beside it
        return reason[:1].upper() + reason[1:]
    if item.state == "done" and has_remarks:
        return _tr("Done, with a remark")
    return {
        "waiting": _tr("Waiting"),
        "running": _tr("Enlarging"),
        "done": _tr("Done"),
        "skipped": _tr("Skipped: the result is there already"),
    }[item.state]


def size(megapixels: float | None) -> str:
    """Return how large a result will be, nothing where that is unknown."""
    if not megapixels:
        return ""
    if megapixels < _LEAST_MPIX:
        return _tr("< {} MPix").format(_LEAST_MPIX)
    return _tr("{:,.0f} MPix").format(megapixels) if megapixels >= 100 else _tr("{:.2g} MPix").format(megapixels)


def whole(items: Sequence[QueueItem], state: RunState, remaining_s: float | None) -> str:
    """Return how the whole queue stands, and how long what is left takes where that is known."""
    if not items:
        return ""
    counts = Counter(item.state for item in items)
    finished = counts["done"] + counts["skipped"] + counts["failed"]
    parts = {
        RunState.PAUSED: [_tr("Paused")],
        RunState.WAITING: [_tr("Waits for the open picture")],
        RunState.STOPPING: [_tr("Stopping…")],
    }.get(state, [])
    parts.append(_tr("{:,} of {}").format(finished, files(len(items))))
    parts += _exceptions(counts["skipped"], counts["failed"])
    if remaining_s is not None and finished < len(items):
        parts.append(_tr("{} left").format(duration(remaining_s)))
    return "  ·  ".join(parts)


def summary(run: RunSummary) -> str:
    """Return what became of the files of a run, in one sentence."""
    parts = [_tr("{:,} enlarged").format(run.done), *_exceptions(run.skipped, run.failed)]
    return _tr("The queue is done: {}.").format(", ".join(parts))


def addition(added: Added) -> str:
    """Return what became of files that were added, in one sentence."""
    parts = [_tr("Added {}").format(files(added.count))]
    if added.known:
        known = _tr("1 was waiting already") if added.known == 1 else _tr("{:,} were waiting already")
        parts.append(known.format(added.known))
    if added.results:
        one, more = _tr("1 result of an earlier run was left out"), _tr("{:,} results of earlier runs were left out")
        parts.append((one if added.results == 1 else more).format(added.results))
    return _tr("{}.").format("; ".join(parts))


def files(count: int) -> str:
    """Return so many files in words."""
    return _tr("1 file") if count == 1 else _tr("{:,} files").format(count)


def _exceptions(skipped: int, failed: int) -> list[str]:
    counts = {_tr("{:,} skipped"): skipped, _tr("{:,} failed"): failed}
    return [words.format(count) for words, count in counts.items() if count]


def _tr(text: str) -> str:
    return QCoreApplication.translate("queue", text)
