"""Where on the sky a pixel lies, and how a FITS header changes when pixels become smaller.

Formulas: FITS standard 4.0, section 8; D. Shupe et al., "The SIP Convention for Representing Distortion in FITS Image
Headers" (2005). A pixel position p becomes ``s (p − ½) + ½``, s being the factor of the enlargement. What follows the
linear part in degrees (projection parameters PV, the WAT strings of IRAF) does not change.
"""

from __future__ import annotations

import itertools
import math
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from astropy.io.fits import Header

_LENGTHS = (
    "XPIXSZ",
    "YPIXSZ",
    "PIXSCALE",
    "SECPIX",
    "SECPIX1",
    "SECPIX2",
    "PIXSCAL1",
    "PIXSCAL2",
    "PXSCAL1",
    "PXSCAL2",
    "XPIXELSZ",
    "YPIXELSZ",
)
"""Sizes of a pixel, in the sky or on the detector; the last two are of the Digitized Sky Survey's plate solution."""

_AREAS = ("PIXAR_SR", "PIXAR_A2")
"""What of the sky a pixel sees (James Webb Space Telescope)."""

_OF_ORIGINAL = (
    *("XBINNING", "YBINNING", "CCDSUM", "BINNING", "BINX", "BINY"),
    *("DATASEC", "TRIMSEC", "BIASSEC", "CCDSEC", "DETSEC", "AMPSEC"),
    *("CENTERA1", "CENTERA2", "SIZAXIS1", "SIZAXIS2", "BINAXIS1", "BINAXIS2"),
)
"""What tells of the read-out of the detector, and stays true of that."""

_TABLES = re.compile(
    r"(CPDIS|CQDIS|D2IMDIS|CPERR|CQERR|D2IMERR|DVERR)\d*[A-Z]?|(DP|DQ|D2IM)\d+[A-Z]?(\..*)?|(AXISCORR)"
)
"""Keywords of distortions that are looked up in tables (Calabretta et al., "Representations of distortions")."""

_SIP = re.compile(r"(A|B|AP|BP)_(\d+)_(\d+)")


_LINEAR = re.compile(r"(CRPIX|CDELT)\d+[A-Z]?|(CD|PC)\d+_\d+[A-Z]?")
"""Keywords of the linear part of world coordinates."""

_DRAFT = re.compile(r"(CD|PC)00([1-9])00([1-9])")
"""Keywords of its matrix in the first draft of the standard, which are still read."""

_CALENDARS = {"ICRS": "jyear", "FK5": "jyear", "FK4": "byear", "FK4-NO-E": "byear"}
"""How astropy counts the years of the equinox of a reference system (RADESYS)."""
_FIRST_EQUINOX, _LAST_EQUINOX = 1500.0, 2500.0
"""Between them precession is well known."""


def scale_header(header: Header, scale: int) -> tuple[str, ...]:
    """Change everything in a header that depends on the size of a pixel, for the first two axes, in place.

    Args:
        header: header of an image whose pixels are split into ``scale`` × ``scale``.
        scale: factor of the enlargement.

    Returns:
        A sentence for each thing that could not be kept.
    """
    _leave_out_repeated(header)
    for version in _versions(header):
        _scale_linear(header, version, scale)
    _scale_sip(header, scale)
    _scale_detector(header, scale)
    for keyword in _LENGTHS:
        if (length := _number(header, keyword)) is not None:
            header[keyword] = length / scale
    for keyword in _AREAS:
        if (area := _number(header, keyword)) is not None:
            header[keyword] = area / scale**2
    for keyword in ("CNPIX1", "CNPIX2"):  # offsets of the plate solution, counted from a pixel's edge
        if (offset := _number(header, keyword)) is not None:
            header[keyword] = offset * scale
    if kept := [keyword for keyword in _OF_ORIGINAL if keyword in header]:
        header.add_history(f"{', '.join(kept)}: as of the original pixels")
    return tuple(_drop_tables(header))


