"""The queue as a person sees it: buttons, table, progress of the whole, and what is done with files that are added."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt, Slot
from PySide6.QtGui import QAction
from PySide6.QtWidgets import (
    QDockWidget,
    QFrame,
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QScrollArea,
    QToolBar,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from srdesk.gui.messages.questions import Questions
from srdesk.gui.preferences import Preferences
from srdesk.gui.queue.desk_queue import DeskQueue
from srdesk.gui.queue.order_form import OrderForm
from srdesk.gui.queue.outlook import Figures, QueueOutlook
from srdesk.gui.queue.queue_actions import QueueActions
from srdesk.gui.queue.queue_deeds import QueueDeeds
from srdesk.gui.queue.queue_model import QueueModel
from srdesk.gui.queue.queue_table import QueueTable
from srdesk.gui.queue.run_state import RunState
from srdesk.gui.tool_bar import spacer

_PER_MILLE = 1000
_HEIGHT_PX = 270
_ICON = QSize(16, 16)


class QueueDock(QDockWidget):
    """Shows a `DeskQueue` and passes on what the person wants of it."""

    def __init__(
        self,
        queue: DeskQueue,
        outlook: QueueOutlook,
        *,
        preferences: Preferences,
        questions: Questions,
        parent: QWidget,
    ) -> None:
        super().__init__(parent)
        self.setObjectName("queueDock")
        self.setWindowTitle(self.tr("Queue"))
        self.setFeatures(QDockWidget.DockWidgetFeature.DockWidgetClosable)
        self._queue = queue
        self.model = QueueModel()
        """The items as a table."""
        self.table = QueueTable(self.model)
        """Shows them."""
        self.form = OrderForm(preferences, questions)
        """What is done with files that are added."""
        self.bar = QProgressBar(textVisible=False)
        """How far the whole queue is."""
        self.bar.setRange(0, _PER_MILLE)
        self.bar.setAccessibleName(self.tr("Progress of the queue"))
        self.words = QLabel()
        """The same in words."""
        self.queue_actions = QueueActions(self)
        """What can be done."""
        self.deeds = QueueDeeds(
            self.queue_actions,
            queue,
            table=self.table,
            model=self.model,
            form=self.form,
            preferences=preferences,
            questions=questions,
        )
        """What the person wants, handed on."""
        self._build()
        queue.changed.connect(self._on_changed)
        queue.progressed.connect(self.model.show_progress)
        queue.remarked.connect(self.model.show_remark)
        queue.state_changed.connect(self._on_state_changed)
        self.queue_actions.hide.triggered.connect(self.close)
        self.table.chosen_changed.connect(self._on_chosen)
        outlook.changed.connect(self._on_figures)
        self._on_changed(queue.items)
        self._on_figures(outlook.figures)

    def sizeHint(self) -> QSize:
        """Leave most of the window to the panes."""
        return QSize(super().sizeHint().width(), _HEIGHT_PX)

    def _build(self) -> None:
        actions = self.queue_actions
        title = QLabel(self.windowTitle())
        title.setObjectName("queueTitle")
        tools = QToolBar()
        tools.addWidget(title)
        tools.setIconSize(_ICON)
        tools.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        tools.addActions([actions.start, actions.stop])
        tools.addSeparator()
        tools.addActions([actions.add_files, actions.add_folder])
        tools.addSeparator()
        tools.addActions([actions.up, actions.down, actions.remove])
        tools.addSeparator()
        tools.addActions([actions.retry, actions.clear])
        tools.addWidget(spacer())
        tools.addAction(actions.hide)
        for action in (actions.up, actions.down, actions.hide):
            button = tools.widgetForAction(action)
            if isinstance(button, QToolButton):
                button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonIconOnly)
        whole = QHBoxLayout()
        whole.setContentsMargins(12, 4, 12, 6)
        whole.setSpacing(12)
        whole.addWidget(self.words)
        whole.addWidget(self.bar, 1)
        left = QVBoxLayout()
        left.setSpacing(0)
        left.addWidget(self.table, 1)
        left.addLayout(whole)
        orders = QScrollArea(widgetResizable=True)
        orders.setFrameShape(QFrame.Shape.NoFrame)
        orders.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        orders.setWidget(self.form)
        orders.setFixedWidth(self.form.width() + orders.verticalScrollBar().sizeHint().width())
        inside = QWidget()
        row = QHBoxLayout(inside)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(0)
        row.addLayout(left, 1)
        row.addWidget(orders)
        self.setWidget(inside)
        self.setTitleBarWidget(tools)  # the buttons take the place of a bar that would say but a name
        line: list[QAction | None] = [None]
        self.table.add_to_menu(
            [
                *(actions.open_picture, actions.open_result, actions.open_folder, *line),
                *(actions.up, actions.down, actions.remove, *line),
                *(actions.retry, actions.clear),
            ]
        )

    @Slot(object)
    def _on_changed(self, items: tuple[object, ...]) -> None:
        self.model.show(self._queue.items)
        self._on_chosen()

    @Slot(object)
    def _on_state_changed(self, state: RunState) -> None:
        if state is RunState.RUNNING:
            self.table.show_running()
        self._allow()

    @Slot(object)
    def _on_figures(self, figures: Figures) -> None:
        self.model.show_arrivals(figures.arrivals_s)
        self.bar.setValue(int(figures.fraction * _PER_MILLE))
        self.bar.setVisible(bool(figures.words))
        self.words.setText(figures.words)

    @Slot()
    def redraw(self) -> None:
        """Use the colours of the theme."""
        self.model.redraw()
        self.queue_actions.redraw()

    @Slot()
    def _on_chosen(self) -> None:
        chosen = self.table.chosen
        self.form.set_example(chosen[0].source if chosen else None)
        self.form.apply.setEnabled(any(item.state in ("waiting", "failed") for item in chosen))
        self._allow()

    def _allow(self) -> None:
        self.queue_actions.allow(self._queue.items, self.table.chosen, self._queue.state)
