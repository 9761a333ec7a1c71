"""Kill a trainer at random moments, again and again, and see that its run never suffers.

    python tests/bench/kill_trainer.py --model srresnet --kills 200

Each trainer is a child process, forked from this one, which has imported everything but computed nothing, so that it
is at work within a tenth of a second; it gets a real ``kill -9``. After each kill every file of the run must be whole
and its checkpoint no older than before. Whenever the run is done, its weights must be those of a run that nobody
disturbed, bit for bit, and it begins anew. The exit code is 0 if all of that holds.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

# One thread, so that forking is safe and the sums are always taken in the same order; read when torch is imported.
os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1", MKL_NUM_THREADS="1")

import imagecodecs  # noqa: F401 - the first picture would import it
import msgspec
import numpy as np
import PIL.Image
import psutil
import torch
import torch._dynamo  # the first optimiser would import it, in two seconds

from srdesk import paths
from srdesk.engine.weights import load_model
from srdesk.training import (
    events,
    trainer,  # noqa: F401 - imported here once instead of in each child
)
from srdesk.training.config import TrainConfig
from srdesk.training.learning.checkpoint import load_checkpoint
from srdesk.training.run.runs import EventFollower, Run
from srdesk.training.runner import main as train

LONGEST_LIFE_S = 0.8
"""No trainer lives longer after it has said that it is at work, unless it is the undisturbed one."""

EARLY_SHARE = 0.2
"""Share of the trainers that are killed earlier, while they read pictures, weights and the checkpoint."""

TINY = TrainConfig(
    model_options={"channels": 8, "blocks": 1},
    discriminator_options={"channels": (4, 4, 4, 4), "dense": 8},
    feature_layer="conv1_2",
    batch_size=2,
    crop_px=8,
    validation_share=0.3,
    validation_crop_px=64,
    validate_every_steps=25,
    checkpoint_every_steps=7,
    warmup_steps=10,
    device="cpu",
    precision="fp32",
    threads=1,
    name="killed",
)
"""A run of a few seconds."""

STEPS = {"srresnet": 300, "srgan": 120}
"""As many as a few seconds have room for."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", choices=STEPS, default="srresnet")
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=20261124, help="decides when the trainers are killed")
    options = parser.parse_args()
    if psutil.Process().num_threads() > 1:
        raise SystemExit("Something has started threads: forking would not be safe.")
    with tempfile.TemporaryDirectory(prefix="srdesk-kills-") as folder:
        return kill(Path(folder), options.model, options.kills, random.Random(options.seed))


def kill(folder: Path, model: str, kills: int, dice: random.Random) -> int:
    """Do it, and print what was seen; return the exit code."""
    make_pictures(folder / "pictures")
    config = msgspec.structs.replace(TINY, model=model, steps=STEPS[model], data=(str(folder / "pictures"),))
    undisturbed, disturbed = Run(folder / "undisturbed"), Run(folder / "disturbed")
    began_s = time.monotonic()
    if code := wait_for(start(config, undisturbed)):
        raise SystemExit(f"The undisturbed run failed with {code}: {(undisturbed.folder / 'log.txt').read_text()}")
    say(f"{model}: {config.steps} undisturbed steps in {time.monotonic() - began_s:.1f} s")
    problems: list[str] = []
    killed = done = reached = 0
    lost: list[int] = []
    while killed < kills or reached or not done:
        follower = EventFollower(disturbed.events_path)
        follower.read()
        child = start(config, disturbed)
        ended = wait_for_moment(child, follower, dice) if killed < kills else wait_for(child)
        if ended is None:
            killed += 1
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            now, step = damage(disturbed, problems), reached
            if now < step:
                problems.append(f"kill {killed}: the checkpoint went back from step {step} to {now}")
            lost.append(disturbed.overview().step - now if disturbed.events_path.exists() else 0)
            reached = now
            continue
        if ended:
            problems.append(f"a trainer failed with {ended}: {(disturbed.folder / 'log.txt').read_text()[-400:]}")
            break
        problems += differences(undisturbed, disturbed)
        shutil.rmtree(disturbed.folder)
        done, reached = done + 1, 0
    say(
        f"{model}: {killed} kills in {time.monotonic() - began_s:.0f} s, {done} runs completed and compared; "
        f"steps to be made again after a kill: mean {np.mean(lost or [0]):.1f}, most {max(lost, default=0)}"
    )
    say(f"{model}: {len(problems)} problems (corrupt, backwards or different)")
    say(*problems[:20])
    return 1 if problems else 0


