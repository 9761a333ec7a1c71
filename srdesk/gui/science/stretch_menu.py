"""View ▸ Stretch: the choices of the bar again, where the keyboard finds them."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import QObject, Slot
from PySide6.QtGui import QAction, QActionGroup
from PySide6.QtWidgets import QMenu

from srdesk.gui.science.look import Look
from srdesk.gui.science.science_desk import ScienceDesk
from srdesk.gui.science.stretch_bar import range_titles


class StretchMenu(QObject):
    """Fills a menu and keeps it in step with the bar."""

    def __init__(self, menu: QMenu, desk: ScienceDesk) -> None:
        super().__init__(menu)
        self._menu = menu
        self._desk = desk
        group = QActionGroup(menu)
        self._ranges: dict[str, QAction] = {}
        for name, title in range_titles(menu).items():
            action = menu.addAction(title)
            action.setCheckable(True)
            action.setData(name)
            action.triggered.connect(self._on_range)
            self._ranges[name] = group.addAction(action)
        menu.addSeparator()
        self._inverted = menu.addAction(self.tr("&Invert"))
        self._saturated = menu.addAction(self.tr("&Mark Saturated Pixels"))
        for action in (self._inverted, self._saturated):
            action.setCheckable(True)
            action.triggered.connect(self._on_switched)
        menu.addSeparator()
        menu.addAction(self.tr("&Reset")).triggered.connect(self._on_reset)
        desk.look_changed.connect(self._on_look_changed)
        self._on_look_changed(None)

    @Slot(object)
    def _on_look_changed(self, look: Look | None) -> None:
        self._menu.setEnabled(look is not None)
        if look is not None:
            self._ranges[look.range].setChecked(True)
            self._inverted.setChecked(look.is_inverted)
            self._saturated.setChecked(look.marks_saturated)

    @Slot()
    def _on_range(self) -> None:
        action, look = self.sender(), self._desk.look
        assert isinstance(action, QAction)
        if look is not None:
            self._desk.choose(replace(look, range=action.data(), black=0.0, white=1.0))

    @Slot()
    def _on_switched(self) -> None:
        look = self._desk.look
        if look is not None:
            self._desk.choose(
                replace(look, is_inverted=self._inverted.isChecked(), marks_saturated=self._saturated.isChecked())
            )

    @Slot()
    def _on_reset(self) -> None:
        self._desk.choose(Look())
