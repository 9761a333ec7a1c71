"""Sky positions are the same before and after, whatever the header looks like."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from astropy.io.fits import Header
from astropy.wcs import WCS
from numpy.typing import NDArray

from srdesk.imaging.fits.reader import quiet_astropy
from srdesk.imaging.fits.wcs import scale_header, sexagesimal, shift_origin, shown_sky_reader, sky_reader

HEIGHT, WIDTH, SCALE = 90, 120, 4
LIMIT_DEG = 1e-9


def header_of(**cards: object) -> Header:
    header = Header()
    header["SIMPLE"], header["BITPIX"], header["NAXIS"] = True, -32, 2
    header["NAXIS1"], header["NAXIS2"] = WIDTH, HEIGHT
    header.update(CTYPE1="RA---TAN", CTYPE2="DEC--TAN", CRVAL1=250.4235, CRVAL2=36.4613, CRPIX1=61.3, CRPIX2=40.7)
    for keyword, value in cards.items():
        header[keyword] = value
    return header


def turned(degrees: float, step: float = 2e-4, skew: float = 0.0) -> dict[str, float]:
    """CD matrix of pixels ``step`` degrees large, turned, and with axes that are not at right angles."""
    angle = np.radians(degrees)
    cos, sin = np.cos(angle), np.sin(angle)
    return {"CD1_1": -step * cos, "CD1_2": step * (sin + skew), "CD2_1": step * sin, "CD2_2": step * cos}


def sip(order: int = 3) -> dict[str, object]:
    rng = np.random.default_rng(order)
    cards: dict[str, object] = {"CTYPE1": "RA---TAN-SIP", "CTYPE2": "DEC--TAN-SIP"}
    for name in ("A", "B", "AP", "BP"):
        cards[f"{name}_ORDER"] = order
        for p in range(order + 1):
            for q in range(order + 1 - p):
                if p + q >= (2 if name in "AB" else 0):
                    cards[f"{name}_{p}_{q}"] = float(rng.normal() * 10.0 ** (-3 - 2 * (p + q)))
    return cards | {"A_DMAX": 1.5, "B_DMAX": 0.7}


HEADERS: dict[str, Callable[[], Header]] = {
    "turned": lambda: header_of(**turned(33.0)),
    "skewed and mirrored": lambda: header_of(**turned(-120.0, skew=0.4)),
    "PC and CDELT": lambda: header_of(PC1_1=0.8, PC1_2=-0.6, PC2_1=0.6, PC2_2=0.8, CDELT1=-3e-4, CDELT2=2e-4),
    "CROTA": lambda: header_of(CDELT1=-3e-4, CDELT2=3e-4, CROTA2=17.0),
    "PC alone": lambda: header_of(PC1_1=-3e-4, PC1_2=1e-5, PC2_1=1e-5, PC2_2=3e-4),
    "steps alone": lambda: header_of(CDELT1=-3e-4, CDELT2=3e-4),
    "CD of the first draft": lambda: header_of(CD001001=-2e-4, CD001002=4e-5, CD002001=3e-5, CD002002=2e-4),
    "PC of the first draft": lambda: header_of(PC001001=0.8, PC001002=-0.6, PC002001=0.6, PC002002=0.8, CDELT2=2e-4),
    "CD of one axis alone": lambda: header_of(CD1_1=-2e-4, CRVAL2=0.0, CTYPE1="RA---CAR", CTYPE2="DEC--CAR"),
    "CD of one axis, 0 of the other": lambda: header_of(
        CD001001=-2e-4, CD002002=0.0, CRVAL2=0.0, CTYPE1="RA---CAR", CTYPE2="DEC--CAR"
    ),
    "CD of no axis of the sky": lambda: header_of(
        NAXIS=3, NAXIS3=5, CTYPE3="FREQ", CD3_3=2.0, CRVAL2=0.0, CTYPE1="RA---CAR", CTYPE2="DEC--CAR"
    ),
    "both matrices": lambda: header_of(**turned(3.0), PC1_1=3e-4, PC2_2=3e-4),
    "no reference pixel given": lambda: without(header_of(**turned(3.0)), "CRPIX1", "CRPIX2"),
    "SIP": lambda: header_of(**turned(33.0), **sip()),
    "SIP of order 5": lambda: header_of(**turned(-12.0), **sip(5)),
    "TPV": lambda: header_of(
        **turned(9.0),
        **{"CTYPE1": "RA---TPV", "CTYPE2": "DEC--TPV", "PV1_1": 1.0, "PV1_4": 1e-3, "PV2_1": 1.0, "PV2_5": 2e-3},
    ),
    "zenithal polynomial": lambda: header_of(
        **turned(9.0), **{"CTYPE1": "RA---ZPN", "CTYPE2": "DEC--ZPN", "PV2_1": 1.0, "PV2_3": 40.0}
    ),
    "galactic": lambda: header_of(**turned(5.0), **{"CTYPE1": "GLON-CAR", "CTYPE2": "GLAT-CAR"}),
    "near the pole": lambda: header_of(**turned(33.0), CRVAL2=89.99),
}


def without(header: Header, *keywords: str) -> Header:
    for keyword in keywords:
        del header[keyword]
    return header


def sky(header: Header, x: NDArray[np.float64], y: NDArray[np.float64], version: str = " ") -> NDArray[np.float64]:
    with quiet_astropy():
        return np.stack(WCS(header, key=version).celestial.all_pix2world(x, y, 1))


def points() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    rng = np.random.default_rng(1)
    corners = np.array([[0.5, 0.5], [WIDTH + 0.5, 0.5], [0.5, HEIGHT + 0.5], [WIDTH + 0.5, HEIGHT + 0.5]])
    inside = rng.uniform((0.5, 0.5), (WIDTH + 0.5, HEIGHT + 0.5), (30, 2))
    x, y = np.concatenate([corners, inside]).T
    return x, y


def enlarged(header: Header) -> Header:
    after = header.copy()
    after["NAXIS1"], after["NAXIS2"] = WIDTH * SCALE, HEIGHT * SCALE
    assert scale_header(after, SCALE) == ()
    # Through text, as a file has it.
    return Header.fromstring(after.tostring())


def distance_deg(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    difference = np.abs(one - other)
    difference[0] = np.minimum(difference[0], 360 - difference[0]) * np.cos(np.radians(one[1]))
    return float(difference.max())


@pytest.mark.parametrize("kind", HEADERS)
def test_every_point_keeps_its_place_on_the_sky(kind: str) -> None:
    before = HEADERS[kind]()
    after = enlarged(before)
    x, y = points()
    moved = SCALE * (x - 0.5) + 0.5, SCALE * (y - 0.5) + 0.5

    assert distance_deg(sky(before, x, y), sky(after, *moved)) < LIMIT_DEG


def test_keywords_of_the_first_draft_stay_the_only_ones() -> None:
    after = enlarged(HEADERS["CD of the first draft"]())
    assert after["CD001001"] == -5e-5
    assert not {"CD1_1", "CDELT1"} & set(after)


@pytest.mark.parametrize(
    ("kind", "keyword"),
    [("turned", "CRPIX1"), ("turned", "CD1_1"), ("SIP", "A_2_0"), ("CD of the first draft", "CD002001")],
)
def test_a_card_that_is_there_twice_is_scaled_as_astropy_reads_it(kind: str, keyword: str) -> None:
    before = HEADERS[kind]()
    before.append((keyword, before[keyword] * 1.5), end=True)
    after = enlarged(before)
    x, y = points()
    moved = SCALE * (x - 0.5) + 0.5, SCALE * (y - 0.5) + 0.5

    assert after.count(keyword) == 1
    assert distance_deg(sky(before, x, y), sky(after, *moved)) < LIMIT_DEG


def test_of_many_cards_that_are_there_twice_all_others_stay_in_their_order() -> None:
    before = HEADERS["turned"]()
    before.add_comment("one")
    before.extend([("CRPIX1", 7.0 * number) for number in range(500)], end=True)
    before.add_comment("two")
    before["LAST"] = "stays"
    after = enlarged(before)

    assert after.count("CRPIX1") == 1
    others = [card for card in before.cards if card.keyword != "CRPIX1"]
    assert [card.keyword for card in after.cards if card.keyword != "CRPIX1"] == [card.keyword for card in others]
    assert list(after["COMMENT"]) == list(before["COMMENT"])


@pytest.mark.parametrize("kind", ["SIP", "SIP of order 5"])
def test_the_inverse_polynomials_of_sip_find_the_same_pixels(kind: str) -> None:
    before = HEADERS[kind]()
    after = enlarged(before)
    x, y = points()
    with quiet_astropy():
        # These take distances from the reference pixel.
        foc_before = WCS(before).sip_foc2pix(x - 60, y - 40, 1)
        foc_after = WCS(after).sip_foc2pix(SCALE * (x - 60), SCALE * (y - 40), 1)
    for one, other in zip(foc_before, foc_after, strict=True):
        np.testing.assert_allclose(SCALE * (one - 0.5) + 0.5, other, rtol=0, atol=1e-8)
    assert (after["A_DMAX"], after["B_DMAX"]) == (6.0, pytest.approx(2.8))


def test_other_descriptions_of_the_sky_are_scaled_too() -> None:
    before = header_of(**turned(33.0))
    for keyword, value in header_of(**turned(-70.0)).items():
        if keyword.startswith(("CTYPE", "CRVAL", "CRPIX", "CD")):
            before[f"{keyword}B"] = value
    after = enlarged(before)
    x, y = points()
    moved = SCALE * (x - 0.5) + 0.5, SCALE * (y - 0.5) + 0.5
    assert distance_deg(sky(before, x, y, "B"), sky(after, *moved, "B")) < LIMIT_DEG
    assert "CRPIX1A" not in after


@pytest.mark.parametrize("coupling", [(), ("PC3_1", "PC2_3"), ("PC003001", "PC002003")])
def test_the_other_axes_of_a_cube_keep_their_coordinates(coupling: tuple[str, ...]) -> None:
    before = header_of(PC1_1=0.8, PC1_2=-0.6, PC2_1=0.6, PC2_2=0.8, CDELT1=-3e-4, CDELT2=2e-4)
    before["NAXIS"], before["NAXIS3"], before["WCSAXES"] = 3, 7, 3
    before.update(CTYPE3="FREQ", CRVAL3=1.4e9, CRPIX3=2.0, CDELT3=1e6)
    before.update(zip(coupling, (0.1, 0.05), strict=False))
    after = enlarged(before)
    x, y = points()
    z = np.full_like(x, 5.0)
    with quiet_astropy():
        old = np.stack(WCS(before).wcs_pix2world(x, y, z, 1))
        new = np.stack(WCS(after).wcs_pix2world(SCALE * (x - 0.5) + 0.5, SCALE * (y - 0.5) + 0.5, z, 1))
    np.testing.assert_allclose(old[:2], new[:2], rtol=0, atol=LIMIT_DEG)
    np.testing.assert_allclose(old[2], new[2], rtol=1e-12)


def test_an_axis_that_begins_at_a_later_pixel_does_so_in_every_description() -> None:
    header = header_of(**turned(33.0), NAXIS=3, NAXIS3=5, CTYPE3="FREQ", CRPIX3=1.0, CRVAL3=1.4e9, CDELT3=1e6)
    header.update(CTYPE3A="VRAD", CRPIX3A=1.0, CRVAL3A=5e5, CDELT3A=-2e5, CTYPE1B="RA---TAN", CTYPE3C="WAVE")
    header.update(WCSAXESP=2, CRPIX1P=1.0, CRPIX2P=1.0)
    shift_origin(header, 3, 2)
    names = [name for name in header if name.startswith("CRPIX3")]
    assert {name: header[name] for name in names} == {"CRPIX3": -1.0, "CRPIX3A": -1.0, "CRPIX3B": -2.0, "CRPIX3C": -2.0}
    assert "LTV3" not in header


@pytest.mark.parametrize(("cards", "expected"), [({"LTV3": -2.0, "LTM3_3": 0.5}, -4.0), ({"LTM1_1": 0.5}, -2.0)])
def test_an_axis_that_begins_at_a_later_pixel_does_so_in_the_detector_map(
    cards: dict[str, float], expected: float
) -> None:
    header = header_of(**cards)
    shift_origin(header, 3, 2)
    assert header["LTV3"] == expected
    assert {name: header[name] for name in cards if name != "LTV3"} == {
        name: value for name, value in cards.items() if name != "LTV3"
    }


def test_of_an_axis_described_twice_the_description_that_counts_is_shifted() -> None:
    header = header_of(CRPIX3=1.0)
    header.append(("CRPIX3", 7.0), end=True)
    shift_origin(header, 3, 2)
    scale_header(header, SCALE)
    assert (header["CRPIX3"], header.count("CRPIX3")) == (5.0, 1)


def test_a_header_without_a_sky_gets_none() -> None:
    plain = Header([("SIMPLE", True), ("BITPIX", 16), ("NAXIS", 2), ("NAXIS1", 4), ("NAXIS2", 3)])
    before = list(plain.cards)
    assert scale_header(plain, SCALE) == ()
    assert list(plain.cards) == before
    assert sky_reader(plain) is None


def test_pixel_sizes_and_detector_maps_are_scaled_and_binning_is_left_with_a_note() -> None:
    header = header_of(XPIXSZ=6.45, SECPIX=1.2, PIXSCALE=1.2, XBINNING=2, LTM1_1=0.5, LTM2_2=0.5, LTV1=10.0)
    scale_header(header, SCALE)
    assert (header["XPIXSZ"], header["SECPIX"], header["PIXSCALE"]) == (6.45 / 4, 0.3, 0.3)
    assert (header["LTM1_1"], header["LTM2_2"]) == (2.0, 2.0)
    assert (header["LTV1"], header["LTV2"]) == (4 * 9.5 + 0.5, -1.5)
    assert header["XBINNING"] == 2
    assert "XBINNING" in str(header["HISTORY"])


def test_the_plate_solution_of_the_digitized_sky_survey_points_to_the_same_place_of_the_plate() -> None:
    header = header_of(CNPIX1=12237.0, CNPIX2=8000.0, XPIXELSZ=15.0295, YPIXELSZ=15.0)
    plate_mm = (12237 + 31.25 - 0.5) * 15.0295
    scale_header(header, SCALE)
    x = SCALE * (31.25 - 0.5) + 0.5
    assert (header["CNPIX1"] + x - 0.5) * header["XPIXELSZ"] == pytest.approx(plate_mm, rel=1e-12)


def test_distortion_tables_are_dropped_and_said_to_be() -> None:
    header = header_of(**turned(3.0), CPDIS1="LOOKUP", D2IMERR1=0.1, D2IMDIS1="LOOKUP")
    header["DP1"] = "EXTVER: 1"
    remarks = scale_header(header, SCALE)
    assert len(remarks) == 1
    assert "distortion" in remarks[0]
    assert not {"CPDIS1", "DP1", "D2IMERR1", "D2IMDIS1"} & {keyword.partition(".")[0] for keyword in header}


# --- the read-out ---------------------------------------------------------------------------------------------------


def test_the_read_out_says_where_the_reference_pixel_lies() -> None:
    read = sky_reader(header_of(**turned(33.0)))
    assert read is not None
    assert read(61.3, 40.7) == pytest.approx((250.4235, 36.4613), abs=1e-9)


def test_the_read_out_of_shown_pictures_counts_from_the_upper_left_corner() -> None:
    read = shown_sky_reader(header_of(**turned(33.0)), HEIGHT)
    assert read is not None
    assert read(61.3 - 0.5, HEIGHT - 40.7 + 0.5) == pytest.approx((250.4235, 36.4613), abs=1e-9)
    assert shown_sky_reader(Header(), HEIGHT) is None


def test_the_read_out_of_galactic_pictures_is_equatorial() -> None:
    read = sky_reader(header_of(**turned(0.0), CTYPE1="GLON-TAN", CTYPE2="GLAT-TAN", CRVAL1=0.0, CRVAL2=0.0))
    assert read is not None
    assert read(61.3, 40.7) == pytest.approx((266.40499, -28.93617), abs=1e-4)  # the galactic centre


@pytest.mark.parametrize(
    ("cards", "place"),
    [
        ({}, (152.8119, 13.3434)),
        ({"RADESYS": "FK5", "EQUINOX": 2000.0}, (152.8119, 13.3434)),
        ({"EQUINOX": 1950.0}, (153.4831, 13.0980)),
    ],
)
def test_the_read_out_of_ecliptic_pictures_is_equatorial(cards: dict[str, object], place: tuple[float, float]) -> None:
    types = {"CTYPE1": "ELON-TAN", "CTYPE2": "ELAT-TAN", "CRVAL1": 150.0, "CRVAL2": 2.0}
    read = sky_reader(header_of(**turned(0.0), **types, **cards))
    assert read is not None
    assert read(61.3, 40.7) == pytest.approx(place, abs=2e-4)


def test_the_read_out_of_supergalactic_pictures_is_equatorial() -> None:
    read = sky_reader(header_of(**turned(0.0), CTYPE1="SLON-TAN", CTYPE2="SLAT-TAN", CRVAL1=150.0, CRVAL2=2.0))
    assert read is not None
    assert read(61.3, 40.7) == pytest.approx((206.155, -31.483), abs=1e-3)


@pytest.mark.parametrize("radii", [{}, {"A_RADIUS": 3396190.0, "B_RADIUS": 3396190.0, "C_RADIUS": 3376200.0}])
@pytest.mark.parametrize("kind", ["MALN", "MELN", "SELN", "VELN", "HPLN", "HGLN", "TLON", "XLON"])
def test_what_is_not_on_the_sky_has_no_read_out(kind: str, radii: dict[str, float]) -> None:
    other = kind.replace("LN", "LT").replace("LON", "LAT")
    assert sky_reader(header_of(**turned(0.0), CTYPE1=f"{kind}-CAR", CTYPE2=f"{other}-CAR", **radii)) is None


def test_declination_may_come_first() -> None:
    types = {"CTYPE1": "DEC--TAN", "CTYPE2": "RA---TAN", "CRVAL1": 36.4613, "CRVAL2": 250.4235}
    read = sky_reader(header_of(**turned(33.0), **types))
    assert read is not None
    assert read(61.3, 40.7) == pytest.approx((250.4235, 36.4613), abs=1e-9)


@pytest.mark.parametrize(("system", "equinox"), [("FK5", 1e300), ("FK4", -1e9), ("FK5", 0.0), ("GAPPT", 2000.0)])
def test_an_ecliptic_of_no_known_time_has_no_read_out(system: str, equinox: float) -> None:
    cards = {"CTYPE1": "ELON-TAN", "CTYPE2": "ELAT-TAN", "RADESYS": system, "EQUINOX": equinox}
    assert sky_reader(header_of(**turned(0.0), **cards)) is None


def test_a_nonsensical_sky_has_no_read_out() -> None:
    assert sky_reader(header_of(CTYPE1="RA---XYZ", CTYPE2="DEC--TAN")) is None


@pytest.mark.parametrize(
    ("degrees", "text"),
    [
        ((250.4235, 36.4613), "16h41m41.64s +36°27′40.7″"),
        ((359.99999999, -0.00000001), "00h00m00.00s +00°00′00.0″"),
        ((0.0, -89.9999999), "00h00m00.00s −90°00′00.0″"),
        ((float("nan"), 1.0), ""),
    ],
)
def test_degrees_are_written_as_astronomers_do(degrees: tuple[float, float], text: str) -> None:
    assert sexagesimal(*degrees) == text
