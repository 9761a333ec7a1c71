"""The strip above the panes: what hides what, and what comes back to be read."""

from __future__ import annotations

import pytest
from PySide6.QtWidgets import QPushButton
from pytestqt.qtbot import QtBot

from srdesk.gui.messages.banner import Banner
from srdesk.gui.messages.message_list import Loudness, Message, Remedy


@pytest.fixture
def banner(qtbot: QtBot) -> Banner:
    banner = Banner()
    qtbot.addWidget(banner)
    return banner


def news(text: str) -> Message:
    """Return a notice that has nothing to do with the open picture."""
    return Message(text, Loudness.NOTICE, is_about_picture=False)


def shown(banner: Banner) -> str:
    return "" if banner.message is None else banner.message.text


def test_news_wait_until_the_ones_before_are_dismissed(banner: Banner) -> None:
    for text in ("first", "second", "third"):
        banner.say(news(text))
    read = []
    while banner.message is not None:
        read.append(shown(banner))
        banner.dismiss()
    assert read == ["first", "second", "third"]
    assert banner.isHidden()


def test_the_button_says_how_many_wait(banner: Banner) -> None:
    def labels() -> list[str]:
        return [button.text() for button in banner.findChildren(QPushButton) if not button.isHidden()]

    banner.say(news("first"))
    assert labels() == ["Dismiss"]
    banner.say(news("second"))
    assert labels() == ["Next (1)"]
    banner.dismiss()
    assert labels() == ["Dismiss"]


def test_news_that_come_while_an_error_stands_are_read_after_it(banner: Banner) -> None:
    banner.say(Message("It failed.", Loudness.ERROR))
    banner.say(news("The training is done."))
    assert shown(banner) == "It failed."
    banner.dismiss()
    assert shown(banner) == "The training is done."


@pytest.mark.parametrize("loudness", [Loudness.ERROR, Loudness.NOTICE])
def test_news_come_back_when_what_was_said_of_a_picture_over_them_has_gone(banner: Banner, loudness: Loudness) -> None:
    banner.say(news("The training is done."))
    banner.say(Message("of the picture", loudness))
    assert shown(banner) == "of the picture"
    banner.leave_picture()
    assert shown(banner) == "The training is done."


def test_what_is_said_of_a_picture_does_not_wait(banner: Banner) -> None:
    banner.say(Message("It failed.", Loudness.ERROR))
    banner.say(Message("float32 was used.", Loudness.NOTICE))
    banner.dismiss()
    assert banner.message is None


def test_the_same_news_are_read_once(banner: Banner) -> None:
    for text in ("first", "second", "second", "first"):
        banner.say(news(text))
    banner.dismiss()
    assert shown(banner) == "second"
    banner.dismiss()
    assert banner.message is None


def test_a_remedy_is_that_of_what_was_shown_when_it_was_chosen(banner: Banner) -> None:
    done: list[str] = []
    for text in ("first", "second"):
        remedy = Remedy("Go On", lambda text=text: done.append(text))  # type: ignore[misc]
        banner.say(Message(text, Loudness.NOTICE, remedy=remedy, is_about_picture=False))
    banner._remedy.click()
    assert (done, shown(banner)) == (["first"], "second")


def test_it_is_told_when_a_message_can_be_read(banner: Banner) -> None:
    seen: list[str] = []
    banner.say(Message("It failed.", Loudness.ERROR))
    banner.say(Message("news", Loudness.NOTICE, is_about_picture=False, on_shown=lambda: seen.append("news")))
    assert seen == []
    banner.dismiss()
    assert seen == ["news"]
