"""A trainer that trains nothing, starts in a fifth of a second and behaves as the notes of its configuration say."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from srdesk.training import events
from srdesk.training.config import TrainConfig

SCRIPT = """
import os, signal, sys, threading
from pathlib import Path
from srdesk.training import events
from srdesk.training.run.runs import Run

run = Run(Path(sys.argv[sys.argv.index("--run") + 1]))
notes = run.config().notes.split()
first_step = int((run.folder / "reached").read_text()) if (run.folder / "reached").exists() else 0
stop = threading.Event()

def hear():
    for line in sys.stdin:
        if line.strip() == "stop":
            break
    else:
        if run.is_kept_running():
            return
    if "deaf" not in notes:
        stop.set()

def tell(event):
    with run.events_path.open("ab") as file:
        file.write(events.encode(event))

if "deaf" in notes:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
else:
    signal.signal(signal.SIGTERM, lambda number, frame: stop.set())
threading.Thread(target=hear, daemon=True).start()
print("a word on stderr", file=sys.stderr, flush=True)
if "refuse" in notes:
    print("srdesk: The run is being trained elsewhere.\\n        Wait until it has ended.", file=sys.stderr, flush=True)
    sys.exit(1)
if "fall" in notes:
    sys.exit(3)
if "fail" in notes:
    tell(events.Failed(kind="DatasetError", message="The folder is empty.", hint="Choose another."))
    sys.exit(1)
with run.hold():
    tell(events.Started(
        run_folder=str(run.folder), model="srresnet", device="cuda" if "cuda" in notes else "cpu", precision="fp32",
        threads=1, parameters=1, training_pictures=3, validation_pictures=1, skipped_pictures=0,
        first_step=first_step, steps=run.config().steps, bicubic_psnr_y_db=28.0, bicubic_ssim_y=0.8))
    step = first_step
    while step < run.config().steps and not stop.wait(0.02):
        asked = run.take_request()
        if asked == "stop":
            break
        if asked == "pause":
            tell(events.Paused(step=step, reason="The disk is full." if "full" in notes else ""))
            while run.take_request() != "resume" and not stop.wait(0.02):
                pass
            tell(events.Resumed(step=step))
        if "wait" in notes and step > first_step:
            continue
        step += 1
        tell(events.Step(step=step, loss=0.1, learning_rate=1e-4, gradient_norm=1.0, steps_per_second=50.0,
                         data_wait_share=0.0, remaining_s=60.0, memory_bytes=1))
        tell(events.Validated(step=step, psnr_y_db=28.0 + step, ssim_y=0.9, is_best=True))
    (run.folder / "reached").write_text(str(step))
    tell(events.Finished(reason="done" if step >= run.config().steps else "stopped", step=step,
                         best_psnr_y_db=28.0 + step, elapsed_s=1.0))
"""


@pytest.fixture
def fake_trainer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let runs be trained by the script."""
    script = tmp_path / "trainer.py"
    script.write_text(SCRIPT)
    monkeypatch.setattr("srdesk.gui.training.run_process.FOLLOW_EVERY_MS", 20)
    monkeypatch.setattr(
        "srdesk.gui.training.trainer.trainer_command", lambda *arguments: [sys.executable, str(script), *arguments]
    )


@pytest.fixture
def config() -> Callable[..., TrainConfig]:
    """Make a configuration of three steps; the notes say how the trainer behaves."""

    def make(notes: str = "", **fields: object) -> TrainConfig:
        return TrainConfig(**{"data": ("pictures",), "steps": 3, "name": "portraits", "notes": notes} | fields)

    return make


@pytest.fixture
def make_started() -> Callable[..., events.Started]:
    """Make the event of a run that begins."""

    def make(first_step: int = 0, device: str = "cpu") -> events.Started:
        return events.Started(
            run_folder="run", model="srresnet", device=device, precision="fp32", threads=1, parameters=1,
            training_pictures=3, validation_pictures=1, skipped_pictures=0, first_step=first_step, steps=100,
            bicubic_psnr_y_db=28.0, bicubic_ssim_y=0.8,
        )  # fmt: skip

    return make


@pytest.fixture
def make_step() -> Callable[[int], events.Step]:
    """Make the event of a step."""

    def make(step: int) -> events.Step:
        return events.Step(
            step=step, loss=0.1, learning_rate=1e-4, gradient_norm=1.0, steps_per_second=50.0, data_wait_share=0.0,
            remaining_s=60.0, memory_bytes=1,
        )  # fmt: skip

    return make
