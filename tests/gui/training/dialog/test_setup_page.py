"""Setting a run up: pictures, their health, and a form that says what is wrong while it is filled in."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from PySide6.QtCore import QMimeData, QPointF, Qt, QUrl
from PySide6.QtGui import QDropEvent
from pytestqt.qtbot import QtBot

from srdesk.engine.library import WeightsCard
from srdesk.engine.weights import save_weights
from srdesk.errors import DatasetError
from srdesk.gui.training.outcome import Failed
from srdesk.gui.training.setup_page import SetupPage
from srdesk.gui.training.train_dialog import TrainDialog
from srdesk.models.srcnn import SRCNN, SRCNNConfig
from srdesk.training import events
from srdesk.training.config import TrainConfig

HEALTHY = events.HealthReport(pictures=120, megapixels=300.0, validation_pictures=6)


def config_of(page: SetupPage) -> TrainConfig:
    assert page.form.config is not None, page.form.complaint
    return page.form.config


# --- pictures -----------------------------------------------------------------------------------------------------


def test_nothing_can_be_started_without_pictures(page: SetupPage) -> None:
    assert page.reason == "Add a folder of pictures first."
    assert not page.start.isEnabled()


def test_a_folder_is_checked_as_soon_as_it_is_added(filled: SetupPage, tasks: Any, pictures: Path) -> None:
    assert tasks[0].arguments == ("--check", "--data", str(pictures))
    assert filled.start.isEnabled()


def test_nothing_is_listed_twice_and_no_single_pictures(page: SetupPage, pictures: Path, tmp_path: Path) -> None:
    picture, archive = tmp_path / "one.png", tmp_path / "many.ZIP"
    picture.touch()
    archive.touch()
    page.data.add(pictures, pictures, picture, archive)
    assert page.data.paths == (str(pictures), str(archive))


def dragged(mime: QMimeData, path: Path) -> Any:
    """Return what the window is told while something is dragged over it; of its real class Qt alone can make one."""
    mime.setUrls([QUrl.fromLocalFile(str(path))])
    event = QDropEvent(
        QPointF(9, 9), Qt.DropAction.CopyAction, mime, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    )
    event.ignore()
    return event


def test_folders_can_be_dropped_anywhere_on_the_window(dialog: TrainDialog, page: SetupPage, pictures: Path) -> None:
    mime = QMimeData()  # which an event does not keep alive
    event = dragged(mime, pictures)
    dialog.dragEnterEvent(event)
    assert event.isAccepted()
    dialog.dropEvent(event)
    assert page.data.paths == (str(pictures),)


def test_single_pictures_cannot_be_dropped(dialog: TrainDialog, tmp_path: Path) -> None:
    mime = QMimeData()
    event = dragged(mime, tmp_path / "one.png")
    dialog.dragEnterEvent(event)
    assert not event.isAccepted()


def test_folders_and_archives_can_be_chosen(dialog: TrainDialog, page: SetupPage, pictures: Path) -> None:
    archive = pictures / "more.zip"
    dialog.questions.given = {"data_folder": pictures, "archives": [archive]}  # type: ignore[attr-defined]
    page.data._on_add_folder()
    page.data._on_add_archives()
    assert page.data.paths == (str(pictures), str(archive))


def test_another_folder_begins_the_check_anew(
    qtbot: QtBot, filled: SetupPage, tasks: Any, tmp_path: Path, pictures: Path
) -> None:
    (tmp_path / "more").mkdir()
    filled.data.add(tmp_path / "more")
    qtbot.waitUntil(lambda: len(tasks) == 2)
    assert tasks[0].was_cancelled
    assert tasks[1].arguments == ("--check", "--data", str(pictures), str(tmp_path / "more"))


def test_a_folder_can_be_removed(filled: SetupPage, tasks: Any) -> None:
    filled.data._list.selectAll()
    filled.data._on_remove()
    assert filled.data.paths == ()
    assert tasks[0].was_cancelled
    assert not filled.start.isEnabled()


# --- health -------------------------------------------------------------------------------------------------------


def test_the_report_says_what_is_right_and_lists_what_is_wrong(filled: SetupPage, tasks: Any) -> None:
    tasks[0].tell(
        events.HealthReport(
            pictures=120,
            megapixels=300.0,
            validation_pictures=6,
            too_small=("tiny.png",),
            corrupt=(("broken.jpg", "the file is cut short"),),
            blocky=(("blocks.jpg", 1.7),),
            warnings=("Only 120 pictures: add more of the same kind.",),
        )
    )
    tasks[0].end()
    health = filled.health
    assert "120 usable pictures" in health.summary
    assert "Only 120 pictures" in health.warnings
    tops = [health.tree.topLevelItem(row) for row in range(health.tree.topLevelItemCount())]
    assert [top.text(0) for top in tops if top] == ["Too small: 1", "Cannot be read: 1", "JPEG blocks: 1"]
    assert tops[1] is not None
    assert tops[1].child(0).text(0) == "broken.jpg – the file is cut short"
    assert filled.start.isEnabled()


def test_the_progress_of_the_check_is_seen(filled: SetupPage, tasks: Any) -> None:
    tasks[0].tell(events.HealthProgress(done=30, total=120))
    assert filled.health.summary == "Looking at the pictures: 30 of 120"


def test_pictures_of_which_none_can_be_used_cannot_be_trained_on(filled: SetupPage, tasks: Any) -> None:
    tasks[0].tell(events.HealthReport(pictures=0, megapixels=0.0, validation_pictures=0))
    assert not filled.start.isEnabled()
    assert "No picture can be used" in filled.reason


def test_a_check_that_fails_says_why(filled: SetupPage, tasks: Any) -> None:
    tasks[0].end(Failed(DatasetError("/x", "it holds no pictures")))
    assert "it holds no pictures" in filled.health.summary


def test_another_crop_makes_other_pictures_too_small(qtbot: QtBot, filled: SetupPage, tasks: Any) -> None:
    filled.form.advanced.fields["crop_px"].setValue(96)  # type: ignore[union-attr]
    qtbot.waitUntil(lambda: len(tasks) == 2)
    assert tasks[1].arguments[-2:] == ("--set", "crop_px=96")


def test_the_check_leaves_the_processor_to_the_run(filled: SetupPage, tasks: Any) -> None:
    filled.rest()
    assert tasks[0].was_cancelled
    assert filled.health.summary == "The pictures were not looked at to the end."


# --- COCO ---------------------------------------------------------------------------------------------------------


def test_coco_is_downloaded_only_when_asked_for_and_then_listed(
    dialog: TrainDialog, filled: SetupPage, tasks: Any, tmp_path: Path
) -> None:
    assert not any("--download-coco" in task.arguments for task in tasks)
    dialog.questions.given = {"download_folder": tmp_path}  # type: ignore[attr-defined]
    filled.download.button.click()
    task = tasks.of("--download-coco")
    assert task.arguments == ("--download-coco", str(tmp_path))
    task.tell(
        events.Downloading(name="val2014.zip", done_bytes=10**9, total_bytes=6 * 10**9, bytes_per_second=1e7)
    )  # fmt: skip
    assert filled.download.text == "val2014.zip: 1.0 GB of 6.0 GB · 10.0 MB/s · 8 min left"
    task.tell(events.Downloaded(path=str(tmp_path / "val2014.zip")))
    task.end()
    assert str(tmp_path / "val2014.zip") in filled.data.paths
    assert filled.download.button.isEnabled()


def test_a_download_can_be_cancelled(dialog: TrainDialog, page: SetupPage, tasks: Any, tmp_path: Path) -> None:
    dialog.questions.given = {"download_folder": tmp_path}  # type: ignore[attr-defined]
    page.download.button.click()
    page.download._on_cancelled()
    assert tasks.of("--download-coco").was_cancelled
    assert page.download.button.isEnabled()


def test_who_chooses_no_folder_downloads_nothing(dialog: TrainDialog, page: SetupPage, tasks: Any) -> None:
    dialog.questions.given = {"download_folder": None}  # type: ignore[attr-defined]
    page.download.button.click()
    assert tasks == []


# --- the form -----------------------------------------------------------------------------------------------------


def test_a_preset_fills_the_form(filled: SetupPage) -> None:
    filled.form.presets.choose("aerial")
    config = config_of(filled)
    assert (config.crop_selection, config.freeze_batch_norm) == ("detail", True)
    assert config.name == "srresnet_aerial_x4"
    filled.form.presets.choose("coco")
    assert config_of(filled).steps == 400_000
    assert config_of(filled).start == "interpolation"


def test_a_name_that_was_typed_is_kept(qtbot: QtBot, filled: SetupPage) -> None:
    filled.form.name.clear()
    qtbot.keyClicks(filled.form.name, "my_roofs")
    filled.form.model.setCurrentIndex(filled.form.model.findData("srcnn"))
    assert config_of(filled).name == "my_roofs"


def test_srcnn_learns_luma_and_has_no_batch_norm(filled: SetupPage) -> None:
    filled.form.model.setCurrentIndex(filled.form.model.findData("srcnn"))
    config = config_of(filled)
    assert (config.model, config.loss_channels, config.freeze_batch_norm) == ("srcnn", "luma", False)


def test_a_wrong_entry_is_marked_and_explained(filled: SetupPage) -> None:
    rate = filled.form.advanced.fields["learning_rate"]
    rate.setText("fast")  # type: ignore[union-attr]
    assert rate.property("invalid") is True
    assert filled.reason == "Learning rate: Use a number such as 0.0001 or 1e-4."
    assert not filled.start.isEnabled()
    rate.setText("2e-4")  # type: ignore[union-attr]
    assert rate.property("invalid") is False
    assert filled.start.isEnabled()
    assert config_of(filled).learning_rate == 2e-4


@pytest.mark.parametrize(("name", "field"), [("my roofs!", "name"), ("a/b", "name")])
def test_names_that_are_no_file_names_are_refused(filled: SetupPage, name: str, field: str) -> None:
    filled.form.name.setText(name)
    assert getattr(filled.form, field).property("invalid") is True
    assert not filled.start.isEnabled()


def test_what_was_entered_stays_when_another_network_is_chosen(filled: SetupPage) -> None:
    filled.form.advanced.fields["batch_size"].setValue(4)  # type: ignore[union-attr]
    filled.form.model.setCurrentIndex(filled.form.model.findData("srgan"))
    assert config_of(filled).batch_size == 4


def test_the_warm_up_of_a_short_run_is_short(filled: SetupPage) -> None:
    filled.form.steps.setValue(20)
    assert config_of(filled).warmup_steps == 5


def test_a_weights_file_can_be_chosen_to_start_from(dialog: TrainDialog, filled: SetupPage, tmp_path: Path) -> None:
    chosen = tmp_path / "mine.safetensors"
    dialog.questions.given = {"weights": chosen}  # type: ignore[attr-defined]
    place = filled.form.start.findData("other")
    filled.form.start.setCurrentIndex(place)
    filled.form.start.activated.emit(place)
    assert config_of(filled).start == str(chosen)


@pytest.mark.parametrize("way", ["offered", "chosen"])
def test_weights_of_an_unusual_size_bring_the_options_of_their_network(
    dialog: TrainDialog, filled: SetupPage, tasks: Any, tmp_path: Path, way: str
) -> None:
    file = tmp_path / ("own" if way == "offered" else "elsewhere") / "mine.safetensors"
    file.parent.mkdir()
    model_config = SRCNNConfig(features=12, mapping=6)
    card = WeightsCard(name="mine", architecture="srcnn", config=msgspec.to_builtins(model_config))
    save_weights(file, SRCNN(model_config), card)
    form = filled.form
    form.model.setCurrentIndex(form.model.findData("srcnn"))
    assert (config_of(filled).model_options != {}) == (way == "offered")
    if way == "chosen":
        dialog.questions.given = {"weights": file}  # type: ignore[attr-defined]
        place = form.start.findData("other")
        form.start.setCurrentIndex(place)
        form.start.activated.emit(place)
    assert config_of(filled).start == str(file)
    assert config_of(filled).model_options == {"features": 12, "mapping": 6}
    filled.rate_finder.button.click()
    arguments = tasks.of("--find-learning-rate").arguments
    assert 'model_options={"features":12,"mapping":6}' in arguments
    form.start.setCurrentIndex(form.start.findData("random"))
    assert config_of(filled).model_options == {}


def test_who_chooses_no_weights_file_keeps_the_start(dialog: TrainDialog, filled: SetupPage) -> None:
    before = config_of(filled).start
    dialog.questions.given = {"weights": None}  # type: ignore[attr-defined]
    place = filled.form.start.findData("other")
    filled.form.start.setCurrentIndex(place)
    filled.form.start.activated.emit(place)
    assert config_of(filled).start == before


# --- time ---------------------------------------------------------------------------------------------------------


def test_the_time_is_not_guessed_where_nothing_was_measured(filled: SetupPage) -> None:
    assert filled.form.minutes.isHidden()
    assert "20 steps after the start" in filled.form.time


def test_an_earlier_run_tells_how_long_this_one_takes(
    filled: SetupPage, make_run: Callable[..., Path], make_step: Callable[..., events.Step]
) -> None:
    make_run(make_step(10, steps_per_second=2.0))
    filled.form.steps.setValue(1200)
    assert filled.form.minutes.value() == 10
    filled.form.minutes.setValue(20)
    assert config_of(filled).steps == 2400


@pytest.mark.parametrize("minutes", [15, 90])
def test_minutes_stay_as_they_are_typed_on_a_slow_machine(
    qtbot: QtBot,
    filled: SetupPage,
    make_run: Callable[..., Path],
    make_step: Callable[..., events.Step],
    minutes: int,
) -> None:
    make_run(make_step(10, steps_per_second=0.1))
    filled.form.steps.setValue(1200)
    box = filled.form.minutes
    box.selectAll()
    qtbot.keyClicks(box, str(minutes))
    assert box.value() == minutes
    assert config_of(filled).steps == round(minutes * 0.6) * 10


def test_minutes_that_are_typed_in_full_become_those_that_the_steps_take(
    qtbot: QtBot, filled: SetupPage, make_run: Callable[..., Path], make_step: Callable[..., events.Step]
) -> None:
    make_run(make_step(10, steps_per_second=0.1))
    filled.form.steps.setValue(1200)
    box = filled.form.minutes
    box.selectAll()
    qtbot.keyClicks(box, "4")
    assert (box.value(), config_of(filled).steps) == (4, 20)
    qtbot.keyClick(box, Qt.Key.Key_Return)
    assert box.value() == 3


def test_a_quick_try_takes_the_minutes_that_it_promises(
    page: SetupPage, pictures: Path, make_run: Callable[..., Path], make_step: Callable[..., events.Step]
) -> None:
    make_run(make_step(10, steps_per_second=3.0), batch_size=8)
    page.form.presets.choose("quick")
    page.data.add(pictures)
    assert config_of(page).steps == 900


# --- the learning rate --------------------------------------------------------------------------------------------


def test_the_rate_that_was_found_is_taken_over(filled: SetupPage, tasks: Any) -> None:
    filled.rate_finder.button.click()
    task = tasks.of("--find-learning-rate")
    assert "--data" in task.arguments
    for rate in (1e-5, 1e-4, 1e-3):
        task.tell(events.RateTried(learning_rate=rate, loss=0.1))
    task.tell(events.RateFound(learning_rate=2.13e-4))
    task.end()
    assert config_of(filled).learning_rate == 2.1e-4
    assert "2.1e-04" in filled.rate_finder.text
    assert filled.rate_finder.button.text() == "Find Rate"


def test_the_search_for_a_rate_can_be_cancelled(filled: SetupPage, tasks: Any) -> None:
    before = config_of(filled).learning_rate
    filled.rate_finder.button.click()
    filled.rate_finder.button.click()
    assert tasks.of("--find-learning-rate").was_cancelled
    assert config_of(filled).learning_rate == before
