"""The settings that few people need: rate, batch, losses, device."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from PySide6.QtCore import Signal, Slot
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QSpinBox,
    QWidget,
)

from srdesk.errors import ConfigError
from srdesk.gui.training.fields import FieldWidget, combo, content, explain, fill, line, number, numbers, share, spin
from srdesk.gui.training.questions import TrainingQuestions
from srdesk.gui.training.rate_finder import RateFinder
from srdesk.gui.training.texts import field_title
from srdesk.training.config import DEFAULT_LOSSES, ModelName, TrainConfig

_LOSS_FIELDS = ("pixel_weight", "feature_weight", "adversarial_weight", "total_variation_weight", "grid_weight")
_BUNDLED_FEATURES = TrainConfig().features


class AdvancedForm(QWidget):
    """One widget for each field."""

    changed = Signal()
    """Something was entered."""

    def __init__(self, finder: RateFinder, questions: TrainingQuestions, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._questions = questions
        automatic = self.tr("Automatic")
        devices = {"auto": automatic, "cpu": "CPU", "cuda": "CUDA", "mps": "MPS"}
        precisions = {"auto": automatic, "fp32": "float32", "bf16": "bfloat16", "fp16": "float16"}
        errors = {"mse": self.tr("Squared"), "l1": self.tr("Absolute"), "psnr": self.tr("Of the mean PSNR")}
        optimizers = {"adam": "Adam", "soap": "SOAP"}
        places = {"uniform": self.tr("Anywhere"), "detail": self.tr("Detailed places")}
        none = self.tr("none")
        self._crop = spin(8, 512, field_title("crop_px"), suffix=self.tr(" px"))
        self._held_out = share(90, field_title("validation_share"))
        self.fields: dict[str, FieldWidget] = {
            "learning_rate": line(field_title("learning_rate")),
            "optimizer": combo(optimizers, field_title("optimizer")),
            "batch_size": spin(1, 4096, field_title("batch_size")),
            "crop_px": self._crop,
            "crop_selection": combo(places, field_title("crop_selection")),
            "hr_scales": line(field_title("hr_scales")),
            "noise": share(50, field_title("noise"), zero=none),
            "grey_share": share(100, field_title("grey_share"), zero=none),
            "pixel_loss": combo(errors, field_title("pixel_loss")),
            **{name: line(field_title(name)) for name in _LOSS_FIELDS},
            "features": line(field_title("features"), self.tr("VGG16 of the program")),
            "freeze_batch_norm": QCheckBox(self.tr("Keep the statistics of the start weights")),
            "validation_share": self._held_out,
            "device": combo(devices, field_title("device")),
            "precision": combo(precisions, field_title("precision")),
            "threads": spin(0, 1024, field_title("threads"), zero=automatic),
            "seed": spin(0, 2**31 - 1, field_title("seed")),
            "compile": QCheckBox(self.tr("Fuse operations (takes a minute)")),
        }
        """Field of `TrainConfig` → where it is entered."""
        for name, help_text in self._help().items():
            explain(self.fields[name], help_text)
        self._finder = finder
        finder.found.connect(self._on_rate_found)
        self._choose_features = QPushButton(self.tr("Choose…"))
        self._choose_features.setAutoDefault(False)
        self._choose_features.clicked.connect(self._on_choose_features)
        self._build()
        self._connect()

    def show_config(self, config: TrainConfig) -> None:
        """Put the fields of ``config`` into the form."""
        self.blockSignals(True)
        for name, widget in self.fields.items():
            fill(widget, getattr(config, name))
        fill(self.fields["features"], "" if config.features == _BUNDLED_FEATURES else config.features)
        self.blockSignals(False)
        self.show_usual_losses(config.model)

    def show_usual_losses(self, model: ModelName) -> None:
        """Write into empty fields what ``model`` is trained with unless something is entered."""
        for name in _LOSS_FIELDS:
            widget = self.fields[name]
            usual = getattr(DEFAULT_LOSSES[model], name.removesuffix("_weight"))
            assert isinstance(widget, QLineEdit)
            widget.setPlaceholderText(self.tr("usual: {:g}").format(usual))

    def demands(self) -> dict[str, Any]:
        """Return the fields that decide what is wrong with a picture."""
        return {"crop_px": self._crop.value(), "validation_share": content(self._held_out)}

    def read(self) -> dict[str, object]:
        """Return what was entered, by field.

        Raises:
            ConfigError: something is no number, or no file; names its field.
        """
        values = {name: content(widget) for name, widget in self.fields.items()}
        values["learning_rate"] = number("learning_rate", str(values["learning_rate"]))
        values["hr_scales"] = numbers("hr_scales", str(values["hr_scales"]))
        for name in _LOSS_FIELDS:
            values[name] = number(name, str(values[name])) if values[name] else None
        values["features"] = values["features"] or _BUNDLED_FEATURES
        if values["features"] != _BUNDLED_FEATURES and not Path(str(values["features"])).is_file():
            raise ConfigError("features", values["features"], "a VGG19 file of torchvision, or nothing")
        return values

    def _help(self) -> dict[str, str]:
        return {
            "learning_rate": self.tr("Step size of the optimiser at its highest."),
            "optimizer": self.tr(
                "Adam as in the papers, or SOAP, which steps in the directions that gradients have in common: with it"
                " SRCNN learns faster."
            ),
            "crop_px": self.tr("Side of an LR crop; the HR crop to be learnt is four times as large."),
            "crop_selection": self.tr("Detailed places: of two places in a picture the one with more detail."),
            "hr_scales": self.tr(
                "Factors that pictures are reduced by, one chosen for each crop: 1 0.5 means as they are and half as"
                " large. Reduced, soft pictures show finer detail."
            ),
            "noise": self.tr(
                "Most noise, as a share of white, that LR crops are given and HR crops are not: the network learns to"
                " take it away."
            ),
            "grey_share": self.tr("Share of the crops that are made grey, for scenes and exposures with one band."),
            "pixel_loss": self.tr(
                "How pixels are compared: as in the papers, less led by the worst places, or so that crops count the"
                " same whether hard or easy."
            ),
            "grid_weight": self.tr(
                "What dots with the period of the network's own grid and casts of colour count, which the feature loss"
                " does not mind."
            ),
            "freeze_batch_norm": self.tr("Best for fine-tuning on few pictures or with small batches."),
            "compile": self.tr("Often makes steps faster; needs a C++ compiler."),
        }

    def _build(self) -> None:
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(16)
        grid.setVerticalSpacing(8)
        grid.setColumnStretch(1, 1)
        grid.setColumnStretch(3, 1)
        grid.addWidget(QLabel(field_title("learning_rate")), 0, 0)
        grid.addLayout(_side_by_side(self.fields["learning_rate"], self._finder.button), 0, 1, 1, 3)
        grid.addWidget(self._finder, 1, 0, 1, 4)
        pairs = (
            ("batch_size", "crop_px"),
            ("crop_selection", "hr_scales"),
            ("noise", "grey_share"),
            ("pixel_weight", "pixel_loss"),
            ("feature_weight", "adversarial_weight"),
            ("total_variation_weight", "grid_weight"),
            ("validation_share", "seed"),
            ("device", "precision"),
            ("threads", "optimizer"),
        )
        for row, pair in enumerate(pairs, 2):
            for place, name in enumerate(pair):
                grid.addWidget(QLabel(field_title(name)), row, 2 * place)
                grid.addWidget(self.fields[name], row, 2 * place + 1)
        row = 2 + len(pairs)
        grid.addWidget(QLabel(field_title("features")), row, 0)
        grid.addLayout(_side_by_side(self.fields["features"], self._choose_features), row, 1, 1, 3)
        for below, name in enumerate(("freeze_batch_norm", "compile"), row + 1):
            grid.addWidget(QLabel(field_title(name)), below, 0)
            grid.addWidget(self.fields[name], below, 1, 1, 3)

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

    @Slot(float)
    def _on_rate_found(self, rate: float) -> None:
        fill(self.fields["learning_rate"], float(f"{rate:.2g}"))

    @Slot()
    def _on_choose_features(self) -> None:
        path = self._questions.features()
        if path is not None:
            fill(self.fields["features"], str(path))


def _side_by_side(field: QWidget, button: QPushButton) -> QHBoxLayout:
    row = QHBoxLayout()
    row.setSpacing(8)
    row.addWidget(field, 1)
    row.addWidget(button)
    return row
