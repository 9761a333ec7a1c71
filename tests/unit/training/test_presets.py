"""Presets are configurations that can be trained."""

from __future__ import annotations

import pytest

from srdesk.training.config import TrainConfig, validate
from srdesk.training.presets import PRESETS, Preset

each_preset = pytest.mark.parametrize("preset", PRESETS, ids=lambda preset: preset.key)


def test_the_five_presets_are_offered() -> None:
    assert [preset.key for preset in PRESETS] == ["portraits", "aerial", "astronomy", "coco", "quick"]


@each_preset
def test_a_preset_makes_a_configuration_that_can_be_trained(preset: Preset) -> None:
    validate(preset.apply(TrainConfig(data=("pictures",), name=f"srresnet_{preset.key}_x4")))


@each_preset
def test_a_preset_leaves_alone_what_it_does_not_name(preset: Preset) -> None:
    config = TrainConfig(data=("pictures",), seed=7, device="cpu")
    changed = preset.apply(config)
    assert {
        field
        for field in TrainConfig.__struct_fields__
        if getattr(changed, field) != getattr(config, field)
    } <= set(preset.changes)  # fmt: skip


@each_preset
def test_a_preset_validates_several_times_in_a_run(preset: Preset) -> None:
    config = preset.apply(TrainConfig())
    assert config.steps >= 5 * config.validate_every_steps


@each_preset
def test_who_goes_on_from_weights_keeps_their_batch_norm(preset: Preset) -> None:
    assert preset.apply(TrainConfig()).freeze_batch_norm == (preset.start == "shipped")
