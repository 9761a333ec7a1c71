"""Choosing what a run is for."""

from __future__ import annotations

from PySide6.QtCore import Signal, Slot
from PySide6.QtWidgets import QButtonGroup, QHBoxLayout, QLabel, QToolButton, QVBoxLayout, QWidget

from srdesk.training.presets import PRESETS, Preset


class PresetBar(QWidget):
    """The presets side by side, and a sentence about the chosen one."""

    chosen_changed = Signal(object)
    """The `Preset` that was chosen."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._group = QButtonGroup(self)
        row = QHBoxLayout()
        row.setSpacing(4)
        for number, preset in enumerate(PRESETS):
            button = QToolButton()
            button.setObjectName("choice")
            button.setText(self.tr(preset.title))
            button.setToolTip(self.tr(preset.purpose))
            button.setCheckable(True)
            self._group.addButton(button, number)
            row.addWidget(button)
        row.addStretch(1)
        self._group.button(0).setChecked(True)
        self._group.idClicked.connect(self._on_clicked)
        self._purpose = QLabel()
        self._purpose.setObjectName("muted")
        self._purpose.setWordWrap(True)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        column.addLayout(row)
        column.addWidget(self._purpose)
        self._describe()

    @property
    def chosen(self) -> Preset:
        """The chosen preset."""
        return PRESETS[self._group.checkedId()]

    def choose(self, key: str) -> None:
        """Choose the preset called ``key``."""
        for number, preset in enumerate(PRESETS):
            if preset.key == key:
                self._group.button(number).setChecked(True)
                self._on_clicked(number)

    @Slot(int)
    def _on_clicked(self, _number: int) -> None:
        self._describe()
        self.chosen_changed.emit(self.chosen)

    def _describe(self) -> None:
        self._purpose.setText(self.tr(self.chosen.purpose))
