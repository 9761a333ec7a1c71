"""Measure whether stars stay round, single and as wide as they were, and whether others appear.

    python tests/bench/measure_stars.py --fwhm 1.7 3.2 --models bicubic srresnet srgan

A frame of stars with photon and read-out noise is made, enlarged four times through the whole program, and measured
with code that the program does not use.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from astropy.io import fits
from numpy.typing import NDArray
from scipy import ndimage
from scipy.special import erf

SIDE_PX, STARS, APART_PX, BORDER_PX = 200, 60, 14, 12
SKY, READ_NOISE = 200.0, 3.0
FAINTEST, BRIGHTEST = 500.0, 20_000.0
"""Electrons."""
SIGMA_TO_FWHM = 2.3548
DETECTED_SIGMA = 7.0
SCALE = 4

Doubles = NDArray[np.float64]


@dataclass(frozen=True)
class Star:
    """Where a star is, pixel centres being integers, and how bright."""

    y: float
    x: float
    electrons: float


def make_field(fwhm_px: float) -> tuple[Doubles, list[Star]]:
    """Return a frame of Gaussian stars, integrated over pixels, and the stars."""
    rng = np.random.default_rng(11)
    stars: list[Star] = []
    while len(stars) < STARS:
        y, x = rng.uniform(BORDER_PX, SIDE_PX - BORDER_PX, 2)
        if all(np.hypot(y - star.y, x - star.x) > APART_PX for star in stars):
            stars.append(Star(y, x, np.exp(rng.uniform(np.log(FAINTEST), np.log(BRIGHTEST)))))
    edges = np.arange(SIDE_PX + 1) - 0.5
    frame = np.full((SIDE_PX, SIDE_PX), SKY)
    for star in stars:
        rows, columns = (
            np.diff(erf((edges - centre) / (fwhm_px / SIGMA_TO_FWHM * 2**0.5))) / 2 for centre in (star.y, star.x)
        )
        frame += star.electrons * np.outer(rows, columns)
    return rng.poisson(frame) + rng.normal(0, READ_NOISE, frame.shape), stars


def measure(frame: Doubles, stars: list[Star], scale: int, fwhm_px: float) -> str:
    """Return in words how wide and round the stars are, and which are lost, double or new."""
    sigma_px = fwhm_px / SIGMA_TO_FWHM * scale
    light = frame - np.median(frame)
    smooth = ndimage.gaussian_filter(light, sigma_px / 2)
    noise = 1.4826 * np.median(np.abs(smooth - np.median(smooth)))
    is_peak = (smooth == ndimage.maximum_filter(smooth, 3 * scale | 1)) & (smooth > DETECTED_SIGMA * noise)
    peaks = np.argwhere(is_peak)
    centres = np.array([((star.y + 0.5) * scale - 0.5, (star.x + 0.5) * scale - 0.5) for star in stars])
    distance = np.hypot(*(peaks[:, None] - centres[None]).transpose(2, 0, 1))
    near = (distance < 5 * scale).sum(axis=0)
    shapes = np.array([shape_of(light, float(y), float(x), sigma_px) for y, x in centres])
    return (
        f"FWHM {np.median(shapes[:, 0]) / scale:.2f} px, ellipticity {np.median(shapes[:, 1]):.3f}, "
        f"single {(near == 1).sum()}, double {(near > 1).sum()}, lost {(near == 0).sum()}, "
        f"new {(distance.min(axis=1) >= 5 * scale).sum()}"
    )


def shape_of(light: Doubles, y: float, x: float, sigma_px: float) -> tuple[float, float]:
    """Return the FWHM in pixels and the ellipticity of a star, by moments under a Gaussian weight that follows it."""
    reach = int(np.ceil(4 * sigma_px))
    top, left = round(y) - reach, round(x) - reach
    stamp = light[top : top + 2 * reach + 1, left : left + 2 * reach + 1]
    rows, columns = np.mgrid[top : top + stamp.shape[0], left : left + stamp.shape[1]]
    for _ in range(8):
        weighted = stamp * np.exp(-((rows - y) ** 2 + (columns - x) ** 2) / 2 / sigma_px**2)
        y, x = (float((weighted * place).sum() / weighted.sum()) for place in (rows, columns))
    yy, xx, yx = (
        float((weighted * product).sum() / weighted.sum())
        for product in ((rows - y) ** 2, (columns - x) ** 2, (rows - y) * (columns - x))
    )
    spread = 1 / max(2 / (yy + xx) - 1 / sigma_px**2, 1e-9)  # without the weight
    return SIGMA_TO_FWHM * spread**0.5, float(np.hypot(yy - xx, 2 * yx) / (yy + xx))


def main() -> int:
    """Measure all models at all widths."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--fwhm", type=float, nargs="+", default=[1.7, 3.2], help="width of the stars in LR pixels")
    parser.add_argument("--models", nargs="+", default=["bicubic", "srresnet", "srgan"])
    options = parser.parse_args()
    for fwhm_px in options.fwhm:
        frame, stars = make_field(fwhm_px)
        sys.stdout.write(f"LR: {measure(frame, stars, 1, fwhm_px)}\n")
        with tempfile.TemporaryDirectory() as folder:
            source, result = Path(folder, "stars.fits"), Path(folder, "result.fits")
            header = fits.Header([("BUNIT", "electron")])
            fits.PrimaryHDU(frame.astype(np.float32), header).writeto(source)
            for model in options.models:
                words = ["upscale", str(source), "-o", str(result), "--model", model, "--on-collision", "overwrite"]
                subprocess.run([sys.executable, "-m", "srdesk", *words], check=True, capture_output=True)
                said = measure(fits.getdata(result).astype(float), stars, SCALE, fwhm_px)
                sys.stdout.write(f"{model}: {said}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
