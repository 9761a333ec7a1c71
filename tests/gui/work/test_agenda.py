"""What is computed next, and why nothing is."""

from __future__ import annotations

from dataclasses import replace

from srdesk.gui.work.agenda import Situation, Task, Why, is_waiting, makes_way, next_task
from srdesk.imaging.image import Box

SMALL = Situation(height=300, width=400, panes=("bicubic", "srresnet"), visible=Box(0, 0, 300, 400))
LARGE = Situation(height=4000, width=6000, panes=("bicubic", "srresnet"), visible=Box(0, 0, 4000, 6000))
DETAIL = Box(1000, 2000, 200, 300)


def test_a_small_picture_that_is_seen_as_a_whole_is_computed_pane_by_pane_without_previews() -> None:
    assert next_task(SMALL) == Task("bicubic", None, Why.AUTOMATIC)
    assert next_task(replace(SMALL, finished=frozenset({"bicubic"}))) == Task("srresnet", None, Why.AUTOMATIC)
    assert next_task(replace(SMALL, finished=frozenset(SMALL.panes))) is None


def test_nothing_begins_before_it_is_known_what_is_seen() -> None:
    assert next_task(replace(SMALL, visible=None)) is None
    assert next_task(replace(SMALL, visible=None, asked=("srresnet",))) == Task("srresnet", None, Why.ASKED)


def test_the_visible_region_of_a_large_picture_is_previewed_pane_by_pane_and_the_whole_waits_to_be_asked_for() -> None:
    zoomed = replace(LARGE, visible=DETAIL)
    task = next_task(zoomed)
    assert task == Task("bicubic", DETAIL.grown(8), Why.PREVIEW)
    seen = {"bicubic": DETAIL.grown(8)}
    assert next_task(replace(zoomed, previewed=seen)) == Task("srresnet", DETAIL.grown(8), Why.PREVIEW)
    seen["srresnet"] = DETAIL.grown(8)
    assert next_task(replace(zoomed, previewed=seen)) is None


def test_a_preview_stays_good_while_the_view_is_inside_it() -> None:
    seen = {pane: DETAIL.grown(8) for pane in LARGE.panes}
    nudged = Box(DETAIL.top + 5, DETAIL.left - 5, DETAIL.height, DETAIL.width)
    moved = Box(DETAIL.top + 50, DETAIL.left, DETAIL.height, DETAIL.width)
    assert next_task(replace(LARGE, visible=nudged, previewed=seen)) is None
    assert next_task(replace(LARGE, visible=moved, previewed=seen)) == Task("bicubic", moved.grown(8), Why.PREVIEW)


def test_a_preview_never_leaves_the_picture() -> None:
    corner = Box(0, 0, 200, 300)
    task = next_task(replace(LARGE, visible=corner))
    assert task is not None
    assert task.region == Box(0, 0, 208, 308)


def test_a_region_that_takes_too_long_waits_until_the_person_zooms_in_or_asks() -> None:
    assert next_task(LARGE) is None
    assert is_waiting(LARGE, "srresnet")
    asked = replace(LARGE, asked_region=LARGE.visible)
    assert next_task(asked) == Task("bicubic", LARGE.visible, Why.PREVIEW)
    assert not is_waiting(asked, "srresnet")


def test_measured_speed_decides_what_is_quick_enough() -> None:
    medium = replace(SMALL, height=2000, width=2000, visible=Box(0, 0, 2000, 2000), finished=frozenset({"bicubic"}))
    assert next_task(medium) is None
    fast = replace(medium, speeds_mpx_s={"srresnet": 400.0})
    assert next_task(fast) == Task("srresnet", None, Why.AUTOMATIC)
    assert next_task(replace(fast, automatic_run_s=0.0)) != Task("srresnet", None, Why.AUTOMATIC)


def test_results_that_would_fill_the_memory_are_not_computed_unasked_however_quick() -> None:
    quick = replace(LARGE, speeds_mpx_s={"bicubic": 1e6, "srresnet": 1e6})
    task = next_task(quick)
    assert task is not None
    assert task.why is Why.PREVIEW
    assert next_task(replace(quick, previewed=dict.fromkeys(LARGE.panes, LARGE.visible))) is None


def test_previews_come_before_what_was_asked_for_but_not_of_the_pane_that_was_asked_for() -> None:
    zoomed = replace(LARGE, visible=DETAIL, asked=("bicubic", "srresnet"))
    assert next_task(zoomed) == Task("bicubic", None, Why.ASKED)
    assert next_task(replace(zoomed, asked=("srresnet",))) == Task("bicubic", DETAIL.grown(8), Why.PREVIEW)


def test_after_a_cancel_only_what_is_asked_for_begins() -> None:
    held = replace(SMALL, is_held=True)
    assert next_task(held) is None
    assert is_waiting(held, "srresnet")
    assert next_task(replace(held, asked=("srresnet",))) == Task("srresnet", None, Why.ASKED)


def test_a_pane_that_failed_is_not_tried_again_by_itself() -> None:
    failed = replace(SMALL, failed=frozenset({"bicubic"}))
    assert next_task(failed) == Task("srresnet", None, Why.AUTOMATIC)


def test_only_parts_of_a_scene_on_the_disk_are_computed_and_none_that_would_fill_the_memory() -> None:
    fast = replace(SMALL, is_on_disk=True, speeds_mpx_s={"bicubic": 1e6, "srresnet": 1e6})
    assert next_task(fast) == Task("bicubic", Box(0, 0, 300, 400), Why.PREVIEW)
    assert next_task(replace(fast, previewed=dict.fromkeys(SMALL.panes, SMALL.visible))) is None
    everything = replace(LARGE, is_on_disk=True, asked_region=LARGE.visible, speeds_mpx_s=fast.speeds_mpx_s)
    assert next_task(everything) is None
    assert is_waiting(everything, "srresnet")


def test_what_is_under_way_makes_way_for_a_preview_of_what_is_seen_now_only() -> None:
    zoomed = replace(LARGE, visible=DETAIL)
    elsewhere, here = Task("bicubic", Box(0, 0, 50, 50), Why.PREVIEW), Task("bicubic", DETAIL.grown(8), Why.PREVIEW)
    assert makes_way(elsewhere, zoomed)
    assert makes_way(Task("srresnet", None, Why.AUTOMATIC), zoomed)
    assert not makes_way(here, zoomed)
    assert not makes_way(Task("srresnet", None, Why.ASKED), zoomed)
    seen = replace(zoomed, previewed=dict.fromkeys(LARGE.panes, DETAIL))
    assert not makes_way(elsewhere, seen), "nothing else is wanted"
