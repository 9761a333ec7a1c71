"""Whatever the coordinates and whatever the numbers: places stay where they were, and nothing is lost on the way."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from astropy.io.fits import Header
from astropy.wcs import WCS
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.testing import assert_array_equal
from numpy.typing import NDArray

from srdesk.imaging.fits.reader import quiet_astropy
from srdesk.imaging.fits.wcs import scale_header
from srdesk.imaging.flux import block_totals, fitted
from srdesk.imaging.image import Box
from srdesk.imaging.scene.bands import SceneBands, measured_values
from srdesk.imaging.scene.gdal_session import gdal_session
from srdesk.imaging.scene.geolocation import Geolocation
from srdesk.imaging.science import Quantity, Science
from srdesk.imaging.stored import Numbers

SCALE = 4
HEIGHT, WIDTH = 90, 120
SKY_LIMIT_DEG = 1e-9
GROUND_LIMIT_PX = 1e-6

RNG = np.random.default_rng(37)
CORNERS = np.array([[0, 0], [WIDTH, 0], [0, HEIGHT], [WIDTH, HEIGHT]], float)
"""Columns and rows of the corners, from the upper left one."""
PLACES = np.concatenate([CORNERS, RNG.uniform((0, 0), (WIDTH, HEIGHT), (10, 2))])

angle = st.floats(-math.pi, math.pi)
bend = st.floats(-1e-5, 1e-5)


@st.composite
def skies(draw: st.DrawFn) -> Header:
    """A sky that is turned, skewed and mirrored, with SIP, near a pole or not, the reference anywhere."""
    turn, skew, pixel_deg = draw(angle), draw(st.floats(0.2, math.pi - 0.2)), draw(st.floats(1e-6, 1e-3))
    values = {"NAXIS": 2, "NAXIS1": WIDTH, "NAXIS2": HEIGHT, "CTYPE1": "RA---TAN-SIP", "CTYPE2": "DEC--TAN-SIP"}
    header = Header(list(values.items()))
    header["CRVAL1"], header["CRVAL2"] = draw(st.floats(0, 359)), draw(st.floats(-89, 89))
    header["CRPIX1"], header["CRPIX2"] = draw(st.floats(-500, 500)), draw(st.floats(-500, 500))
    header["CD1_1"], header["CD2_1"] = pixel_deg * math.cos(turn), pixel_deg * math.sin(turn)
    header["CD1_2"], header["CD2_2"] = pixel_deg * math.cos(turn + skew), pixel_deg * math.sin(turn + skew)
    header["A_ORDER"] = header["B_ORDER"] = 3
    for name in ("A_2_0", "A_1_1", "A_0_2", "B_2_0", "B_1_1", "B_0_2"):
        header[name] = draw(bend)
    for name in ("A_3_0", "A_0_3", "B_2_1", "B_1_2"):
        header[name] = draw(bend) / 1e3
    return header


def sky_of(header: Header, x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the directions, as unit vectors, of pixel positions as FITS counts them."""
    with quiet_astropy():
        longitude, latitude = np.radians(WCS(header).all_pix2world(x, y, 1))
    parallel = np.cos(latitude)
    return np.stack([parallel * np.cos(longitude), parallel * np.sin(longitude), np.sin(latitude)])


@settings(max_examples=60, deadline=None)
@given(before=skies())
def test_every_sky_keeps_its_places(before: Header) -> None:
    after = before.copy()
    assert scale_header(after, SCALE) == ()
    x, y = PLACES.T + 0.5
    was, now = sky_of(before, x, y), sky_of(after, SCALE * (x - 0.5) + 0.5, SCALE * (y - 0.5) + 0.5)
    apart_deg = np.degrees(np.linalg.norm(was - now, axis=0))
    assert apart_deg.max() < SKY_LIMIT_DEG


@settings(max_examples=100, deadline=None)
@given(turn=angle, skew=st.floats(0.2, math.pi - 0.2), step=st.floats(1e-5, 1e4), x=st.floats(-1e7, 1e7))
def test_every_affine_map_keeps_its_places(turn: float, skew: float, step: float, x: float) -> None:
    with gdal_session() as rasterio:
        t = rasterio.Affine(
            step * math.cos(turn),
            step * math.cos(turn + skew),
            x,
            step * math.sin(turn),
            step * math.sin(turn + skew),
            -x,
        )
    after = Geolocation(transform=t).scaled(SCALE).transform
    # By hand, and without the origin, whose size would hide what is looked for.
    assert (after.c, after.f) == (t.c, t.f)
    for column, row in PLACES:
        was = np.array([t.a * column + t.b * row, t.d * column + t.e * row])
        now = SCALE * np.array([after.a * column + after.b * row, after.d * column + after.e * row])
        assert np.abs(was - now).max() / step < GROUND_LIMIT_PX


def lonlat(place: Geolocation, scale: int) -> NDArray[np.float64]:
    found = [place.lonlat(scale * column, scale * row) for column, row in PLACES]
    assert None not in found
    return np.array(found)


