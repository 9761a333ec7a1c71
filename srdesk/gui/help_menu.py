"""What the Help menu does."""

from __future__ import annotations

from PySide6.QtCore import QObject, QUrl, Signal, Slot
from PySide6.QtGui import QDesktopServices, QGuiApplication
from PySide6.QtWidgets import QDialog, QMainWindow

from srdesk import paths
from srdesk.gui.actions import Actions
from srdesk.gui.compute_choices import ComputeChoices
from srdesk.gui.messages.diagnostics import diagnostics
from srdesk.gui.preferences import Preferences


class HelpMenu(QObject):
    """Shows the pages of help, one at a time, beside the window and never in its way."""

    remarked = Signal(str)
    """A sentence for the status line."""

    def __init__(
        self, window: QMainWindow, actions: Actions, preferences: Preferences, choices: ComputeChoices
    ) -> None:
        super().__init__(window)
        self._window = window
        self._actions = actions
        self._preferences = preferences
        self._choices = choices
        self._page: QDialog | None = None
        for action, slot in (
            (actions.getting_started, self._on_getting_started),
            (actions.shortcuts, self._on_shortcuts),
            (actions.diagnostics, self._on_diagnostics),
            (actions.copy_diagnostics, self._on_copy_diagnostics),
            (actions.log_folder, self.open_log_folder),
            (actions.licences, self._on_licences),
            (actions.about, self._on_about),
        ):
            action.triggered.connect(slot)

    @property
    def page(self) -> QDialog | None:
        """The page that is shown."""
        return self._page

    def report(self) -> str:
        """Return the diagnostics."""
        return diagnostics(self._preferences.settings, self._choices.devices)

    @Slot()
    def open_log_folder(self) -> None:
        """Show the folder of log files."""
        folder = paths.log_folder()
        folder.mkdir(parents=True, exist_ok=True)
        QDesktopServices.openUrl(QUrl.fromLocalFile(str(folder)))

    @Slot()
    def _on_getting_started(self) -> None:
        from srdesk.gui.messages import help_dialogs

        self._show(help_dialogs.getting_started(self._window))

    @Slot()
    def _on_shortcuts(self) -> None:
        from srdesk.gui.messages import help_dialogs

        self._show(help_dialogs.shortcuts(self._window, self._window.actions()))

    @Slot()
    def _on_diagnostics(self) -> None:
        from srdesk.gui.messages import help_dialogs

        self._show(help_dialogs.TextDialog(self.tr("Diagnostics"), self.report(), self._window, is_plain=True))

    @Slot()
    def _on_copy_diagnostics(self) -> None:
        QGuiApplication.clipboard().setText(self.report())
        self.remarked.emit(self.tr("The diagnostics are on the clipboard."))

    @Slot()
    def _on_licences(self) -> None:
        from srdesk.gui.messages import help_dialogs

        self._show(help_dialogs.licences(self._window))

    @Slot()
    def _on_about(self) -> None:
        from srdesk.gui.messages import help_dialogs

        self._show(help_dialogs.about(self._window))

    def _show(self, page: QDialog) -> None:
        if self._page is not None:
            self._page.close()
            self._page.deleteLater()
        self._page = page
        page.show()
