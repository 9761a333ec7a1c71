"""The headers of a FITS file as people read them: a card a line."""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO

from srdesk.imaging.fits.parts import Plane, planes_of
from srdesk.imaging.fits.structure import CARD_BYTES, Hdu, read_structure, unpacked
from srdesk.imaging.probe import decoder_errors

_MAX_CARDS = 20_000
"""A file with more is no text for people."""


def list_contents(stream: BinaryIO, path: Path) -> tuple[tuple[Plane, ...], str]:
    """Return the images of a FITS file, and all its headers as text.

    Raises:
        ImageReadError: the file is damaged or cut off.
        UnsupportedImageError: it is packed, and too large.
    """
    with decoder_errors(path), unpacked(stream, path) as plain:
        hdus = read_structure(plain, path)
    return planes_of(hdus), headers_text(hdus)


def headers_text(hdus: list[Hdu]) -> str:
    """Return the cards of all headers, a title above each."""
    lines: list[str] = []
    for hdu in hdus:
        size = " × ".join(str(length) for length in reversed(hdu.shape))
        name = f"{hdu.name}:{hdu.version}" if "EXTVER" in hdu.values else hdu.name
        title = " ".join(word for word in (f"HDU {hdu.index}", name, f"({size})" if size else "") if word)
        lines += [*([""] if lines else []), title, "─" * len(title), *_cards(hdu.header)]
        if len(lines) > _MAX_CARDS:
            return "\n".join([*lines[:_MAX_CARDS], "…"])
    return "\n".join(lines)


def _cards(header: bytes) -> list[str]:
    cards = []
    for at in range(0, len(header), CARD_BYTES):
        card = header[at : at + CARD_BYTES].decode("latin-1").rstrip()
        if card == "END":
            break
        cards.append("".join(sign if sign.isprintable() else "�" for sign in card))
    return cards
