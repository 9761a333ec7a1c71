"""The parts of the window that the Tools menu works with."""

from __future__ import annotations

from dataclasses import dataclass

from srdesk.gui.actions import Actions
from srdesk.gui.compare.view import CompareView
from srdesk.gui.honesty.strength_bar import StrengthBar
from srdesk.gui.messages.message_list import Messages
from srdesk.gui.messages.questions import Questions
from srdesk.gui.preferences import Preferences
from srdesk.gui.status_board import StatusBoard


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the window has; all of it lives as long as the window does."""

    actions: Actions
    view: CompareView
    bar: StrengthBar
    status: StatusBoard
    preferences: Preferences
    questions: Questions
    messages: Messages
