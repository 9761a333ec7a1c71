"""Headers as people read them."""

from __future__ import annotations

import io
from pathlib import Path

import astropy.io.fits
import numpy as np

from srdesk.imaging.fits.cards import list_contents

NOWHERE = Path("nowhere.fits")


def contents(*hdus: object) -> tuple[list[str], list[str]]:
    stream = io.BytesIO()
    astropy.io.fits.HDUList(list(hdus)).writeto(stream)
    planes, text = list_contents(stream, NOWHERE)
    return [plane.part for plane in planes], text.split("\n")


def test_every_header_has_a_title_and_its_cards_as_they_stand_in_the_file() -> None:
    primary = astropy.io.fits.PrimaryHDU()
    primary.header["TELESCOP"] = ("HST", "used to acquire data")
    image = astropy.io.fits.ImageHDU(np.zeros((3, 4), np.int16), name="SCI", ver=2)
    parts, lines = contents(primary, image)
    assert parts == ["1"]
    assert [line for line in lines if line.startswith("HDU")] == ["HDU 0 PRIMARY", "HDU 1 SCI:2 (4 × 3)"]
    assert str(primary.header.cards["TELESCOP"]).rstrip() in lines
    assert not any(line == "END" for line in lines)


def test_comments_and_history_are_told_too() -> None:
    primary = astropy.io.fits.PrimaryHDU(np.zeros((3, 4), np.uint8))
    primary.header["COMMENT"] = "of the night"
    primary.header["HISTORY"] = "flat-fielded"
    _, lines = contents(primary)
    assert "COMMENT of the night" in lines
    assert "HISTORY flat-fielded" in lines


def test_signs_that_are_none_are_not_passed_on() -> None:
    stream = io.BytesIO()
    astropy.io.fits.PrimaryHDU(np.zeros((3, 4), np.uint8)).writeto(stream)
    damaged = io.BytesIO(stream.getvalue().replace(b"conforms to FITS", b"conforms\x1b[2J\x00 FI"))
    _, text = list_contents(damaged, NOWHERE)
    assert "�[2J�" in text


def test_a_file_of_very_many_cards_is_cut_off() -> None:
    primary = astropy.io.fits.PrimaryHDU()
    for number in range(20_100):
        primary.header.append(("HISTORY", f"step {number}"), end=True)
    _, lines = contents(primary)
    assert lines[-1] == "…"
    assert len(lines) == 20_001
