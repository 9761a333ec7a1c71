"""The line at the bottom: what is being done and how long it will take; where, how fast; what is under the cursor."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt, QTimer, Signal, Slot
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QProgressBar, QPushButton, QWidget

from srdesk.engine.control import Progress

_PASSING_MS = 6000
_FIRST_MEMORY_MS = 400
_MEMORY_EVERY_MS = 2000
_BAR_WIDTH_PX = 140
_PER_MILLE = 1000


class StatusLine(QFrame):
    """Shows what it is told; asks for nothing but free memory."""

    cancel_requested = Signal()
    """The person wants to stop what is going on."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("statusLine")
        self._resting_text = ""
        self._activity = ElidedLabel()
        self._activity.setObjectName("activity")
        self._bar = QProgressBar()
        self._bar.setFixedWidth(_BAR_WIDTH_PX)
        self._bar.setTextVisible(False)
        self._bar.setAccessibleName(self.tr("Progress"))
        self._cancel = QPushButton(self.tr("Cancel"))
        self._cancel.setFlat(True)
        self._cancel.setToolTip(self.tr("Stop (Esc)"))
        self._cancel.clicked.connect(self.cancel_requested)
        self._cursor = ElidedLabel()
        self._cursor.setAccessibleName(self.tr("Values under the cursor"))
        self._machine = QLabel()
        self._machine.setAccessibleName(self.tr("Device, window size, free memory and speed"))
        self._device = self._window = self._speed = self._free = ""

        row = QHBoxLayout(self)
        row.setContentsMargins(12, 2, 12, 2)
        row.setSpacing(10)
        row.addWidget(self._activity)
        row.addWidget(self._bar, 0, Qt.AlignmentFlag.AlignVCenter)
        row.addWidget(self._cancel)
        row.addStretch(1)
        row.addWidget(self._cursor)
        row.addSpacing(6)
        row.addWidget(self._machine)
        self._row = row
        self.setFixedHeight(max(self._cancel.sizeHint().height() + 4, 32))

        self._passing = QTimer(self, singleShot=True, interval=_PASSING_MS)
        self._passing.timeout.connect(self._on_passed)
        self._memory = QTimer(self, interval=_MEMORY_EVERY_MS)
        self._memory.timeout.connect(self._on_memory)
        self._memory.start()
        QTimer.singleShot(_FIRST_MEMORY_MS, self._on_memory)
        self.show_idle()

    @property
    def text(self) -> str:
        """What is said at the left."""
        return self._activity.text()

    @property
    def is_busy(self) -> bool:
        """Whether progress is shown."""
        return not self._bar.isHidden()

    def add(self, widget: QWidget) -> None:
        """Give ``widget`` a place before what is said about the machine."""
        self._row.insertWidget(self._row.indexOf(self._machine), widget)

    def say(self, text: str) -> None:
        """Say something for a few seconds, in place of what goes on: the bar still shows that."""
        self._activity.setText(text)
        self._passing.start()

    def show_work(self, text: str, progress: Progress | None = None) -> None:
        """Show that something is going on.

        Args:
            text: what it is.
            progress: how far it is; None if that is unknown.
        """
        if progress is None or progress.done == 0:
            self._bar.setRange(0, 0)
        else:
            self._bar.setRange(0, _PER_MILLE)
            self._bar.setValue(int(progress.fraction * _PER_MILLE))
            remaining_s = progress.remaining_s
            if remaining_s is not None:
                text = self.tr("{} · {} % · {} left").format(text, int(progress.fraction * 100), duration(remaining_s))
        self._rest(text)
        self._bar.show()
        self._cancel.show()

    def show_idle(self, text: str = "") -> None:
        """Show that nothing is going on."""
        self._rest(text)
        self._bar.hide()
        self._cancel.hide()

    def show_machine(self, *, device: str, window: str, speed_mpx_s: float | None) -> None:
        """Show where panes are computed and how fast.

        Args:
            device: name of the device.
            window: window size in words.
            speed_mpx_s: output megapixels a second of the latest run.
        """
        self._device, self._window = device, window
        self._speed = "" if speed_mpx_s is None else self.tr("{:.1f} MPix/s").format(speed_mpx_s)
        self._show_machine()

    def show_cursor(self, text: str) -> None:
        """Show position and values under the cursor; nothing when empty."""
        self._cursor.setText(text)

    def _rest(self, text: str) -> None:
        self._resting_text = text
        if not self._passing.isActive():
            self._activity.setText(text)

    def _show_machine(self) -> None:
        parts = (self._device, self._window, self._free, self._speed)
        self._machine.setText("  ·  ".join(part for part in parts if part))

    @Slot()
    def _on_memory(self) -> None:
        import psutil  # not at the top: the window need not wait for it

        self._free = self.tr("{:.1f} GB free").format(psutil.virtual_memory().available / 2**30)
        self._show_machine()

    @Slot()
    def _on_passed(self) -> None:
        self._activity.setText(self._resting_text)


class ElidedLabel(QLabel):
    """A label that cuts its text off where there is no room, instead of making the window wider."""

    def minimumSizeHint(self) -> QSize:
        """Return no width at all."""
        return QSize(0, super().minimumSizeHint().height())

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint as much of the text as there is room for."""
        painter = QPainter(self)
        painter.setPen(self.palette().color(self.foregroundRole()))
        text = self.fontMetrics().elidedText(self.text(), Qt.TextElideMode.ElideRight, self.width())
        painter.drawText(self.rect(), int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter), text)
        painter.end()


def duration(seconds: float) -> str:
    """Return a time in the coarsest words that are useful: 8 s, 2 min 10 s, 1 h 5 min."""
    whole = max(1, round(seconds))
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"
