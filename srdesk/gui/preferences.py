"""The settings while the desk is up: one place that holds them, keeps them on the disk and tells who listens."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
from PySide6.QtCore import QObject, Signal

from srdesk.errors import SrDeskError
from srdesk.settings import Settings, save_settings


class Preferences(QObject):
    """Holds the current `Settings`; every change is saved at once."""

    changed = Signal(object)
    """The new `Settings`."""
    failed = Signal(object)
    """`SrDeskError`: the settings hold for now, but could not be saved."""

    def __init__(
        self, settings: Settings, save: Callable[[Settings], None] = save_settings, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._settings = settings
        self._save = save

    @property
    def settings(self) -> Settings:
        """What the person prefers right now."""
        return self._settings

    def replace(self, settings: Settings) -> None:
        """Use other settings from now on."""
        if settings == self._settings:
            return
        self._settings = settings
        try:
            self._save(settings)
        except SrDeskError as error:
            self.failed.emit(error)
        self.changed.emit(settings)

    def change(self, **changes: object) -> None:
        """Change some entries.

        Raises:
            ConfigError: a value is not allowed.
        """
        self.replace(msgspec.structs.replace(self._settings, **changes))
