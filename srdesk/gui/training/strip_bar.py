"""The controls over the picture strip: which picture, how it is compared, and which step."""

from __future__ import annotations

from PySide6.QtCore import QSignalBlocker, Qt, Signal, Slot
from PySide6.QtWidgets import QButtonGroup, QCheckBox, QHBoxLayout, QLabel, QSlider, QToolButton, QWidget

from srdesk.gui.compare.comparison import CompareMode


class StripBar(QWidget):
    """Says what shall be seen.

    Args:
        is_live: whether there is a slider over time.
    """

    number_chosen = Signal(int)
    """Another picture."""
    mode_chosen = Signal(object)
    """Another `CompareMode`."""
    step_chosen = Signal(int)
    """Another step."""

    def __init__(self, *, is_live: bool, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._is_live = is_live
        self._steps: list[int] = []
        self.numbers = QButtonGroup(self)
        """One button for each picture, with its number as id."""
        self.numbers.idClicked.connect(self.number_chosen)
        self.modes = QButtonGroup(self)
        """One button for each way of comparing."""
        self.slider = QSlider(Qt.Orientation.Horizontal)
        """Goes through the steps of which there are enlargements."""
        self.slider.setAccessibleName(self.tr("Step that “Now” shows"))
        self.slider.setPageStep(1)
        self.slider.valueChanged.connect(self._on_moved)
        self._step = QLabel()
        self.latest = QCheckBox(self.tr("Latest"))
        """Whether new enlargements are shown as they come."""
        self.latest.setToolTip(self.tr("Show new enlargements as they come"))
        self.latest.setChecked(True)
        self.latest.toggled.connect(self._on_latest)
        self._build()
        self.set_contents([], [])

    @property
    def step(self) -> int | None:
        """The chosen step, None where there is none."""
        return self._steps[self.slider.value()] if self._steps else None

    def set_contents(self, numbers: list[int], steps: list[int]) -> None:
        """Offer these pictures and steps, both rising; the choices stay where they can."""
        if numbers != [self.numbers.id(button) for button in self.numbers.buttons()]:
            self._offer_numbers(numbers)
        wanted, self._steps = self.step, steps
        with QSignalBlocker(self.slider):
            self.slider.setRange(0, max(0, len(steps) - 1))
            self.slider.setValue(self._place_of(wanted))
        for button in self.modes.buttons():
            button.setVisible(bool(steps))
        for widget in (self.slider, self._step, self.latest):
            widget.setVisible(self._is_live and bool(steps))
        self._describe()

    def go_to(self, step: int) -> None:
        """Choose the step that is nearest to ``step``."""
        if self._steps:
            self.latest.setChecked(False)
            self.slider.setValue(self._place_of(step))

    def set_mode(self, mode: CompareMode) -> None:
        """Show how pictures are compared, without saying so again."""
        for button in self.modes.buttons():
            if button.property("mode") == mode.value:
                button.setChecked(True)

    def _build(self) -> None:
        title = QLabel(self.tr("Held-out pictures"))
        bold = title.font()
        bold.setBold(True)
        title.setFont(bold)
        self._number_row = QHBoxLayout()
        self._number_row.setSpacing(2)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(4)
        row.addWidget(title)
        row.addSpacing(8)
        row.addLayout(self._number_row)
        row.addSpacing(12)
        for mode, text in (
            (CompareMode.GRID, self.tr("All")),
            (CompareMode.SLIDER, self.tr("Slider")),
            (CompareMode.BLINK, self.tr("Blink")),
            (CompareMode.DIFFERENCE, self.tr("Difference")),
        ):
            button = _choice(text)
            button.setProperty("mode", mode.value)
            button.clicked.connect(self._on_mode)
            self.modes.addButton(button)
            row.addWidget(button)
        self.set_mode(CompareMode.GRID)
        row.addSpacing(16)
        row.addWidget(self.slider, 1)
        row.addWidget(self._step)
        row.addSpacing(8)
        row.addWidget(self.latest)
        if not self._is_live:
            row.addStretch(1)

    def _offer_numbers(self, numbers: list[int]) -> None:
        chosen = self.numbers.checkedId()
        for button in self.numbers.buttons():
            self.numbers.removeButton(button)
            button.deleteLater()
        for place, number in enumerate(numbers, 1):
            button = _choice(str(place))
            button.setAccessibleName(self.tr("Picture {}").format(place))
            button.setToolTip(button.accessibleName())
            self.numbers.addButton(button, number)
            self._number_row.addWidget(button)
        if numbers:
            self.numbers.button(chosen if chosen in numbers else numbers[0]).setChecked(True)

    def _place_of(self, step: int | None) -> int:
        places = range(len(self._steps))
        if step is None or self.latest.isChecked():
            return max(0, len(self._steps) - 1)
        return min(places, key=lambda place: abs(self._steps[place] - step), default=0)

    def _describe(self) -> None:
        if self.step is not None:
            self._step.setText(self.tr("step {:,}").format(self.step))

    @Slot()
    def _on_mode(self) -> None:
        self.mode_chosen.emit(CompareMode(self.sender().property("mode")))

    @Slot()
    def _on_moved(self) -> None:
        if self.slider.value() < self.slider.maximum():
            self.latest.setChecked(False)
        self._describe()
        if self.step is not None:
            self.step_chosen.emit(self.step)

    @Slot(bool)
    def _on_latest(self, is_latest: bool) -> None:
        if is_latest:
            self.slider.setValue(self.slider.maximum())


def _choice(text: str) -> QToolButton:
    button = QToolButton()
    button.setText(text)
    button.setCheckable(True)
    button.setObjectName("choice")
    return button
