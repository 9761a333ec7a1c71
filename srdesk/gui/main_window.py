"""The window: menus, drop target, panes, status. It delegates everything and computes nothing."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QByteArray, QEvent, QSettings, Qt, Signal, Slot
from PySide6.QtGui import QCloseEvent, QDragEnterEvent, QDragLeaveEvent, QDropEvent, QKeyEvent
from PySide6.QtWidgets import QMainWindow, QStatusBar, QVBoxLayout, QWidget

from srdesk.gui.actions import Actions
from srdesk.gui.closing import Closing
from srdesk.gui.compare.view import CompareView
from srdesk.gui.compute_choices import ComputeChoices
from srdesk.gui.copy_flow import CopyFlow
from srdesk.gui.failure_reporter import FailureReporter
from srdesk.gui.help_menu import HelpMenu
from srdesk.gui.honesty.honesty import Honesty
from srdesk.gui.honesty.strength_bar import StrengthBar
from srdesk.gui.honesty.surroundings import Surroundings
from srdesk.gui.honesty.tools_menu import ToolsMenu
from srdesk.gui.look.theme import Theme
from srdesk.gui.look.window_size import open_at
from srdesk.gui.messages.banner import Banner
from srdesk.gui.messages.message_list import Loudness, Message, Messages
from srdesk.gui.messages.questions import Questions
from srdesk.gui.open_flow import OpenFlow
from srdesk.gui.pages import Pages
from srdesk.gui.pane_board import PaneBoard
from srdesk.gui.preferences import Preferences
from srdesk.gui.queue.desk_queue import DeskQueue
from srdesk.gui.queue.queue_menu import QueueMenu
from srdesk.gui.save_flow import SaveFlow
from srdesk.gui.scene_board import SceneBoard
from srdesk.gui.scene_flow import SceneFlow
from srdesk.gui.science.header_menu import HeaderMenu
from srdesk.gui.science.place_line import PlaceLine
from srdesk.gui.science.science_bar import ScienceBar
from srdesk.gui.science.science_desk import ScienceDesk
from srdesk.gui.science.stretch_menu import StretchMenu
from srdesk.gui.status_board import StatusBoard
from srdesk.gui.status_line import StatusLine
from srdesk.gui.tool_bar import ToolBar
from srdesk.gui.training.train_menu import TrainMenu
from srdesk.gui.training.training import Training
from srdesk.gui.view_menu import ViewMenu
from srdesk.gui.welcome import Welcome
from srdesk.gui.work import clipboard
from srdesk.gui.work.requests import Document
from srdesk.gui.work.session import Session

_SIZE_PX = (1200, 760)


class MainWindow(QMainWindow):
    """The desk as a person sees it."""

    first_painted = Signal()
    """The window has been painted for the first time."""
    closing = Signal()
    """The person has closed the window."""

    def __init__(
        self,
        session: Session,
        preferences: Preferences,
        messages: Messages,
        theme: Theme,
        *,
        training: Training,
        queue: DeskQueue,
        honesty: Honesty,
        samples: list[Path],
        geometry: QSettings,
    ) -> None:
        super().__init__()
        self._session = session
        self._training = training
        self._preferences = preferences
        self._geometry = geometry
        self._has_painted = self._is_unasked = False
        self.questions = Questions(self)
        """Asks the person; tests put their answers here."""
        self.desk_actions = Actions(self)
        """Everything that can be done."""
        self.banner = Banner()
        self.welcome = Welcome(samples)
        self.view = CompareView()
        self.science_bar, self.place_line = ScienceBar(), PlaceLine()
        self.status = StatusLine()
        self.strength_bar = StrengthBar()
        self.tool_bar = ToolBar(self.desk_actions)
        self._build()
        self._plug_in(theme, messages, queue, honesty)
        self._connect(theme)
        self._restore_geometry()
        messages.attach(self)

    def _plug_in(self, theme: Theme, messages: Messages, queue: DeskQueue, honesty: Honesty) -> None:
        """Let every part do its work on the widgets."""
        session, preferences, training = self._session, self._preferences, self._training
        actions, questions = self.desk_actions, self.questions
        self.board = PaneBoard(self.view, session)
        self.science = ScienceDesk(
            session, self.view, bar=self.science_bar, line=self.place_line, preferences=preferences
        )
        StretchMenu(actions.stretch_menu, self.science)
        self.header = HeaderMenu(self, actions.header, session)
        self.choices = ComputeChoices(actions, preferences, session, questions)
        self.help = HelpMenu(self, actions, preferences, self.choices)
        self.reporter = FailureReporter(messages, actions, preferences, self.help.report)
        self.open_flow = OpenFlow(actions, preferences, session, questions)
        self.save_flow = SaveFlow(
            actions, session, questions, preferences=preferences, view=self.view, choices=self.choices
        )
        self.scenes = SceneFlow(actions, session, questions, save_flow=self.save_flow, messages=messages)
        self.scene_board = SceneBoard(self.view, session)
        self.copy_flow = CopyFlow(
            *(actions.copy, session, self.view),
            elsewhere=lambda pane: self.scene_board.result(pane) or self.tools.display(pane),
            as_seen=self.science.as_seen,
        )
        self.view_menu = ViewMenu(self, actions, preferences, view=self.view, board=self.board, theme=theme)
        self.train = TrainMenu(self, actions, training, preferences=preferences, questions=questions, messages=messages)
        self.queue = QueueMenu(
            self, actions, queue, session=session, preferences=preferences, questions=questions, messages=messages
        )
        self._column.insertWidget(0, self.queue.intake)
        self.status.add(self.queue.indicator)
        self.status.add(self.train.indicator)
        status = StatusBoard(self.status, actions, session, preferences=preferences, choices=self.choices)
        around = Surroundings(actions, self.view, self.strength_bar, status, preferences, questions, messages)
        self.tools = ToolsMenu(session, honesty, around)
        self._closing = Closing(session, preferences, questions, scenes=self.scenes, others=(self.queue, self.train))

    def say(self, message: Message) -> None:
        """Say ``message`` in the status line or the banner."""
        if message.loudness is Loudness.STATUS:
            self.status.say(message.text)
        else:
            self.banner.say(message)

    def _build(self) -> None:
        self.setWindowTitle(self.tr("SR Desk"))
        self.setAcceptDrops(True)
        self.desk_actions.fill(self.menuBar())
        self.addToolBar(self.tool_bar)
        self._pages = Pages()
        self._pages.addWidget(self.welcome)
        self._pages.addWidget(self.view)
        middle = QWidget()
        self._column = column = QVBoxLayout(middle)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.banner)
        column.addWidget(self.science_bar)
        column.addWidget(self._pages, 1)
        column.addWidget(self.strength_bar)
        column.addWidget(self.place_line)
        self.setCentralWidget(middle)
        bar = QStatusBar(sizeGripEnabled=False)  # below the docks as well
        bar.addWidget(self.status, 1)
        self.setStatusBar(bar)
        self.welcome.setFocus()

    def _connect(self, theme: Theme) -> None:
        session, actions, reporter = self._session, self.desk_actions, self.reporter
        actions.close.triggered.connect(session.close_document)
        actions.quit.triggered.connect(self.close)
        actions.preferences.triggered.connect(self._on_preferences)
        actions.run.triggered.connect(self._on_run)
        actions.run_visible.triggered.connect(session.renderer.run_visible)
        actions.cancel.triggered.connect(session.cancel)
        session.opened.connect(self._on_opened)
        session.closed.connect(self._on_closed)
        reporter.elsewhere.connect(self.save_flow.save_elsewhere)
        for failing in (session, self.save_flow, self.scenes, self.scene_board, self.tools):
            failing.failed.connect(reporter.on_failed)
        flows = (self.open_flow, self.save_flow, self.copy_flow, self.scenes)
        for talking in (*flows, self.queue, self.train, self.help, self.tools):
            talking.remarked.connect(reporter.on_remarked)
        session.noticed.connect(reporter.on_noticed)
        for noticed in (session.save_noticed, self.save_flow.noticed):
            noticed.connect(reporter.on_save_noticed)
        self.tools.noticed.connect(reporter.on_noticed)
        # Queued, so that it is said after what was said of the picture before is taken back.
        for noticed in (self.science.noticed, self.choices.noticed):
            noticed.connect(reporter.on_noticed, Qt.ConnectionType.QueuedConnection)
        for refusal in (self._preferences.failed, self.choices.refused, self.train.failed):
            refusal.connect(reporter.on_error)
        self.queue.first_requested.connect(self.open_flow.open_first)
        self.open_flow.several_given.connect(self.queue.intake.ask)
        self._training.weights_changed.connect(self.queue.use_weights)
        self._training.run_changed.connect(self._on_run_changed)
        for redraw in (self.welcome.redraw, self.train.indicator.redraw, self.queue.redraw):
            theme.changed.connect(redraw)
        actions.queue.toggled.connect(self.welcome.set_compact)
        self.welcome.open_requested.connect(self.open_flow.choose)
        self.welcome.paste_requested.connect(self.open_flow.paste)
        self.welcome.sample_requested.connect(self.open_flow.open_sample)
        self.choices.size_changed.connect(self.tool_bar.show_size)
        self.board.cursor_described.connect(self.status.show_cursor)
        self.view.zoom_changed.connect(self._on_zoom_changed)

    # --- what the session says ------------------------------------------------------------------------------------

    @Slot(object)
    def _on_opened(self, document: Document) -> None:
        self.banner.leave_picture()
        self._pages.setCurrentWidget(self.view)
        self.setWindowTitle(self.tr("{} – SR Desk").format(document.name))
        self.tool_bar.show_zoom(self.view.zoom_percent)
        self.view.setFocus()

    @Slot()
    def _on_closed(self) -> None:
        self._pages.setCurrentWidget(self.welcome)
        self.setWindowTitle(self.tr("SR Desk"))
        self.tool_bar.show_zoom(0)
        self.welcome.setFocus()

    @Slot(float)
    def _on_zoom_changed(self, percent: float) -> None:
        self.tool_bar.show_zoom(percent if self._session.document is not None else 0)

    @Slot()
    def _on_run_changed(self) -> None:
        self.choices.set_gpu_taken(self._training.holds_gpu)

    # --- what the person does -------------------------------------------------------------------------------------

    @Slot()
    def _on_run(self) -> None:
        if not self.scenes.run():
            self._session.renderer.run()

    @Slot()
    def _on_preferences(self) -> None:
        from srdesk.gui.settings_dialog import SettingsDialog

        dialog = SettingsDialog(self._preferences.settings, self)
        if dialog.exec():
            self._preferences.change(**dialog.changes)
        dialog.deleteLater()

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Take what may be a picture."""
        if clipboard.has_pictures(event.mimeData()):
            clipboard.accept_unmoved(event)
            self.welcome.set_dragging(is_dragging=True)

    def dragLeaveEvent(self, event: QDragLeaveEvent) -> None:
        """Look as before."""
        self.welcome.set_dragging(is_dragging=False)

    def dropEvent(self, event: QDropEvent) -> None:
        """Open what was dropped."""
        self.welcome.set_dragging(is_dragging=False)
        if self.open_flow.take(event.mimeData()):
            clipboard.accept_unmoved(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Leave full screen with Esc, while Esc has nothing to cancel."""
        if event.key() == Qt.Key.Key_Escape and self.isFullScreen():
            self.desk_actions.full_screen.trigger()
        else:
            super().keyPressEvent(event)

    # --- the window itself ----------------------------------------------------------------------------------------

    def event(self, event: QEvent) -> bool:
        """Notice the first time that the whole window has been painted, and when it fills the screen or no longer."""
        is_done = super().event(event)
        if event.type() == QEvent.Type.UpdateRequest and not self._has_painted:
            self._has_painted = True
            self.first_painted.emit()
        elif event.type() == QEvent.Type.WindowStateChange:
            self.view_menu.follow_window()
        return is_done

    def close_unasked(self) -> None:
        """Close without a question, because nobody is there to answer it."""
        self._is_unasked = True
        self.close()

    def closeEvent(self, event: QCloseEvent) -> None:
        """Ask if something would be lost, then go."""
        if not (self._is_unasked or self._closing.may_close()):
            event.ignore()
            return
        self.train.shutdown()
        self._geometry.setValue("geometry", self.saveGeometry())
        event.accept()
        self.closing.emit()

    def _restore_geometry(self) -> None:
        open_at(self, *_SIZE_PX)
        kept = self._geometry.value("geometry")
        if isinstance(kept, QByteArray):
            self.restoreGeometry(kept)
