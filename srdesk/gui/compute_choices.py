"""The menus that say where and how panes are computed: device, precision, window size, and size of the result."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal, Slot
from PySide6.QtGui import QAction

from srdesk.engine.enlarge import TargetSize
from srdesk.engine.warm_up import DeviceChoice
from srdesk.errors import ConfigError
from srdesk.gui.actions import Actions
from srdesk.gui.messages.questions import Questions
from srdesk.gui.preferences import Preferences
from srdesk.gui.work.requests import WarmedUp
from srdesk.gui.work.session import Session
from srdesk.settings import Settings

PRECISION_TITLES = {"fp32": "float32", "bf16": "bfloat16", "fp16": "float16"}
"""Names of number types as people know them."""

_FULL_SIZE = "4x"


class ComputeChoices(QObject):
    """Keeps menus, preferences and session of one mind."""

    size_changed = Signal(str)
    """Another size of results was chosen."""
    device_changed = Signal()
    """`device_title` is another one, though the person has chosen nothing."""
    refused = Signal(object)
    """`ConfigError`: the size that was entered is not possible."""
    noticed = Signal(str)
    """One sentence: another size is chosen, though the person has chosen nothing."""

    def __init__(self, actions: Actions, preferences: Preferences, session: Session, questions: Questions) -> None:
        super().__init__(actions)
        self._actions = actions
        self._preferences = preferences
        self._session = session
        self._questions = questions
        self.devices: tuple[DeviceChoice, ...] = ()
        """Devices of this machine; empty until torch has said."""
        self.size = _FULL_SIZE
        """Size in which results are saved."""
        self._is_gpu_taken = False
        for action in actions.windows.values():
            action.triggered.connect(self._on_window_chosen)
        for size, action in actions.sizes.items():
            action.triggered.connect(self._on_custom_size if size == "custom" else self._on_size_chosen)
        preferences.changed.connect(self._on_preferences_changed)
        session.warmed_up.connect(self._on_warmed_up)
        session.opened.connect(self._reset_custom_size)
        self._show_size()
        self._on_preferences_changed(preferences.settings)

    @property
    def device_title(self) -> str:
        """Name of the device that will be used, as far as it is known."""
        if self._leaves_gpu_alone:
            return self.tr("CPU (a training has the GPU)")
        wanted = self._preferences.settings.device
        if not self.devices:
            return self.tr("Starting…") if wanted == "auto" else wanted.upper()
        return next((each.title for each in self.devices if wanted in ("auto", each.name)), wanted.upper())

    def result_size(self, height: int, width: int) -> tuple[int, int]:
        """Return height and width of results of a picture of ``height`` × ``width`` pixels."""
        try:
            return TargetSize.parse(self.size).resolve(height, width)
        except ConfigError:  # exact pixels of the picture before, which end as soon as `opened` is heard
            return TargetSize.parse(_FULL_SIZE).resolve(height, width)

    def set_gpu_taken(self, is_taken: bool) -> None:
        """Say whether a training holds the GPU; panes then use the CPU, unless the person wants otherwise."""
        if is_taken != self._is_gpu_taken:
            self._is_gpu_taken = is_taken
            self._on_preferences_changed(self._preferences.settings)
            self.device_changed.emit()

    @property
    def _leaves_gpu_alone(self) -> bool:
        settings = self._preferences.settings
        return self._is_gpu_taken and settings.device != "cpu" and settings.panes_beside_training == "cpu"

    @Slot(object)
    def _on_preferences_changed(self, settings: Settings) -> None:
        # A number type that was chosen for the GPU need not be one that the CPU knows.
        device, precision = ("cpu", "auto") if self._leaves_gpu_alone else (settings.device, settings.precision)
        self._session.renderer.choose(
            device=device,
            precision=precision,
            window_px=settings.window_px,
            automatic_run_s=settings.automatic_run_s,
        )
        for window_px, action in self._actions.windows.items():
            action.setChecked(window_px == settings.window_px)
        self._fill_menus(settings)

    @Slot(object)
    def _on_warmed_up(self, answer: WarmedUp) -> None:
        self.devices = answer.devices
        self._fill_menus(self._preferences.settings)

    def _fill_menus(self, settings: Settings) -> None:
        devices = {"auto": self.tr("Automatic")} | {each.name: each.title for each in self.devices}
        devices.setdefault(settings.device, settings.device.upper())
        for action in self._actions.offer(self._actions.device_menu, devices, settings.device):
            action.triggered.connect(self._on_device_chosen)
        device = next((each for each in self.devices if settings.device in ("auto", each.name)), None)
        names = device.precisions if device is not None else ("fp32",)
        precisions = {"auto": self.tr("Automatic")} | {name: PRECISION_TITLES[name] for name in names}
        precisions.setdefault(settings.precision, PRECISION_TITLES.get(settings.precision, ""))
        for action in self._actions.offer(self._actions.precision_menu, precisions, settings.precision):
            action.triggered.connect(self._on_precision_chosen)

    @Slot()
    def _on_device_chosen(self) -> None:
        device = self._chosen()
        precision = self._preferences.settings.precision
        known = next((each for each in self.devices if each.name == device), None)
        # A number type that the new device does not know would only lead to an error.
        if known is not None and precision not in ("auto", *known.precisions):
            precision = "auto"
        self._preferences.change(device=device, precision=precision)

    @Slot()
    def _on_precision_chosen(self) -> None:
        self._preferences.change(precision=self._chosen())

    @Slot()
    def _on_window_chosen(self) -> None:
        self._preferences.change(window_px=self._chosen())

    @Slot()
    def _on_size_chosen(self) -> None:
        self._set_size(str(self._chosen()))

    @Slot()
    def _on_custom_size(self) -> None:
        document = self._session.document
        if document is not None:
            width, height = document.width * 4, document.height * 4
            current = self.size if "x" in self.size.rstrip("x") else f"{width // 2}x{height // 2}"
            text = self._questions.size(current, width, height)
            if text is not None and self._session.document is document:
                try:
                    TargetSize.parse(text).resolve(document.height, document.width)
                except ConfigError as error:
                    self.refused.emit(error)
                else:
                    self._set_size(text.strip().lower().replace("×", "x"))
                    return
        self._show_size()

    @Slot()
    def _reset_custom_size(self) -> None:
        if self.size not in self._actions.sizes:
            pixels = self.size.replace("x", " × ")
            self._set_size(_FULL_SIZE)  # exact pixels belong to one picture
            sentence = self.tr("Results are 4× as large as the picture again: {} px was for the one before.")
            self.noticed.emit(sentence.format(pixels))

    def _set_size(self, size: str) -> None:
        self.size = size
        self._show_size()
        self.size_changed.emit(size)

    def _show_size(self) -> None:
        sizes = self._actions.sizes
        sizes.get(self.size, sizes["custom"]).setChecked(True)

    def _chosen(self) -> object:
        action = self.sender()
        assert isinstance(action, QAction)
        return action.data()
