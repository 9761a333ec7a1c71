"""The decode child opens what the parent would open, and nothing that it does reaches the parent."""

from __future__ import annotations

import bz2
import gzip
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import psutil
import pytest
from astropy.io import fits
from numpy.testing import assert_array_equal

from srdesk.errors import Cancelled, ImageReadError, UnsupportedImageError
from srdesk.imaging import decoder as decoder_module
from srdesk.imaging.decode_wire import Opened
from srdesk.imaging.decoder import Decoder
from srdesk.imaging.formats import open_stored, open_stored_bytes, save_image
from srdesk.imaging.image import Metadata
from srdesk.imaging.probe import MAX_DECODED_BYTES
from srdesk.imaging.stored import StoredImage
from srdesk.imaging.values import UINT8, UINT16, ValueMap

pytestmark = pytest.mark.process


class Flag:
    def __init__(self) -> None:
        self.is_cancelled = False


def save(path: Path, *, values: ValueMap = UINT8, with_alpha: bool = False, metadata: Metadata | None = None) -> Path:
    numbers = np.random.default_rng(0).integers(0, 256, (20, 30, 4)).astype(values.dtype)
    alpha = np.ascontiguousarray(numbers[:, :, 3]) if with_alpha else None
    save_image(path, StoredImage(numbers[:, :, :3], values, alpha, metadata or Metadata()))
    return path


def stop_the_child(decoder: Decoder) -> int:
    """Freeze the child, as a decoder that hangs does."""
    child = decoder._child
    assert child is not None
    os.kill(child.pid, signal.SIGSTOP)
    return child.pid


@pytest.mark.parametrize("values", [UINT8, UINT16, ValueMap("float32", 255.0)], ids=["8 bit", "16 bit", "float"])
@pytest.mark.parametrize("with_alpha", [False, True])
def test_a_picture_comes_out_of_the_child_as_it_would_without_it(
    decoder: Decoder, tmp_path: Path, make_exif: Callable[..., bytes], values: ValueMap, with_alpha: bool
) -> None:
    metadata = Metadata(icc_profile=b"p" * 100_000, exif=make_exif(), xmp=b"<x/>", dpi=(300, 300))
    path = save(tmp_path / "ä\n.tif", values=values, with_alpha=with_alpha, metadata=metadata)
    mine, theirs = open_stored(path), decoder.open_stored(path)
    assert_array_equal(theirs.numbers, mine.numbers)
    assert theirs.values == mine.values
    assert theirs.metadata == mine.metadata
    assert theirs.has_alpha == with_alpha
    if mine.alpha_numbers is not None and theirs.alpha_numbers is not None:
        assert_array_equal(theirs.alpha_numbers, mine.alpha_numbers)
    assert not theirs.numbers.flags.writeable
    assert_array_equal(decoder.open(path).pixels, mine.to_image().pixels)


def test_texts_and_undecodable_names_survive_the_wire(decoder: Decoder, tmp_path: Path) -> None:
    path = tmp_path / os.fsdecode(b"caf\xe9.png")
    save(path, metadata=Metadata(text=(("Title", "Ünder\nway"),)))
    assert decoder.open_stored(path).metadata.text == (("Title", "Ünder\nway"),)


