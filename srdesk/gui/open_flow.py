"""The ways in which a picture gets onto the desk: dialog, drop, paste, recent files, samples, command line."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QMimeData, QObject, Signal, Slot
from PySide6.QtGui import QAction, QGuiApplication

from srdesk import paths
from srdesk.gui.actions import Actions
from srdesk.gui.messages.questions import Questions
from srdesk.gui.preferences import Preferences
from srdesk.gui.save_flow import PATTERNS
from srdesk.gui.work import clipboard
from srdesk.gui.work.requests import Document
from srdesk.gui.work.session import Session
from srdesk.settings import MAX_RECENT_FILES, Settings

_PACKED = "*.fits.fz *.fit.fz *.fits.gz *.fit.gz *.fits.bz2 *.fit.bz2"
"""FITS files that are read as they are, but not written."""


class OpenFlow(QObject):
    """Finds out what the person wants to open, and remembers it for the next time."""

    remarked = Signal(str)
    """A sentence for the status line."""
    several_given = Signal(object)
    """Paths of several files or of a folder: the person is to choose between the queue and opening."""

    def __init__(self, actions: Actions, preferences: Preferences, session: Session, questions: Questions) -> None:
        super().__init__(actions)
        self._menu = actions.recent_menu
        self._preferences = preferences
        self._session = session
        self._questions = questions
        actions.open.triggered.connect(self.choose)
        actions.paste.triggered.connect(self.paste)
        session.opened.connect(self._on_opened)
        preferences.changed.connect(self._fill_menu)
        self._fill_menu(preferences.settings)

    @Slot()
    def choose(self) -> None:
        """Ask which picture to open."""
        folder = self._preferences.settings.open_folder or str(Path.home())
        self.open(self._questions.open_paths(folder, " ".join((*PATTERNS.values(), _PACKED))))

    @Slot()
    def paste(self) -> None:
        """Open what is on the clipboard."""
        # Nothing at all is None, whatever the type says.
        mime: QMimeData | None = QGuiApplication.clipboard().mimeData()
        if mime is None or not self.take(mime):
            self.remarked.emit(self.tr("There is no picture on the clipboard."))

    def take(self, mime: QMimeData) -> bool:
        """Open what was dropped or pasted.

        Returns:
            Whether there was something to open.
        """
        files = clipboard.paths_in(mime)
        if files:
            self.open(files)
            return True
        picture = clipboard.picture_in(mime)
        if picture is None:
            return False
        self._session.paste(picture, self.tr("Pasted picture"))
        return True

    def open(self, paths: list[Path]) -> None:
        """Open a file; of several, or of a folder, it has to be said first what shall become of them."""
        if len(paths) > 1 or any(path.is_dir() for path in paths):
            self.several_given.emit(paths)
        elif paths:
            self._session.open(paths[0])

    def open_first(self, files: Sequence[Path]) -> None:
        """Open the first of ``files``; the others are put among the recent ones, within reach."""
        if len(files) > 1:
            settings = self._preferences.settings
            within_reach = files[1:MAX_RECENT_FILES]
            for path in reversed(within_reach):
                settings = settings.with_recent_file(path)
            self._preferences.replace(settings)
            sentence = self.tr("One picture is open at a time; {} more are under File ▸ Open Recent.")
            self.remarked.emit(sentence.format(len(within_reach)))
        self._session.open(files[0])

    @Slot(object)
    def open_sample(self, path: Path) -> None:
        """Open a sample picture."""
        self._session.open(path)

    @Slot(object)
    def _on_opened(self, document: Document) -> None:
        path = document.path
        if path is None or path.is_relative_to(paths.resources_folder()):
            return
        settings = self._preferences.settings.with_recent_file(path)
        self._preferences.replace(settings.changed(open_folder=str(path.absolute().parent)))

    @Slot(object)
    def _fill_menu(self, settings: Settings) -> None:
        self._menu.clear()
        for name in settings.recent_files:
            action = self._menu.addAction(Path(name).name.replace("&", "&&"))
            action.setToolTip(name)
            action.setData(name)
            action.triggered.connect(self._on_recent)
        self._menu.setToolTipsVisible(True)
        if settings.recent_files:
            self._menu.addSeparator()
            self._menu.addAction(self.tr("Clear the List")).triggered.connect(self._on_clear)
        self._menu.setEnabled(bool(settings.recent_files))

    @Slot()
    def _on_recent(self) -> None:
        action = self.sender()
        assert isinstance(action, QAction)
        self._session.open(Path(action.data()))

    @Slot()
    def _on_clear(self) -> None:
        self._preferences.change(recent_files=())
