"""In a whole desk, weights that are adopted, chosen or lost take effect at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from srdesk import paths
from srdesk.gui.app import Desk
from srdesk.gui.compare.pane import TitleBar
from srdesk.settings import Settings, load_settings, save_settings
from srdesk.training.run.runs import Run


@pytest.fixture
def new_desk(qtbot: QtBot, qapp: QApplication) -> Iterator[Callable[[], Desk]]:
    """Make desks, and take them apart after the test."""
    desks: list[Desk] = []

    def make() -> Desk:
        desks.append(Desk(qapp))
        qtbot.addWidget(desks[-1].window)
        return desks[-1]

    yield make
    for desk in desks:
        assert desk.shutdown()
    qapp.setStyleSheet("")


def titles(desk: Desk) -> set[str]:
    return {bar.texts[0] for bar in desk.window.view.findChildren(TitleBar)}


def test_adopted_weights_are_used_at_once_and_by_the_next_desk(
    new_desk: Callable[[], Desk], make_weights, config, tmp_path: Path
) -> None:
    desk = new_desk()
    run = Run(tmp_path / "run")
    run.make_folder()
    run.store(config())
    make_weights(run.folder / "weights" / "portraits.safetensors")
    shipped = desk._weights("srresnet")
    adopted = desk.training.adopt(run)
    assert desk._weights("srresnet") == adopted.path == paths.user_weights_folder() / "portraits.safetensors"
    assert "SRResNet · portraits" in titles(desk)
    assert new_desk()._weights("srresnet") == adopted.path
    desk.training.use("srresnet", "")
    assert desk._weights("srresnet") == shipped != adopted.path
    assert "SRResNet" in titles(desk)


def test_kept_weights_change_no_pane_until_they_are_chosen(
    new_desk: Callable[[], Desk], make_weights, tmp_path: Path
) -> None:
    desk = new_desk()
    before = desk._weights("srcnn")
    added = desk.training.import_weights(make_weights(tmp_path / "small.safetensors", architecture="srcnn"))
    assert desk._weights("srcnn") == before
    desk.training.use("srcnn", added.name)
    assert desk._weights("srcnn") == added.path


def test_chosen_weights_that_are_gone_are_said_and_forgotten(new_desk: Callable[[], Desk], make_weights) -> None:
    save_settings(Settings(pane_weights={"srgan": "lost"}))
    desk = new_desk()
    assert desk.window.banner.message is not None
    assert desk.window.banner.message.text == "The weights “lost” are gone; SRGAN uses those of the program."
    assert load_settings().settings.pane_weights == {}
    desk.window.banner.dismiss()
    own = make_weights(paths.user_weights_folder() / "mine.safetensors")
    desk.training.use("srresnet", "mine")
    own.unlink()
    desk._on_state_changed(Qt.ApplicationState.ApplicationActive)  # the person comes back from a file manager
    assert desk.window.banner.message.text == "The weights “mine” are gone; SRResNet uses those of the program."
    assert "SRResNet" in titles(desk)