def test_a_relative_path_means_the_parents_folder_of_now(
    decoder: Decoder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save(tmp_path / "a.png")
    monkeypatch.chdir(tmp_path)
    assert decoder.open_stored("a.png").height == 20


def test_errors_come_back_with_the_same_class_words_and_hint(decoder: Decoder, tmp_path: Path) -> None:
    (tmp_path / "empty.png").touch()
    (tmp_path / "page.png").write_text("<!doctype html>")
    for name in ("missing.png", "empty.png", "page.png"):
        with pytest.raises((ImageReadError, UnsupportedImageError)) as mine:
            open_stored(tmp_path / name)
        with pytest.raises(mine.type) as theirs:
            decoder.open(tmp_path / name)
        assert str(theirs.value) == str(mine.value)
        assert theirs.value.hint == mine.value.hint
        assert theirs.value.path == tmp_path / name


@pytest.mark.expects_warning_log("decoder ended with status -9")
def test_a_crash_is_an_error_for_one_picture_only(tmp_path: Path) -> None:
    path = save(tmp_path / "a.png")
    with Decoder() as decoder:
        decoder.start()
        pid = stop_the_child(decoder)
        killer = threading.Timer(0.2, os.kill, (pid, signal.SIGKILL))
        killer.start()
        with pytest.raises(ImageReadError, match="ended its decoder"):
            decoder.open(path)
        killer.join()
        assert decoder.open(path).height == 20


def test_a_child_that_died_while_idle_is_replaced_unnoticed(tmp_path: Path) -> None:
    path = save(tmp_path / "a.png")
    with Decoder() as decoder:
        decoder.start()
        child = decoder._child
        assert child is not None
        child.kill()
        child.wait()
        assert decoder.open(path).height == 20


def test_a_hang_is_an_error_for_one_picture_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = save(tmp_path / "a.png")
    with Decoder() as decoder:
        decoder.open(path)
        monkeypatch.setattr(decoder_module, "_HEADER_LIMIT_S", 0.3)
        stop_the_child(decoder)
        with pytest.raises(ImageReadError, match="does not come to an end"):
            decoder.open(path)
        monkeypatch.undo()
        assert decoder.open(path).height == 20


def test_the_first_file_of_a_kind_is_given_the_time_that_loading_its_libraries_takes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    photo, frame = save(tmp_path / "a.png"), tmp_path / "a.fits"
    fits.PrimaryHDU(np.ones((20, 30), np.float32)).writeto(frame)
    with Decoder() as decoder:
        decoder.open(photo)
        monkeypatch.setattr(decoder_module, "_HEADER_LIMIT_S", 0.3)
        timer = threading.Timer(1.0, os.kill, (stop_the_child(decoder), signal.SIGCONT))
        timer.start()
        assert decoder.open(frame).height == 20
        timer.join()
        stop_the_child(decoder)
        with pytest.raises(ImageReadError, match="does not come to an end"):
            decoder.open(frame)


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress], ids=["gzip", "bzip2"])
@pytest.mark.parametrize("is_in_memory", [False, True])
def test_a_packed_file_is_given_the_time_that_unpacking_it_takes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pack: Callable[[bytes], bytes], *, is_in_memory: bool
) -> None:
    plain = tmp_path / "a.fits"
    fits.PrimaryHDU(np.ones((20, 30), np.float32)).writeto(plain)
    content = pack(plain.read_bytes())
    packed = tmp_path / "a.fits.packed"
    packed.write_bytes(content)
    with Decoder() as decoder:
        decoder.open(plain)
        decoder.open(packed)
        monkeypatch.setattr(decoder_module, "_HEADER_LIMIT_S", 0.3)
        monkeypatch.setattr(decoder_module, "_PACKED_BYTES_PER_S", len(content) / 60)
        pid = stop_the_child(decoder)
        timer = threading.Timer(1.0, os.kill, (pid, signal.SIGCONT))
        timer.start()
        opened = decoder.open_stored_bytes(content, packed) if is_in_memory else decoder.open_stored(packed)
        timer.join()
        assert opened.height == 20
        stop_the_child(decoder)
        with pytest.raises(ImageReadError, match="does not come to an end"):
            decoder.open(plain)


def test_cancelling_ends_the_wait_and_the_child(tmp_path: Path) -> None:
    path = save(tmp_path / "a.png")
    flag = Flag()
    with Decoder() as decoder:
        decoder.start()
        pid = stop_the_child(decoder)
        timer = threading.Timer(0.2, setattr, (flag, "is_cancelled", True))
        timer.start()
        with pytest.raises(Cancelled):
            decoder.open(path, flag)
        timer.join()
        assert not psutil.pid_exists(pid)
        flag.is_cancelled = False
        assert decoder.open(path, flag).height == 20


