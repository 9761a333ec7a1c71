"""Files of an astronomer and of a surveyor, made by the tests."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import astropy.io.fits
import numpy as np
import pytest
from astropy.io.fits import Header

HEIGHT, WIDTH = 24, 36


def star_field(seed: int) -> np.ndarray:
    """Return a noisy sky with one bright star, float64."""
    rng = np.random.default_rng(seed)
    sky = rng.normal(100, 3, (HEIGHT, WIDTH))
    sky[8:11, 14:17] = 900
    return sky


def sky_header(**cards: Any) -> Header:
    """Return a header that is turned and skewed on the sky, and has other cards."""
    header = Header()
    wcs = {"CTYPE1": "RA---TAN", "CTYPE2": "DEC--TAN", "CRVAL1": 202.47, "CRVAL2": 47.19, "CRPIX1": 11.25}
    wcs |= {"CRPIX2": 7.5, "CD1_1": -2e-4, "CD1_2": 3e-5, "CD2_1": 5e-5, "CD2_2": 1.9e-4}
    header.update(wcs | cards)
    return header


@pytest.fixture
def fits_file(tmp_path: Path) -> Path:
    """A file like those of the Hubble Space Telescope: images and their errors in several HDUs, and a colour cube."""
    primary = astropy.io.fits.PrimaryHDU()
    primary.header["TELESCOP"] = "HST"
    hdus = [primary]
    for version in (1, 2):
        header = sky_header(BUNIT="ELECTRONS", SATURATE=800.0, EXPTIME=1200.0)
        pixels = star_field(version).astype(np.float32)
        hdus.append(astropy.io.fits.ImageHDU(pixels, header, name="SCI", ver=version))
        hdus.append(astropy.io.fits.ImageHDU(np.sqrt(pixels), sky_header(), name="ERR", ver=version))
    cube = np.stack([star_field(seed) for seed in (3, 4, 5)]).astype(np.float32)
    hdus.append(astropy.io.fits.ImageHDU(cube, name="CUBE"))
    path = tmp_path / "ngc.fits"
    astropy.io.fits.HDUList(hdus).writeto(path)
    return path


@pytest.fixture
def scene_file(make_geotiff: Callable[..., Path]) -> Path:
    """Five bands of reflectances with names, and no word on which of them are colours."""
    rng = np.random.default_rng(9)
    numbers = rng.integers(200, 4000, (5, HEIGHT, WIDTH)).astype(np.uint16)
    numbers[:, 3:5, 6:9] = 0

    def finish(dataset: Any) -> None:
        for number, name in enumerate(("Blue", "Green", "Red", "NIR", "SWIR"), start=1):
            dataset.set_band_description(number, name)
        dataset.scales, dataset.offsets = [0.0001] * 5, [-0.1] * 5
        dataset.update_tags(SPACECRAFT="LANDSAT_8")

    return make_geotiff("delta.tif", numbers, finish, nodata=0)
