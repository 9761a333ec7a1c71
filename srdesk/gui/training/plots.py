"""The curves of a run while it goes on: loss, quality on held-out pictures, and what the discriminator thinks.

Whatever the length of a run, at most `MOST_POINTS` points of a curve are drawn.
"""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import Qt, Slot
from PySide6.QtWidgets import QCheckBox, QHBoxLayout, QWidget

from srdesk.gui.training.charts import MOST_POINTS, Chart, Ink, QualityChart
from srdesk.gui.training.run_record import Curve, FloatArray, RunRecord, smoothed, thinned

_LEAST_LOSS = 1e-12
"""Zero has no logarithm; a loss of exactly zero only occurs in trials."""


class RunPlots(QWidget):
    """The charts of one run side by side."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._record = RunRecord()
        self._loss = Chart(self.tr("Loss"))
        self._loss_points = self._loss.add_points(Ink.CLOUD, 4)
        self._loss_line = self._loss.add_line(Ink.LINE, 2.2)
        self._loss.set_names({self.tr("batch"): (Ink.CLOUD, "●"), self.tr("smoothed"): (Ink.LINE, "━")})
        self.log = QCheckBox(self.tr("Log"))
        """Whether the loss is drawn on a logarithmic scale."""
        self.log.setToolTip(self.tr("Draw the loss on a logarithmic scale"))
        self.log.toggled.connect(self._on_log)
        self._loss.add_to_head(self.log)
        self._psnr = QualityChart(self.tr("PSNR, dB"), digits=2)
        self._ssim = QualityChart(self.tr("SSIM"), digits=4)
        self.close_up = QCheckBox(self.tr("Close-up"))
        """Whether the height is filled with what changes, wherever bicubic is."""
        self.close_up.setToolTip(self.tr("Fill the height with the curve and its start; bicubic may be out of sight"))
        self.close_up.toggled.connect(self.draw)
        self._psnr.add_to_head(self.close_up)
        self._discriminator = Chart(self.tr("Discriminator"))
        self._real = self._discriminator.add_line(Ink.START)
        self._fake = self._discriminator.add_line(Ink.FAKE, style=Qt.PenStyle.DashLine)
        self._discriminator.set_names({self.tr("D(real)"): (Ink.START, "━"), self.tr("D(fake)"): (Ink.FAKE, "╍")})
        self._discriminator.hide()
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(16)
        for chart, share in ((self._loss, 5), (self._psnr, 5), (self._ssim, 5), (self._discriminator, 4)):
            row.addWidget(chart, share)

    def set_record(self, record: RunRecord) -> None:
        """Draw ``record`` from now on, whenever `draw` is called."""
        self._record = record
        self.draw()

    @Slot()
    def draw(self) -> None:
        """Draw the record as it is now."""
        record = self._record
        started = record.started
        last_step = _axis_end(record.step or (started.steps if started else 1))
        self._draw_loss(record.loss, last_step)
        for chart, curve, bicubic in (
            (self._psnr, record.psnr_y_db, started.bicubic_psnr_y_db if started else None),
            (self._ssim, record.ssim_y, started.bicubic_ssim_y if started else None),
        ):
            start = record.start_value(curve)
            is_close_up = self.close_up.isChecked()
            chart.show_curve(curve, bicubic=bicubic, start=start, last_step=last_step, is_close_up=is_close_up)
        self._discriminator.setVisible(record.has_discriminator)
        if record.has_discriminator:
            self._draw_discriminator(record, last_step)
        for marked in (self._loss, self._psnr, self._ssim, self._discriminator):
            marked.show_marks(record.marks)

    def _draw_loss(self, curve: Curve, last_step: int) -> None:
        at = thinned(len(curve), MOST_POINTS)
        values = np.maximum(curve.values, _LEAST_LOSS)
        drawn, line = values[at], smoothed(values, at) if len(at) else values
        x = curve.steps[at]
        self._loss_points.setData(x, drawn)
        self._loss_line.setData(x, line)
        if len(at):
            low, high = _usual_span(drawn)
            is_log = self.log.isChecked()
            self._loss.set_span((0, last_step), (np.log10(low), np.log10(high)) if is_log else (low, high))

    def _draw_discriminator(self, record: RunRecord, last_step: int) -> None:
        for item, curve in ((self._real, record.real_probability), (self._fake, record.fake_probability)):
            at = thinned(len(curve), MOST_POINTS)
            item.setData(curve.steps[at], smoothed(curve.values, at) if len(at) else curve.values)
        self._discriminator.set_span((0, last_step), (0.0, 1.0))

    @Slot(bool)
    def _on_log(self, is_log: bool) -> None:
        self._loss.set_log(y=is_log)
        self.draw()


def _axis_end(step: int) -> int:
    """Return ``step`` rounded up to two digits, so that the axes do not move with every step."""
    unit = 10 ** max(0, len(str(step)) - 2)
    return int(-(-step // unit) * unit)


def _usual_span(values: FloatArray) -> tuple[float, float]:
    """Return lowest and highest value, without the rare outliers that would flatten the rest."""
    low, high = np.percentile(values, (0.0, 99.0 if len(values) >= 100 else 100.0))
    return float(low), float(high)
