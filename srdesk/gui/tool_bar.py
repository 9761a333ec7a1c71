"""The row under the menus: files at the left, what is compared in the middle, what is computed at the right."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import QLabel, QSizePolicy, QToolBar, QToolButton, QWidget

from srdesk.gui.actions import Actions

_ICON = QSize(18, 18)
_ZOOM_DIGITS = "10000 %"


class ToolBar(QToolBar):
    """Buttons for the actions that are used all the time."""

    def __init__(self, actions: Actions, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("toolBar")
        self.setWindowTitle(self.tr("Tool bar"))
        self.setMovable(False)
        self.setIconSize(_ICON)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.PreventContextMenu)
        self.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonIconOnly)
        self.addActions([actions.open, actions.save, actions.copy])
        self.addSeparator()
        self.addActions([*actions.panes.values(), actions.truth_pane, actions.map_pane])
        self.addSeparator()
        self.addActions(list(actions.modes.values()))
        self.addWidget(spacer())
        self.addActions([actions.zoom_out])
        self._zoom = QLabel("", alignment=Qt.AlignmentFlag.AlignCenter)
        self._zoom.setFixedWidth(self.fontMetrics().horizontalAdvance(_ZOOM_DIGITS))
        self._zoom.setAccessibleName(self.tr("Zoom"))
        self._zoom.setToolTip(self.tr("100 % is one pixel of the result per pixel of the screen"))
        self.addWidget(self._zoom)
        self.addActions([actions.zoom_in, actions.fit])
        self.addSeparator()
        self._size = QToolButton()
        self._size.setMenu(actions.size_menu)
        self._size.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self._size.setAccessibleName(self.tr("Size of saved results"))
        self._size.setToolTip(self._size.accessibleName())
        self.addWidget(self._size)
        self.addAction(actions.run)
        run = self.widgetForAction(actions.run)
        if isinstance(run, QToolButton):
            run.setObjectName("run")
            run.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        more = self.findChild(QToolButton, "qt_toolbar_ext_button")  # Qt's, where the window is too narrow for all
        if more is not None:
            more.setAccessibleName(self.tr("More"))
            more.setToolTip(more.accessibleName())
        self.show_size("4x")

    def show_zoom(self, percent: float) -> None:
        """Show the zoom; nothing if it is 0."""
        self._zoom.setText(f"{percent:.0f} %" if percent >= 10 else f"{percent:.1f} %" if percent else "")

    def show_size(self, size: str) -> None:
        """Show the size in which results are saved."""
        self._size.setText(self.tr("Size {} ▾").format(size.replace("x", "×")))


def spacer() -> QWidget:
    """Return what pushes the rest of a tool bar to its end."""
    widget = QWidget()
    widget.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
    return widget
