"""What the View menu does: zoom, panes, ways to compare, full screen, theme."""

from __future__ import annotations

from PySide6.QtCore import QObject, Qt, Slot
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QMainWindow

from srdesk.gui.actions import Actions
from srdesk.gui.compare.comparison import CompareMode
from srdesk.gui.compare.view import CompareView
from srdesk.gui.look.theme import Theme
from srdesk.gui.pane_board import PaneBoard
from srdesk.gui.preferences import Preferences
from srdesk.gui.work.requests import PANE_KEYS
from srdesk.settings import Settings

_ACTUAL_PERCENT = 100.0


class ViewMenu(QObject):
    """Keeps menu, preferences and panes of one mind."""

    def __init__(
        self,
        window: QMainWindow,
        actions: Actions,
        preferences: Preferences,
        *,
        view: CompareView,
        board: PaneBoard,
        theme: Theme,
    ) -> None:
        super().__init__(window)
        self._window = window
        self._actions = actions
        self._preferences = preferences
        self._view = view
        self._board = board
        self._theme = theme
        actions.fit.triggered.connect(view.zoom_fit)
        actions.actual.triggered.connect(self._on_actual_size)
        actions.zoom_in.triggered.connect(self._on_zoom_in)
        actions.zoom_out.triggered.connect(self._on_zoom_out)
        actions.full_screen.triggered.connect(self._on_full_screen)
        for action in actions.panes.values():
            action.triggered.connect(self._on_pane_toggled)
        for action in actions.modes.values():
            action.triggered.connect(self._on_mode_chosen)
        for action in actions.themes.values():
            action.triggered.connect(self._on_theme_chosen)
        view.mode_changed.connect(self._on_mode_changed)
        theme.changed.connect(actions.redraw)
        preferences.changed.connect(self._on_preferences_changed)
        self._on_mode_changed(view.mode)
        self._on_preferences_changed(preferences.settings)

    def follow_window(self) -> None:
        """Let action and menu bar say what the window is, since others than the action can change that as well."""
        is_full = self._window.isFullScreen()
        self._actions.full_screen.setChecked(is_full)
        self._window.menuBar().setVisible(not is_full)

    @Slot()
    def _on_actual_size(self) -> None:
        self._view.zoom_to(_ACTUAL_PERCENT)

    @Slot()
    def _on_zoom_in(self) -> None:
        self._view.zoom_by(1)

    @Slot()
    def _on_zoom_out(self) -> None:
        self._view.zoom_by(-1)

    @Slot()
    def _on_full_screen(self) -> None:
        # Not showNormal, after which a window that was maximised would be so no longer.
        self._window.setWindowState(self._window.windowState() ^ Qt.WindowState.WindowFullScreen)
        self.follow_window()

    @Slot()
    def _on_pane_toggled(self) -> None:
        shown = tuple(pane for pane in PANE_KEYS if self._actions.panes[pane].isChecked())
        if shown:
            self._preferences.change(visible_panes=shown)
        else:  # one is always seen
            self._on_preferences_changed(self._preferences.settings)

    @Slot()
    def _on_mode_chosen(self) -> None:
        mode = CompareMode(self._chosen())
        self._view.set_mode(mode)
        if mode is CompareMode.BLINK and self._view.isVisible():
            self._view.setFocus()  # also away from a button, since B is listened to in the panes

    @Slot(object)
    def _on_mode_changed(self, mode: CompareMode) -> None:
        self._actions.modes[mode.value].setChecked(True)

    @Slot()
    def _on_theme_chosen(self) -> None:
        self._preferences.change(theme=self._chosen())

    @Slot(object)
    def _on_preferences_changed(self, settings: Settings) -> None:
        shown = settings.visible_panes or PANE_KEYS
        for pane, action in self._actions.panes.items():
            action.setChecked(pane in shown)
        self._board.show_panes(shown)
        self._actions.themes[settings.theme].setChecked(True)
        self._theme.choose(settings.theme)

    def _chosen(self) -> object:
        action = self.sender()
        assert isinstance(action, QAction)
        return action.data()
