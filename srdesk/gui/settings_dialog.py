"""The preferences: a form over the Settings table, checked while it is being filled in."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from PySide6.QtCore import Slot
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QFormLayout,
    QLabel,
    QLineEdit,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from srdesk.errors import ConfigError
from srdesk.gui.actions import WINDOW_SIZES_PX
from srdesk.imaging.naming import PLACEHOLDERS, OutputName
from srdesk.settings import Settings

_EXAMPLE = Path("holiday/photo.jpg")


class SettingsDialog(QDialog):
    """Edits a copy of the settings; `settings` is what the person made of them."""

    def __init__(self, settings: Settings, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(self.tr("Preferences"))
        self._before = settings
        self._theme = self._combo(
            {"system": self.tr("Same as the system"), "light": self.tr("Light"), "dark": self.tr("Dark")},
            settings.theme,
        )
        windows: dict[Any, str] = {None: self.tr("Automatic")}
        windows |= {px: self.tr("{} px").format(px) for px in sorted({*WINDOW_SIZES_PX, settings.window_px or 64})}
        windows[0] = self.tr("Whole picture")
        self._window = self._combo(windows, settings.window_px)
        self._collision = self._combo(
            {
                "number": self.tr("Number the new file"),
                "ask": self.tr("Ask"),
                "skip": self.tr("Keep the old file"),
                "overwrite": self.tr("Replace the old file"),
            },
            settings.on_collision,
        )
        self._beside_training = self._combo(
            {"cpu": self.tr("On the CPU"), "same": self.tr("On the same device as ever")},
            settings.panes_beside_training,
        )
        self._automatic = self._spin(0, 3600, settings.automatic_run_s, self.tr(" s"))
        self._automatic.setSpecialValueText(self.tr("Never"))
        self._quality = self._spin(1, 100, settings.jpeg_quality, "")
        self.template = QLineEdit(settings.output_name_template)
        """How results are named."""
        self.template.setToolTip(self.tr("Placeholders: {}").format(" ".join(f"{{{name}}}" for name in PLACEHOLDERS)))
        self.template.textChanged.connect(self._on_edited)
        self._preview = QLabel()
        self._preview.setObjectName("muted")
        self._preview.setWordWrap(True)
        self._ask = QCheckBox(self.tr("Ask before closing while something is running"))
        self._ask.setChecked(settings.ask_before_closing)
        self._sidecar = QCheckBox(self.tr("Write beside each result how it was made (.srdesk.json)"))
        self._sidecar.setToolTip(
            self.tr("The picture itself always says it; from the file beside it the result can be made again.")
        )
        self._sidecar.setChecked(settings.write_sidecar)
        self._buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Ok | QDialogButtonBox.StandardButton.Cancel)
        self._buttons.accepted.connect(self.accept)
        self._buttons.rejected.connect(self.reject)
        self._lay_out()
        self._on_edited()

    def _lay_out(self) -> None:
        form = QFormLayout()
        form.setHorizontalSpacing(16)
        form.setVerticalSpacing(10)
        form.addRow(self.tr("&Theme"), self._theme)
        form.addRow(self.tr("&Window size"), self._window)
        form.addRow(self.tr("&Enlarge at once if a pane takes up to"), self._automatic)
        form.addRow(self.tr("Panes while a training has the &GPU"), self._beside_training)
        form.addRow(self.tr("&Name of results"), self.template)
        form.addRow("", self._preview)
        form.addRow(self.tr("If the file &exists"), self._collision)
        form.addRow(self.tr("JPEG and WebP &quality"), self._quality)
        form.addRow("", self._sidecar)
        form.addRow("", self._ask)
        column = QVBoxLayout(self)
        column.setContentsMargins(24, 20, 24, 16)
        column.setSpacing(20)
        column.addLayout(form)
        column.addWidget(self._buttons)
        self.setMinimumWidth(520)

    @property
    def example(self) -> str:
        """What is said about the name of results."""
        return self._preview.text()

    @property
    def changes(self) -> dict[str, Any]:
        """What was entered, by the names of the settings; others may have changed since the dialog was opened."""
        return {
            "theme": self._theme.currentData(),
            "window_px": self._window.currentData(),
            "automatic_run_s": self._automatic.value(),
            "panes_beside_training": self._beside_training.currentData(),
            "output_name_template": self.template.text(),
            "on_collision": self._collision.currentData(),
            "jpeg_quality": self._quality.value(),
            "write_sidecar": self._sidecar.isChecked(),
            "ask_before_closing": self._ask.isChecked(),
        }

    @property
    def settings(self) -> Settings:
        """Return the settings with what was entered.

        Raises:
            ConfigError: an entry is not allowed.
        """
        return self._before.changed(**self.changes)

    @Slot()
    def _on_edited(self) -> None:
        try:
            settings = self.settings
        except ConfigError as error:
            self._preview.setText(f"{error} {error.hint}")
            is_valid = False
        else:
            name = OutputName(settings.output_name_template).render(_EXAMPLE, model="srresnet", scale=4)
            self._preview.setText(self.tr("For example {} → {}").format(_EXAMPLE.name, name))
            is_valid = True
        self._buttons.button(QDialogButtonBox.StandardButton.Ok).setEnabled(is_valid)

    def _combo(self, choices: dict[Any, str], chosen: object) -> QComboBox:
        combo = QComboBox()
        for value, text in choices.items():
            combo.addItem(text, value)
            if value == chosen:
                combo.setCurrentIndex(combo.count() - 1)
        return combo

    def _spin(self, least: int, most: int, value: int, suffix: str) -> QSpinBox:
        spin = QSpinBox()
        spin.setRange(least, most)
        spin.setValue(value)
        spin.setSuffix(suffix)
        return spin
