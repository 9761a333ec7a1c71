"""How trust is put into words: numbers in the units of the file where something was measured, and in dB."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import QCoreApplication

from srdesk.gui.honesty.requests import Appraised
from srdesk.imaging.image import Image

if TYPE_CHECKING:
    from srdesk.engine.trust.honesty import Spread


@dataclass(frozen=True, slots=True)
class Units:
    """What people read instead of the range `[0, 1]`."""

    factor: float
    """Units per unit of `[0, 1]`."""
    name: str
    """Name of the unit, or what the numbers are out of."""

    def number(self, value: float) -> str:
        """Write a number of the range `[0, 1]`."""
        written = f"{value * self.factor:.3g}"
        if "e" in written and 1e3 <= abs(value * self.factor) < 1e7:
            written = f"{value * self.factor:,.0f}"
        return f"{written} {self.name}".rstrip()


def units_of(image: Image) -> Units:
    """Return the units in which differences of a picture are read."""
    gain = abs(image.values.gain)
    if image.science is not None:
        return Units(gain * abs(image.science.scale), image.science.unit)
    is_integer = image.values.dtype.startswith(("uint", "int"))
    return Units(gain, _tr("of {:,.0f}").format(gain) if is_integer and image.numbers is None else "")


def decibels(value: float) -> str:
    """Write a PSNR."""
    return "∞ dB" if math.isinf(value) else f"{value:.2f} dB"


def consistency(found: Appraised, units: Units) -> str:
    """Say how well a result, made smaller, gives its picture again."""
    sentence = _tr("Consistency {} · RMS {}")
    return sentence.format(decibels(found.consistency.psnr_db), units.number(found.consistency.rms))


def improvement(before: Appraised, after: Appraised, units: Units) -> str:
    """Say how much more consistent a result has become."""
    sentence = _tr("Consistency {} → {} · RMS {} → {}")
    rms = f"{before.consistency.rms * units.factor:.3g}"
    return sentence.format(
        f"{before.consistency.psnr_db:.2f}",
        decibels(after.consistency.psnr_db),
        rms,
        units.number(after.consistency.rms),
    )


def spread(values: Spread, units: Units) -> str:
    """Sum up a map."""
    mean, high, worst = (units.number(value) for value in (values.mean, values.high, values.worst))
    mean, high = (written.removesuffix(units.name).rstrip() for written in (mean, high))
    return _tr("mean {} · 99 % up to {} · max {}").format(mean, high, worst)


def note(found: Appraised, bicubic: Appraised | None, units: Units, strength: float) -> str:
    """Say everything that is known of a result, a line for each kind."""
    lines = [consistency(found, units)]
    if strength:
        lines.insert(0, _tr("Back-projected {:.0%}").format(strength))
    if found.score is not None:
        line = _tr("PSNR {} · SSIM {:.4f}").format(decibels(found.score.psnr_y_db), found.score.ssim_y)
        lines.append(line)
        if found.pane != "bicubic" and bicubic is not None and bicubic.score is not None:
            beside = _tr("bicubic {} · {:.4f}")
            lines.append(beside.format(decibels(bicubic.score.psnr_y_db), bicubic.score.ssim_y))
    return "\n".join(lines)


def _tr(text: str) -> str:
    return QCoreApplication.translate("Honesty", text)
