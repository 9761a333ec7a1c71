"""The desk trains one run at a time, finds those of earlier desks, and lets panes use what comes of them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from srdesk.errors import ConfigError, TrainingError
from srdesk.gui.preferences import Preferences
from srdesk.gui.training.outcome import Finished, Stopped
from srdesk.gui.training.run_process import RunPhase
from srdesk.gui.training.training import Training
from srdesk.training import events
from srdesk.training.run.runs import Run

WAIT_MS = 20_000

pytestmark = pytest.mark.usefixtures("fake_trainer")


@pytest.fixture
def end(qtbot: QtBot, training: Training) -> Callable[[], None]:
    """Wait until the current run has ended."""

    def wait() -> None:
        qtbot.waitUntil(lambda: not training.is_running, timeout=WAIT_MS)

    return wait


@pytest.fixture
def interrupted(training: Training, config, make_started, make_step) -> Run:
    """A run whose process was killed at step 7."""
    run = Run(training.runs_folder / "one")
    run.make_folder()
    run.store(config())
    run.events_path.write_bytes(events.encode(make_started()) + events.encode(make_step(7)))
    return run


def test_a_run_gets_a_folder_of_its_own_and_what_it_tells_is_passed_on(training: Training, config, end) -> None:
    told: list[events.AnyEvent] = []
    outcomes: list[object] = []
    training.progressed.connect(told.append)
    training.ended.connect(outcomes.append)
    process = training.start(config())
    assert training.is_running
    assert process.title == "portraits"
    end()
    assert process.run.folder.parent == training.runs_folder
    assert process.run.folder.name.endswith("_portraits")
    assert told == process.told
    assert [type(outcome) for outcome in outcomes] == [Finished]
    assert [run.folder for run in training.runs()] == [process.run.folder]


def test_only_one_run_goes_on_at_a_time(training: Training, config, end) -> None:
    process = training.start(config("wait"))
    with pytest.raises(TrainingError, match="going on already"):
        training.start(config())
    assert training.current is process
    process.stop()
    end()
    training.start(config())
    end()
    assert len(training.runs()) == 2


def test_an_impossible_configuration_is_refused_before_anything_is_made(training: Training, config) -> None:
    with pytest.raises(ConfigError):
        training.start(config(steps=0))
    assert not training.runs_folder.exists()
    assert not training.is_running


def test_a_stopped_run_is_started_again_where_it_was(training: Training, config, end) -> None:
    folder = training.start(config("wait")).run.folder
    assert training.current is not None
    training.current.stop()
    end()
    Run(folder).store(config())
    again = training.start_again(folder)
    end()
    assert isinstance(again.outcome, Finished)


@pytest.mark.parametrize(("notes", "holds"), [("cuda wait", True), ("wait", False)])
def test_a_run_holds_the_gpu_from_its_start_to_its_end(
    qtbot: QtBot, training: Training, config, end, notes: str, holds: bool
) -> None:
    process = training.start(config(notes))
    assert not training.holds_gpu
    qtbot.waitUntil(lambda: process.phase is RunPhase.RUNNING, timeout=WAIT_MS)
    assert training.holds_gpu is holds
    process.stop()
    end()
    assert not training.holds_gpu


def test_a_run_that_an_earlier_desk_left_running_is_found_and_followed(
    qtbot: QtBot, training: Training, preferences: Preferences, config, end
) -> None:
    process = training.start(config("wait"))
    qtbot.waitUntil(lambda: process.phase is RunPhase.RUNNING, timeout=WAIT_MS)
    process.keep_running(True)
    training.shutdown()
    later = Training(preferences, runs_folder=training.runs_folder, weights_folders=training.weights_folders)
    with qtbot.waitSignal(later.found_running, timeout=WAIT_MS):
        later.look_around()
    assert later.current is not None
    qtbot.waitUntil(lambda: later.current.phase is RunPhase.RUNNING, timeout=WAIT_MS)
    later.current.stop()
    qtbot.waitUntil(lambda: not later.is_running, timeout=WAIT_MS)
    assert isinstance(later.current.outcome, Stopped)
    qtbot.waitUntil(lambda: process._trainer.has_ended, timeout=WAIT_MS)


def test_an_interrupted_run_is_said_until_the_person_knows_and_again_when_it_has_gone_on(
    qtbot: QtBot, training: Training, interrupted: Run, make_step
) -> None:
    said: list[int] = []
    training.found_interrupted.connect(lambda run, step: said.append(step))
    for times in (1, 2, 2):
        training.look_around()
        qtbot.waitUntil(lambda: training._latest is None, timeout=WAIT_MS)
        assert said == [7] * times
        if times == 2:
            training.mark_told(interrupted, 7)
    with interrupted.events_path.open("ab") as file:
        file.write(events.encode(make_step(9)))
    training.look_around()
    qtbot.waitUntil(lambda: said == [7, 7, 9], timeout=WAIT_MS)
    interrupted.discard()
    assert not interrupted.folder.exists()


def test_a_run_that_was_stopped_is_not_called_interrupted(qtbot: QtBot, training: Training, interrupted: Run) -> None:
    end = events.Finished(reason="stopped", step=7, best_psnr_y_db=None, elapsed_s=1.0)
    with interrupted.events_path.open("ab") as file:
        file.write(events.encode(end))
    with qtbot.assertNotEmitted(training.found_interrupted):
        training.look_around()
        qtbot.waitUntil(lambda: training._latest is None, timeout=WAIT_MS)


def test_adopted_weights_are_those_of_their_pane_and_kept_ones_wait_to_be_chosen(
    training: Training, preferences: Preferences, interrupted: Run, make_weights
) -> None:
    make_weights(interrupted.folder / "weights" / "portraits.safetensors")
    changes: list[None] = []
    training.weights_changed.connect(lambda: changes.append(None))
    kept = training.keep_both(interrupted)
    assert preferences.settings.pane_weights == {}
    assert training.new_weights == {kept.name}
    adopted = training.adopt(interrupted)
    assert (kept.name, adopted.name) == ("portraits", "portraits-2")
    assert preferences.settings.pane_weights == {"srresnet": "portraits-2"}
    assert training.new_weights == {"portraits"}
    assert len(changes) == 2
    training.use("srresnet", "")
    assert preferences.settings.pane_weights == {}


def test_a_pane_whose_weights_are_deleted_goes_back_to_those_of_the_program(
    training: Training, preferences: Preferences, tmp_path: Path, make_weights
) -> None:
    added = training.import_weights(make_weights(tmp_path / "mine.safetensors", architecture="srcnn"))
    training.use("srcnn", added.name)
    training.remove(added)
    assert preferences.settings.pane_weights == {}
    assert not added.path.exists()