def say(*lines: str) -> None:
    """Print lines at once, so that no child has a copy of them to print."""
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    sys.stdout.flush()


def make_pictures(folder: Path) -> None:
    folder.mkdir()
    for seed in range(6):
        coarse = np.random.default_rng(seed).integers(0, 256, (20, 20, 3), dtype=np.uint8)
        PIL.Image.fromarray(coarse).resize((80, 80), PIL.Image.Resampling.BICUBIC).save(folder / f"{seed}.png")


def start(config: TrainConfig, run: Run) -> int:
    """Fork a trainer; return its process number."""
    run.folder.mkdir(exist_ok=True)
    child = os.fork()
    if child:
        return child
    code = 99
    try:
        log = os.open(run.folder / "log.txt", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.dup2(log, 1)
        os.dup2(log, 2)
        if not (run.folder / "config.json").exists():
            run.store(config)
        code = train(["--run", str(run.folder)], runs_folder=run.folder.parent, features_file=paths.features_file())
    except BaseException as error:  # noqa: BLE001 - whatever it is, this child must not go on as its parent
        os.write(2, repr(error).encode())
    finally:
        os._exit(code)


def wait_for(child: int, patience_s: float | None = None) -> int | None:
    """Return the exit code of a trainer, or None if it is still at work when patience ends."""
    if patience_s is None:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    give_up_at_s = time.monotonic() + patience_s
    while time.monotonic() < give_up_at_s:
        pid, status = os.waitpid(child, os.WNOHANG)
        if pid:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.002)
    return None


def wait_for_moment(child: int, follower: EventFollower, dice: random.Random) -> int | None:
    """Wait until it is time to kill a trainer; return its exit code if it ended before that."""
    if dice.random() < EARLY_SHARE:
        return wait_for(child, dice.uniform(0.0, LONGEST_LIFE_S / 2))
    while not any(isinstance(event, events.Started) for event in follower.read()):
        if (ended := wait_for(child, 0.005)) is not None:
            return ended
    return wait_for(child, dice.uniform(0.0, LONGEST_LIFE_S))


def damage(run: Run, problems: list[str]) -> int:
    """Look at every file that a killed trainer left; return the step of its checkpoint, 0 if there is none."""

    def look(name: str, at: Callable[[], object]) -> object:
        try:
            return at()
        except Exception as error:  # noqa: BLE001 - any failure to read a file is what is looked for
            problems.append(f"{name}: {error!r}")
            return None

    for weights in (*run.folder.glob("*.safetensors"), *run.folder.glob("weights/*.safetensors")):
        if weights.name != "checkpoint.safetensors":
            look(weights.name, lambda path=weights: load_model(path))
    if (run.folder / "config.json").exists():
        look("config.json", run.config)
    if run.events_path.exists():
        whole = run.events_path.read_bytes().rpartition(b"\n")[0]
        look("events.jsonl", lambda: [events.decode(line) for line in whole.splitlines()])
    checkpoint = look("checkpoint", lambda: load_checkpoint(run.folder))
    step = checkpoint.state.step if checkpoint else 0
    saved = [event.step for event in run.events() if isinstance(event, events.Saved)]
    if saved and saved[-1] > step:
        problems.append(f"step {saved[-1]} was told to be saved, and step {step} is in the checkpoint")
    return step


def differences(one: Run, other: Run) -> list[str]:
    """Compare the checkpoints and the weights of two completed runs, bit for bit."""
    a, b = load_checkpoint(one.folder), load_checkpoint(other.folder)
    assert a is not None
    assert b is not None
    found = [f"“{name}” differs" for name in a.tensors if not torch.equal(a.tensors[name], b.tensors[name])]
    cards = [load_model(run.best_weights())[1] for run in (one, other)]
    if cards[0].sha256 != cards[1].sha256:
        found.append("the weights differ")
    if a.state.best_scores != b.state.best_scores or a.state.step != b.state.step:
        found.append("the scores or the steps differ")
    left = [path.name for path in other.folder.rglob("*.part")]
    return found + [f"{name} was left over" for name in left]


if __name__ == "__main__":
    sys.exit(main())