@settings(max_examples=8, deadline=None)
@given(turn=angle, step_deg=st.floats(1e-4, 1e-2), data=st.data())
def test_control_points_keep_the_ground_where_it_was(turn: float, step_deg: float, data: st.DataObject) -> None:
    with gdal_session() as rasterio:
        from rasterio.control import GroundControlPoint

        bends = data.draw(st.lists(st.floats(-0.5, 0.5), min_size=len(PLACES), max_size=len(PLACES)))
        gcps = []
        for (column, row), off in zip(PLACES, bends, strict=True):
            across = step_deg * (column * math.cos(turn) - row * math.sin(turn) + off)
            down = step_deg * (column * math.sin(turn) + row * math.cos(turn) - off)
            gcps.append(GroundControlPoint(row, column, 20 + across, 40 + down, 100.0))
        before = Geolocation(gcps=tuple(gcps), gcps_crs=rasterio.CRS.from_epsg(4326))
    apart = np.abs(lonlat(before, 1) - lonlat(before.scaled(SCALE), SCALE))
    assert apart.max() / step_deg < GROUND_LIMIT_PX


@settings(max_examples=8, deadline=None)
@given(tilt=st.floats(-0.2, 0.2), curve=st.floats(-0.01, 0.01), off=st.floats(-20, 20))
def test_polynomials_keep_the_ground_where_it_was(tilt: float, curve: float, off: float) -> None:
    from rasterio.rpc import RPC

    nothing = [0.0] * 20
    one = [1.0, *nothing[1:]]
    line, sample = nothing.copy(), nothing.copy()
    line[1:3], line[7] = [tilt, -1.0], curve  # longitude, latitude, latitude squared
    sample[1:3], sample[8] = [1.0, tilt], curve
    half = 0.05
    before = Geolocation(
        rpcs=RPC(
            height_off=30.0, height_scale=500.0, lat_off=48.0, lat_scale=half, long_off=9.0, long_scale=half,
            line_off=HEIGHT / 2 + off, line_scale=HEIGHT / 2, samp_off=WIDTH / 2 - off, samp_scale=WIDTH / 2,
            line_num_coeff=line, line_den_coeff=one, samp_num_coeff=sample, samp_den_coeff=one,
        )
    )  # fmt: skip
    apart = np.abs(lonlat(before, 1) - lonlat(before.scaled(SCALE), SCALE))
    assert apart.max() / (2 * half / WIDTH) < GROUND_LIMIT_PX


# --- numbers --------------------------------------------------------------------------------------------------------


class Held:
    """Numbers in memory as a `BandReader`."""

    nodata: tuple[float | None, ...] = (None,)

    def __init__(self, numbers: Numbers) -> None:
        self.numbers = numbers
        self.height, self.width = numbers.shape[:2]
        self.dtype = numbers.dtype.name

    def read(self, bands: tuple[int, ...], box: Box) -> Numbers:
        return self.numbers[box.top : box.bottom, box.left : box.right, [band - 1 for band in bands]]

    def data_mask(self, bands: tuple[int, ...], box: Box, numbers: Numbers) -> NDArray[np.bool_]:
        return np.isfinite(numbers) if numbers.dtype.kind == "f" else np.ones(numbers.shape, bool)


def repeated(numbers: NDArray[Any]) -> NDArray[Any]:
    return numbers.repeat(SCALE, axis=0).repeat(SCALE, axis=1)


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "int16", "uint32", "int32", "float32", "float64"])
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.data_too_large])
@given(data=st.data())
def test_a_model_that_changes_nothing_gives_back_every_number(dtype: str, data: st.DataObject) -> None:
    shape = data.draw(st.tuples(st.integers(1, 9), st.integers(1, 9), st.just(1)))
    numbers = data.draw(arrays.arrays(dtype, shape))
    scene = Held(numbers)
    with np.errstate(all="ignore"):
        bands = SceneBands(scene, (1,), measured_values(scene, (1,), lambda: None))
        whole = Box(0, 0, *shape[:2])
        result = bands.restored(whole, repeated(bands.read(whole)), SCALE)
    assert result.dtype == dtype
    assert_array_equal(result, repeated(numbers))  # bit for bit; what is no number stays none


@pytest.mark.parametrize("quantity", ["sum", "mean"])
@pytest.mark.parametrize("dtype", ["uint8", "int16", "int32"])
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_blocks_of_whole_numbers_measure_what_they_did_whatever_the_model_does(
    dtype: str, quantity: Quantity, data: st.DataObject
) -> None:
    lr = data.draw(arrays.arrays(dtype, (3, 4)))
    finite = st.floats(-3, 3, width=32)
    sr = data.draw(arrays.arrays(np.float32, (3 * SCALE, 4 * SCALE), elements=finite))
    science = Science(quantity=quantity)
    result = fitted(sr, lr, science, 1000.0, SCALE)
    assert result.dtype == dtype
    assert_array_equal(block_totals(result, science, SCALE), lr)


@pytest.mark.parametrize("quantity", ["sum", "mean"])
@pytest.mark.parametrize("dtype", ["uint8", "int16", "int32", "float32", "float64"])
@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_a_model_that_changes_nothing_changes_no_measurement(
    dtype: str, quantity: Quantity, data: st.DataObject
) -> None:
    lr = data.draw(arrays.arrays(dtype, (3, 4)))
    science = Science(quantity=quantity)
    with np.errstate(over="ignore"):
        sr = repeated(np.clip(lr.astype(np.float64) / 1000, -1e30, 1e30).astype(np.float32))
        result = fitted(sr, lr, science, 1000.0, SCALE)
    if quantity == "mean":
        assert_array_equal(result, repeated(lr))
    elif lr.dtype.kind == "f":
        with np.errstate(under="ignore"):
            assert_array_equal(result, repeated(lr / 16))
    else:
        assert_array_equal(block_totals(result, science, SCALE), lr)