def test_closing_while_the_child_is_looked_at_starts_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    decoder = Decoder()
    decoder.start()
    child = decoder._child
    assert child is not None
    closer = threading.Thread(target=decoder.close)
    real_poll = child.poll

    def poll() -> int | None:
        if closer.ident is None:
            closer.start()
            child.wait(10)  # for the closer to kill it
        return real_poll()

    monkeypatch.setattr(child, "poll", poll)
    with pytest.raises(Cancelled):
        decoder.open(save(tmp_path / "a.png"))
    closer.join()


def test_closing_while_the_child_starts_is_no_failure_to_start(monkeypatch: pytest.MonkeyPatch) -> None:
    decoder = Decoder()
    closer = threading.Thread(target=decoder.close)

    def read_answer(child: subprocess.Popen[bytes], *_: object) -> object:
        closer.start()
        child.wait(10)  # for the closer to kill it
        raise BrokenPipeError

    monkeypatch.setattr("srdesk.imaging.decoder._read_answer", read_answer)
    with pytest.raises(Cancelled):
        decoder.start()
    closer.join()


def test_closing_cancels_what_another_thread_is_opening(tmp_path: Path) -> None:
    path = save(tmp_path / "a.png")
    decoder = Decoder()
    decoder.start()
    stop_the_child(decoder)
    outcome: list[BaseException] = []

    def open_it() -> None:
        try:
            decoder.open(path)
        except Cancelled as cancelled:
            outcome.append(cancelled)

    thread = threading.Thread(target=open_it)
    thread.start()
    while not decoder._turn.locked():
        time.sleep(0.001)
    decoder.close()
    thread.join()
    assert [type(error) for error in outcome] == [Cancelled]
    with pytest.raises(Cancelled):
        decoder.open(path)
    decoder.close()


@pytest.mark.hostile
def test_a_module_that_lies_beside_the_pictures_is_not_imported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("msgspec", "numpy", "PIL"):
        (tmp_path / f"{name}.py").write_text(f"open({str(tmp_path / 'was run')!r}, 'w')")
    path = save(tmp_path / "a.jpg")
    monkeypatch.chdir(tmp_path)
    with Decoder() as decoder:
        assert decoder.open(path).height == 20
    assert not (tmp_path / "was run").exists()


