"""Maps of what was found out as PNG files, each with a legend."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from srdesk.engine.report.report_pictures import enlarged_by_repeating, highest_of
from srdesk.engine.trust.findings import Findings, Part
from srdesk.errors import ImageWriteError
from srdesk.imaging.atomic import atomic_write
from srdesk.imaging.claim import prepare_folder
from srdesk.imaging.colour_map import ByteArray, coloured, with_legend
from srdesk.imaging.image import FloatArray
from srdesk.imaging.naming import resolve_collision

_LEAST_PX = 320
"""Pixels of small maps are repeated until the longer side is as long."""


def write_maps(folder: Path, stem: str, findings: Findings) -> list[Path]:
    """Write every map of what was found out; files that exist stay, and a number is put behind the new name.

    Args:
        folder: where to; it is made.
        stem: begins every name.
        findings: what was found out.

    Returns:
        The files.

    Raises:
        ImageWriteError: one cannot be written.
    """
    written = []
    for name, title, values, highest in _maps(findings):
        path = folder / f"{stem}_{_plain(name)}.png"
        prepare_folder(path)
        free = resolve_collision(path, "number")
        assert free is not None
        times = max(1, -(-_LEAST_PX // max(values.shape)))
        pixels = with_legend(enlarged_by_repeating(coloured(values, highest), times), title, f"{highest:.4g}")
        _write(free, pixels)
        written.append(free)
    return written


def _maps(findings: Findings) -> Iterator[tuple[str, str, FloatArray, float]]:
    """Yield name, title, numbers and the number of the last colour; maps of one kind have the same."""
    highest = highest_of(list(findings.consistency_maps.values()))
    for model, values in findings.consistency_maps.items():
        yield f"consistency_{model}", f"consistency of {model}", values, highest
    for part in findings.parts:
        where = "" if part is findings.whole else _place(part)
        highest = highest_of(list(part.invented_maps.values()))
        for model, values in part.invented_maps.items():
            yield f"invented_{model}{where}", f"invented by {model}", values, highest
    apart = findings.disagreement_map
    if apart is not None:
        yield "srgan-srresnet", "|SRGAN − SRResNet|", apart, highest_of([apart])


def _place(part: Part) -> str:
    return f"_{part.box.left}-{part.box.top}-{part.box.width}x{part.box.height}"


def _plain(name: str) -> str:
    return "".join(sign if sign.isalnum() or sign in "-_." else "_" for sign in name)


def _write(path: Path, pixels: ByteArray) -> None:
    from PIL import Image as PillowImage

    try:
        with atomic_write(path) as stream:
            PillowImage.fromarray(pixels).save(stream, "PNG")
    except OSError as error:
        raise ImageWriteError(path, (error.strerror or "writing failed").lower()) from error
