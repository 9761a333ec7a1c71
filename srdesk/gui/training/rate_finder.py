"""Trying learning rates: a button, and the curve of what was tried."""

from __future__ import annotations

import math
from typing import Any

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtWidgets import QLabel, QPushButton, QVBoxLayout, QWidget

from srdesk.gui.training.charts import Chart, Ink
from srdesk.gui.training.latest_task import LatestTask, MakeTask, arguments_for
from srdesk.gui.training.outcome import Crashed, Failed, RunOutcome
from srdesk.training import events
from srdesk.training.config import TrainConfig

_CHART_HEIGHT_PX = 150


class RateFinder(QWidget):
    """Seen once it was asked for. Whoever makes one calls `shutdown`."""

    found = Signal(float)
    """The rate to train with."""

    def __init__(self, make_task: MakeTask, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._config: TrainConfig | None = None
        self._tried: list[tuple[float, float]] = []
        self._task = LatestTask(make_task, self)
        self._task.progressed.connect(self._on_progressed)
        self._task.ended.connect(self._on_ended)
        self.button = QPushButton(self.tr("Find Rate"))
        """Begins or ends the search; belongs beside the field of the rate."""
        self.button.setToolTip(self.tr("Try rising rates on your pictures for a minute or two"))
        self.button.setAutoDefault(False)
        self.button.clicked.connect(self._on_clicked)
        self._chart = Chart(self.tr("Loss at rising rates"))
        self._chart.setFixedHeight(_CHART_HEIGHT_PX)
        self._points: Any = self._chart.add_points(Ink.CLOUD, 5)
        self._line: Any = self._chart.add_line(Ink.LINE)
        self._chosen: Any = self._chart.add_level(Ink.BICUBIC, Qt.PenStyle.DashLine, angle=90)
        self._chart.set_log(x=True)
        self._text = QLabel()
        self._text.setObjectName("muted")
        self._text.setWordWrap(True)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        column.addWidget(self._chart)
        column.addWidget(self._text)
        self.hide()

    @property
    def text(self) -> str:
        """What is said about the search."""
        return self._text.text()

    def set_config(self, config: TrainConfig | None) -> None:
        """Search for this configuration; None while it cannot be searched for."""
        self._config = config
        self.button.setEnabled(config is not None or self._task.is_going_on)

    def cancel(self) -> None:
        """Search no further."""
        if self._task.is_going_on:
            self._task.cancel()
            self._show_end(self.tr("The search was cancelled."))

    def shutdown(self) -> None:
        """End the search."""
        self._task.shutdown()

    @Slot()
    def _on_clicked(self) -> None:
        if self._task.is_going_on:
            self.cancel()
        elif self._config is not None:
            self._tried = []
            self._chosen.hide()
            self._draw()
            self._text.setText(self.tr("Preparing…"))
            self.button.setText(self.tr("Cancel"))
            self.show()
            self._task.start("--find-learning-rate", *arguments_for(self._config))

    @Slot(object)
    def _on_progressed(self, event: events.AnyEvent) -> None:
        match event:
            case events.RateTried(learning_rate=rate, loss=loss):
                self._tried.append((rate, loss))
                self._text.setText(self.tr("Tried {:.1e}").format(rate))
                self._draw()
            case events.RateFound(learning_rate=rate):
                self._chosen.setValue(_log10(rate))
                self._chosen.show()
                self._text.setText(self.tr("{:.1e} is a good rate; it was taken over.").format(rate))
                self.found.emit(rate)
            case _:
                pass

    @Slot(object)
    def _on_ended(self, outcome: RunOutcome) -> None:
        if isinstance(outcome, Failed | Crashed):
            self._show_end(f"{outcome.error} {outcome.error.hint}")
        else:
            self._show_end(self._text.text())

    def _show_end(self, text: str) -> None:
        self._text.setText(text)
        self.button.setText(self.tr("Find Rate"))
        self.button.setEnabled(self._config is not None)

    def _draw(self) -> None:
        rates, losses = [rate for rate, _ in self._tried], [loss for _, loss in self._tried]
        self._points.setData(rates, losses)
        self._line.setData(rates, losses)
        if rates:
            highest = min(max(losses), 2 * losses[0])  # where it diverges there is nothing to see
            self._chart.set_span((_log10(rates[0]), _log10(max(rates))), (min(losses), highest))


def _log10(value: float) -> float:
    return math.log10(max(value, 1e-300))
