"""A configuration says which of its fields is wrong and what would be right."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import msgspec
import pytest

from srdesk.errors import ConfigError
from srdesk.training.config import Schedule, TrainConfig, read_config, validate


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("steps", 0),
        ("batch_size", 0),
        ("crop_px", 7),
        ("learning_rate", 2.0),
        ("ema_decay", 1.0),
        ("validation_crop_px", 66),
        ("hr_scales", (0.2,)),
        ("data", ()),
        ("name", "../evil"),
    ],
)
def test_a_value_out_of_range_is_named(field: str, value: Any) -> None:
    with pytest.raises(ConfigError) as caught:
        validate(TrainConfig(**({"data": ("pictures",)} | {field: value})))
    assert caught.value.field == field
    assert caught.value.hint


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.toml", "steps = 'many'"),
        ("a.toml", "colour = 1"),
        ("a.toml", "steps ="),
        ("a.json", "{"),
        ("a.json", '{"schedule": "zigzag"}'),
        ("missing.toml", None),
    ],
)
def test_a_bad_file_gives_one_sentence(tmp_path: Path, name: str, content: str | None) -> None:
    path = tmp_path / name
    if content is not None:
        path.write_text(content)
    with pytest.raises(ConfigError, match="config cannot be"):
        read_config(path)


@pytest.mark.parametrize("suffix", [".json", ".toml"])
def test_a_file_gives_back_what_was_written(tmp_path: Path, suffix: str) -> None:
    config = TrainConfig(data=("a", "b"), steps=7, hr_scales=(1.0, 0.5))
    path = tmp_path / f"config{suffix}"
    path.write_bytes(
        msgspec.json.encode(config) if suffix == ".json" else b'data = ["a", "b"]\nsteps = 7\nhr_scales = [1, 0.5]'
    )
    assert read_config(path) == config


def test_learning_rate_rises_then_falls_to_its_end() -> None:
    config = TrainConfig(steps=100, warmup_steps=10, learning_rate=1e-3, final_learning_rate=1e-5)
    rates = [config.learning_rate_at(step) for step in range(101)]
    assert rates[0] == pytest.approx(1e-4)
    assert rates[9] == rates[10] == pytest.approx(1e-3)
    assert all(later < earlier for earlier, later in itertools.pairwise(rates[10:]))
    assert rates[100] == pytest.approx(1e-5)


def test_constant_schedule_stays_at_its_peak() -> None:
    config = TrainConfig(steps=100, warmup_steps=10, schedule="constant")
    assert {config.learning_rate_at(step) for step in range(10, 200)} == {config.learning_rate}


def test_a_trapezoid_stays_at_its_peak_and_falls_at_its_end() -> None:
    config = TrainConfig(
        steps=100, warmup_steps=10, schedule="trapezoid", decay_steps=20, learning_rate=1e-3, final_learning_rate=1e-5
    )
    rates = [config.learning_rate_at(step) for step in range(100)]
    assert set(rates[10:80]) == {1e-3}
    assert rates[89] == pytest.approx((1e-3 + 1e-5) / 2)
    assert all(later < earlier for earlier, later in itertools.pairwise(rates[79:]))
    assert rates[99] == pytest.approx(1e-5)


@pytest.mark.parametrize("steps", [100, 300])
def test_a_trapezoid_does_not_know_its_end_until_it_falls(steps: int) -> None:
    config = TrainConfig(steps=steps, warmup_steps=10, schedule="trapezoid", decay_steps=20)
    longer = TrainConfig(steps=1000, warmup_steps=10, schedule="trapezoid", decay_steps=20)
    for done in range(steps + 1):
        is_equal = all(config.learning_rate_at(step) == longer.learning_rate_at(step) for step in range(done))
        assert is_equal is not config.knows_its_end(done)


@pytest.mark.parametrize("schedule", ["cosine", "constant"])
def test_other_schedules_know_their_end(schedule: Schedule) -> None:
    assert TrainConfig(steps=100, schedule=schedule).knows_its_end(1)
