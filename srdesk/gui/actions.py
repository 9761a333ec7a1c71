"""Everything that a person can do, once: menus, tool bar and shortcuts are views of these actions."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

from PySide6.QtCore import QObject
from PySide6.QtGui import QAction, QActionGroup, QKeySequence
from PySide6.QtWidgets import QMainWindow, QMenu, QMenuBar

from srdesk.gui.look import icons
from srdesk.gui.look.theme import current_scheme
from srdesk.gui.work.requests import MAP_PANE, PANE_KEYS, TRUTH_PANE

PANE_TITLES = {"lr": "LR", "bicubic": "Bicubic", "srcnn": "SRCNN", "srresnet": "SRResNet", "srgan": "SRGAN"}
PANE_TITLES |= {TRUTH_PANE: "HR", MAP_PANE: "Map"}
"""Proper names, the same in every language."""

WINDOW_SIZES_PX = (64, 128, 256, 512, 1024)
"""Window sizes offered besides automatic and the whole picture."""

_Shortcut = QKeySequence | QKeySequence.StandardKey | str | None
_Key = TypeVar("_Key")


class Actions(QObject):
    """The actions of one window; the window connects them to what they do."""

    def __init__(self, window: QMainWindow) -> None:
        super().__init__(window)
        self._window = window
        self._icon_names: dict[QAction, str] = {}
        key = QKeySequence.StandardKey
        add = self._add
        self.open = add(self.tr("&Open…"), key.Open, "open")
        self.open_folder = add(self.tr("Open &Folder…"), "Ctrl+Shift+O")
        self.paste = add(self.tr("&Paste as New"), key.Paste, "paste")
        self.save = add(self.tr("&Save Result"), key.Save, "save")
        self.save_as = add(self.tr("Save &As…"), "Ctrl+Shift+S")
        self.save_all = add(self.tr("Save A&ll Panes"), "Ctrl+Alt+S")
        self.close = add(self.tr("&Close"), "Ctrl+W")
        self.quit = add(self.tr("&Quit"), "Ctrl+Q")
        self.copy = add(self.tr("&Copy Pane"), key.Copy, "copy")
        self.preferences = add(self.tr("P&references…"), "Ctrl+,")
        self.fit = add(self.tr("&Fit"), "Ctrl+0", "fit")
        self.actual = add(self.tr("&100 %"), "Ctrl+1")
        self.zoom_in = add(self.tr("Zoom &In"), key.ZoomIn, "zoom_in")
        self.zoom_out = add(self.tr("Zoom &Out"), key.ZoomOut, "zoom_out")
        self.full_screen = add(self.tr("F&ull Screen"), "F11", checkable=True)
        self.run = add(self.tr("&Run"), "F5", "run")
        self.run_visible = add(self.tr("Run &Visible Region"), "Shift+F5")
        self.cancel = add(self.tr("&Cancel"), "Esc", "cancel")
        self.queue = add(self.tr("&Queue"), "Ctrl+Shift+Q", "queue", checkable=True)
        self.pause_scene = add(self.tr("&Pause Run"), None, checkable=True)
        self.clear_cache = add(self.tr("Clear Scene &Cache"), None)
        self.custom_size = add(self.tr("Custom…"), None, checkable=True)
        self.train = add(self.tr("&Train…"), "Ctrl+T")
        self.fine_tune = add(self.tr("&Fine-tune on Folder…"), None)
        self.runs = add(self.tr("&Runs…"), None)
        self.getting_started = add(self.tr("&Getting Started"), "F1")
        self.shortcuts = add(self.tr("&Shortcuts"), None)
        self.diagnostics = add(self.tr("&Diagnostics"), None)
        self.copy_diagnostics = add(self.tr("&Copy Diagnostics"), None)
        self.log_folder = add(self.tr("&Open Log Folder"), None)
        self.licences = add(self.tr("&Licences"), None)
        self.about = add(self.tr("&About SR Desk"), None)
        self.run.setToolTip(self.tr("Enlarge the whole picture in every pane (F5)"))
        self.save.setToolTip(self.tr("Save the result of the marked pane (Ctrl+S)"))
        self.quit.setMenuRole(QAction.MenuRole.QuitRole)
        self.preferences.setMenuRole(QAction.MenuRole.PreferencesRole)
        self.about.setMenuRole(QAction.MenuRole.AboutRole)

        self._make_choices()
        self.header = add(self.tr("&Header…"), "Ctrl+I")
        self.stretch_menu = QMenu(self.tr("S&tretch"), window)
        self._make_tools()
        self.recent_menu = QMenu(self.tr("Open &Recent"), window)
        self.device_menu = QMenu(self.tr("&Device"), window)
        self.precision_menu = QMenu(self.tr("&Precision"), window)
        self.weights_menu = QMenu(self.tr("&Weights"), window)
        self.size_menu = _menu(QMenu(self.tr("&Size"), window), self.sizes.values())
        self.redraw()

    def _make_choices(self) -> None:
        add = self._add
        self.panes = {
            pane: add(PANE_TITLES[pane], str(number), checkable=True) for number, pane in enumerate(PANE_KEYS, 1)
        }
        self.modes = self._choice(
            {
                "grid": add(self.tr("&Grid"), "G", "grid", checkable=True),
                "slider": add(self.tr("&Slider"), "S", "slider", checkable=True),
                "blink": add(self.tr("&Blink"), "K", "blink", checkable=True),
                "difference": add(self.tr("&Difference"), "D", "difference", checkable=True),
            }
        )
        self.themes = self._choice(
            {
                "system": add(self.tr("&System"), None, checkable=True),
                "light": add(self.tr("&Light"), None, checkable=True),
                "dark": add(self.tr("&Dark"), None, checkable=True),
            }
        )
        self.sizes = self._choice({size: add(size, None, checkable=True) for size in ("4x", "3x", "2x")})
        self.sizes["custom"] = self.custom_size
        self.sizes["4x"].actionGroup().addAction(self.custom_size)
        windows: dict[int | None, QAction] = {None: add(self.tr("&Automatic"), None, checkable=True)}
        windows |= {px: add(self.tr("{} px").format(px), None, checkable=True) for px in WINDOW_SIZES_PX}
        windows[0] = add(self.tr("&Whole Picture"), None, checkable=True)
        self.windows = self._choice(windows)

    def _make_tools(self) -> None:
        add = self._add
        self.truth_pane = add(PANE_TITLES[TRUTH_PANE], str(len(PANE_KEYS) + 1), checkable=True)
        self.notes = add(self.tr("&Notes on Trust"), "N", checkable=True)
        self.map_pane = add(self.tr("Map"), str(len(PANE_KEYS) + 2), checkable=True)
        self.consistency_map = add(self.tr("&Consistency Map"), "Ctrl+M")
        self.spread_map = add(self.tr("&Spread over Flips and Turns"), "Ctrl+Shift+I")
        self.disagreement_map = add(self.tr("&Difference of SRGAN and SRResNet"), None)
        self.back_projection = add(self.tr("&Back-Projection"), "Ctrl+B", checkable=True)
        self.export_report = add(self.tr("Export &Report…"), "Ctrl+E")
        self.open_truth = add(self.tr("Open &Ground Truth…"), "Ctrl+G")
        self.degrade = add(self.tr("&Degrade && Compare"), None)

    def fill(self, bar: QMenuBar) -> None:
        """Put everything into the menus of ``bar``."""
        file = _menu(bar.addMenu(self.tr("&File")), [self.open, self.open_folder])
        file.addMenu(self.recent_menu)
        _menu(file, [self.paste, None, self.save, self.save_as, self.save_all, None, self.export_report, None])
        _menu(file, [self.close, self.quit])
        _menu(bar.addMenu(self.tr("&Edit")), [self.copy, None, self.clear_cache, self.preferences])
        view = _menu(
            bar.addMenu(self.tr("&View")),
            [
                *(self.fit, self.actual, self.zoom_in, self.zoom_out, None),
                *(*self.panes.values(), self.truth_pane, self.map_pane, self.notes, None),
                *(*self.modes.values(), None),
                self.full_screen,
            ],
        )
        view.insertMenu(self.full_screen, self.stretch_menu)
        _menu(view.addMenu(self.tr("&Theme")), self.themes.values())
        processes = [self.run, self.run_visible, self.pause_scene, self.cancel, None]
        process = _menu(bar.addMenu(self.tr("&Process")), processes)
        process.addMenu(self.size_menu)
        _menu(process, [None, self.queue, None])
        process.addMenu(self.device_menu)
        process.addMenu(self.precision_menu)
        _menu(process.addMenu(self.tr("&Window Size")), self.windows.values())
        train = _menu(bar.addMenu(self.tr("&Train")), [self.train, self.fine_tune, self.runs, None])
        train.addMenu(self.weights_menu)
        tools = _menu(bar.addMenu(self.tr("T&ools")), [self.consistency_map])
        _menu(tools.addMenu(self.tr("&Invented-Detail Map")), [self.spread_map, self.disagreement_map])
        _menu(tools, [self.back_projection, None, self.open_truth, self.degrade, None, self.header])
        _menu(
            bar.addMenu(self.tr("&Help")),
            [
                *(self.getting_started, self.shortcuts, None),
                *(self.diagnostics, self.copy_diagnostics, self.log_folder, None),
                *(self.licences, self.about),
            ],
        )

    def offer(self, menu: QMenu, choices: dict[str, str], chosen: str) -> list[QAction]:
        """Fill ``menu`` with exclusive choices.

        Args:
            menu: is emptied first.
            choices: what to store → what people read.
            chosen: the key that is marked.

        Returns:
            The actions; the key is their data.
        """
        menu.clear()
        for old in menu.findChildren(QActionGroup):
            old.deleteLater()  # not now: one of its actions may be the one that was just chosen
        group = QActionGroup(menu)
        for value, text in choices.items():
            action = group.addAction(text)
            action.setCheckable(True)
            action.setChecked(value == chosen)
            action.setData(value)
            menu.addAction(action)
        return group.actions()

    def redraw(self) -> None:
        """Draw the icons in the colours of the theme."""
        scheme = current_scheme()
        for action, name in self._icon_names.items():
            action.setIcon(icons.icon(name, scheme.text, scheme.disabled))

    def _add(self, text: str, shortcut: _Shortcut, icon_name: str = "", *, checkable: bool = False) -> QAction:
        action = QAction(text, self._window, checkable=checkable)
        if shortcut is not None:
            action.setShortcut(shortcut)
            shown = action.shortcut().toString(QKeySequence.SequenceFormat.NativeText)
            action.setToolTip(f"{text.replace('&', '').rstrip('…')} ({shown})")
        if icon_name:
            self._icon_names[action] = icon_name
            action.setIconVisibleInMenu(False)
        # Also reachable while the menu bar is hidden in full screen.
        self._window.addAction(action)
        return action

    def _choice(self, actions: dict[_Key, QAction]) -> dict[_Key, QAction]:
        group = QActionGroup(self)
        for value, action in actions.items():
            action.setData(value)
            group.addAction(action)
        return actions


def _menu(menu: QMenu, actions: Iterable[QAction | None]) -> QMenu:
    for action in actions:
        if action is None:
            menu.addSeparator()
        else:
            menu.addAction(action)
    return menu
