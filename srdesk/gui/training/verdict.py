"""What a run came to, in plain words. No widgets."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication

from srdesk.gui.training.outcome import Crashed, Failed, Finished, RunOutcome, Stopped
from srdesk.gui.training.run_record import RunRecord
from srdesk.training import events

NOTICEABLE_DB = 0.05
"""Smaller differences of the mean are called slight: nobody sees them."""


class Verdict:
    """The sentences about one run that has ended."""

    def __init__(self, record: RunRecord, outcome: RunOutcome) -> None:
        self._record = record
        self._outcome = outcome

    @property
    def is_better(self) -> bool:
        """Whether the new weights enlarge held-out pictures better than those that the run started from."""
        compared = self._record.compared
        return compared is not None and compared.is_better

    @property
    def headline(self) -> str:
        """The answer to “did it help?”, or why there is none."""
        compared = self._record.compared
        if compared is None:
            return self._ending()
        if not compared.is_better:
            return _tr("The new weights are not better than those the run started from.")
        if compared.best_feature_distance is not None and compared.difference_db < 0:
            return _tr("The new weights are better by VGG features, but worse in PSNR: look at the pictures.")
        if compared.difference_db < NOTICEABLE_DB:
            return _tr("The new weights are slightly better, by less than can be seen.")
        return _tr("The new weights are better.")

    @property
    def details(self) -> str:
        """The figures behind the headline, and how the run ended."""
        compared = self._record.compared
        sentences = list[str]()
        if compared is not None:
            sentences += [*self._features(compared), self._comparison(compared), self._ending()]
        elif self._record.weights is None:
            sentences.append(_tr("It has made no weights yet."))
        else:
            sentences.append(_tr("Its weights were not compared with those it started from."))
        if isinstance(self._outcome, Failed | Crashed):
            sentences.append(self._outcome.error.hint)
        return " ".join(filter(None, sentences))

    def _comparison(self, compared: events.Compared) -> str:
        bests = [score.best_db for score in compared.pictures]
        over_bicubic_db = sum(bests) / len(bests) - compared.bicubic_db if bests else 0.0
        return _tr(
            "On {count} held-out pictures PSNR changed by {difference:+.2f} dB on average; {better} got better. "
            "That is {bicubic:+.2f} dB against bicubic enlargement."
        ).format(
            count=len(compared.pictures),
            difference=compared.difference_db,
            better=compared.better_pictures,
            bicubic=over_bicubic_db,
        )

    def _features(self, compared: events.Compared) -> list[str]:
        start, best = compared.start_feature_distance, compared.best_feature_distance
        if not start or best is None:
            return []
        return [
            _tr("The distance to the originals in VGG features changed by {:+.0f} %.").format(100 * (best / start - 1))
        ]

    def _ending(self) -> str:
        steps = self._record.started.steps if self._record.started else 0
        step = self._record.step
        match self._outcome:
            case Finished():
                return _tr("All {:,} steps were made.").format(step)
            case Stopped() if not steps:
                return _tr("The run was stopped before its first step.")
            case Stopped():
                return _tr("The run was stopped at step {:,} of {:,}.").format(step, steps)
            case Failed(error) | Crashed(error=error):
                return str(error)


def _tr(text: str) -> str:
    return QCoreApplication.translate("training", text)