def test_several_threads_take_turns(decoder: Decoder, tmp_path: Path) -> None:
    path = save(tmp_path / "a.png")
    expected = open_stored(path).numbers
    seen: list[np.ndarray] = []
    threads = [threading.Thread(target=lambda: seen.append(decoder.open_stored(path).numbers)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(seen) == 8
    for numbers in seen:
        assert_array_equal(numbers, expected)


def test_the_child_ends_when_its_parent_is_killed(tmp_path: Path) -> None:
    script = (
        "import time; from srdesk.imaging.decoder import Decoder\n"
        "decoder = Decoder(); decoder.start(); print(decoder._child.pid, flush=True); time.sleep(60)"
    )
    parent = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    with parent.stdout:
        child = psutil.Process(int(parent.stdout.readline()))
        parent.kill()
        parent.wait()
        psutil.wait_procs([child], timeout=20)
        assert not child.is_running()


def test_a_child_that_cannot_start_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with Decoder() as decoder, pytest.raises(ImageReadError, match="does not start"):
        decoder.open(save(tmp_path / "a.png"))


def test_what_a_library_prints_does_not_get_into_the_answers(tmp_path: Path) -> None:
    script = (
        "from srdesk.imaging import decode_child as c; r, a = c._wire(); print('noise', flush=True); a.write(b'answer')"
    )
    done = subprocess.run([sys.executable, "-c", script], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, check=True)
    assert done.stdout == b"answer"


def test_no_descriptor_is_left_open(tmp_path: Path) -> None:
    path = save(tmp_path / "a.png")
    before = psutil.Process().num_fds()
    for _ in range(3):
        with Decoder() as decoder:
            decoder.open(path)
    assert psutil.Process().num_fds() == before


@pytest.mark.hostile
@pytest.mark.expects_warning_log("decoder ended")
@pytest.mark.parametrize(
    "answer",
    [
        b"not json\n",
        b'{"type":"began","decoded_bytes":1}\n{"type":"began","decoded_bytes":1}\n',
        b'{"type":"opened"}\n',
        b"",
        b'{"type":"began","decoded_bytes":1}\n{"type":"opened","height":999999,"width":999999,"channels":3,'
        b'"has_alpha":false,"dtype":"uint8","gain":255.0,"offset":0.0,"format":"PNG","icc_profile_bytes":null,'
        b'"exif_bytes":null,"xmp_bytes":null,"dpi":null,"text":[],"is_lossless":false}\n',
        b'{"type":"began","decoded_bytes":1}\n{"type":"opened","height":1,"width":1,"channels":1,'
        b'"has_alpha":false,"dtype":"uint8","gain":255.0,"offset":0.0,"format":"PNG","icc_profile_bytes":99999999999,'
        b'"exif_bytes":null,"xmp_bytes":null,"dpi":null,"text":[],"is_lossless":false}\n\1',
    ],
    ids=["noise", "twice", "incomplete", "silence", "too large", "endless profile"],
)
def test_a_child_that_was_taken_over_cannot_fool_the_parent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: bytes
) -> None:
    (tmp_path / "answer").write_bytes(b'{"type":"ready"}\n' + answer)
    script = tmp_path / "child"
    script.write_text(f"#!/bin/sh\nread request <&0 & cat '{tmp_path}/answer'\n")
    script.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(script))
    with Decoder() as decoder, pytest.raises(ImageReadError, match="ended its decoder"):
        decoder.open(tmp_path / "a.png")


def test_the_largest_picture_within_budget_fits_the_address_space() -> None:
    from srdesk.imaging.decode_child import ADDRESS_SPACE_BYTES

    # Decoded by Pillow with four bytes a pixel, as an array, and turned upright into another.
    assert MAX_DECODED_BYTES * (4 / 3 + 1 + 1) + 2**29 < ADDRESS_SPACE_BYTES


def test_the_child_starts_without_waiting_for_heavy_imports() -> None:
    script = (
        "import sys; sys.argv = ['child']; from srdesk.imaging import formats;"
        "print([name for name in ('PIL.Image', 'tifffile', 'imagecodecs', 'skimage', 'torch') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_picture_in_memory_goes_the_same_way(decoder: Decoder, tmp_path: Path) -> None:
    path = save(tmp_path / "a.png")
    content = path.read_bytes()
    path.unlink()
    assert_array_equal(decoder.open_stored_bytes(content, path).numbers, open_stored_bytes(content, path).numbers)
    with pytest.raises(ImageReadError, match=r"“a\.png” cannot be opened: it is damaged or cut off"):
        decoder.open_stored_bytes(content[:-20], path)
    with pytest.raises(ImageReadError, match="it is empty"):
        decoder.open_stored_bytes(b"", path)
    assert_array_equal(decoder.open_stored_bytes(content, path).numbers, open_stored_bytes(content, path).numbers)


def test_a_child_that_was_stopped_just_after_its_answer_is_asked_no_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, flag, receive = save(tmp_path / "a.png"), Flag(), decoder_module._receive

    def received(child: subprocess.Popen[bytes], answer: Opened) -> StoredImage:
        stored = receive(child, answer)
        flag.is_cancelled = True
        child.wait(20)
        monkeypatch.setattr(child, "poll", lambda: None)  # as it is until the system has noticed
        return stored

    monkeypatch.setattr(decoder_module, "_receive", received)
    with Decoder() as decoder:
        decoder.open(path, flag)
        monkeypatch.setattr(decoder_module, "_receive", receive)
        assert decoder.open(path).width == 30
