"""The settings that few people need: rate, batch, losses, device."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QCheckBox, QComboBox, QFormLayout, QHBoxLayout, QLabel, QLineEdit, QSpinBox, QWidget

from srdesk.gui.training.fields import FieldWidget, combo, content, fill, line, number, spin
from srdesk.gui.training.rate_finder import RateFinder
from srdesk.gui.training.texts import field_title
from srdesk.training.config import DEFAULT_LOSSES, ModelName, TrainConfig

_LOSS_FIELDS = ("pixel_weight", "feature_weight", "adversarial_weight", "total_variation_weight")


class AdvancedForm(QWidget):
    """One widget for each field."""

    changed = Signal()
    """Something was entered."""

    def __init__(self, finder: RateFinder, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        automatic = self.tr("Automatic")
        self.fields: dict[str, FieldWidget] = {
            "learning_rate": line(field_title("learning_rate")),
            "batch_size": spin(1, 4096, field_title("batch_size")),
            "crop_px": spin(8, 512, field_title("crop_px")),
            **{name: line(field_title(name)) for name in _LOSS_FIELDS},
            "freeze_batch_norm": QCheckBox(self.tr("Keep the statistics of the start weights")),
            "device": combo({"auto": automatic, "cpu": "CPU", "cuda": "CUDA", "mps": "MPS"}, field_title("device")),
            "precision": combo(
                {"auto": automatic, "fp32": "float32", "bf16": "bfloat16", "fp16": "float16"}, field_title("precision")
            ),
            "threads": spin(0, 1024, field_title("threads")),
            "seed": spin(0, 2**31 - 1, field_title("seed")),
        }
        """Field of `TrainConfig` → where it is entered."""
        self._finder = finder
        finder.found.connect(self._on_rate_found)
        self._tune_spins()
        rate = QHBoxLayout()
        rate.setSpacing(8)
        rate.addWidget(self.fields["learning_rate"], 1)
        rate.addWidget(finder.button)
        form = QFormLayout(self)
        form.setContentsMargins(0, 0, 0, 0)
        form.setHorizontalSpacing(16)
        form.setVerticalSpacing(8)
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        form.addRow(field_title("learning_rate"), rate)
        form.addRow(finder)
        form.addRow(field_title("batch_size"), self._pair("batch_size", "crop_px"))
        form.addRow(field_title("pixel_weight"), self._pair("pixel_weight", "feature_weight"))
        form.addRow(
            field_title("adversarial_weight"), self._pair("adversarial_weight", "total_variation_weight")
        )  # fmt: skip
        form.addRow(field_title("freeze_batch_norm"), self.fields["freeze_batch_norm"])
        form.addRow(field_title("device"), self._pair("device", "precision"))
        form.addRow(field_title("threads"), self._pair("threads", "seed"))
        self._connect()

    def show_config(self, config: TrainConfig) -> None:
        """Put the fields of ``config`` into the form."""
        self.blockSignals(True)
        for name, widget in self.fields.items():
            fill(widget, getattr(config, name))
        self.blockSignals(False)
        self.show_usual_losses(config.model)

    def show_usual_losses(self, model: ModelName) -> None:
        """Write into empty fields what ``model`` is trained with unless something is entered."""
        for name in _LOSS_FIELDS:
            widget = self.fields[name]
            usual = getattr(DEFAULT_LOSSES[model], name.removesuffix("_weight"))
            assert isinstance(widget, QLineEdit)
            widget.setPlaceholderText(self.tr("usual: {:g}").format(usual))

    def read(self) -> dict[str, object]:
        """Return what was entered, by field.

        Raises:
            ConfigError: a number is none; names its field.
        """
        values = {name: content(widget) for name, widget in self.fields.items()}
        values["learning_rate"] = number("learning_rate", str(values["learning_rate"]))
        for name in _LOSS_FIELDS:
            values[name] = number(name, str(values[name])) if values[name] else None
        return values

    def _tune_spins(self) -> None:
        crop, threads = self.fields["crop_px"], self.fields["threads"]
        assert isinstance(crop, QSpinBox)
        assert isinstance(threads, QSpinBox)
        crop.setSuffix(self.tr(" px"))
        threads.setSpecialValueText(self.tr("Automatic"))

    def _pair(self, first: str, second: str) -> QHBoxLayout:
        row = QHBoxLayout()
        row.setSpacing(8)
        row.addWidget(self.fields[first], 1)
        row.addSpacing(8)
        row.addWidget(QLabel(field_title(second)))
        row.addWidget(self.fields[second], 1)
        return row

    def _connect(self) -> None:
        for widget in self.fields.values():
            if isinstance(widget, QCheckBox):
                widget.toggled.connect(self.changed)
            elif isinstance(widget, QComboBox):
                widget.currentIndexChanged.connect(self.changed)
            elif isinstance(widget, QSpinBox):
                widget.valueChanged.connect(self.changed)
            else:
                widget.textChanged.connect(self.changed)

    def _on_rate_found(self, rate: float) -> None:
        fill(self.fields["learning_rate"], float(f"{rate:.2g}"))
