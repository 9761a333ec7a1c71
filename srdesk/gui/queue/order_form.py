"""What is done with files that are added: model, folder, name, and what happens where the result exists."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from PySide6.QtCore import QSignalBlocker, Signal, Slot
from PySide6.QtWidgets import QComboBox, QFormLayout, QLabel, QLineEdit, QPushButton, QWidget

from srdesk.errors import ConfigError
from srdesk.gui.actions import PANE_TITLES
from srdesk.gui.messages.questions import Questions
from srdesk.gui.preferences import Preferences
from srdesk.gui.queue.orders import Order
from srdesk.imaging.naming import PLACEHOLDERS, OutputName
from srdesk.settings import Settings

_EXAMPLE = Path("holiday/photo.jpg")
_ANOTHER = "another"
_WIDTH_PX = 300


class OrderForm(QWidget):
    """A form over the preferences of the queue, checked while it is being filled in."""

    applied = Signal()
    """The person wants the order to hold for the chosen rows too."""

    def __init__(self, preferences: Preferences, questions: Questions, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._preferences = preferences
        self._questions = questions
        self._models: Mapping[str, Path | None] = {}
        self._example = _EXAMPLE
        self.model = QComboBox()
        """Names of the models."""
        self.folder = QComboBox()
        """Beside each picture, the folder that was chosen before, or another one."""
        self.template = QLineEdit()
        """How results are named."""
        self.template.setToolTip(self.tr("Placeholders: {}").format(" ".join(f"{{{name}}}" for name in PLACEHOLDERS)))
        self.preview = QLabel()
        """What the name of a result will be, or what is wrong with the template."""
        self.preview.setObjectName("muted")
        self.preview.setWordWrap(True)
        self.collision = QComboBox()
        """What happens where the result exists."""
        for policy, text in {
            "number": self.tr("Number the new file"),
            "skip": self.tr("Keep the old file"),
            "overwrite": self.tr("Replace the old file"),
        }.items():
            self.collision.addItem(text, policy)
        self.apply = QPushButton(self.tr("Use for Chosen Files"))
        """Lets waiting files that are in the queue already follow the form."""
        self.apply.setToolTip(
            self.tr("The chosen files that wait or have failed are enlarged like this as well; their folders stay")
        )
        self._build()
        self.model.activated.connect(self._on_model)
        self.folder.activated.connect(self._on_folder)
        self.collision.activated.connect(self._on_collision)
        self.template.textEdited.connect(self._on_template)
        self.apply.clicked.connect(self.applied)
        preferences.changed.connect(self._show)
        self._show(preferences.settings)

    def _build(self) -> None:
        self.setFixedWidth(_WIDTH_PX)
        for combo in (self.model, self.folder):
            combo.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        form = QFormLayout(self)
        form.setContentsMargins(12, 8, 12, 8)
        form.setHorizontalSpacing(10)
        form.setVerticalSpacing(6)
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        form.addRow(self.tr("&Model"), self.model)
        form.addRow(self.tr("Save &in"), self.folder)
        form.addRow(self.tr("&Name"), self.template)
        form.addRow(self.preview)
        form.addRow(self.tr("If it e&xists"), self.collision)
        form.addRow(self.apply)

    def set_models(self, models: Mapping[str, Path | None]) -> None:
        """Offer ``models``: name → weights file, None for the bicubic."""
        self._models = models
        self._show(self._preferences.settings)

    def set_example(self, source: Path | None) -> None:
        """Let the preview be about ``source``."""
        self._example = source or _EXAMPLE
        self._show_preview()

    def order(self) -> Order:
        """Return what is done with files that are added now.

        Raises:
            ConfigError: the template makes no sense, or there is no model.
        """
        from srdesk.engine.files.file_recipe import FileRecipe

        settings = self._preferences.settings
        OutputName(self.template.text())
        name = self.model.currentData()
        if name is None:
            raise ConfigError("model", settings.queue_model, "one of the models that are installed")
        recipe = FileRecipe(
            model=name,
            weights=self._models[name],
            device=settings.device,
            precision=settings.precision,
            window_px=settings.window_px,
            jpeg_quality=settings.jpeg_quality,
        )
        folder = Path(settings.queue_folder) if settings.queue_folder else None
        return Order(recipe, folder, self.template.text(), settings.queue_on_collision)

    # --- what is shown --------------------------------------------------------------------------------------------

    @Slot(object)
    def _show(self, settings: Settings) -> None:
        blockers = [QSignalBlocker(each) for each in (self.model, self.folder, self.collision, self.template)]
        self.model.clear()
        for name in self._models:
            self.model.addItem(PANE_TITLES.get(name, name), name)
        self.model.setCurrentIndex(max(0, self.model.findData(settings.queue_model)))
        self.folder.clear()
        self.folder.addItem(self.tr("Beside each picture"), "")
        if settings.queue_folder:
            self.folder.addItem(Path(settings.queue_folder).name or settings.queue_folder, settings.queue_folder)
        self.folder.addItem(self.tr("Choose a folder…"), _ANOTHER)
        self.folder.setCurrentIndex(1 if settings.queue_folder else 0)
        self.folder.setToolTip(settings.queue_folder)
        self.collision.setCurrentIndex(self.collision.findData(settings.queue_on_collision))
        if not self.template.hasFocus():
            self.template.setText(settings.output_name_template)
        del blockers
        self._show_preview()

    def _show_preview(self) -> None:
        try:
            name = OutputName(self.template.text()).render(self._example, model=self.model.currentData() or "model")
        except ConfigError as error:
            self.preview.setText(f"{error} {error.hint}")
        else:
            folder = self._preferences.settings.queue_folder
            place = Path(folder).name if folder else self._example.absolute().parent.name
            self.preview.setText(self.tr("{} → {}").format(self._example.name, Path(place, name)))

    # --- what the person does -------------------------------------------------------------------------------------

    @Slot()
    def _on_model(self) -> None:
        self._preferences.change(queue_model=self.model.currentData())

    @Slot()
    def _on_folder(self) -> None:
        folder = self.folder.currentData()
        if folder == _ANOTHER:
            before = self._preferences.settings.queue_folder
            chosen = self._questions.results_folder(Path(before) if before else Path.home())
            folder = str(chosen) if chosen is not None else before
        self._preferences.change(queue_folder=folder)
        self._show(self._preferences.settings)  # also where nothing has changed but what the box says

    @Slot()
    def _on_collision(self) -> None:
        self._preferences.change(queue_on_collision=self.collision.currentData())

    @Slot()
    def _on_template(self) -> None:
        self._show_preview()
        try:
            self._preferences.change(output_name_template=self.template.text())
        except ConfigError:
            return  # the preview says what is wrong; the name of before holds until it is right
