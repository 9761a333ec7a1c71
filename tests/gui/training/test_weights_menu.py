"""Which weights a pane uses is chosen in a menu, and holds at once."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QMenu

from srdesk.gui.main_window import MainWindow
from srdesk.gui.preferences import Preferences
from srdesk.gui.training.training import Training


@pytest.fixture
def menu(window: MainWindow, training: Training, make_weights) -> QMenu:
    """The menu over one pair of weights of the program and two of the person."""
    shipped, own = training.weights_folders
    make_weights(shipped / "srresnet_x4.safetensors")
    make_weights(own / "aerial.safetensors")
    make_weights(own / "small.safetensors", architecture="srcnn")
    return window.desk_actions.weights_menu


def entries(menu: QMenu, title: str) -> dict[str, bool]:
    """Open the menu, and return what is in one of its menus: text → whether it is marked."""
    menu.aboutToShow.emit()
    return {action.text(): action.isChecked() for action in submenu(menu, title).actions()}


def submenu(menu: QMenu, title: str) -> QMenu:
    found = next(action.menu() for action in menu.actions() if action.text().replace("&", "") == title)
    assert isinstance(found, QMenu)
    return found


def choose(menu: QMenu, title: str, text: str) -> None:
    entries(menu, title)
    next(action for action in submenu(menu, title).actions() if action.text() == text).trigger()


def trigger(menu: QMenu, text: str) -> None:
    next(action for action in menu.actions() if action.text().replace("&", "") == text).trigger()


def test_each_pane_is_offered_the_weights_of_its_architecture(menu: QMenu) -> None:
    assert entries(menu, "SRResNet") == {"Those of the program": True, "aerial": False}
    assert entries(menu, "SRCNN") == {"None yet": True, "small": False}
    assert entries(menu, "SRGAN") == {"None yet": True}


def test_what_is_chosen_is_kept_among_the_preferences(menu: QMenu, preferences: Preferences) -> None:
    choose(menu, "SRResNet", "aerial")
    assert preferences.settings.pane_weights == {"srresnet": "aerial"}
    assert entries(menu, "SRResNet") == {"Those of the program": False, "aerial": True}
    choose(menu, "SRResNet", "Those of the program")
    assert preferences.settings.pane_weights == {}


def test_imported_weights_are_marked_as_new_until_they_are_used(
    window: MainWindow, menu: QMenu, answers, tmp_path: Path, make_weights
) -> None:
    answers.given = {"weights_file": make_weights(tmp_path / "moon.safetensors")}
    trigger(menu, "Import Weights File…")
    assert "Imported “moon”" in window.status.text
    assert entries(menu, "SRResNet")["moon (new)"] is False
    choose(menu, "SRResNet", "moon (new)")
    assert entries(menu, "SRResNet")["moon"] is True


def test_a_file_that_cannot_be_used_is_refused_with_its_reason(
    window: MainWindow, menu: QMenu, answers, tmp_path: Path
) -> None:
    (tmp_path / "code.safetensors").write_bytes(b"PK\x03\x04 not weights")
    answers.given = {"weights_file": tmp_path / "code.safetensors"}
    trigger(menu, "Import Weights File…")
    assert window.banner.message is not None
    assert "contains code" in window.banner.message.text


def test_own_weights_are_deleted_when_the_person_confirms_it(
    menu: QMenu, training: Training, preferences: Preferences, answers
) -> None:
    own = training.weights_folders[1]
    choose(menu, "SRResNet", "aerial")
    answers.given = {"confirm_deletion": False}
    choose(menu, "Delete Own Weights", "aerial of SRResNet…")
    assert (own / "aerial.safetensors").exists()
    answers.given = {"confirm_deletion": True}
    choose(menu, "Delete Own Weights", "aerial of SRResNet…")
    assert not (own / "aerial.safetensors").exists()
    assert preferences.settings.pane_weights == {}
    assert list(entries(menu, "Delete Own Weights")) == ["small of SRCNN…"]


def test_the_folder_of_own_weights_can_be_opened(
    menu: QMenu, training: Training, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []
    monkeypatch.setattr(QDesktopServices, "openUrl", lambda url: opened.append(url.toLocalFile()))
    trigger(menu, "Open Weights Folder")
    assert opened == [str(training.weights_folders[1])]
