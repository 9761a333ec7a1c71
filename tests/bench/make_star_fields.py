"""Make pictures of skies that never were: stars, galaxies and nebulae as a telescope sees them, for training.

    python tests/bench/make_star_fields.py FOLDER --count 60 --seed 1

Stars are Moffat profiles (Moffat 1969) integrated over pixels, with a power law of brightness; galaxies are exponential
discs; nebulae are fields of fractal noise. Frames are stretched with asinh, as frames are shown, and stored without
noise: that is for `srdesk train --set noise=…`, which makes it anew for every crop. The same seed makes the same
pixels.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

SIDE_PX = 768
FWHM_PX = (1.8, 5.0)
MOFFAT_BETA = (2.2, 4.5)
STARS = (40, 2500)
GALAXIES = (0, 60)
FAINTEST, BRIGHTEST = 0.01, 60.0
"""Peak brightness of stars above the sky, before the stretch; everything above one is white."""
BRIGHTNESS_SLOPE = 1.6
"""Number of stars brighter than L falls as L to the power of minus (this minus one)."""
SUBPIXELS = 3
SOFTENING = (0.02, 0.3)
"""Where asinh turns from linear to logarithmic."""
SKY_LEVEL = (0.0, 0.08)

Floats = NDArray[np.float64]

Light = Callable[[Floats, Floats], Floats]
"""Brightness at distances along y and x from a centre, in pixels."""


def power_law(rng: np.random.Generator, count: int, lowest: float, highest: float, slope: float) -> Floats:
    """Return numbers whose density falls with ``slope``."""
    power = 1.0 - slope
    return (lowest**power + rng.random(count) * (highest**power - lowest**power)) ** (1.0 / power)


def add_stars(sky: Floats, rng: np.random.Generator) -> None:
    """Add stars of one seeing to `(H, W, 3)`."""
    fwhm_px, beta = rng.uniform(*FWHM_PX), rng.uniform(*MOFFAT_BETA)
    width_px = fwhm_px / (2.0 * np.sqrt(2.0 ** (1.0 / beta) - 1.0))
    count = int(np.exp(rng.uniform(*np.log(STARS))))
    for peak in power_law(rng, count, FAINTEST, BRIGHTEST, BRIGHTNESS_SLOPE):
        # As far out as the profile is a thousandth of white.
        reach = int(np.clip(width_px * np.sqrt((peak / 1e-3) ** (1.0 / beta)), 4, 90)) + 1
        y, x = rng.uniform(-reach, SIDE_PX + reach, 2)
        add_stamp(
            sky, y, x, reach, lambda dy, dx, peak=peak: peak * (1.0 + (dy**2 + dx**2) / width_px**2) ** -beta, rng
        )


def add_galaxies(sky: Floats, rng: np.random.Generator) -> None:
    """Add inclined exponential discs with a bulge."""
    for peak in power_law(rng, int(rng.integers(*GALAXIES)), 0.02, 0.6, 1.8):
        scale_px, ratio, angle = rng.uniform(1.0, 14.0), rng.uniform(0.25, 1.0), rng.uniform(0.0, np.pi)
        turn = np.cos(angle), np.sin(angle)

        def light(dy: Floats, dx: Floats, peak=peak, scale_px=scale_px, ratio=ratio, turn=turn) -> Floats:
            along, across = dx * turn[0] + dy * turn[1], (dy * turn[0] - dx * turn[1]) / ratio
            radius_px = np.hypot(along, across)
            return peak * (np.exp(-radius_px / scale_px) + 0.5 * np.exp(-radius_px / (0.25 * scale_px + 1.0)))

        y, x = rng.uniform(0, SIDE_PX, 2)
        add_stamp(sky, y, x, int(6 * scale_px) + 3, light, rng)


def add_stamp(sky: Floats, y: float, x: float, reach: int, light: Light, rng: np.random.Generator) -> None:
    """Add something of a random tint around a place, integrated over pixels."""
    top, left = max(0, round(y) - reach), max(0, round(x) - reach)
    bottom, right = min(SIDE_PX, round(y) + reach + 1), min(SIDE_PX, round(x) + reach + 1)
    if top >= bottom or left >= right:
        return
    steps = (np.arange(SUBPIXELS) + 0.5) / SUBPIXELS - 0.5
    rows = (np.arange(top, bottom)[:, None] + steps).ravel()[:, None] - y
    columns = (np.arange(left, right)[:, None] + steps).ravel()[None, :] - x
    fine = light(rows, columns)
    mean = fine.reshape(bottom - top, SUBPIXELS, right - left, SUBPIXELS).mean(axis=(1, 3))
    tint = np.clip(1.0 + rng.normal(0.0, 0.15) * np.array([1.0, 0.0, -1.0]), 0.5, 1.5)
    sky[top:bottom, left:right] += mean[:, :, None] * tint


def nebula(rng: np.random.Generator) -> Floats:
    """Return clouds `(H, W, 3)` with a power spectrum that falls as in turbulence."""
    frequency = np.hypot(np.fft.fftfreq(SIDE_PX)[:, None], np.fft.rfftfreq(SIDE_PX)[None, :])
    frequency[0, 0] = 1.0
    amplitude = frequency ** -rng.uniform(1.5, 2.2)
    amplitude[0, 0] = 0.0
    clouds = np.fft.irfft2(amplitude * np.exp(2j * np.pi * rng.random(amplitude.shape)), (SIDE_PX, SIDE_PX))
    clouds = np.exp(rng.uniform(0.5, 1.5) * clouds / clouds.std())
    tint = rng.uniform(0.4, 1.0, 3)
    return rng.uniform(0.0, 0.08) * clouds[:, :, None] / np.percentile(clouds, 95) * tint


def make_frame(rng: np.random.Generator) -> NDArray[np.uint8]:
    """Return `(H, W, 3)` 8-bit pixels."""
    sky = np.zeros((SIDE_PX, SIDE_PX, 3))
    if rng.random() < 0.5:
        sky += nebula(rng)
    add_galaxies(sky, rng)
    add_stars(sky, rng)
    softening = np.exp(rng.uniform(*np.log(SOFTENING)))
    stretched = np.arcsinh(sky / softening) / np.arcsinh(1.0 / softening)
    level = rng.uniform(*SKY_LEVEL)
    return np.rint(np.clip(level + (1.0 - level) * stretched, 0.0, 1.0) * 255.0).astype(np.uint8)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--count", type=int, default=60)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    for number in range(options.count):
        frame = make_frame(np.random.default_rng((options.seed, number)))
        Image.fromarray(frame).save(options.folder / f"sky-{number:03d}.png")
    return 0


if __name__ == "__main__":
    sys.exit(main())
