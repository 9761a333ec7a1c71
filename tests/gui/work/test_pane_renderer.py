"""Panes are computed one after the other; the newest wish wins and stale answers are dropped."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import QObject, Slot
from pytestqt.qtbot import QtBot

from srdesk.errors import OutOfMemoryError
from srdesk.gui.work.agenda import Activity
from srdesk.gui.work.pane_renderer import PaneRenderer
from srdesk.gui.work.requests import Previewed, Rendered
from srdesk.gui.work.session import Session
from srdesk.imaging.image import Box

WAIT_MS = 10_000


class Diary(QObject):
    """Writes down what a renderer says."""

    def __init__(self, renderer: PaneRenderer) -> None:
        super().__init__()
        self.rendered: list[str] = []
        self.previewed: list[tuple[str, Box]] = []
        self.failed: list[str] = []
        self.is_working = False
        renderer.rendered.connect(self._on_rendered)
        renderer.previewed.connect(self._on_previewed)
        renderer.pane_failed.connect(self._on_failed)
        renderer.activity_changed.connect(self._on_activity)

    @Slot(object)
    def _on_rendered(self, answer: Rendered) -> None:
        self.rendered.append(answer.pane)

    @Slot(object)
    def _on_previewed(self, answer: Previewed) -> None:
        self.previewed.append((answer.pane, answer.region))

    @Slot(str, object)
    def _on_failed(self, pane: str, _error: object) -> None:
        self.failed.append(pane)

    @Slot(object)
    def _on_activity(self, activity: Activity | None) -> None:
        self.is_working = activity is not None


@pytest.fixture
def renderer(session: Session) -> PaneRenderer:
    return session.renderer


@pytest.fixture
def diary(renderer: PaneRenderer) -> Diary:
    return Diary(renderer)


@pytest.fixture
def open_picture(qtbot: QtBot, session: Session, save_picture: Callable[..., Path]) -> Callable[[tuple[int, int]], Box]:
    """Open a picture of a size (width, height) and return all of it as a box."""

    def open_it(size: tuple[int, int]) -> Box:
        with qtbot.waitSignal(session.opened, timeout=WAIT_MS):
            session.open(save_picture(size=size))
        return Box(0, 0, size[1], size[0])

    return open_it


@pytest.fixture
def idle(qtbot: QtBot, diary: Diary, renderer: PaneRenderer) -> Callable[[], None]:
    def wait() -> None:
        qtbot.waitUntil(lambda: not diary.is_working and not renderer.is_working, timeout=WAIT_MS)

    return wait


def test_a_small_picture_is_computed_as_soon_as_it_is_seen(open_picture, renderer, diary, idle) -> None:
    renderer.set_visible_region(open_picture((24, 16)))
    idle()
    assert (diary.rendered, diary.previewed) == (["bicubic", "srresnet"], [])
    assert renderer.result("srresnet") is not None


def test_a_pane_without_weights_is_computed_once_it_has_some(
    open_picture, renderer, diary, idle, panes_with_weights
) -> None:
    renderer.set_visible_region(open_picture((24, 16)))
    idle()
    assert not renderer.can_compute("srcnn")
    panes_with_weights["srcnn"] = Path("srcnn.safetensors")
    renderer.set_panes(("lr", "bicubic", "srcnn", "srresnet"))
    idle()
    assert diary.rendered == ["bicubic", "srresnet", "srcnn"]


def test_hidden_panes_are_not_computed_until_they_are_shown(open_picture, renderer, diary, idle) -> None:
    renderer.set_panes(("lr", "srresnet"))
    renderer.set_visible_region(open_picture((24, 16)))
    idle()
    assert diary.rendered == ["srresnet"]
    renderer.set_panes(("lr", "bicubic", "srresnet"))
    idle()
    assert diary.rendered == ["srresnet", "bicubic"]


def test_a_view_that_moves_on_supersedes_the_preview_under_way_and_its_answer_is_dropped(
    open_picture, renderer, diary, idle, nearest, qtbot
) -> None:
    renderer.choose(device="auto", precision="auto", window_px=None, automatic_run_s=0.0)
    open_picture((200, 160))
    nearest.gate.clear()
    renderer.set_visible_region(Box(0, 0, 20, 20))
    assert nearest.started.acquire(timeout=10)
    renderer.set_visible_region(Box(100, 100, 20, 20))
    qtbot.waitUntil(lambda: len(nearest.rendered_panes) == 2, timeout=WAIT_MS)
    nearest.gate.set()
    idle()
    assert [pane for pane, _ in nearest.rendered_panes] == ["bicubic", "bicubic", "srresnet"]
    assert diary.previewed == [("bicubic", Box(92, 92, 36, 36)), ("srresnet", Box(92, 92, 36, 36))]


def test_an_answer_for_another_picture_is_dropped(open_picture, renderer, diary, idle, nearest) -> None:
    first = open_picture((24, 16))
    nearest.gate.clear()
    renderer.set_visible_region(first)
    assert nearest.started.acquire(timeout=10)
    second = open_picture((20, 12))
    nearest.gate.set()
    renderer.set_visible_region(second)
    idle()
    assert diary.rendered == ["bicubic", "srresnet"]
    result = renderer.result("bicubic")
    assert result is not None
    assert (result.stored.height, result.stored.width) == (48, 80)


def test_cancelling_stops_at_once_and_nothing_begins_until_it_is_asked_for(
    open_picture, renderer, diary, idle, nearest
) -> None:
    nearest.gate.clear()
    renderer.set_visible_region(open_picture((24, 16)))
    assert nearest.started.acquire(timeout=10)
    renderer.cancel()
    idle()
    assert (diary.rendered, len(nearest.rendered_panes)) == ([], 1)
    nearest.gate.set()
    renderer.run()
    idle()
    assert diary.rendered == ["bicubic", "srresnet"]


def test_running_again_computes_again_and_keeps_the_old_result_until_the_new_one_is_there(
    open_picture, renderer, diary, idle, nearest
) -> None:
    renderer.set_visible_region(open_picture((24, 16)))
    idle()
    before = renderer.result("srresnet")
    nearest.gate.clear()
    renderer.run()
    assert renderer.result("srresnet") is before
    renderer.cancel()
    idle()
    assert renderer.result("srresnet") is before
    nearest.gate.set()
    renderer.run()
    idle()
    assert renderer.result("srresnet") is not before


def test_a_run_that_began_by_itself_goes_on_when_it_is_asked_for(open_picture, renderer, diary, idle, nearest) -> None:
    renderer.set_panes(("lr", "srresnet"))
    nearest.gate.clear()
    renderer.set_visible_region(open_picture((24, 16)))
    assert nearest.started.acquire(timeout=10)
    renderer.run(("srresnet",))
    assert renderer.asked == ("srresnet",)
    renderer.set_panes(("lr", "bicubic"))  # what was asked for is computed also where it is not seen
    nearest.gate.set()
    idle()
    assert nearest.rendered_panes == [("srresnet", None), ("bicubic", None)]
    assert diary.rendered == ["srresnet", "bicubic"]
    assert renderer.asked == ()


def test_a_run_that_began_by_itself_makes_way_if_the_pane_is_asked_for_in_another_way(
    open_picture, renderer, diary, idle, nearest
) -> None:
    renderer.set_panes(("lr", "srresnet"))
    nearest.gate.clear()
    renderer.set_visible_region(open_picture((24, 16)))
    assert nearest.started.acquire(timeout=10)
    renderer.choose(device="auto", precision="auto", window_px=64, automatic_run_s=20.0)
    renderer.run(("srresnet",))
    nearest.gate.set()
    idle()
    assert [request.recipe.window_px for request in nearest.seen] == [None, 64]
    assert diary.rendered == ["srresnet"]


def test_a_run_that_began_by_itself_makes_way_if_another_pane_is_asked_for(
    open_picture, renderer, diary, idle, nearest
) -> None:
    renderer.set_panes(("lr", "srresnet"))
    nearest.gate.clear()
    renderer.set_visible_region(open_picture((24, 16)))
    assert nearest.started.acquire(timeout=10)
    renderer.run(("bicubic",))
    nearest.gate.set()
    idle()
    assert diary.rendered == ["bicubic", "srresnet"]


def test_a_pane_that_fails_is_reported_and_the_others_go_on(open_picture, renderer, diary, idle, nearest) -> None:
    nearest.errors["bicubic"] = OutOfMemoryError("Memory ran out.")
    renderer.set_visible_region(open_picture((24, 16)))
    idle()
    assert (diary.failed, diary.rendered) == (["bicubic"], ["srresnet"])
    nearest.errors.clear()
    renderer.run()
    idle()
    assert diary.rendered == ["srresnet", "bicubic", "srresnet"]


def test_a_preview_is_the_same_pixels_as_the_whole(open_picture, renderer, diary, idle) -> None:
    renderer.choose(device="auto", precision="auto", window_px=None, automatic_run_s=0.0)
    open_picture((200, 160))
    renderer.set_visible_region(Box(30, 40, 20, 24))
    idle()
    preview = renderer.preview("srresnet")
    renderer.run()
    idle()
    whole = renderer.result("srresnet")
    assert preview is not None
    assert whole is not None
    box = preview.region.scaled(4)
    assert (whole.stored.numbers[box.top : box.bottom, box.left : box.right] == preview.stored.numbers).all()


def test_a_pane_that_gets_other_weights_is_computed_again_and_the_others_stay(
    open_picture, renderer, diary, idle, nearest, panes_with_weights
) -> None:
    renderer.set_visible_region(open_picture((24, 16)))
    idle()
    forgotten: list[str] = []
    renderer.forgotten.connect(forgotten.append)
    renderer.look_again()
    assert forgotten == []
    panes_with_weights["srresnet"] = Path("portraits.safetensors")
    renderer.look_again()
    assert renderer.result("srresnet") is None
    idle()
    assert forgotten == ["srresnet"]
    assert diary.rendered == ["bicubic", "srresnet", "srresnet"]
    assert nearest.seen[-1].recipe.weights == Path("portraits.safetensors")


def test_weights_that_were_written_anew_under_the_same_name_are_other_weights(
    open_picture, renderer, diary, idle, panes_with_weights, tmp_path
) -> None:
    panes_with_weights["srresnet"] = tmp_path / "mine.safetensors"
    panes_with_weights["srresnet"].write_bytes(b"at first")
    renderer.set_visible_region(open_picture((24, 16)))
    idle()
    renderer.look_again()
    assert renderer.result("srresnet") is not None
    panes_with_weights["srresnet"].write_bytes(b"trained on")
    renderer.look_again()
    assert renderer.result("srresnet") is None
    idle()
    assert diary.rendered == ["bicubic", "srresnet", "srresnet"]


def test_other_weights_stop_what_is_being_computed_with_the_old_ones(
    open_picture, renderer, diary, idle, nearest, panes_with_weights
) -> None:
    renderer.set_panes(("lr", "srresnet"))
    nearest.gate.clear()
    renderer.set_visible_region(open_picture((24, 16)))
    assert nearest.started.acquire(timeout=10)
    panes_with_weights["srresnet"] = Path("portraits.safetensors")
    renderer.look_again()
    nearest.gate.set()
    idle()
    assert diary.rendered == ["srresnet"]
    assert [request.recipe.weights.stem for request in nearest.seen] == ["srresnet", "portraits"]
