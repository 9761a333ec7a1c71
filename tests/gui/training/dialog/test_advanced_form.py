"""The advanced fields of the form: what they mean for the run, and what they say."""

from __future__ import annotations

from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from srdesk.gui.training.fields import fill
from srdesk.gui.training.setup_page import SetupPage
from srdesk.gui.training.train_dialog import TrainDialog
from srdesk.training.config import TrainConfig


def config_of(page: SetupPage) -> TrainConfig:
    assert page.form.config is not None, page.form.complaint
    return page.form.config


def test_loss_weights_are_those_of_the_model_unless_entered(filled: SetupPage) -> None:
    filled.form.model.setCurrentIndex(filled.form.model.findData("srgan"))
    adversarial = filled.form.advanced.fields["adversarial_weight"]
    assert adversarial.placeholderText() == "usual: 0.001"  # type: ignore[union-attr]
    assert config_of(filled).adversarial_weight is None
    adversarial.setText("0.005")  # type: ignore[union-attr]
    assert config_of(filled).loss_weights.adversarial == 0.005


def test_pixels_can_be_compared_in_another_way(filled: SetupPage) -> None:
    assert config_of(filled).pixel_loss == "mse"
    error = filled.form.advanced.fields["pixel_loss"]
    error.setCurrentIndex(error.findData("psnr"))  # type: ignore[union-attr]
    assert config_of(filled).pixel_loss == "psnr"


def test_steps_can_be_made_by_another_optimiser(filled: SetupPage) -> None:
    assert config_of(filled).optimizer == "adam"
    fill(filled.form.advanced.fields["optimizer"], "soap")
    assert config_of(filled).optimizer == "soap"


def test_crops_can_be_taken_smaller_noisy_and_grey(filled: SetupPage) -> None:
    fields = filled.form.advanced.fields
    assert fields["hr_scales"].text() == "1 0.75 0.5"  # type: ignore[union-attr]
    assert config_of(filled).crop_selection == "detail"
    for name, value in {"hr_scales": "1, 0,35", "noise": 0.02, "grey_share": 0.25, "crop_selection": "uniform"}.items():
        fill(fields[name], value)
    config = config_of(filled)
    assert (config.hr_scales, config.noise, config.grey_share) == ((1.0, 0.35), 0.02, 0.25)
    assert config.crop_selection == "uniform"
    assert fields["noise"].text() == "2 %"  # type: ignore[union-attr]


@pytest.mark.parametrize("sizes", ["", "half", "1 0.1", "2"])
def test_sizes_that_cannot_be_are_marked(filled: SetupPage, sizes: str) -> None:
    field = filled.form.advanced.fields["hr_scales"]
    fill(field, sizes)
    assert filled.form.config is None
    assert filled.form.complaint.startswith("Sizes: ")
    assert field.property("invalid")
    fill(field, "1")
    assert config_of(filled).hr_scales == (1.0,)


def test_no_field_is_cut_off_at_the_side(qtbot: QtBot, dialog: TrainDialog, filled: SetupPage) -> None:
    dialog.show()
    filled.form.advanced.show()
    dialog.resize(dialog.minimumSizeHint())
    qtbot.wait(50)
    seen = filled.form.visibleRegion().boundingRect()
    for name, field in filled.form.advanced.fields.items():
        right = field.mapTo(filled.form, field.rect().topRight()).x()
        assert right <= seen.right(), name


def test_a_field_that_was_wrong_explains_itself_again(filled: SetupPage) -> None:
    fields = filled.form.advanced.fields
    assert "C++ compiler" in fields["compile"].toolTip()
    rate = fields["learning_rate"]
    help_text = rate.toolTip()
    assert help_text
    rate.setText("fast")  # type: ignore[union-attr]
    assert rate.toolTip() == filled.reason != help_text
    rate.setText("1e-4")  # type: ignore[union-attr]
    assert rate.toolTip() == help_text


def test_a_file_of_features_can_be_chosen(dialog: TrainDialog, filled: SetupPage, tmp_path: Path) -> None:
    features = tmp_path / "vgg19.pth"
    filled.form.advanced.fields["features"].setText(str(features))  # type: ignore[union-attr]
    assert filled.reason == "Features: Use a VGG19 file of torchvision, or nothing."
    features.touch()
    dialog.questions.given = {"features": features}  # type: ignore[attr-defined]
    filled.form.advanced._on_choose_features()
    filled.form.steps.setValue(50)
    assert config_of(filled).features == str(features)


def test_a_share_can_be_held_out(filled: SetupPage) -> None:
    assert config_of(filled).validation_share == TrainConfig().validation_share
    filled.form.advanced.fields["validation_share"].setValue(20)  # type: ignore[union-attr]
    assert config_of(filled).validation_share == 0.2
