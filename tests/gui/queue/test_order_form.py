"""What is done with files that are added: kept for the next time, and checked while it is being typed."""

from __future__ import annotations

from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from srdesk.errors import ConfigError
from srdesk.gui.messages.questions import Questions
from srdesk.gui.preferences import Preferences
from srdesk.gui.queue.order_form import OrderForm

MODELS = {"bicubic": None, "srresnet": Path("/w/srresnet.safetensors"), "mine": Path("/w/mine.safetensors")}


class Person(Questions):
    """Chooses the same folder every time."""

    def __init__(self) -> None:
        self.chosen: Path | None = None

    def results_folder(self, start: Path) -> Path | None:
        return self.chosen


@pytest.fixture
def person() -> Person:
    return Person()


@pytest.fixture
def form(qtbot: QtBot, preferences: Preferences, person: Person) -> OrderForm:
    form = OrderForm(preferences, person)
    qtbot.addWidget(form)
    form.set_models(MODELS)
    return form


def choose(combo, value: str) -> None:
    combo.setCurrentIndex(combo.findData(value))
    combo.activated.emit(combo.currentIndex())


def test_what_is_chosen_is_ordered_and_kept_for_the_next_time(
    form: OrderForm, preferences: Preferences, person: Person, tmp_path: Path
) -> None:
    preferences.change(device="cpu", window_px=128, jpeg_quality=80)
    choose(form.model, "mine")
    choose(form.collision, "skip")
    person.chosen = tmp_path
    choose(form.folder, "another")
    order = form.order()
    recipe = order.recipe
    assert (recipe.model, recipe.weights, recipe.device) == ("mine", MODELS["mine"], "cpu")
    assert (recipe.window_px, recipe.jpeg_quality) == (128, 80)
    assert (order.folder, order.on_collision) == (tmp_path, "skip")
    settings = preferences.settings
    assert (settings.queue_model, settings.queue_folder, settings.queue_on_collision) == ("mine", str(tmp_path), "skip")
    choose(form.folder, "")
    assert form.order().folder is None


def test_a_folder_that_was_not_chosen_after_all_changes_nothing(form: OrderForm, preferences: Preferences) -> None:
    choose(form.folder, "another")
    assert preferences.settings.queue_folder == ""
    assert form.folder.currentText() == "Beside each picture"


def test_the_preview_follows_the_template_and_says_what_is_wrong_with_it(
    form: OrderForm, preferences: Preferences
) -> None:
    form.set_example(Path("/in/beach.png"))
    form.template.setText("{stem}-{model}{ext}")
    form.template.textEdited.emit(form.template.text())
    assert form.preview.text() == f"beach.png → {Path('in', 'beach-srresnet.png')}"
    assert preferences.settings.output_name_template == "{stem}-{model}{ext}"
    form.template.setText("{stem}-{colour}{ext}")
    form.template.textEdited.emit(form.template.text())
    assert "{model}" in form.preview.text()
    assert preferences.settings.output_name_template == "{stem}-{model}{ext}"
    with pytest.raises(ConfigError):
        form.order()


def test_a_model_that_is_gone_is_replaced_by_one_that_is_seen(form: OrderForm, preferences: Preferences) -> None:
    preferences.change(queue_model="gone")
    assert form.model.currentData() == form.order().recipe.model == "bicubic"
