"""What can be done with the queue, once: the buttons of the dock and the menu on its rows are views of these."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Qt, Slot
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QWidget

from srdesk.gui.look import icons
from srdesk.gui.look.theme import current_scheme
from srdesk.gui.queue.run_state import RunState

if TYPE_CHECKING:
    from srdesk.engine.batch.queue import QueueItem


class QueueActions(QObject):
    """The actions of the queue; their shortcuts hold while ``owner`` or something in it has the focus."""

    def __init__(self, owner: QWidget) -> None:
        super().__init__(owner)
        self._owner = owner
        self._icon_names: dict[QAction, str] = {}
        add = self._add
        self._start_tip = self.tr("Enlarge what waits, one file after the other")
        self.start = add(self.tr("&Start"), self._start_tip, icon="run")
        self.stop = add(self.tr("S&top"), self.tr("Stop; what is not finished waits again"), icon="stop")
        self.add_files = add(self.tr("Add F&iles…"), self.tr("Put files into the queue"))
        self.add_folder = add(self.tr("Add F&older…"), self.tr("Put all pictures of a folder and below into the queue"))
        self.up = add(self.tr("Move &Up"), self.tr("Move up"), "Ctrl+Up", icon="up")
        self.down = add(self.tr("Move &Down"), self.tr("Move down"), "Ctrl+Down", icon="down")
        self.remove = add(self.tr("&Remove"), self.tr("Take the chosen files out of the queue"), "Del")
        self.retry = add(self.tr("Retry &Failed"), self.tr("Let everything that failed wait again"))
        self.clear = add(self.tr("&Clear Finished"), self.tr("Take out everything that is done, skipped or failed"))
        self.open_picture = add(self.tr("Open &Picture"), self.tr("Open the file on the desk"))
        self.open_result = add(self.tr("Open Res&ult"), self.tr("Show the result in the program for such files"))
        self.open_folder = add(self.tr("Open Fo&lder"), self.tr("Show the folder of the result"))
        self.hide = add(self.tr("Hide"), self.tr("Hide the queue; it goes on"), icon="cancel")
        self.redraw()

    def allow(self, items: Sequence[QueueItem], chosen: Sequence[QueueItem], state: RunState) -> None:
        """Switch on what makes sense now.

        Args:
            items: all items.
            chosen: those that the person has marked.
            state: whether the queue is being worked through.
        """
        counts = Counter(item.state for item in items)
        is_under_way = state in (RunState.RUNNING, RunState.WAITING)
        self._name_start(state, is_under_way=is_under_way)
        self.start.setEnabled(state is not RunState.STOPPING and (state is not RunState.IDLE or counts["waiting"] > 0))
        self.stop.setEnabled(is_under_way or state is RunState.PAUSED)
        self.retry.setEnabled(counts["failed"] > 0)
        self.clear.setEnabled(counts["done"] + counts["skipped"] + counts["failed"] > 0)
        for action in (self.up, self.down, self.remove):
            action.setEnabled(bool(chosen))
        is_one = len(chosen) == 1
        has_result = is_one and chosen[0].output is not None and chosen[0].state in ("done", "skipped")
        self.open_picture.setEnabled(is_one)
        self.open_folder.setEnabled(is_one)
        self.open_result.setEnabled(has_result)

    def _name_start(self, state: RunState, *, is_under_way: bool) -> None:
        going_on = self.tr("&Go On") if state is RunState.PAUSED else self.tr("&Start")
        text = self.tr("&Pause") if is_under_way else going_on
        if text == self.start.text():
            return
        tip = self.tr("Wait, even in the midst of a file") if is_under_way else self._start_tip
        self.start.setText(text)
        self.start.setIconText(text.replace("&", ""))
        self.start.setToolTip(tip)
        self._icon_names[self.start] = "pause" if is_under_way else "run"
        self.redraw()

    @Slot()
    def redraw(self) -> None:
        """Draw the icons in the colours of the theme."""
        scheme = current_scheme()
        for action, name in self._icon_names.items():
            action.setIcon(icons.icon(name, scheme.text, scheme.disabled))

    def _add(self, text: str, tip: str, shortcut: str = "", *, icon: str = "") -> QAction:
        action = QAction(text, self._owner)
        action.setIconText(text.replace("&", ""))  # else Qt takes the dots away as well
        action.setToolTip(f"{tip} ({shortcut})" if shortcut else tip)
        if shortcut:
            action.setShortcut(shortcut)
            action.setShortcutContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
        if icon:
            self._icon_names[action] = icon
            action.setIconVisibleInMenu(False)
        self._owner.addAction(action)
        return action
