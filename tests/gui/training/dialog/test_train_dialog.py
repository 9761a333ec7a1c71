"""The life of a run in one window: started, watched, judged, adopted, and looked at again."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pytestqt.qtbot import QtBot

from srdesk.gui.training.outcome import Crashed, Failed, Finished, Stopped
from srdesk.gui.training.result_page import Decision
from srdesk.gui.training.run_process import RunPhase, RunProcess
from srdesk.gui.training.train_dialog import Step, TrainDialog
from srdesk.gui.training.training import Training
from srdesk.training import events
from srdesk.training.config import TrainConfig
from srdesk.training.run.runs import Run

WAIT_MS = 20_000

MakeRun = Callable[..., Path]
MakeStep = Callable[..., events.Step]


def compared(difference_db: float) -> events.Compared:
    return events.Compared(
        pictures=(
            events.PictureScore(name="a.png", bicubic_db=25.0, start_db=27.0, best_db=27.0 + difference_db),
            events.PictureScore(name="b.png", bicubic_db=26.0, start_db=28.0, best_db=28.1 + difference_db),
        ),
        difference_db=difference_db + 0.05,
        better_pictures=2 if difference_db > 0 else 0,
        bicubic_db=25.5,
        is_better=difference_db > 0,
    )


def weights(step: int) -> events.Weights:
    return events.Weights(step=step, path="roofs.safetensors", psnr_y_db=27.2)


def finished(reason: Any = "done", step: int = 100) -> events.Finished:
    return events.Finished(reason=reason, step=step, best_psnr_y_db=27.2, elapsed_s=60.0)


@pytest.fixture
def replay(qtbot: QtBot, dialog: TrainDialog, make_run: MakeRun) -> Callable[..., TrainDialog]:
    """Show a run that told some events and is no longer going on."""

    def show(*told: events.AnyEvent) -> TrainDialog:
        dialog.show_run(make_run(*told))
        qtbot.waitUntil(lambda: dialog.step is Step.RESULT, timeout=WAIT_MS)
        return dialog

    return show


def set_up(dialog: TrainDialog, config: TrainConfig) -> None:
    dialog.show_new()
    dialog.setup_page.start_requested.emit(config)


# --- a run from its beginning to its end --------------------------------------------------------------------------


@pytest.mark.process
@pytest.mark.usefixtures("fake_trainer")
def test_a_run_is_started_watched_and_judged(
    qtbot: QtBot, dialog: TrainDialog, training: Training, config: Callable[..., TrainConfig]
) -> None:
    set_up(dialog, config())
    assert dialog.step is Step.TRAIN
    assert dialog.setup_page.reason == "A training is going on already."
    qtbot.waitUntil(lambda: dialog.step is Step.RESULT, timeout=WAIT_MS)
    assert dialog.run_page.record.loss.steps.tolist() == [1, 2, 3]
    assert dialog.result_page.headline == "All 3 steps were made."
    assert dialog.setup_page.reason == "Add a folder of pictures first."


@pytest.mark.process
@pytest.mark.usefixtures("fake_trainer")
def test_a_run_is_paused_and_goes_on(
    qtbot: QtBot, dialog: TrainDialog, training: Training, config: Callable[..., TrainConfig]
) -> None:
    set_up(dialog, config("wait"))
    page = dialog.run_page
    qtbot.waitUntil(page.pause.isEnabled, timeout=WAIT_MS)
    page.pause.click()
    qtbot.waitUntil(lambda: page.pause.isEnabled() and page.pause.text() == "Resume", timeout=WAIT_MS)
    assert page.headline.startswith("Paused")
    page.pause.click()
    qtbot.waitUntil(lambda: page.pause.text() == "Pause", timeout=WAIT_MS)
    page.stop.click()
    qtbot.waitUntil(lambda: dialog.step is Step.RESULT, timeout=WAIT_MS)
    assert dialog.result_page.headline == "The run was stopped at step 1 of 3."


@pytest.mark.process
@pytest.mark.usefixtures("fake_trainer")
def test_a_stopped_run_is_resumed(
    qtbot: QtBot, dialog: TrainDialog, training: Training, config: Callable[..., TrainConfig]
) -> None:
    set_up(dialog, config("wait"))
    qtbot.waitUntil(lambda: dialog.run_page.record.step == 1, timeout=WAIT_MS)
    dialog.run_page.stop.click()
    qtbot.waitUntil(lambda: dialog.step is Step.RESULT, timeout=WAIT_MS)
    assert dialog.result_page.resume.isDefault()
    dialog.result_page.resume.click()
    assert dialog.step is Step.TRAIN
    qtbot.waitUntil(lambda: dialog.run_page.record.step == 2, timeout=WAIT_MS)
    assert [mark.kind for mark in dialog.run_page.record.marks] == ["session"]
    dialog.run_page.stop.click()
    qtbot.waitUntil(lambda: dialog.step is Step.RESULT, timeout=WAIT_MS)


@pytest.mark.process
@pytest.mark.usefixtures("fake_trainer")
def test_a_discarded_run_leaves_nothing(
    qtbot: QtBot, dialog: TrainDialog, training: Training, config: Callable[..., TrainConfig]
) -> None:
    set_up(dialog, config("wait"))
    qtbot.waitUntil(lambda: dialog.run_page.record.step == 1, timeout=WAIT_MS)
    dialog.questions.given = {"confirm_discarding": False}  # type: ignore[attr-defined]
    dialog.run_page.cancel.click()
    assert training.is_running
    dialog.questions.given = {"confirm_discarding": True}  # type: ignore[attr-defined]
    dialog.run_page.cancel.click()
    qtbot.waitUntil(lambda: dialog.step is Step.SET_UP, timeout=WAIT_MS)
    assert training.runs() == []


@pytest.mark.process
@pytest.mark.usefixtures("fake_trainer")
def test_whether_a_run_outlives_the_desk_can_be_chosen(
    qtbot: QtBot, dialog: TrainDialog, training: Training, config: Callable[..., TrainConfig]
) -> None:
    set_up(dialog, config("wait"))
    qtbot.waitUntil(lambda: dialog.run_page.record.step == 1, timeout=WAIT_MS)
    assert training.current is not None
    dialog.run_page.keep.setChecked(True)
    assert training.current.run.is_kept_running()
    dialog.run_page.keep.setChecked(False)
    assert not training.current.run.is_kept_running()
    dialog.run_page.stop.click()
    qtbot.waitUntil(lambda: training.current.phase is RunPhase.ENDED, timeout=WAIT_MS)


def test_a_run_that_cannot_be_started_is_explained(dialog: TrainDialog, training: Training) -> None:
    training.runs_folder.write_text("a file where the folder should be")
    set_up(dialog, TrainConfig(data=("pictures",)))
    assert dialog.step is Step.SET_UP
    assert dialog.banner.message is not None


# --- what it shows while it goes on -------------------------------------------------------------------------------


def test_the_figures_of_a_run_are_written_out(
    qtbot: QtBot, dialog: TrainDialog, make_run: MakeRun, make_step: MakeStep
) -> None:
    run = Run(make_run(make_step(40)))
    with run.hold():  # as if it went on
        dialog.show_run(run.folder)
        qtbot.waitUntil(lambda: dialog.run_page.record.step == 40, timeout=WAIT_MS)
        dialog.run_page.redraw()
        assert dialog.step is Step.TRAIN
        assert dialog.run_page.headline == "Training · step 40 of 100"
        assert dialog.run_page.figures == (
            "10 min left · 2.00 steps/s · memory 1.5 GB · waiting for pictures 1 % · cpu in fp32"
        )
    qtbot.waitUntil(lambda: dialog.step is Step.RESULT, timeout=WAIT_MS)


def test_a_run_that_goes_on_in_a_terminal_is_seen_going_on(
    qtbot: QtBot, dialog: TrainDialog, training: Training, make_run: MakeRun, make_step: MakeStep
) -> None:
    run = Run(make_run(make_step(40), finished("stopped", step=40)))
    ended = RunProcess(training)
    ended.replay(run.folder)
    qtbot.waitUntil(lambda: ended.outcome is not None, timeout=WAIT_MS)
    training.current = ended
    with run.hold():
        with run.events_path.open("ab") as file:
            file.write(events.encode(make_step(55)))
        dialog.show_run(run.folder)
        qtbot.waitUntil(lambda: dialog.run_page.record.step == 55, timeout=WAIT_MS)
        assert dialog.step is Step.TRAIN
    qtbot.waitUntil(lambda: dialog.step is Step.RESULT, timeout=WAIT_MS)


@pytest.mark.parametrize(
    ("event", "words"),
    [
        (events.Paused(step=40, reason="The disk is full."), "The disk is full."),
        (
            events.RolledBack(step=40, to_step=20, reason="The loss rose.", rate_factor=0.5),
            "Went back to step 20 at a lower rate: The loss rose.",
        ),
        (events.Notice(message="Started from the weights “x”."), "Started from the weights “x”."),
    ],
)
def test_what_the_run_has_to_say_is_seen(
    qtbot: QtBot, dialog: TrainDialog, make_run: MakeRun, make_step: MakeStep, event: events.AnyEvent, words: str
) -> None:
    run = Run(make_run(make_step(40), event))
    with run.hold():
        dialog.show_run(run.folder)
        qtbot.waitUntil(lambda: dialog.run_page.notice == words, timeout=WAIT_MS)
    qtbot.waitUntil(lambda: dialog.step is Step.RESULT, timeout=WAIT_MS)


def test_thousands_of_events_are_drawn_together(
    qtbot: QtBot, dialog: TrainDialog, make_run: MakeRun, make_step: MakeStep, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn: list[int] = []
    draw = dialog.run_page.plots.draw
    monkeypatch.setattr(dialog.run_page.plots, "draw", lambda: (drawn.append(1), draw()))
    told = [make_step(step) for step in range(1, 20_001)]
    dialog.show_run(make_run(*told, finished(step=20_000)))
    qtbot.waitUntil(lambda: dialog.step is Step.RESULT, timeout=WAIT_MS)
    assert len(dialog.run_page.record.loss) == 20_000
    assert len(drawn) < 200


# --- the result ---------------------------------------------------------------------------------------------------


def test_better_weights_are_to_be_adopted(replay: Callable[..., TrainDialog], make_step: MakeStep) -> None:
    dialog = replay(make_step(100), weights(50), compared(0.2), finished())
    page = dialog.result_page
    assert page.default is Decision.ADOPT
    assert page.headline == "The new weights are better."
    assert page.table.rowCount() == 2
    rows = [[page.table.item(row, column).text() for column in range(5)] for row in range(2)]  # type: ignore[union-attr]
    assert rows[0] == ["b.png", "26.00", "28.00", "28.30", "+0.30 dB"]
    assert page.resume.isHidden()


@pytest.mark.parametrize("difference_db", [0.0, -0.3])
def test_weights_that_are_not_better_are_to_be_discarded(
    replay: Callable[..., TrainDialog], make_step: MakeStep, difference_db: float
) -> None:
    dialog = replay(make_step(100), weights(50), compared(difference_db), finished())
    assert dialog.result_page.default is Decision.DISCARD


def test_adopted_weights_are_used_by_their_pane(
    replay: Callable[..., TrainDialog], training: Training, make_step: MakeStep, make_weights: Callable[..., Path]
) -> None:
    dialog = replay(make_step(100), weights(50), compared(0.2), finished())
    make_weights(training.runs()[0].folder / "weights" / "roofs.safetensors")
    dialog.result_page.buttons[Decision.ADOPT].click()
    assert dialog.result_page.answer == "Adopted: the pane SRResNet uses “roofs” from now on."
    assert training._preferences.settings.pane_weights == {"srresnet": "roofs"}
    assert not dialog.result_page.buttons[Decision.DISCARD].isEnabled()


def test_weights_can_be_kept_beside_those_in_use(
    replay: Callable[..., TrainDialog], training: Training, make_step: MakeStep, make_weights: Callable[..., Path]
) -> None:
    dialog = replay(make_step(100), weights(50), compared(0.2), finished())
    make_weights(training.runs()[0].folder / "weights" / "roofs.safetensors")
    dialog.result_page.buttons[Decision.KEEP_BOTH].click()
    assert "“roofs” can be chosen" in dialog.result_page.answer
    assert training._preferences.settings.pane_weights == {}
    assert (training.weights_folders[-1] / "roofs.safetensors").exists()


def test_discarding_takes_nothing_over_and_deletes_nothing(
    replay: Callable[..., TrainDialog], training: Training, make_step: MakeStep
) -> None:
    dialog = replay(make_step(100), weights(50), compared(-0.2), finished())
    dialog.result_page.buttons[Decision.DISCARD].click()
    assert "Nothing was taken over" in dialog.result_page.answer
    assert len(training.runs()) == 1


def test_weights_that_are_gone_cannot_be_adopted(replay: Callable[..., TrainDialog], make_step: MakeStep) -> None:
    dialog = replay(make_step(100), weights(50), compared(0.2), finished())
    dialog.result_page.buttons[Decision.ADOPT].click()
    assert dialog.banner.message is not None
    assert "no weights yet" in dialog.banner.message.text


@pytest.mark.parametrize("what", ["adopt", "resume"])
def test_nothing_can_be_done_with_a_run_that_was_deleted_meanwhile(
    replay: Callable[..., TrainDialog], training: Training, make_step: MakeStep, what: str
) -> None:
    dialog = replay(make_step(40), weights(40), finished("stopped", 40))
    (run,) = training.runs()
    run.discard()
    if what == "adopt":
        dialog._on_decided(Decision.ADOPT)
    else:
        dialog.result_page.resume.click()
    assert dialog.banner.message is not None
    assert "was deleted" in dialog.banner.message.text
    assert dialog.step is Step.RESULT


def test_the_pictures_of_the_best_step_are_compared(
    qtbot: QtBot, replay: Callable[..., TrainDialog], make_step: MakeStep
) -> None:
    dialog = replay(make_step(100), weights(50), compared(0.2), finished())
    assert dialog.result_page.strip.step == 50


@pytest.mark.parametrize(
    ("last", "kind", "headline"),
    [
        (finished("stopped", 40), Stopped, "The run was stopped at step 40 of 100."),
        (events.Failed(kind="X", message="The disk is full.", hint="Free some."), Failed, "The disk is full."),
        (None, Crashed, "The training process ended without saying why."),
    ],
)
def test_an_unfinished_run_says_what_happened_and_can_be_resumed(
    replay: Callable[..., TrainDialog], make_step: MakeStep, last: events.AnyEvent | None, kind: type, headline: str
) -> None:
    dialog = replay(make_step(40), *([last] if last else []))
    assert isinstance(dialog.run_page.process.outcome, kind)  # type: ignore[union-attr]
    assert dialog.result_page.headline == headline
    assert dialog.result_page.resume.isDefault()
    assert dialog.result_page.buttons[Decision.ADOPT].isHidden()


def test_a_run_that_was_stopped_can_be_adopted_and_resumed(
    replay: Callable[..., TrainDialog], make_step: MakeStep
) -> None:
    dialog = replay(make_step(40), weights(40), compared(0.2), finished("stopped", 40))
    assert dialog.result_page.default is Decision.ADOPT
    assert not dialog.result_page.resume.isHidden()


# --- from one run to another --------------------------------------------------------------------------------------


def test_another_run_takes_the_place_of_the_one_before(
    qtbot: QtBot, replay: Callable[..., TrainDialog], make_run: MakeRun, make_step: MakeStep
) -> None:
    dialog = replay(make_step(40), finished("stopped", 40))
    dialog.show_run(make_run(make_step(70), finished(), name="another"))
    assert dialog.step is Step.TRAIN
    qtbot.waitUntil(lambda: dialog.step is Step.RESULT, timeout=WAIT_MS)
    assert dialog.run_page.record.loss.steps.tolist() == [70]
    assert isinstance(dialog.run_page.process.outcome, Finished)  # type: ignore[union-attr]


def test_the_curves_of_an_ended_run_stay_within_reach(replay: Callable[..., TrainDialog], make_step: MakeStep) -> None:
    dialog = replay(make_step(40), finished())
    dialog.go_to(Step.TRAIN)
    assert dialog.run_page.headline == "Ended · step 100 of 100"
    assert not dialog.run_page.pause.isEnabled()
    assert not dialog.run_page.cancel.isEnabled()


def test_fine_tuning_begins_with_the_folder(dialog: TrainDialog, pictures: Path) -> None:
    dialog.show_new(pictures)
    assert dialog.step is Step.SET_UP
    assert dialog.setup_page.data.paths == (str(pictures),)
