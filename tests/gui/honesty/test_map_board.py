"""A map goes when what it tells of is gone, and only then."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from threading import Event

import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from srdesk.gui.honesty.honesty import Honesty
from srdesk.gui.main_window import MainWindow
from srdesk.gui.preferences import Preferences
from srdesk.gui.work.session import Session

WAIT_MS = 10_000


@pytest.fixture
def exchange(
    session: Session, panes_with_weights: dict[str, Path], make_weights: Callable[..., Path], tmp_path: Path
) -> Callable[[str], None]:
    """Choose other weights for a pane."""

    def choose(pane: str) -> None:
        panes_with_weights[pane] = make_weights(tmp_path / "other" / f"{pane}.safetensors")
        session.renderer.look_again()

    return choose


@pytest.fixture
def show_map(qtbot: QtBot, window: MainWindow, honesty: Honesty) -> Callable[[str], None]:
    """Ask for a map and wait for it."""

    def show(name: str) -> None:
        with qtbot.waitSignal(honesty.maps.mapped, timeout=WAIT_MS):
            getattr(window.desk_actions, name).trigger()

    return show


@pytest.fixture
def both_networks(
    qtbot: QtBot, session: Session, panes_with_weights: dict[str, Path], appraised: Callable[[], None]
) -> None:
    """SRResNet and SRGAN are computed and measured."""
    panes_with_weights["srgan"] = panes_with_weights["srresnet"]
    appraised()
    qtbot.waitUntil(lambda: session.renderer.result("srgan") is not None, timeout=WAIT_MS)


def is_gone(window: MainWindow) -> bool:
    """Return whether there is no map, neither to be seen nor to be copied."""
    has_pane = window.desk_actions.map_pane.isVisible()
    assert has_pane == window.desk_actions.map_pane.isChecked()
    assert has_pane == (window.tools.display("map") is not None)
    return not has_pane


def test_the_spread_of_a_network_goes_with_its_weights(
    window: MainWindow,
    appraised: Callable[[], None],
    inventing,
    show_map: Callable[[str], None],
    exchange: Callable[[str], None],
    seen: Callable[[str], str],
) -> None:
    appraised()
    show_map("spread_map")
    exchange("srcnn")
    assert seen("Invented detail, SRResNet")
    exchange("srresnet")
    assert is_gone(window)
    assert seen("Invented detail, SRResNet") == ""


def test_the_spread_of_a_network_that_no_pane_shows_goes_with_its_weights_too(
    window: MainWindow,
    preferences: Preferences,
    panes_with_weights: dict[str, Path],
    appraised: Callable[[], None],
    inventing,
    show_map: Callable[[str], None],
    exchange: Callable[[str], None],
    seen: Callable[[str], str],
) -> None:
    preferences.change(visible_panes=("bicubic", "srresnet"))
    appraised()
    panes_with_weights["srcnn"] = panes_with_weights["srresnet"]
    window.view.activate("srcnn")
    show_map("spread_map")
    assert seen("Invented detail, SRCNN")
    exchange("srcnn")
    assert is_gone(window)


def test_the_spread_of_old_weights_does_not_come_up_afterwards(
    qtbot: QtBot,
    window: MainWindow,
    honesty: Honesty,
    spread_being_made,
    exchange: Callable[[str], None],
) -> None:
    exchange("srresnet")
    assert not honesty.maps.is_working
    spread_being_made.gate.set()
    qtbot.waitUntil(lambda: honesty.appraiser.found("srresnet") is not None, timeout=WAIT_MS)
    assert is_gone(window)


def test_the_spread_of_a_network_stays_when_its_pane_is_computed_again(
    qtbot: QtBot,
    window: MainWindow,
    session: Session,
    appraised: Callable[[], None],
    inventing,
    show_map: Callable[[str], None],
) -> None:
    appraised()
    show_map("spread_map")
    with qtbot.waitSignal(
        session.renderer.rendered, timeout=WAIT_MS, check_params_cb=lambda answer: answer.pane == "srresnet"
    ):
        window.desk_actions.run.trigger()
    assert not is_gone(window)


@pytest.mark.parametrize("change", ["weights", "run", "back-projection"])
@pytest.mark.usefixtures("both_networks")
def test_the_difference_of_two_results_goes_with_either_of_them(
    change: str,
    qtbot: QtBot,
    window: MainWindow,
    session: Session,
    honesty: Honesty,
    show_map: Callable[[str], None],
    exchange: Callable[[str], None],
) -> None:
    show_map("disagreement_map")
    assert not is_gone(window)
    if change == "weights":
        exchange("srgan")
        assert is_gone(window)
        return
    with qtbot.waitSignal(
        session.renderer.rendered, timeout=WAIT_MS, check_params_cb=lambda answer: answer.pane == "srresnet"
    ):
        if change == "run":
            session.renderer.run(("srresnet",))
        else:
            honesty.projector.set_strength("srresnet", 0.5)
    assert is_gone(window)


@pytest.mark.usefixtures("both_networks")
def test_the_difference_of_two_results_stays_when_a_third_is_computed_again(
    qtbot: QtBot, window: MainWindow, session: Session, show_map: Callable[[str], None]
) -> None:
    show_map("disagreement_map")
    with qtbot.waitSignal(session.renderer.rendered, timeout=WAIT_MS):
        session.renderer.run(("bicubic",))
    assert not is_gone(window)


@pytest.mark.usefixtures("both_networks")
def test_the_difference_of_results_that_are_gone_does_not_come_up_afterwards(
    qtbot: QtBot, window: MainWindow, session: Session, honesty: Honesty, monkeypatch: pytest.MonkeyPatch
) -> None:
    may_end = Event()

    def compare_for_long(one: object, other: object) -> np.ndarray:
        assert may_end.wait(WAIT_MS / 1000)
        return np.zeros((64, 96), np.float32)

    monkeypatch.setattr("srdesk.engine.trust.honesty.disagreement", compare_for_long)
    window.desk_actions.disagreement_map.trigger()
    assert honesty.maps.is_working
    with qtbot.waitSignal(session.renderer.rendered, timeout=WAIT_MS):
        session.renderer.run(("srgan",))
    assert not honesty.maps.is_working
    with qtbot.waitSignal(honesty.work.answered, timeout=WAIT_MS):
        may_end.set()
    assert is_gone(window)


@pytest.mark.usefixtures("both_networks")
def test_a_map_that_goes_leaves_its_pane_to_the_one_that_is_being_made(
    qtbot: QtBot,
    window: MainWindow,
    session: Session,
    honesty: Honesty,
    inventing,
    show_map: Callable[[str], None],
    seen: Callable[[str], str],
) -> None:
    show_map("disagreement_map")
    inventing.gate.clear()
    window.view.activate("srresnet")
    window.desk_actions.spread_map.trigger()
    with qtbot.waitSignal(session.renderer.rendered, timeout=WAIT_MS):
        session.renderer.run(("srgan",))
    assert window.tools.maps.shown is None
    assert "Invented detail" in seen("Invented detail, SRResNet")
    with qtbot.waitSignal(honesty.maps.mapped, timeout=WAIT_MS):
        inventing.gate.set()
    assert not is_gone(window)


def test_the_consistency_of_a_result_is_mapped_again_with_other_weights_and_goes_without_any(
    qtbot: QtBot,
    window: MainWindow,
    session: Session,
    honesty: Honesty,
    appraised: Callable[[], None],
    panes_with_weights: dict[str, Path],
    show_map: Callable[[str], None],
    exchange: Callable[[str], None],
) -> None:
    appraised()
    window.view.activate("srresnet")
    show_map("consistency_map")
    with qtbot.waitSignal(honesty.maps.mapped, timeout=WAIT_MS):
        exchange("srresnet")
    assert not is_gone(window)
    del panes_with_weights["srresnet"]
    session.renderer.look_again()
    assert is_gone(window)


def test_the_consistency_of_a_result_goes_where_no_other_takes_its_place_by_itself(
    window: MainWindow,
    session: Session,
    appraised: Callable[[], None],
    show_map: Callable[[str], None],
    exchange: Callable[[str], None],
) -> None:
    appraised()
    window.view.activate("srresnet")
    show_map("consistency_map")
    session.renderer.cancel()  # nothing is computed unasked from now on
    assert not is_gone(window)
    exchange("srresnet")
    assert is_gone(window)
