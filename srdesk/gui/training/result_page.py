"""The page after a run: whether it helped, shown on held-out pictures, and what becomes of its weights."""

from __future__ import annotations

from enum import Enum

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QSplitter, QVBoxLayout, QWidget

from srdesk.gui.compare.comparison import CompareMode
from srdesk.gui.training.outcome import Crashed, Failed, RunOutcome, Stopped
from srdesk.gui.training.picture_strip import PictureStrip
from srdesk.gui.training.run_record import RunRecord
from srdesk.gui.training.score_table import ScoreTable
from srdesk.gui.training.verdict import Verdict
from srdesk.training.run.runs import PICTURES_FOLDER, Run


class Decision(Enum):
    """What shall become of the weights."""

    ADOPT = "adopt"
    """The pane of their network uses them from now on."""
    KEEP_BOTH = "keep_both"
    """They can be chosen, but the pane keeps its weights."""
    DISCARD = "discard"
    """Nothing is copied."""


class ResultPage(QWidget):
    """Shows how one run ended. Whoever makes the page calls `shutdown`."""

    decided = Signal(object)
    """The `Decision` of the person."""
    resume_requested = Signal()
    """The person wants the run to go on."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._headline = QLabel()
        self._headline.setObjectName("trainingHeadline")
        self._headline.setWordWrap(True)
        self._details = QLabel()
        self._details.setWordWrap(True)
        self._details.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._answer = QLabel()
        self._answer.setWordWrap(True)
        self._answer.setObjectName("trainingNotice")
        self.table = ScoreTable()
        """The figures of each held-out picture."""
        self.strip = PictureStrip(is_live=False)
        """The held-out pictures, before behind a slider and after."""
        self.strip.set_mode(CompareMode.SLIDER)
        splitter = QSplitter()
        splitter.setChildrenCollapsible(False)
        splitter.setHandleWidth(16)
        splitter.addWidget(self.table)
        splitter.addWidget(self.strip)
        splitter.setSizes([480, 720])
        column = QVBoxLayout(self)
        column.setContentsMargins(20, 16, 20, 12)
        column.setSpacing(8)
        column.addWidget(self._headline)
        column.addWidget(self._details)
        column.addWidget(splitter, 1)
        column.addWidget(self._answer)
        column.addLayout(self._build_buttons())

    def _build_buttons(self) -> QHBoxLayout:
        self.buttons: dict[Decision, QPushButton] = {}
        """The button of each decision."""
        row = QHBoxLayout()
        row.setSpacing(8)
        self.resume = QPushButton(self.tr("Resume Training"))
        """Lets an unfinished run go on."""
        self.resume.clicked.connect(self.resume_requested)
        row.addWidget(self.resume)
        row.addStretch(1)
        for decision, text, tip in (
            (Decision.DISCARD, self.tr("Discard"), self.tr("Use nothing of this run; it stays in the list of runs")),
            (Decision.KEEP_BOTH, self.tr("Keep Both"), self.tr("Offer the new weights beside those in use")),
            (Decision.ADOPT, self.tr("Adopt"), self.tr("Use the new weights from now on; the old ones are kept")),
        ):
            button = QPushButton(text)
            button.setToolTip(tip)
            button.setProperty("decision", decision.value)
            button.clicked.connect(self._on_decided)
            self.buttons[decision] = button
            row.addWidget(button)
        return row

    def shutdown(self) -> None:
        """End the thread of the pictures."""
        self.strip.shutdown()

    def show_result(self, run: Run, record: RunRecord, outcome: RunOutcome) -> None:
        """Show how ``run`` ended and what it reached."""
        verdict = Verdict(record, outcome)
        self._headline.setText(verdict.headline)
        self._details.setText(verdict.details)
        self._answer.hide()
        self.table.show_scores(record.compared.pictures if record.compared else ())
        self.strip.show_folder(run.folder / PICTURES_FOLDER)
        if record.weights is not None:
            self.strip.go_to(record.weights.step)
        self.resume.setVisible(isinstance(outcome, Stopped | Failed | Crashed))
        for button in self.buttons.values():
            button.setVisible(record.weights is not None)
            button.setEnabled(True)
        self._choose_default(record, verdict)

    def show_answer(self, sentence: str) -> None:
        """Say what was done with the weights; nothing more is to be decided."""
        self._answer.setText(sentence)
        self._answer.show()
        for button in self.buttons.values():
            button.setEnabled(False)

    @property
    def headline(self) -> str:
        """The answer to “did it help?”."""
        return self._headline.text()

    @property
    def answer(self) -> str:
        """What was done with the weights."""
        return self._answer.text()

    @property
    def default(self) -> Decision | None:
        """The decision that the Return key makes, None where there is nothing to decide."""
        return next((decision for decision, button in self.buttons.items() if button.isDefault()), None)

    def _choose_default(self, record: RunRecord, verdict: Verdict) -> None:
        """Let Return adopt what is better, go on where nothing is known yet, and keep everything as it is otherwise."""
        for button in (self.resume, *self.buttons.values()):
            button.setAutoDefault(False)
            button.setDefault(False)
        if verdict.is_better:
            self.buttons[Decision.ADOPT].setDefault(True)
        elif record.compared is None and not self.resume.isHidden():
            self.resume.setDefault(True)
        else:
            self.buttons[Decision.DISCARD].setDefault(True)

    @Slot()
    def _on_decided(self) -> None:
        self.decided.emit(Decision(self.sender().property("decision")))
