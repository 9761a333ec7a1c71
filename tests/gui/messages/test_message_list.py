"""What is said before there is a window is said as soon as there is one."""

from __future__ import annotations

from srdesk.gui.messages.message_list import Loudness, Message, Messages


class Ear:
    def __init__(self) -> None:
        self.heard: list[str] = []

    def say(self, message: Message) -> None:
        self.heard.append(message.text)


def test_messages_wait_for_a_window_and_then_go_straight_through() -> None:
    messages, ear = Messages(), Ear()
    messages.tell(Message("first", Loudness.NOTICE))
    messages.tell(Message("second"))
    messages.attach(ear)
    messages.tell(Message("third"))
    assert ear.heard == ["first", "second", "third"]
