"""Kill a batch of many pictures again and again, and count what had to be done twice.

Run it as ``python tests/bench/kill_batch.py [--pictures 1000] [--kills 20] [--seed 0]``. One picture in twenty is bad.
The program is killed with SIGKILL at random moments and started again with the same command until it comes to its end.
Then every result must be that of an undisturbed run, byte for byte, every bad picture reported, no file left over, and
no more than one picture begun twice for every kill.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import numpy as np
import PIL.Image

NOTING = """
import os, sys
from srdesk.cli import upscale
from srdesk.__main__ import main

enlarge_file, log = upscale.enlarge_file, sys.argv[1]

def noted(source, *rest, **more):
    with open(log, "a") as stream:
        stream.write(f"{source}\\n")
    return enlarge_file(source, *rest, **more)

upscale.enlarge_file = noted
sys.exit(main(sys.argv[2:]))
"""
"""The program, with a note of every picture that it begins."""

BAD_EVERY = 20
PICTURE_PX = 24


def make_pictures(folder: Path, count: int) -> tuple[set[Path], set[Path]]:
    """Write pictures into sub-folders of ten; return the good and the bad ones."""
    numbers = np.random.default_rng(1)
    good, bad = set(), set()
    for index in range(count):
        path = folder / f"{index // 10:03}" / f"p{index:04}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        PIL.Image.fromarray(numbers.integers(0, 256, (PICTURE_PX, PICTURE_PX, 3), np.uint8)).save(path)
        if index % BAD_EVERY == 7:
            path.write_bytes((b"", b"<html>", path.read_bytes()[: PICTURE_PX**2])[index % 3])
            bad.add(path)
        else:
            good.add(path)
    return good, bad


def run(log: Path, source: Path, output: Path, home: Path) -> subprocess.Popen[str]:
    """Start the program."""
    words = ["upscale", str(source), "-o", str(output), "--model", "bicubic", "--json"]
    environment = {**os.environ, "SRDESK_HOME": str(home)}
    command = [sys.executable, "-c", NOTING, str(log), *words]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)


def begun(log: Path) -> int:
    """Return how many pictures were begun."""
    return log.read_bytes().count(b"\n") if log.exists() else 0


def killed_runs(log: Path, source: Path, output: Path, home: Path, *, kills: int, pictures: int, seed: int) -> int:
    """Start the program and kill it after a random number of pictures and a moment; return how often."""
    dice = random.Random(seed)
    for done in range(kills):
        goal = begun(log) + 1 + dice.randrange(max(1, 2 * pictures // (kills + 1)))
        with run(log, source, output, home) as process:
            while process.poll() is None and begun(log) < goal:
                time.sleep(0.002)
            if process.poll() is not None:
                return done
            time.sleep(dice.random() * 0.02)
            process.send_signal(signal.SIGKILL)
            process.communicate()
    return kills


def contents(folder: Path) -> dict[str, bytes]:
    """Return the bytes of every file by its place in a folder."""
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def say(text: str) -> None:
    """Write a line to stdout."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def main() -> int:
    """Run the measurement and print what came out."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pictures", type=int, default=1000)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    wishes = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="kill-batch-") as name:
        top = Path(name)
        good, bad = make_pictures(top / "in", wishes.pictures)
        started_s = time.monotonic()
        with run(top / "calm.log", top / "in", top / "calm", top / "home1") as process:
            told, _ = process.communicate()
        calm_s = time.monotonic() - started_s
        document = json.loads(told)
        say(f"undisturbed: {len(document['outputs'])} done, {len(document['failures'])} failed in {calm_s:.1f} s")
        log, output, home = top / "killed.log", top / "out", top / "home2"
        kills = killed_runs(
            log, top / "in", output, home, kills=wishes.kills, pictures=wishes.pictures, seed=wishes.seed
        )
        with run(log, top / "in", output, home) as process:
            told, said = process.communicate()
        document = json.loads(told)
        times = Counter(Path(line) for line in log.read_text().splitlines())
        twice = sum(times[path] - 1 for path in good)
        checks = {
            "good results": len(contents(top / "calm")) == len(good) and contents(top / "calm") == contents(output),
            "reported": {Path(failure["input"]) for failure in document["failures"]} == bad,
            "begun twice": twice <= kills,
            "exit status": process.returncode == 1,
        }
        say(f"{kills} kills: {len(contents(output))} files, {len(document['failures'])} reported, {twice} begun twice")
        say(said.splitlines()[0])
        for check, is_kept in checks.items():
            say(f"{check}: {'as promised' if is_kept else 'BROKEN'}")
        return 0 if all(checks.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
