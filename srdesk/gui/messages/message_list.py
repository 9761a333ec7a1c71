"""How loudly something is said: a passing word in the status line, or a banner that stays until it is dismissed.

What is said before there is a window waits until there is one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import Enum
from typing import Protocol


class Loudness(Enum):
    """How much of the person's attention something deserves."""

    STATUS = "status"
    """A few seconds in the status line."""
    NOTICE = "notice"
    """A calm banner: the result is fine, but not quite what was asked for."""
    ERROR = "error"
    """A banner that says what went wrong and what to do."""


@dataclass(frozen=True, slots=True)
class Remedy:
    """The one thing that a person can do about it."""

    label: str
    """Text of the button."""
    act: Callable[[], None]
    """Called on the main thread."""
    is_about_picture: bool = False
    """Whether it does something with the picture that is open."""


@dataclass(frozen=True, slots=True)
class Message:
    """Something to say."""

    text: str
    """One plain sentence."""
    loudness: Loudness = Loudness.STATUS
    hint: str = ""
    """What the person can do, in words."""
    remedy: Remedy | None = None
    """The same as a button."""
    details: str = ""
    """For a report; shown on request."""
    is_about_picture: bool = True
    """Whether it has nothing to say any more when another picture is opened."""
    on_shown: Callable[[], None] | None = None
    """Called on the main thread each time that it is shown, which may be long after it was said."""

    def for_next_picture(self) -> Message | None:
        """Return what is left to say when another picture is opened."""
        if self.is_about_picture:
            return None
        return replace(self, remedy=None) if self.remedy and self.remedy.is_about_picture else self


class Speaker(Protocol):
    """Something with a voice: the main window."""

    def say(self, message: Message) -> None:
        """Say ``message`` as loudly as it asks for."""


class Messages:
    """Passes messages to the window, or keeps them until it is there."""

    def __init__(self) -> None:
        self._speaker: Speaker | None = None
        self._waiting: list[Message] = []

    def tell(self, message: Message) -> None:
        """Say ``message`` now, or as soon as there is a window."""
        if self._speaker is None:
            self._waiting.append(message)
        else:
            self._speaker.say(message)

    def attach(self, speaker: Speaker) -> None:
        """Let ``speaker`` say what has been waiting and everything from now on."""
        self._speaker = speaker
        waiting, self._waiting = self._waiting, []
        for message in waiting:
            speaker.say(message)
