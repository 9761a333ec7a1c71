"""The strip under the panes with which a result is made more consistent with its picture."""

from __future__ import annotations

from PySide6.QtCore import Qt, QTimer, Signal, Slot
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QSlider, QToolButton, QWidget

_SETTLES_MS = 150
"""How long the slider must rest before something is computed."""
_SLIDER_PX = 220


class StrengthBar(QFrame):
    """Shows the strength of one pane and lets it be changed; knows nothing of pictures."""

    strength_chosen = Signal(float)
    """The person wants this strength, 0 to 1."""
    closed = Signal()
    """The person wants the strip to go away."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("statusLine")
        self._title = QLabel()
        self.slider = QSlider(Qt.Orientation.Horizontal)
        """0 to 100 per cent."""
        self.slider.setRange(0, 100)
        self.slider.setPageStep(10)
        self.slider.setFixedWidth(_SLIDER_PX)
        self.slider.setAccessibleName(self.tr("Strength of the back-projection in per cent"))
        self.slider.setToolTip(
            self.tr("How far the result is moved to where it gives the picture again when it is made smaller")
        )
        self._percent = QLabel()
        self._percent.setFixedWidth(self.fontMetrics().horizontalAdvance("100 %  "))
        self._words = QLabel()
        self._words.setObjectName("activity")
        close = QToolButton()
        close.setText("×")
        close.setAutoRaise(True)
        close.setToolTip(self.tr("Hide; the strength stays"))
        close.setAccessibleName(close.toolTip())
        row = QHBoxLayout(self)
        row.setContentsMargins(12, 4, 8, 4)
        row.setSpacing(10)
        for widget in (self._title, self.slider, self._percent):
            row.addWidget(widget)
        row.addWidget(self._words, 1)
        row.addWidget(close)
        self._settling = QTimer(self, singleShot=True, interval=_SETTLES_MS)
        self._settling.timeout.connect(self._on_settled)
        self.slider.valueChanged.connect(self._on_moved)
        self.slider.sliderReleased.connect(self._on_settled)
        close.clicked.connect(self.closed)

    @property
    def words(self) -> str:
        """What is said about the result."""
        return self._words.text()

    def show_state(self, title: str, strength: float | None, words: str) -> None:
        """Show how things are.

        Args:
            title: name of the pane.
            strength: from 0 to 1; None if there is nothing to change.
            words: what is known of the result, or why there is nothing to change.
        """
        self._title.setText(self.tr("Back-projection of {}").format(title))
        self.slider.setEnabled(strength is not None)
        if not (self.slider.isSliderDown() or self._settling.isActive()):
            self.slider.blockSignals(True)
            self.slider.setValue(round((strength or 0.0) * 100))
            self.slider.blockSignals(False)
            self._show_percent()
        self._words.setText(words)

    def stop_waiting(self) -> None:
        """Forget a wish that has not been told yet, because the slider stands for another pane now."""
        self._settling.stop()

    def _show_percent(self) -> None:
        self._percent.setText(self.tr("{} %").format(self.slider.value()))

    @Slot()
    def _on_moved(self) -> None:
        self._show_percent()
        self._settling.start()

    @Slot()
    def _on_settled(self) -> None:
        self._settling.stop()
        self.strength_chosen.emit(self.slider.value() / 100)
