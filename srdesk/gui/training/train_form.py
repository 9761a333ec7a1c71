"""What to train, from what, for how long: the form of a run."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec
from PySide6.QtCore import QSignalBlocker, Signal, Slot
from PySide6.QtWidgets import QComboBox, QFormLayout, QHBoxLayout, QLabel, QToolButton, QVBoxLayout, QWidget

from srdesk.engine.library import WeightsLibrary
from srdesk.errors import ConfigError, WeightsError
from srdesk.gui.training.advanced_form import AdvancedForm
from srdesk.gui.training.fields import FieldWidget, combo, fill, line, mark, spin
from srdesk.gui.training.preset_bar import PresetBar
from srdesk.gui.training.questions import TrainingQuestions
from srdesk.gui.training.texts import config_sentence, field_title
from srdesk.training.config import TrainConfig, validate
from srdesk.training.presets import Preset
from srdesk.training.start import with_options_of_start

_MODELS = {"srresnet": "SRResNet", "srgan": "SRGAN", "srcnn": "SRCNN"}
_LUMA_ONLY = _WITHOUT_BATCH_NORM = "srcnn"
_OTHER = "other"
_MOST_STEPS = 100_000_000
_MOST_MINUTES = 100_000
_ROUND_STEPS = 10
"""A time is made a multiple of so many steps."""

SpeedOf = Callable[[TrainConfig], float | None]
"""Steps per second that a configuration was seen to make on this machine."""


class TrainForm(QWidget):
    """Makes a `TrainConfig`, and marks what is wrong while it is being filled in."""

    changed = Signal()
    """Something was entered; `config` or `complaint` may be different."""

    def __init__(
        self,
        weights_folders: Sequence[Path],
        speed_of: SpeedOf,
        questions: TrainingQuestions,
        advanced: AdvancedForm,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._weights_folders = weights_folders
        self._speed_of = speed_of
        self._questions = questions
        self._data: tuple[str, ...] = ()
        self._base = TrainConfig()
        self._draft: TrainConfig | None = None
        self._named = True
        self._is_typing_minutes = False
        self.config: TrainConfig | None = None
        """What was entered; None while something is wrong."""
        self.complaint = ""
        """What is wrong; empty while nothing is."""
        self.presets = PresetBar()
        """What the run is for."""
        self.model = combo(_MODELS, field_title("model"))
        self.start = combo({}, field_title("start"))
        self.name = line(field_title("name"))
        self.steps = spin(1, _MOST_STEPS, field_title("steps"))
        self.minutes = spin(0, _MOST_MINUTES, self.tr("Minutes"))
        self.licence = line(field_title("licence"), self.tr("of the new weights, such as CC-BY-4.0"))
        self.advanced = advanced
        """The rest of the fields."""
        self._fields: dict[str, FieldWidget] = {
            "model": self.model,
            "start": self.start,
            "name": self.name,
            "steps": self.steps,
            "licence": self.licence,
            **advanced.fields,
        }
        self._build()
        self._connect()
        self._on_preset(self.presets.chosen)

    @property
    def time(self) -> str:
        """What is said about how long the run takes."""
        return self._time.text()

    def set_data(self, data: tuple[str, ...]) -> None:
        """Train on these folders and archives."""
        self._data = data
        self._check()

    def reload_weights(self) -> None:
        """Offer the weights that there are now, and keep the choice."""
        self._offer_weights(self.start.currentData())
        self._check()

    def _build(self) -> None:
        self.start.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.minutes.setSuffix(self.tr(" min"))
        self.minutes.setSpecialValueText(self.tr("less than 1 min"))
        self._time = QLabel()
        self._time.setObjectName("muted")
        length = QHBoxLayout()
        length.setSpacing(8)
        length.addWidget(self.steps, 1)
        length.addWidget(self.minutes, 1)
        self._more = QToolButton()
        self._more.setText(self.tr("Advanced"))
        self._more.setObjectName("choice")
        self._more.setCheckable(True)
        self._more.toggled.connect(self._on_more)
        form = QFormLayout()
        form.setHorizontalSpacing(16)
        form.setVerticalSpacing(8)
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        form.addRow(field_title("model"), self.model)
        form.addRow(field_title("start"), self.start)
        form.addRow(field_title("steps"), length)
        form.addRow("", self._time)
        form.addRow(field_title("name"), self.name)
        form.addRow(field_title("licence"), self.licence)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(12)
        column.addWidget(self.presets)
        column.addLayout(form)
        column.addWidget(self._more)
        column.addWidget(self.advanced)
        column.addStretch(1)
        self._on_more(False)

    def _connect(self) -> None:
        self.presets.chosen_changed.connect(self._on_preset)
        self.model.currentIndexChanged.connect(self._on_model)
        self.start.activated.connect(self._on_start_chosen)
        self.start.currentIndexChanged.connect(self._check)
        self.name.textEdited.connect(self._on_named)
        self.name.textChanged.connect(self._check)
        self.licence.textChanged.connect(self._check)
        self.steps.valueChanged.connect(self._check)
        self.minutes.valueChanged.connect(self._on_minutes)
        self.minutes.editingFinished.connect(self._tell_time)
        self.advanced.changed.connect(self._check)

    # --- what is chosen ---------------------------------------------------------------------------------------------

    @Slot(object)
    def _on_preset(self, preset: Preset) -> None:
        self._base = preset.apply(TrainConfig())
        self.advanced.show_config(self._base)
        fill(self.steps, self._base.steps)
        self._named = False
        self._adapt()
        if preset.minutes is not None:
            self._fit_steps(preset.minutes)

    @Slot()
    def _on_model(self) -> None:
        self._adapt()

    def _adapt(self) -> None:
        """Let everything that depends on the network follow it, and on whether the preset starts from weights."""
        preset, model = self.presets.chosen, self.model.currentData()
        batch_norm = self.advanced.fields["freeze_batch_norm"]
        batch_norm.setEnabled(model != _WITHOUT_BATCH_NORM)
        fill(batch_norm, self._base.freeze_batch_norm and model != _WITHOUT_BATCH_NORM)
        self.advanced.show_usual_losses(model)
        self._offer_weights("" if preset.start == "shipped" else preset.start)
        if not self._named:
            fill(self.name, preset.name_for(model))
        self._check()

    def _offer_weights(self, wish: str) -> None:
        """Fill the list of start weights; an empty ``wish`` means those that ship with the program."""
        model = self.model.currentData()
        # A GAN is trained from a generator that was trained without one, or from an earlier GAN.
        architectures = ("srgan", "srresnet") if model == "srgan" else (model,)
        entries = [
            entry
            for architecture in architectures
            for entry in WeightsLibrary(self._weights_folders).entries()
            if entry.card is not None and entry.card.architecture == architecture
        ]
        with QSignalBlocker(self.start):
            self.start.clear()
            for entry in entries:
                self.start.addItem(self.tr("Weights “{}”").format(entry.name), str(entry.path))
            self.start.addItem(self.tr("Interpolation: begin with plain enlargement"), "interpolation")
            self.start.addItem(self.tr("Random numbers"), "random")
            if wish and self.start.findData(wish) < 0:
                self.start.addItem(Path(wish).name, wish)
            self.start.addItem(self.tr("Other weights…"), _OTHER)
            self.start.setCurrentIndex(self.start.findData(wish) if wish else 0)
        self._start_before = self.start.currentIndex()

    @Slot(int)
    def _on_start_chosen(self, index: int) -> None:
        if self.start.itemData(index) != _OTHER:
            self._start_before = index
            return
        path = self._questions.weights()
        if path is None:
            self.start.setCurrentIndex(self._start_before)
        else:
            self._offer_weights(str(path.absolute()))
            self._check()

    @Slot()
    def _on_named(self) -> None:
        self._named = bool(self.name.text())

    @Slot(bool)
    def _on_more(self, is_open: bool) -> None:
        self.advanced.setVisible(is_open)
        self._more.setText(self.tr("Advanced ▾") if is_open else self.tr("Advanced ▸"))

    @Slot(int)
    def _on_minutes(self, minutes: int) -> None:
        # The first digits of a number are a number as well. On a slow machine ten steps are minutes, and telling how
        # long they take would write another number under the cursor; that is told once the person is done.
        self._is_typing_minutes = True
        self._fit_steps(minutes)
        self._is_typing_minutes = False

    def _fit_steps(self, minutes: float) -> None:
        """Make as many steps as fit into ``minutes``, if it is known how fast this machine is."""
        speed = self._speed()
        if speed is not None:
            self.steps.setValue(max(1, round(60 * minutes * speed / _ROUND_STEPS)) * _ROUND_STEPS)

    def _speed(self) -> float | None:
        return self._speed_of(self._draft) if self._draft is not None else None

    # --- whether it is right ----------------------------------------------------------------------------------------

    @Slot()
    def _check(self) -> None:
        wrong_field, self._draft = "", None
        try:
            self._draft = self._entered()
            self.config, self.complaint = validate(self._draft), ""
        except ConfigError as error:
            self.config, wrong_field = None, error.field
            self.complaint = config_sentence(error)
        for name, widget in self._fields.items():
            mark(widget, self.complaint if name == wrong_field else "")
        self._tell_time()
        self.changed.emit()

    def _entered(self) -> TrainConfig:
        model, start = self.model.currentData(), self.start.currentData()
        entered = msgspec.structs.replace(
            self._base,
            model=model,
            loss_channels="luma" if model == _LUMA_ONLY else "rgb",
            data=self._data,
            start="interpolation" if start in (None, _OTHER) else start,
            name=self.name.text().strip(),
            steps=self.steps.value(),
            warmup_steps=min(self._base.warmup_steps, self.steps.value() // 4),
            licence=self.licence.text().strip(),
            **self.advanced.read(),
        )
        # The time is that of a network of this size. What is wrong with a file is said by the run.
        with contextlib.suppress(WeightsError):
            entered = with_options_of_start(entered)
        return entered

    @Slot()
    def _tell_time(self) -> None:
        speed = self._speed()
        with QSignalBlocker(self.minutes):
            self.minutes.setEnabled(speed is not None)
            if not self._is_typing_minutes:
                self.minutes.setValue(round(self.steps.value() / speed / 60) if speed is not None else 0)
        self.minutes.setVisible(speed is not None)
        if speed is not None:
            self._time.setText(self.tr("About as fast as an earlier run here: {:.2f} steps/s.").format(speed))
        else:
            self._time.setText(self.tr("How long that takes is known 20 steps after the start."))
