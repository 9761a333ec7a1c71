"""Events survive the wire, one a line."""

from __future__ import annotations

import json
import math
import os

import msgspec
import pytest

from srdesk.training import events

STEP = events.Step(
    step=3,
    loss=0.25,
    learning_rate=1e-4,
    gradient_norm=0.5,
    steps_per_second=2.0,
    data_wait_share=0.0,
    remaining_s=9.0,
    memory_bytes=10,
)


@pytest.mark.parametrize(
    "event",
    [
        STEP,
        events.Saved(step=1, path="a\nb ü"),
        events.Validated(step=1, psnr_y_db=30.0, ssim_y=0.9, is_best=True),
        events.Failed(kind="X", message="“x”", hint=""),
        events.Finished(reason="stopped", step=4, best_psnr_y_db=31.0, elapsed_s=1.0),
    ],
)
def test_decode_gives_back_what_encode_took(event: events.AnyEvent) -> None:
    line = events.encode(event)
    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1
    assert events.decode(line) == event


def test_the_kind_is_the_field_event() -> None:
    assert json.loads(events.encode(STEP))["event"] == "step"


def test_a_number_that_json_cannot_hold_never_reaches_the_wire() -> None:
    line = events.encode(events.Validated(step=1, psnr_y_db=math.nan, ssim_y=0.9, is_best=False))
    assert json.loads(line)["psnr_y_db"] is None


@pytest.mark.parametrize("line", ["", "hello", "{}", '{"event": "party"}', '{"event": "step"}'])
def test_a_line_that_is_no_event_is_refused(line: str) -> None:
    with pytest.raises(msgspec.DecodeError):
        events.decode(line)


def test_a_field_of_a_later_version_is_passed_over() -> None:
    event = events.Saved(step=1, path="p")
    assert events.decode(json.dumps(json.loads(events.encode(event)) | {"mood": "fine"})) == event


def test_names_that_are_no_valid_text_are_told_readably() -> None:
    name = os.fsdecode(b"bild\xe9.png")
    score = events.PictureScore(name=name, bicubic_db=1.0, start_db=2.0, best_db=3.0)
    told = events.Compared(pictures=(score,), difference_db=1.0, better_pictures=1, bicubic_db=1.0, is_better=True)
    for event in (told, events.Notice(message=f"“{name}” is too small.")):
        assert "bild\ufffd.png" in str(events.decode(events.encode(event)))
