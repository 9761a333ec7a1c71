"""Other programs read the tiles that we compress."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
import tifffile
from numpy.testing import assert_array_equal

from srdesk.imaging import ifd
from srdesk.imaging.scene.gdal_session import gdal_session
from srdesk.imaging.scene.geotiff import DTYPES
from srdesk.imaging.scene.tile_codec import TileCodec
from srdesk.imaging.stored import Numbers

RNG = np.random.default_rng(6)
CODES = {"NONE": 1, "LZW": 5, "JPEG": 7, "DEFLATE": 8, "LZMA": 34925, "ZSTD": 50000, "PACKBITS": 32773}
FORMATS = {"u": 1, "i": 2, "f": 3}


def write(path: Path, codec: TileCodec, tile: Numbers) -> None:
    """Write a TIFF of one tile."""
    rows, columns, samples = tile.shape
    numbers = {
        256: columns,
        257: rows,
        259: CODES[codec.compression],
        262: 6 if codec.compression == "JPEG" and samples == 3 else 1,
        277: samples,
        284: 1,
        317: codec.predictor,
        322: columns,
        323: rows,
    }
    directory: ifd.Directory = {tag: ifd.Field(3, 1, struct.pack("<H", value)) for tag, value in numbers.items()}
    directory[258] = ifd.Field(3, samples, struct.pack("<H", tile.dtype.itemsize * 8) * samples)
    directory[339] = ifd.Field(3, samples, struct.pack("<H", FORMATS[tile.dtype.kind]) * samples)
    directory[530] = ifd.Field(3, 2, struct.pack("<HH", 1, 1))
    data = codec.encode(tile)
    directory[324] = ifd.Field(4, 1, struct.pack("<I", 8))
    directory[325] = ifd.Field(4, 1, struct.pack("<I", len(data)))
    at = 8 + len(data) + len(data) % 2
    table = ifd.pack_directory(directory, ifd.Layout("<"), at)
    path.write_bytes(struct.pack("<2sHI", b"II", 42, at) + data + bytes(len(data) % 2) + table)


@pytest.mark.parametrize("samples", [1, 3, 5])
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("compression", ["NONE", "DEFLATE", "LZW", "ZSTD", "LZMA", "PACKBITS"])
def test_what_is_compressed_without_loss_is_read_as_it_was(
    tmp_path: Path, compression: str, dtype: str, samples: int
) -> None:
    tile = (RNG.normal(0, 40, (32, 48, samples)).cumsum(axis=1) + 500).astype(dtype)
    codec = TileCodec.like(compression, dtype, samples=samples, is_exact=True)
    assert codec.compression == compression
    write(tmp_path / "a.tif", codec, tile)
    with gdal_session() as rasterio, rasterio.open(tmp_path / "a.tif", driver="GTiff") as dataset:
        assert_array_equal(np.moveaxis(dataset.read(), 0, -1), tile)
    assert_array_equal(tifffile.imread(tmp_path / "a.tif").reshape(tile.shape), tile)


@pytest.mark.parametrize("samples", [1, 3])
def test_a_jpeg_stays_one_with_little_loss(tmp_path: Path, samples: int) -> None:
    slope = np.linspace(20, 200, 48 * 32).reshape(32, 48, 1)
    tile = (slope + np.arange(samples) * 15).astype(np.uint8)
    codec = TileCodec.like("YCbCr JPEG", "uint8", samples=samples, is_exact=False)
    assert codec.compression == "JPEG"
    write(tmp_path / "a.tif", codec, tile)
    with gdal_session() as rasterio, rasterio.open(tmp_path / "a.tif", driver="GTiff") as dataset:
        found = np.moveaxis(dataset.read(), 0, -1)
    assert np.abs(found.astype(int) - tile).max() <= 6


def test_loss_and_unknown_methods_give_way_where_numbers_must_stay_exact() -> None:
    assert TileCodec.like("JPEG", "uint8", samples=3, is_exact=True).compression == "DEFLATE"
    assert TileCodec.like("JPEG", "uint8", samples=4, is_exact=False).compression == "DEFLATE"
    assert TileCodec.like("LERC_ZSTD", "float32", samples=1, is_exact=False).compression == "DEFLATE"
