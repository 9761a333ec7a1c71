"""What is asked before the window closes, so that nothing is lost unasked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from PySide6.QtCore import QObject

from srdesk.gui.messages.questions import Questions
from srdesk.gui.preferences import Preferences
from srdesk.gui.work.session import Session


class Closable(Protocol):
    """A part of the desk that may have something to lose."""

    def may_close(self) -> bool:
        """Ask the person if need be; tell whether the window may close."""


class Closing(QObject):
    """Asks about what is open first, and then lets every other part ask.

    Args:
        session: what is open.
        preferences: know whether the person wants to be asked.
        questions: asks.
        scenes: scenes that are enlarged from disk to disk.
        others: what else may have something to lose, the first to ask first; they know themselves whether to ask.
    """

    def __init__(
        self,
        session: Session,
        preferences: Preferences,
        questions: Questions,
        *,
        scenes: Closable,
        others: Sequence[Closable],
    ) -> None:
        super().__init__(session)
        self._session = session
        self._preferences = preferences
        self._questions = questions
        self._scenes = scenes
        self._others = others

    def may_close(self) -> bool:
        """Tell whether the window may close."""
        return self._may_lose_work() and all(part.may_close() for part in self._others)

    def _may_lose_work(self) -> bool:
        if not self._preferences.settings.ask_before_closing:
            return True
        if not self._scenes.may_close():
            return False
        if not self._session.has_asked_work:
            return True
        work = self.tr("A result is still being saved.") if self._session.is_saving else self.tr("A run is going on.")
        shall_close, ask_again = self._questions.confirm_closing(work)
        if shall_close:
            self._preferences.change(ask_before_closing=ask_again)
        return shall_close
