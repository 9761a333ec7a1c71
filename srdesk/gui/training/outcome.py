"""How a training, or a short task, ended: as plain values."""

from __future__ import annotations

import signal
from dataclasses import dataclass

from srdesk.errors import Cancelled, SrDeskError, TrainingError, TrainingProcessError
from srdesk.training import events

_SENTENCE = "srdesk: "
"""What the command line begins a sentence with on stderr; a remedy follows on a line of its own, further in."""


@dataclass(frozen=True, slots=True)
class Finished:
    """Everything was done that there was to do."""

    event: events.Finished


@dataclass(frozen=True, slots=True)
class Stopped:
    """Somebody asked for the end; a run can be resumed."""

    event: events.Finished | None = None
    """None where the process ended before it could say so."""


@dataclass(frozen=True, slots=True)
class Failed:
    """The process said what went wrong."""

    error: SrDeskError


@dataclass(frozen=True, slots=True)
class Crashed:
    """The process was killed, or fell without a word; a run can be resumed from its last checkpoint."""

    exit_code: int | None
    """Of the process, negative for the number of a signal; None if it was not a child of this desk."""
    log_tail: str
    """The last lines that it wrote to stderr."""

    @property
    def error(self) -> TrainingProcessError:
        """The same as an error that a person can read."""
        return TrainingProcessError(
            f"The training process ended without saying why{self._how()}.",
            hint="Resume the run: it goes on from its last checkpoint. The log in its folder may say more.",
        )

    def _how(self) -> str:
        if self.exit_code is None:
            return ""
        if self.exit_code >= 0:
            return f" (exit code {self.exit_code})"
        try:
            return f" ({signal.Signals(-self.exit_code).name})"
        except ValueError:
            return f" (signal {-self.exit_code})"


RunOutcome = Finished | Stopped | Failed | Crashed


def outcome_of(
    last: events.Finished | events.Failed | None, *, exit_code: int | None, log_tail: str, was_asked: bool = False
) -> RunOutcome:
    """Tell how a process ended.

    Args:
        last: what it said at its end, None if it said nothing.
        exit_code: of the process, None if that is not known.
        log_tail: the last lines of its stderr, in which it says why it ended where it may not tell it as an event.
        was_asked: whether it was told to end, so that ending without a word is no crash.
    """
    if isinstance(last, events.Finished):
        return Finished(last) if last.reason == "done" else Stopped(last)
    if isinstance(last, events.Failed):
        return Failed(TrainingError(last.message, hint=last.hint))
    if was_asked:
        return Stopped()
    said = _last_said(log_tail) if exit_code is not None and exit_code > 0 else None
    return Crashed(exit_code, log_tail) if said is None or exit_code == Cancelled.exit_code else Failed(said)


def _last_said(log: str) -> TrainingError | None:
    """Return the last thing that the command line said went wrong, None if it said nothing."""
    _, mark, rest = f"\n{log}".rpartition(f"\n{_SENTENCE}")
    if not mark:
        return None
    sentence, _, more = rest.partition("\n")
    hint = more.partition("\n")[0]
    return TrainingError(sentence, hint=hint.strip() if hint.startswith(" ") else "")
