"""Where the pixels of a scene are on Earth, and how that is said of a picture with finer pixels."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from srdesk.imaging.scene.gdal_session import gdal_failures, gdal_session
from srdesk.imaging.scene.probe import states_affine


@dataclass(frozen=True, slots=True)
class Geolocation:
    """An affine map, ground control points or rational polynomials, with their coordinate system.

    Positions are in corner coordinates: the centre of the first pixel is at (½, ½).
    """

    transform: Any = None
    """The `affine.Affine` from (column, row) to coordinates of ``crs``; None where the file has none."""
    crs: Any = None
    """The coordinate system, a rasterio CRS; None if it is unknown or cannot be understood."""
    gcps: tuple[Any, ...] = ()
    """Ground control points, rasterio's."""
    gcps_crs: Any = None
    """Their coordinate system."""
    rpcs: Any = None
    """Rational polynomial coefficients, rasterio's; pixel centres are integers in them."""

    @classmethod
    def of(cls, dataset: Any) -> Geolocation:
        """Return that of an open rasterio dataset: GDAL gives the identity where a file says nothing."""
        gcps, gcps_crs = dataset.gcps
        has_transform = not dataset.transform.is_identity or _states_affine(dataset)
        return cls(
            transform=dataset.transform if has_transform else None,
            crs=_crs_of(dataset),
            gcps=tuple(gcps),
            gcps_crs=gcps_crs,
            rpcs=dataset.rpcs,
        )

    def scaled(self, scale: int) -> Geolocation:
        """Return the same places for pixels ``scale`` times as fine; corners stay where they are."""
        return replace(
            self,
            transform=None if self.transform is None else _scaled_transform(self.transform, scale),
            gcps=tuple(_scaled_gcp(gcp, scale) for gcp in self.gcps),
            rpcs=None if self.rpcs is None else _scaled_rpcs(self.rpcs, scale),
        )

    @property
    def is_known(self) -> bool:
        """Whether `lonlat` can answer."""
        return (self.transform is not None and self.crs is not None) or bool(self.gcps) or self.rpcs is not None

    def on_map(self, x: float, y: float) -> tuple[float, float] | None:
        """Return the coordinates, in ``crs``, of a position ``x`` columns right, ``y`` rows down; None without a map.

        Whole numbers are corners of pixels.
        """
        t = self.transform
        return None if t is None else (t.a * x + t.b * y + t.c, t.d * x + t.e * y + t.f)

    def lonlat(self, x: float, y: float) -> tuple[float, float] | None:
        """Return longitude and latitude in degrees (WGS 84) of a position ``x`` columns right, ``y`` rows down.

        Whole numbers are corners of pixels. None where the file does not say, or where there is no such place.
        """
        if not self.is_known:
            return None
        with gdal_session() as rasterio:
            from rasterio.transform import GCPTransformer, RPCTransformer
            from rasterio.warp import transform

            try:
                on_map = self.on_map(x, y)
                if on_map is not None and self.crs is not None:
                    across, down = on_map
                    crs = self.crs
                elif self.gcps:
                    with GCPTransformer(list(self.gcps)) as transformer:
                        across, down = transformer.xy(y, x, offset="ul")
                    crs = self.gcps_crs
                else:
                    # By itself GDAL is content with a tenth of a pixel, at sea level.
                    precise = {"RPC_PIXEL_ERROR_THRESHOLD": 1e-7, "RPC_MAX_ITERATIONS": 50}
                    with RPCTransformer(self.rpcs, RPC_HEIGHT=self.rpcs.height_off, **precise) as transformer:
                        across, down = transformer.xy(y, x, offset="ul")
                    crs = rasterio.CRS.from_epsg(4326)
                if not crs:
                    return None
                (longitude,), (latitude,) = transform(crs, "EPSG:4326", [across], [down])
            except gdal_failures(ValueError):
                return None
        is_on_earth = abs(longitude) <= 360 and abs(latitude) <= 90
        return (float(longitude), float(latitude)) if is_on_earth else None


def _states_affine(dataset: Any) -> bool:
    try:
        return not (dataset.gcps[0] or dataset.rpcs) and states_affine(Path(dataset.name))
    except (OSError, ValueError):
        return False


def _crs_of(dataset: Any) -> Any:
    from rasterio.errors import CRSError

    try:
        return dataset.crs
    except CRSError:
        return None


def _scaled_transform(transform: Any, scale: int) -> Any:
    """Return ``transform · scale(1 / scale)``: the origin stays, and so do rotation and skew."""
    a, b, c, d, e, f = transform[:6]
    return type(transform)(a / scale, b / scale, c, d / scale, e / scale, f)


def _scaled_gcp(gcp: Any, scale: int) -> Any:
    return type(gcp)(row=gcp.row * scale, col=gcp.col * scale, x=gcp.x, y=gcp.y, z=gcp.z, id=gcp.id, info=gcp.info)


def _scaled_rpcs(rpcs: Any, scale: int) -> Any:
    fields = rpcs.to_dict()
    for name in ("line", "samp"):
        fields[f"{name}_off"] = scale * (fields[f"{name}_off"] + 0.5) - 0.5
        fields[f"{name}_scale"] = scale * fields[f"{name}_scale"]
    return type(rpcs)(**fields)


def scaled_geolocation_arrays(tags: dict[str, str], scale: int) -> dict[str, str]:
    """Return the tags of GDAL's domain GEOLOCATION for a picture with ``scale`` times as many pixels along each side.

    They name files with the places of every so many pixels (GDAL RFC 4); what is no number stays as it is.

    Args:
        tags: tag → value, as GDAL has them.
        scale: enlargement along each side.
    """
    is_of_centres = tags.get("GEOREFERENCING_CONVENTION") == "PIXEL_CENTER"
    scaled = dict(tags)
    for side in ("PIXEL", "LINE"):
        try:
            offset, step = float(tags[f"{side}_OFFSET"]), float(tags[f"{side}_STEP"])
        except (KeyError, ValueError):
            continue
        scaled[f"{side}_OFFSET"] = repr(scale * (offset + 0.5) - 0.5 if is_of_centres else scale * offset)
        scaled[f"{side}_STEP"] = repr(scale * step)
    return scaled
