"""Pictures with random damage through the real decode child: pictures or sentences come out, nothing else.

``SRDESK_FUZZ_SEED`` repeats a run, ``SRDESK_FUZZ_PICTURES`` makes it longer (5,000 by hand).
"""

from __future__ import annotations

import io
import os
import random
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
import tifffile
from PIL import Image as PillowImage

from srdesk.errors import ImageReadError, UnsupportedImageError
from srdesk.imaging.decoder import Decoder
from srdesk.imaging.formats import save_image
from srdesk.imaging.image import Metadata
from srdesk.imaging.stored import StoredImage
from srdesk.imaging.values import UINT16

pytestmark = [pytest.mark.hostile, pytest.mark.process]

PICTURES = int(os.environ.get("SRDESK_FUZZ_PICTURES", "500"))
HANG_S = 5.0


def originals(folder: Path) -> list[bytes]:
    """Return sound files of every kind that is opened, small so that most damage hits structure."""
    down, across = np.mgrid[0:24, 0:31]
    pixels = np.stack([down * 9, across * 7, down + across], axis=2).astype(np.uint8)
    photo = PillowImage.fromarray(pixels)
    exif = PillowImage.Exif()
    exif[271], exif[274] = "Maker", 6
    exif.get_ifd(0x8769)[40962] = 31
    files: list[bytes] = []
    for mode, format_name, options in (
        ("RGB", "JPEG", {"exif": exif, "icc_profile": b"p" * 99}),
        ("RGB", "JPEG", {"progressive": True}),
        ("CMYK", "JPEG", {}),
        ("L", "JPEG", {}),
        ("RGB", "WEBP", {"exif": exif}),
        ("RGBA", "WEBP", {"lossless": True}),
        ("P", "PNG", {}),
        ("1", "PNG", {}),
        ("LA", "PNG", {"exif": exif}),
        ("RGB", "TIFF", {"compression": "tiff_lzw", "exif": exif}),
        ("RGB", "TIFF", {"compression": "jpeg"}),
        ("1", "TIFF", {"compression": "group4"}),
        ("P", "TIFF", {"compression": "packbits"}),
    ):
        stream = io.BytesIO()
        photo.convert(mode).save(stream, format_name, **options)
        files.append(stream.getvalue())
    wide = StoredImage(
        pixels.astype(np.uint16) * 257, UINT16, None, Metadata(icc_profile=b"p" * 99, exif=exif.tobytes())
    )
    for suffix in (".png", ".tif"):
        save_image(folder / f"wide{suffix}", wide)
        files.append((folder / f"wide{suffix}").read_bytes())
    layouts: list[dict[str, Any]] = [
        {"tile": (16, 16), "compression": "deflate"},
        {"bigtiff": True},
        {"planarconfig": "separate"},
    ]
    for layout in layouts:
        stream = io.BytesIO()
        is_separate = "planarconfig" in layout
        tifffile.imwrite(
            stream,
            np.moveaxis(pixels, -1, 0) if is_separate else pixels.astype(np.float32),
            photometric="rgb",
            **options,
        )
        files.append(stream.getvalue())
    return files


def damaged(content: bytes, chance: random.Random) -> bytes:
    """Return a file with one to eight injuries, most of them near the beginning."""
    changed = bytearray(content)
    for _ in range(chance.choice((1, 1, 2, 3, 8))):
        at = min(int(chance.expovariate(4 / len(changed))), len(changed) - 1) if changed else 0
        kind = chance.randrange(7)
        if kind == 0:
            changed[at : at + 1] = bytes([chance.randrange(256)])
        elif kind == 1 and changed:
            changed[at] ^= 1 << chance.randrange(8)
        elif kind == 2:
            interesting = (0, 1, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF, 2**31, 65536)
            changed[at : at + 4] = chance.choice(interesting).to_bytes(4, chance.choice(("little", "big")))
        elif kind == 3:
            del changed[at : at + chance.randrange(1, 40)]
        elif kind == 4:
            changed[at:at] = chance.randbytes(chance.randrange(1, 40))
        elif kind == 5:
            start = chance.randrange(len(changed) + 1)
            changed[at:at] = changed[start : start + chance.randrange(1, 200)]
        elif len(changed) > 20:
            del changed[chance.randrange(20, len(changed)) :]
    return bytes(changed)


@pytest.mark.timeout(60 + PICTURES)
def test_damaged_pictures_give_pictures_or_sentences_and_never_a_crash_or_a_hang(
    decoder: Decoder, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    seed = int(os.environ.get("SRDESK_FUZZ_SEED", random.SystemRandom().randrange(2**32)))
    record_property("seed", seed)
    print(f"SRDESK_FUZZ_SEED={seed}")  # noqa: T201 - pytest shows it when the test fails
    chance = random.Random(seed)
    sound = originals(tmp_path)
    path = tmp_path / "picture"
    child = decoder._child
    assert child is not None
    opened = refused = 0
    for number in range(PICTURES):
        content = damaged(chance.choice(sound), chance)
        path.write_bytes(content)
        started_s = time.monotonic()
        try:
            image = decoder.open(path)
        except (ImageReadError, UnsupportedImageError):
            refused += 1
        else:
            opened += 1
            assert np.isfinite(image.pixels).all()
        assert time.monotonic() - started_s < HANG_S + 2, f"picture {number} hung"
        assert decoder._child is child, f"picture {number} ended the decoder"
        assert psutil.Process(child.pid).memory_info().rss < 2**30, f"picture {number}"
    assert opened > 0
    assert refused > 0
