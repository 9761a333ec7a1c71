"""Batches of real processes: killed at the worst moments, stopped, and two at a time."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from srdesk.__main__ import main

pytestmark = [pytest.mark.process, pytest.mark.skipif(sys.platform == "win32", reason="there are no such signals")]

DYING = """
import os, signal, sys
from pathlib import Path
from srdesk.cli import upscale
from srdesk.__main__ import main
from srdesk.engine.files import file_job

log, moment, victim = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
enlarge_file, save_image = upscale.enlarge_file, file_job.save_image

def die_at(point, name):
    if point == moment and name.startswith(victim):
        os.kill(os.getpid(), signal.SIGKILL)

def enlarged(source, *rest, **more):
    with log.open("a") as stream:
        stream.write(f"{source.name}\\n")
    die_at("begun", source.name)
    facts = enlarge_file(source, *rest, **more)
    die_at("written", source.name)
    return facts

def saved(output, stored, **options):
    if moment == "writing" and output.name.startswith(victim):
        from srdesk.imaging.atomic import atomic_write
        with atomic_write(output) as stream:
            stream.write(b"half")
            stream.flush()
            die_at("writing", output.name)
    return save_image(output, stored, **options)

upscale.enlarge_file, file_job.save_image = enlarged, saved
sys.exit(main(sys.argv[4:]))
"""
"""The program, with a log of what it begins; it kills itself at a moment of the work on a certain picture."""


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """Eight pictures, the fourth of which is bad."""
    numbers = np.random.default_rng(3)
    (tmp_path / "in").mkdir()
    for number in range(8):
        pixels = numbers.integers(0, 256, (10, 12, 3), np.uint8)
        PIL.Image.fromarray(pixels).save(tmp_path / "in" / f"p{number}.png")
    (tmp_path / "in" / "p3.png").write_text("no picture")
    return tmp_path / "in"


def command(source: Path, output: Path, *options: str) -> list[str]:
    return ["upscale", str(source), "-o", f"{output}/", "--model", "bicubic", "--json", *options]


@pytest.mark.parametrize("moment", ["begun", "writing", "written"])
def test_a_batch_that_is_killed_goes_on_and_does_at_most_one_file_again(
    tmp_path: Path, pictures: Path, moment: str
) -> None:
    log, output = tmp_path / "log", tmp_path / "out"

    def run(victim: str) -> subprocess.CompletedProcess[str]:
        words = [sys.executable, "-c", DYING, str(log), moment, victim, *command(pictures, output)]
        return subprocess.run(words, capture_output=True, text=True)

    assert main(command(pictures, tmp_path / "whole")) == 1
    assert run("p5").returncode == -signal.SIGKILL
    if moment == "writing":
        assert {"p5_bicubic_x4.png.part", "p5_bicubic_x4.png.part.lock"} <= set(names(output))
    last = run("nobody")
    assert last.returncode == 1, last.stderr
    begun = Counter(log.read_text().split())
    del begun["p3.png"]  # what failed is tried again
    expected = {"begun": {"p5.png": 2}, "writing": {"p5.png": 2}, "written": {}}[moment]
    assert {name: times for name, times in begun.items() if times > 1} == expected
    assert [Path(failure["input"]).name for failure in json.loads(last.stdout)["failures"]] == ["p3.png"]
    left = names(output)
    assert left == [f"p{number}_bicubic_x4.png" for number in range(8) if number != 3]
    for name in left:
        assert (output / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()


@pytest.mark.parametrize("policy", ["number", "skip", "overwrite"])
def test_two_runs_at_the_same_time_never_write_the_same_output(tmp_path: Path, pictures: Path, policy: str) -> None:
    words = command(pictures, tmp_path / "out", "--no-resume", "--on-collision", policy)
    both = [
        subprocess.Popen([sys.executable, "-m", "srdesk", *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        for _ in range(2)
    ]
    documents = [json.loads(process.communicate()[0]) for process in both]
    made = [output["output"] for document in documents for output in document["outputs"]]
    assert {os.fspath(path) for path in (tmp_path / "out").iterdir()} == set(made)
    if policy != "overwrite":  # where the later one replaces what the earlier one has finished
        assert len(made) == len(set(made))
    assert len(set(made)) == (14 if policy == "number" else 7)
    contents = {Path(path).read_bytes() for path in made}
    assert len(contents) == 7


ENDLESS = """
import sys
from srdesk.__main__ import main
from srdesk.engine import upscaler

class Endless(upscaler.BicubicUpscaler):
    calls = 0
    def upscale(self, source, sink, control=None, *, region=None):
        Endless.calls += 1
        if Endless.calls < 3:
            return super().upscale(source, sink, control, region=region)
        print("computing", flush=True)
        while True:
            control.token.check()

upscaler.BicubicUpscaler = Endless
sys.exit(main(sys.argv[1:]))
"""


def test_the_same_command_is_not_run_twice_at_a_time_and_ctrl_c_keeps_what_is_done(
    tmp_path: Path, pictures: Path
) -> None:
    words = command(pictures, tmp_path / "out")[:-1]
    with subprocess.Popen(
        [sys.executable, "-c", ENDLESS, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as first:
        assert first.stdout is not None
        while first.stdout.readline() != "computing\n":
            assert first.poll() is None
        second = subprocess.run([sys.executable, "-m", "srdesk", *words], capture_output=True, text=True)
        assert second.returncode == 1
        assert "another program is working through this queue" in second.stderr
        assert "--no-resume" in second.stderr
        first.send_signal(signal.SIGINT)
        _, said = first.communicate(timeout=30)
    assert first.returncode == 130
    assert "2 enlarged of 8 files." in said
    assert names(tmp_path / "out") == ["p0_bicubic_x4.png", "p1_bicubic_x4.png"]
    last = subprocess.run([sys.executable, "-m", "srdesk", *words], capture_output=True, text=True)
    assert last.returncode == 1
    assert "2 of 8 files were enlarged by an earlier run" in last.stderr
    assert len(names(tmp_path / "out")) == 7