def shift_origin(header: Header, axis: int, pixels: int) -> None:
    """Change what a header says of an axis of which the first pixels are left out, in place.

    Args:
        header: header of an image.
        axis: number of the axis, from 1.
        pixels: how many are left out.
    """
    if not pixels:
        return
    _leave_out_repeated(header)
    for version in dict.fromkeys(("", *_versions(header, r"\d+"))):
        name = f"CRPIX{axis}{version}"
        # A description of fewer axes gets no more of them.
        if name in header or axis <= (_number(header, f"WCSAXES{version}") or axis):
            header[name] = (_number(header, name) or 0.0) - pixels
    if _has_detector_map(header):
        header[f"LTV{axis}"] = (_number(header, f"LTV{axis}") or 0.0) - pixels


def sky_reader(header: Header) -> Callable[[float, float], tuple[float, float]] | None:
    """Return a function from a pixel position to right ascension and declination.

    None if the header has no sky, or coordinates of which that is not known: those on the Sun or a planet for one. The
    function takes x and y as FITS counts them (the centre of the first pixel is 1), and gives degrees in ICRS, or in
    the header's own equatorial frame where it names another; not a number where a pixel lies beyond the sky. Ecliptic
    coordinates of the FK4 are taken to half an arcsecond.
    """
    from srdesk.imaging.fits.reader import quiet_astropy

    with quiet_astropy():
        import astropy.wcs

        try:
            whole = astropy.wcs.WCS(_without_tables(header))
            sky = whole.celestial
            if not sky.has_celestial or sky.pixel_n_dim != 2:
                return None
            sky.all_pix2world(1, 1, 1)  # some nonsense shows only now
            to_icrs = _frame_change(sky.wcs)
        except (ValueError, KeyError, TypeError, MemoryError, AttributeError, IndexError, astropy.wcs.WcsError):
            return None
    if to_icrs is None:
        return None

    def read(x: float, y: float) -> tuple[float, float]:
        with quiet_astropy():
            angles = [float(angle) for angle in sky.all_pix2world(x, y, 1)]
            return to_icrs(angles[sky.wcs.lng], angles[sky.wcs.lat])

    return read


def shown_sky_reader(header: Header, height: int) -> Callable[[float, float], tuple[float, float]] | None:
    """Return the same as `sky_reader` for points of a picture as it is shown: from its upper left corner, in pixels.

    Args:
        header: header of the image.
        height: its rows.
    """
    read = sky_reader(header)
    if read is None:
        return None
    return lambda x, y: read(x + 0.5, height - y + 0.5)


def sexagesimal(right_ascension: float, declination: float) -> str:
    """Write degrees as astronomers do: ``16h41m41.63s +36°27′40.7″``."""
    if not (math.isfinite(right_ascension) and math.isfinite(declination)):
        return ""
    hundredths = round(right_ascension % 360 / 15 * 360_000) % 8_640_000
    tenths = round(abs(declination) * 36_000)
    sign = "−" if declination < 0 and tenths else "+"
    hours = f"{hundredths // 360_000:02d}h{hundredths // 6000 % 60:02d}m{hundredths % 6000 / 100:05.2f}s"
    return f"{hours} {sign}{tenths // 36_000:02d}°{tenths // 600 % 60:02d}′{tenths % 600 / 10:04.1f}″"


# --- scaling --------------------------------------------------------------------------------------------------------


