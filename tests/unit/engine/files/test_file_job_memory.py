"""A result that could be computed but not saved is refused before it is computed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import psutil
import pytest

from srdesk.engine.control import Control
from srdesk.engine.files.file_job import enlarge_file
from srdesk.engine.files.file_recipe import FileRecipe
from srdesk.engine.upscaler import BicubicUpscaler
from srdesk.errors import OutOfMemoryError
from srdesk.imaging.decoder import Decoder

HEIGHT_PX, WIDTH_PX = 40, 48
RESULT_BYTES = 3 * 16 * HEIGHT_PX * WIDTH_PX


@pytest.mark.parametrize(
    ("suffix", "size", "is_refused"), [(".png", "4x", False), (".jpg", "4x", True), (".jpg", "2x", False)]
)
def test_what_saving_needs_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str, size: str, *, is_refused: bool
) -> None:
    class Little:
        available = RESULT_BYTES * 3 // 2
        free = 0

    pixels = np.random.default_rng(1).integers(0, 256, (HEIGHT_PX, WIDTH_PX, 3), np.uint8)
    PIL.Image.fromarray(pixels).save(tmp_path / "a.png")
    monkeypatch.setattr(psutil, "virtual_memory", lambda: Little)
    monkeypatch.setattr(psutil, "swap_memory", lambda: Little)

    def enlarge(decoder: Decoder) -> Any:
        recipe, output = FileRecipe(model="bicubic", size=size), tmp_path / f"b{suffix}"
        return enlarge_file(tmp_path / "a.png", output, recipe, BicubicUpscaler, decoder, Control(), may_replace=False)

    with Decoder() as decoder:
        if is_refused:
            with pytest.raises(OutOfMemoryError, match="needs"):
                enlarge(decoder)
        else:
            enlarge(decoder)
    assert (tmp_path / f"b{suffix}").exists() != is_refused
