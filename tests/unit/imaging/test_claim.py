"""No two programs, or threads, write the same output, and the remains of killed ones go."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from srdesk.errors import ImageWriteError, OutputTakenError
from srdesk.imaging.atomic import atomic_write
from srdesk.imaging.claim import claimed, prepare_folder


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_claim_leaves_nothing_behind(tmp_path: Path) -> None:
    with claimed(tmp_path / "deep" / "a.png", may_replace=False):
        assert names(tmp_path / "deep") == ["a.png.part.lock"]
    assert names(tmp_path / "deep") == []


def test_an_output_has_one_writer_at_a_time(tmp_path: Path) -> None:
    output = tmp_path / "a.png"
    (tmp_path / "link.png").symlink_to(output)
    with claimed(output, may_replace=True):
        for name in ("a.png", "link.png"):
            with (
                pytest.raises(OutputTakenError, match="another program is writing it"),
                claimed(tmp_path / name, may_replace=True),
            ):
                pass
        with claimed(tmp_path / "b.png", may_replace=True):
            pass
    with claimed(output, may_replace=True):
        pass


def test_a_file_that_has_appeared_is_not_replaced_unless_it_may_be(tmp_path: Path) -> None:
    (tmp_path / "a.png").touch()
    with pytest.raises(OutputTakenError), claimed(tmp_path / "a.png", may_replace=False):
        pass
    with claimed(tmp_path / "a.png", may_replace=True):
        pass
    assert names(tmp_path) == ["a.png"]


def test_a_claim_ends_with_an_error(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), claimed(tmp_path / "a.png", may_replace=False):
        raise ZeroDivisionError
    with claimed(tmp_path / "a.png", may_replace=False):
        pass


def test_names_as_long_as_can_be_can_be_claimed(tmp_path: Path) -> None:
    with claimed(tmp_path / ("ö" * 125 + ".png"), may_replace=False):
        assert len(names(tmp_path)) == 1
    assert names(tmp_path) == []


def test_a_folder_that_cannot_be_made_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with (
        pytest.raises(ImageWriteError, match=r"“c\.png” cannot be written: its folder cannot be made"),
        claimed(tmp_path / "file" / "c.png", may_replace=False),
    ):
        pass
    prepare_folder(tmp_path / "a" / "b" / "c.png")
    assert (tmp_path / "a" / "b").is_dir()


KILLED = """
import os, signal, sys
from pathlib import Path
from srdesk.imaging.atomic import atomic_write
from srdesk.imaging.claim import claimed
output = Path(sys.argv[1])
with claimed(output, may_replace=True), atomic_write(output) as stream:
    stream.write(b"half")
    stream.flush()
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.process
@pytest.mark.skipif(sys.platform == "win32", reason="there are no such signals")
def test_what_a_killed_program_left_goes_with_the_next_claim(tmp_path: Path) -> None:
    output = tmp_path / "a.png"
    ended = subprocess.run([sys.executable, "-c", KILLED, str(output)])
    assert ended.returncode == -signal.SIGKILL
    assert names(tmp_path) == ["a.png.part", "a.png.part.lock"]
    (tmp_path / "b.png.part").write_text("somebody else's")
    (tmp_path / "a.png.2.part").write_text("of a scene that can be gone on with")
    (tmp_path / "a.png.2.part.journal").touch()
    with atomic_write(output) as stream:  # as the desk does when it saves: it is alive, and stays
        stream.write(b"whole")
        assert "a.png.1.part" in names(tmp_path)
        with claimed(output, may_replace=True):
            assert "a.png.part" not in names(tmp_path)
            assert "a.png.1.part" in names(tmp_path)
    assert output.read_bytes() == b"whole"
    assert names(tmp_path) == ["a.png", "a.png.2.part", "a.png.2.part.journal", "b.png.part"]


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="everything can be written to")
def test_a_folder_that_cannot_be_written_to_is_one_sentence(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(ImageWriteError, match="not writable"), claimed(tmp_path / "a.png", may_replace=False):
        pass
    tmp_path.chmod(0o700)