def _leave_out_repeated(header: Header) -> None:
    """Keep one of several cards with the same keyword, since only one is scaled.

    Readers disagree on which one counts: of the linear part it is the last, as WCSLIB has it, otherwise the first.
    """
    counting: dict[str, int] = {}
    keywords = [_DRAFT.sub(r"\1\2_\3", keyword) for keyword in header]
    for place, keyword in enumerate(keywords):
        is_linear = _LINEAR.fullmatch(keyword) is not None
        if is_linear or _SIP.fullmatch(keyword) or keyword in _LENGTHS or keyword.startswith(("LTM", "LTV")):
            counting[keyword] = place if is_linear else counting.get(keyword, place)
    kept = [card for place, card in enumerate(header.cards) if counting.get(keywords[place], place) == place]
    if len(kept) < len(header):
        # At once: cards that are taken out one by one take hours of a hostile header.
        header.clear()
        header.extend(kept, strip=False, end=True)


def _versions(header: Header, axes: str = "[12]") -> Iterator[str]:
    """Yield the letters of the world coordinates that a header has of some axes, a pattern; the first is none."""
    keywords = " ".join(header.keys())
    for version in ("", *"ABCDEFGHIJKLMNOPQRSTUVWXYZ"):
        pattern = rf"(?:^| )(?:(?:CRPIX|CTYPE|CDELT){axes}|(?:CD|PC)(?:[1-9]_|00[1-9]00){axes}){version}(?= |$)"
        if re.search(pattern, keywords):
            yield version


def _scale_linear(header: Header, version: str, scale: int) -> None:
    for axis in (1, 2):
        reference = _number(header, f"CRPIX{axis}{version}")
        # Without the keyword, the reference is 0 (FITS standard, section 8.2).
        header[f"CRPIX{axis}{version}"] = scale * ((reference or 0.0) - 0.5) + 0.5
    axes = _axes(header, version)
    has_cd, has_pc = (_has_matrix(header, kind, version, axes) for kind in ("CD", "PC"))
    has_steps = has_pc or not has_cd  # of both matrices, for WCSLIB it is PC that counts
    if not has_steps:
        _fill_matrix(header, version, axes)
    if has_cd:
        _scale_matrix(header, version, axes, scale)
    if has_steps and _is_coupled(header, version, axes):
        _scale_columns(header, version, axes, scale)
        return
    for axis in (1, 2):
        step = _number(header, f"CDELT{axis}{version}")
        if step is not None or has_steps:
            header[f"CDELT{axis}{version}"] = (1.0 if step is None else step) / scale


def _axes(header: Header, version: str) -> int:
    axes = _number(header, f"WCSAXES{version}") or _number(header, "NAXIS") or 2
    return min(max(int(axes), 2), 9)


def _part(header: Header, kind: str, version: str, world: int, axis: int) -> str:
    """Return the keyword of a part of a matrix, CD or PC, as the header spells it."""
    name, draft = f"{kind}{world}_{axis}{version}", f"{kind}00{world}00{axis}"
    return draft if not version and draft in header and name not in header else name


def _has_matrix(header: Header, kind: str, version: str, axes: int) -> bool:
    pairs = itertools.product(range(1, axes + 1), repeat=2)
    return any(_number(header, _part(header, kind, version, world, axis)) is not None for world, axis in pairs)


def _fill_matrix(header: Header, version: str, axes: int) -> None:
    """Say that an axis has steps of 1 where the matrix CD says nothing of it, which is how WCSLIB understands that."""
    for axis in (1, 2):
        row_and_column = [place for other in range(1, axes + 1) for place in ((axis, other), (other, axis))]
        if not any(_number(header, _part(header, "CD", version, *place)) for place in row_and_column):
            header[_part(header, "CD", version, axis, axis)] = 1.0


def _scale_matrix(header: Header, version: str, axes: int, scale: int) -> None:
    for world, axis in itertools.product(range(1, axes + 1), (1, 2)):
        name = _part(header, "CD", version, world, axis)
        if (part := _number(header, name)) is not None:
            header[name] = part / scale


def _is_coupled(header: Header, version: str, axes: int) -> bool:
    """Tell whether the first two world coordinates and the others mix."""
    pairs = [(world, axis) for world in range(1, axes + 1) for axis in range(1, axes + 1) if (world > 2) != (axis > 2)]
    return any(_number(header, _part(header, "PC", version, world, axis)) for world, axis in pairs)


