"""Commands mean the marked pane, or the best one that is seen where that has nothing that they could mean."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from srdesk.gui.compare.comparison import CompareMode
from srdesk.gui.main_window import MainWindow
from srdesk.gui.preferences import Preferences


@pytest.mark.parametrize(
    ("active", "result", "network"),
    [
        ("lr", "srresnet", "srresnet"),
        ("bicubic", "bicubic", "srresnet"),
        ("srgan", "srgan", "srgan"),
        ("srcnn", "srresnet", "srresnet"),  # has no weights
        ("map", "srresnet", "srresnet"),
    ],
)
def test_the_marked_pane_is_meant_if_it_can_be(
    active: str, result: str, network: str, window: MainWindow, panes_with_weights: dict[str, Path]
) -> None:
    panes_with_weights["srgan"] = panes_with_weights["srresnet"]
    window.view.activate(active)
    assert (window.tools.marked.result, window.tools.marked.network) == (result, network)


def test_otherwise_that_of_the_preferences(
    window: MainWindow, preferences: Preferences, panes_with_weights: dict[str, Path]
) -> None:
    panes_with_weights["srgan"] = panes_with_weights["srresnet"]
    preferences.change(model="srgan")
    assert window.tools.marked.result == "srgan"


def test_a_pane_that_is_seen_comes_before_a_hidden_one(
    window: MainWindow, preferences: Preferences, panes_with_weights: dict[str, Path]
) -> None:
    panes_with_weights["srgan"] = panes_with_weights["srresnet"]
    window.view.activate("lr")
    preferences.change(visible_panes=("lr", "bicubic", "srgan"))
    assert (window.tools.marked.result, window.tools.marked.network) == ("srgan", "srgan")
    preferences.change(visible_panes=("lr", "bicubic"))
    assert (window.tools.marked.result, window.tools.marked.network) == ("bicubic", "srresnet")


def test_without_weights_only_the_bicubic_is_left(
    window: MainWindow, open_in_window: Callable[[Path], None], panes_with_weights: dict[str, Path], picture: Path
) -> None:
    open_in_window(picture)
    panes_with_weights.clear()
    assert (window.tools.marked.result, window.tools.marked.network) == ("bicubic", None)
    window.desk_actions.spread_map.trigger()
    assert "weights" in window.status.text


def test_where_two_panes_are_compared_one_of_them_is_meant(
    window: MainWindow,
    open_in_window: Callable[[Path], None],
    panes_with_weights: dict[str, Path],
    picture: Path,
) -> None:
    panes_with_weights["srcnn"] = panes_with_weights["srresnet"]
    open_in_window(picture)
    window.view.set_mode(CompareMode.SLIDER)
    window.view.set_compared("lr", "srcnn")
    window.view.activate("lr")
    assert (window.tools.marked.result, window.tools.marked.network) == ("srcnn", "srcnn")
