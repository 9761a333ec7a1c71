"""Tiles of a TIFF as bytes, in the compressions that GeoTIFFs come in.

TIFF 6.0 (Adobe 1992), sections 13 and 14, and its technical notes 2 (JPEG) and 3 (floating-point predictor).
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass

import numpy as np

from srdesk.imaging.stored import Numbers

_NO_PREDICTOR, _HORIZONTAL, _FLOATING_POINT = 1, 2, 3
_PREDICTED = frozenset({"DEFLATE", "LZW", "ZSTD"})
_LOSSLESS = frozenset({"NONE", "DEFLATE", "LZW", "ZSTD", "LZMA", "PACKBITS"})

_DEFLATE_LEVEL = 6
_ZSTD_LEVEL = 9
_JPEG_QUALITY = 95


@dataclass(frozen=True, slots=True)
class TileCodec:
    """How tiles are compressed."""

    compression: str
    """GDAL's name: NONE, DEFLATE, LZW, ZSTD, LZMA, PACKBITS or JPEG."""
    dtype: str
    """Numpy name of the type of the numbers."""

    @classmethod
    def like(cls, compression: str, dtype: str, *, samples: int, is_exact: bool) -> TileCodec:
        """Return the codec of a result whose input is compressed by ``compression``.

        Args:
            compression: GDAL's name, as a file says it.
            dtype: numpy name of the type of the numbers.
            samples: bands that stand together in a tile.
            is_exact: whether numbers must be kept exactly, as nodata and opacity need it.
        """
        name = family_of(compression)
        if name == "JPEG" and dtype == "uint8" and samples in (1, 3) and not is_exact:
            return cls("JPEG", dtype)
        return cls(name if name in _LOSSLESS else "DEFLATE", dtype)

    @property
    def predictor(self) -> int:
        """The TIFF predictor, 1 for none."""
        if self.compression not in _PREDICTED:
            return _NO_PREDICTOR
        return _FLOATING_POINT if np.dtype(self.dtype).kind == "f" else _HORIZONTAL

    def encode(self, tile: Numbers) -> bytes:
        """Return the bytes of a ``(rows, columns, samples)`` tile, in little-endian order."""
        import imagecodecs

        if self.compression == "JPEG":
            return bytes(_jpeg(tile))
        tile = tile.astype(np.dtype(self.dtype).newbyteorder("<"), copy=False)
        if self.predictor == _HORIZONTAL:
            tile = imagecodecs.delta_encode(tile, axis=-2)
        elif self.predictor == _FLOATING_POINT:
            tile = imagecodecs.floatpred_encode(tile, axis=-2)
        raw = np.ascontiguousarray(tile)
        if self.compression == "DEFLATE":
            return zlib.compress(raw.data, _DEFLATE_LEVEL)
        if self.compression == "LZW":
            return bytes(imagecodecs.lzw_encode(raw.tobytes()))
        if self.compression == "ZSTD":
            return bytes(imagecodecs.zstd_encode(raw.tobytes(), level=_ZSTD_LEVEL))
        if self.compression == "LZMA":
            return bytes(imagecodecs.lzma_encode(raw.tobytes()))
        if self.compression == "PACKBITS":
            return b"".join(bytes(imagecodecs.packbits_encode(row.tobytes())) for row in raw)
        return raw.tobytes()


def family_of(compression: str) -> str:
    """Return the compression that GDAL's names for its kinds have in common.

    >>> family_of("YCbCr JPEG"), family_of("LERC_ZSTD")
    ('JPEG', 'LERC')
    """
    return "JPEG" if "JPEG" in compression else compression.partition("_")[0]


def _jpeg(tile: Numbers) -> bytes | bytearray:
    import imagecodecs

    if tile.shape[2] == 1:
        return imagecodecs.jpeg_encode(np.ascontiguousarray(tile[:, :, 0]), level=_JPEG_QUALITY)
    # Full chroma, which the tag of the subsampling says as well.
    return imagecodecs.jpeg_encode(
        np.ascontiguousarray(tile), level=_JPEG_QUALITY, colorspace="RGB", outcolorspace="YCBCR", subsampling="444"
    )