def _scale_columns(header: Header, version: str, axes: int, scale: int) -> None:
    for axis in (1, 2):
        for world in range(1, axes + 1):
            name = _part(header, "PC", version, world, axis)
            part = _number(header, name)
            if part is not None or world == axis:
                header[name] = (1.0 if part is None else part) / scale


def _scale_sip(header: Header, scale: int) -> None:
    for keyword in list(header.keys()):
        if (matched := _SIP.fullmatch(keyword)) and (part := _number(header, keyword)) is not None:
            header[keyword] = part * float(scale) ** (1 - int(matched[2]) - int(matched[3]))
        elif keyword in ("A_DMAX", "B_DMAX") and (most := _number(header, keyword)) is not None:
            header[keyword] = most * scale


def _scale_detector(header: Header, scale: int) -> None:
    """Scale IRAF's map from detector to picture, ``picture = LTM · detector + LTV``, its first two rows."""
    if not _has_detector_map(header):
        return
    for axis in (1, 2):
        header[f"LTV{axis}"] = scale * ((_number(header, f"LTV{axis}") or 0.0) - 0.5) + 0.5
        for other in (1, 2):
            name = f"LTM{axis}_{other}"
            part = _number(header, name)
            if part is not None or axis == other:
                header[name] = scale * (1.0 if part is None else part)


def _has_detector_map(header: Header) -> bool:
    return any(keyword.startswith(("LTM", "LTV")) for keyword in header)


def _drop_tables(header: Header) -> Iterator[str]:
    dropped = [keyword for keyword in dict.fromkeys(header.keys()) if _TABLES.fullmatch(keyword)]
    for keyword in dropped:
        header.remove(keyword, remove_all=True)
    if dropped:
        header.add_history("Look-up tables of distortion were left out: they cannot be scaled")
        yield (
            "The look-up tables of its distortion cannot be scaled and were left out; positions are off by as much "
            "as they corrected."
        )


def _number(header: Header, keyword: str) -> float | None:
    value = header.get(keyword)
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if is_number else None


# --- reading the sky ------------------------------------------------------------------------------------------------


def _without_tables(header: Header) -> Header:
    """Return a header that needs no other HDU to be understood."""
    alone = header.copy()
    for keyword in [keyword for keyword in dict.fromkeys(alone.keys()) if _TABLES.fullmatch(keyword)]:
        alone.remove(keyword, remove_all=True)
    return alone


def _frame_change(described: Any) -> Callable[[float, float], tuple[float, float]] | None:
    """Return the change to equatorial degrees from the frame of an `astropy.wcs.Wcsprm`, None if it is not known."""
    if described.lngtyp == "RA":
        return lambda longitude, latitude: (longitude % 360, latitude)
    frame = _frame(described)
    if frame is None:
        return None
    from astropy.coordinates import SkyCoord

    def change(longitude: float, latitude: float) -> tuple[float, float]:
        place = SkyCoord(longitude, latitude, unit="deg", frame=frame).icrs
        return float(place.ra.deg), float(place.dec.deg)

    return change


def _frame(described: Any) -> Any:
    """Return the frame of astropy that longitudes and latitudes are in; None for one of the Sun, a planet, or none."""
    from astropy.coordinates import BarycentricMeanEcliptic, Galactic, Supergalactic

    if described.lngtyp == "GLON":
        return Galactic()
    if described.lngtyp == "SLON":
        return Supergalactic()
    if described.lngtyp != "ELON" or described.radesys not in _CALENDARS:
        return None
    if math.isnan(described.equinox):
        return BarycentricMeanEcliptic()
    if not _FIRST_EQUINOX < described.equinox < _LAST_EQUINOX:
        return None
    from astropy.time import Time

    return BarycentricMeanEcliptic(equinox=Time(described.equinox, format=_CALENDARS[described.radesys]))
