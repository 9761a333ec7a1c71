"""Opening GeoTIFFs: what bands hold, where there are data, and what is refused."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from numpy.testing import assert_array_equal

from srdesk.errors import ImageReadError, UnsupportedImageError
from srdesk.imaging.image import Box
from srdesk.imaging.scene.gdal_session import gdal_session
from srdesk.imaging.scene.geotiff import DTYPES, BandKind, open_geotiff

MakeGeoTiff = Callable[..., Path]
RNG = np.random.default_rng(4)


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_window_holds_the_numbers_of_the_file(make_geotiff: MakeGeoTiff, dtype: str) -> None:
    numbers = (RNG.random((5, 40, 50)) * 250).astype(dtype)
    with open_geotiff(make_geotiff("a.tif", numbers)) as scene:
        assert (scene.height, scene.width, scene.dtype, len(scene.bands)) == (40, 50, dtype, 5)
        window = scene.read((4, 1), Box(7, 9, 20, 30))
    assert_array_equal(window, np.moveaxis(numbers[[3, 0], 7:27, 9:39], 0, -1))
    assert window.dtype == dtype


def test_nodata_and_numbers_that_are_none_are_no_data(make_geotiff: MakeGeoTiff) -> None:
    numbers = np.arange(24, dtype=np.float32).reshape(2, 3, 4)
    numbers[0, 0, 0], numbers[0, 1, 1], numbers[1, 2, 3] = np.nan, np.inf, 7
    with open_geotiff(make_geotiff("a.tif", numbers, nodata=7)) as scene:
        box = Box(0, 0, 3, 4)
        mask = scene.data_mask((1, 2), box, scene.read((1, 2), box))
    expected = np.ones((3, 4, 2), bool)
    expected[0, 0, 0] = expected[1, 1, 0] = expected[1, 3, 0] = expected[2, 3, 1] = False
    assert_array_equal(mask, expected)


def test_a_nodata_number_is_compared_in_the_type_of_the_file(make_geotiff: MakeGeoTiff) -> None:
    numbers = np.full((1, 2, 2), np.finfo(np.float32).min)
    numbers[0, 0, 0] = 1
    with open_geotiff(make_geotiff("a.tif", numbers.astype(np.float32), nodata=-3.4028234663852886e38)) as scene:
        box = Box(0, 0, 2, 2)
        assert scene.data_mask((1,), box, scene.read((1,), box)).sum() == 1


def test_a_mask_of_the_scene_covers_all_bands(make_geotiff: MakeGeoTiff) -> None:
    mask = np.full((20, 20), 255, np.uint8)
    mask[3:5, 6] = 0
    path = make_geotiff("a.tif", np.ones((3, 20, 20), np.uint8), lambda dataset: dataset.write_mask(mask))
    with open_geotiff(path) as scene:
        assert scene.has_mask
        box = Box(0, 0, 20, 20)
        is_data = scene.data_mask((2, 3), box, scene.read((2, 3), box))
        assert_array_equal(is_data, np.repeat((mask != 0)[:, :, None], 2, axis=2))
        assert_array_equal(scene.read_mask(box), mask)


def test_full_transparency_hides_data_and_opacity_is_a_kind_of_its_own(make_geotiff: MakeGeoTiff) -> None:
    numbers = np.full((4, 3, 3), 9, np.uint8)
    numbers[3, 1, 1] = 0

    def name_colours(dataset: Any) -> None:
        from rasterio.enums import ColorInterp

        dataset.colorinterp = [ColorInterp.blue, ColorInterp.green, ColorInterp.red, ColorInterp.alpha]

    with open_geotiff(make_geotiff("a.tif", numbers, name_colours)) as scene:
        assert scene.colours == (3, 2, 1)
        assert scene.bands[3].kind is BandKind.OPACITY
        assert not scene.has_mask
        box = Box(0, 0, 3, 3)
        assert scene.data_mask((1,), box, scene.read((1,), box)).sum() == 8


def test_a_palette_holds_classes(make_geotiff: MakeGeoTiff) -> None:
    path = make_geotiff(
        "a.tif",
        np.ones((1, 4, 4), np.uint8),
        lambda dataset: dataset.write_colormap(1, {1: (9, 8, 7, 255)}),
        photometric="palette",
    )
    with open_geotiff(path) as scene:
        assert scene.bands[0].kind is BandKind.CLASSES


@pytest.mark.parametrize(("bits", "kind"), [(16, BandKind.DATA), (8, BandKind.DATA), (1, BandKind.CLASSES)])
def test_greys_of_which_0_is_white_are_measured(tmp_path: Path, bits: int, kind: BandKind) -> None:
    numbers = np.arange(16).reshape(4, 4).astype(bool if bits == 1 else f"uint{bits}")
    pixel_scale = (33550, "d", 3, (1.0, 1.0, 0.0), True)
    tifffile.imwrite(tmp_path / "a.tif", numbers, photometric="miniswhite", extratags=[pixel_scale])
    with open_geotiff(tmp_path / "a.tif") as scene:
        assert scene.bands[0].kind is kind


@pytest.mark.parametrize(
    ("name", "description", "is_of_flags"),
    [
        ("LC09_L2SP_193027_20240610_02_T1_QA_PIXEL.TIF", None, True),
        ("LC09_L2SP_193027_20240610_02_T1_SR_QA_AEROSOL.TIF", None, True),
        ("LC09_L2SP_193027_20240610_02_T1_SR_B4.TIF", None, False),
        ("LC09_L2SP_193027_20240610_02_T1_ST_QA.TIF", None, False),
        ("CB4_64_16D_STK_v001_021027_CMASK.tif", None, True),
        ("a.tif", "SCL", True),
        ("SCL.tif", "B04", False),
        ("sclerosis.tif", None, False),
        *((f"{name}.tif", None, True) for name in ("LT05_sr_snow_qa", "20240610_udm2", "T33UUP_MSK_CLASSI_B00")),
        *(
            (f"{name}.tif", None, True)
            for name in ("MOD09GA.h18v04_state_1km_1", "MOD09_QC_500m_1", "MCD12Q1_LC_Type1")
        ),
        *((f"{name}.tif", None, True) for name in ("NLCD_2021_Land_Cover_L48", "VNP09GA_QF1_1", "HLS.S30.T33.Fmask")),
        *((f"{name}.tif", None, False) for name in ("aqf1", "land_coverage_percent", "T33UUP_MSK_CLDPRB_20m")),
    ],
)
def test_bands_of_flags_are_known_by_their_names(
    make_geotiff: MakeGeoTiff, name: str, description: str | None, is_of_flags: bool
) -> None:
    def describe(dataset: Any) -> None:
        if description:
            dataset.set_band_description(1, description)

    path = make_geotiff(name, np.zeros((1, 20, 30), np.uint16), describe)
    with open_geotiff(path) as scene:
        assert (scene.bands[0].kind is BandKind.FLAGS) == is_of_flags


@pytest.mark.parametrize(
    ("beside", "said", "is_of_classes"),
    [
        (".vat.dbf", "", True),
        (".aux.xml", "<CategoryNames><Category>water</Category></CategoryNames>", True),
        (".aux.xml", '<GDALRasterAttributeTable tableType="thematic"/>', True),
        (".aux.xml", '<Metadata><MDI key="LAYER_TYPE">thematic</MDI></Metadata>', True),
        (".aux.xml", '<Metadata><MDI key="LAYER_TYPE">athematic</MDI></Metadata>', False),
        (".aux.xml", '<GDALRasterAttributeTable tableType="athematic"/>', False),
    ],
)
def test_a_table_of_classes_beside_a_scene_makes_its_numbers_classes(
    make_geotiff: MakeGeoTiff, beside: str, said: str, is_of_classes: bool
) -> None:
    path = make_geotiff("a.tif", np.ones((1, 4, 4), np.uint8))
    path.with_name(f"a.tif{beside}").write_text(
        f'<PAMDataset><PAMRasterBand band="1">{said}</PAMRasterBand></PAMDataset>'
    )
    with open_geotiff(path) as scene:
        assert scene.bands[0].kind.is_copied == is_of_classes


def test_measurements_in_floats_are_no_flags(make_geotiff: MakeGeoTiff) -> None:
    with open_geotiff(make_geotiff("QA_PIXEL.tif", np.zeros((1, 20, 30), np.float32))) as scene:
        assert scene.bands[0].kind is BandKind.DATA


def test_a_vrt_is_not_opened_whatever_it_is_called(tmp_path: Path) -> None:
    (tmp_path / "a.tif").write_text(
        '<VRTDataset rasterXSize="9" rasterYSize="9"><VRTRasterBand dataType="Byte" band="1"><SimpleSource>'
        '<SourceFilename relativeToVRT="0">/etc/passwd</SourceFilename></SimpleSource></VRTRasterBand></VRTDataset>'
    )
    with pytest.raises(ImageReadError), open_geotiff(tmp_path / "a.tif"):
        pass


def test_gdal_knows_no_formats_that_lead_elsewhere() -> None:
    with gdal_session() as rasterio, rasterio.Env() as environment:
        drivers = set(environment.drivers())
    assert "GTiff" in drivers
    assert drivers.isdisjoint({"VRT", "DERIVED", "GTI", "MRF", "WMS", "WMTS", "WCS", "HTTP", "STACIT", "STACTA"})


def test_a_mask_that_is_on_a_server_is_none(make_geotiff: MakeGeoTiff) -> None:
    path = make_geotiff("a.tif", np.ones((1, 4, 4), np.uint8))
    Path(f"{path}.msk").write_text(
        '<GDAL_WMS><Service name="TMS"><ServerUrl>http://localhost:9/${z}/${x}/${y}.png</ServerUrl></Service>'
        "<DataWindow><SizeX>4</SizeX><SizeY>4</SizeY></DataWindow><BandsCount>1</BandsCount></GDAL_WMS>"
    )
    with open_geotiff(path) as scene:
        assert not scene.has_mask
        assert scene.data_mask((1,), Box(0, 0, 4, 4), scene.read((1,), Box(0, 0, 4, 4))).all()


@pytest.mark.parametrize("name", ["/vsicurl/http://localhost/a.tif", "http://localhost/a.tif", "zip://a.zip!a.tif"])
def test_names_of_virtual_and_remote_files_are_names_of_files_that_do_not_exist(name: str) -> None:
    with pytest.raises(ImageReadError), open_geotiff(name):
        pass


@pytest.mark.parametrize("dtype", ["int8", "complex64", "int64"])
def test_other_numbers_are_refused_by_name(make_geotiff: MakeGeoTiff, dtype: str) -> None:
    path = make_geotiff("a.tif", np.ones((1, 4, 4), dtype))
    with pytest.raises(UnsupportedImageError, match=dtype), open_geotiff(path):
        pass


def test_a_tile_too_large_to_be_decoded_is_refused_before_any_is(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "a.tif", np.zeros((16, 16), np.uint8), compression="zlib", tile=(16, 16))
    content = bytearray((tmp_path / "a.tif").read_bytes())
    with tifffile.TiffFile(tmp_path / "a.tif") as tiff:
        tags = tiff.pages[0].tags
        places = [tags[tag].valueoffset for tag in (256, 257, 322, 323)]
        kinds = [tags[tag].dtype for tag in (256, 257, 322, 323)]
    for place, kind in zip(places, kinds, strict=True):
        size = 2 if int(kind) == 3 else 4
        content[place : place + size] = (32_768).to_bytes(size, "little")
    (tmp_path / "a.tif").write_bytes(content)
    with pytest.raises(UnsupportedImageError, match="piece by piece"), open_geotiff(tmp_path / "a.tif"):
        pass


def test_a_scene_cut_off_is_damaged_where_it_ends(make_geotiff: MakeGeoTiff) -> None:
    noise = RNG.integers(0, 256, (1, 600, 600), np.uint8)
    path = make_geotiff("a.tif", noise, tiled=True, blockxsize=256, blockysize=256, compress="deflate")
    path.write_bytes(path.read_bytes()[:150_000])
    with pytest.raises(ImageReadError, match="damaged or cut off"), open_geotiff(path) as scene:
        scene.read((1,), Box(0, 0, 600, 600))


def test_three_hundred_bands_are_bands_like_any_others(make_geotiff: MakeGeoTiff) -> None:
    numbers = RNG.integers(0, 256, (300, 5, 6), np.uint8)
    with open_geotiff(make_geotiff("a.tif", numbers)) as scene:
        assert len(scene.bands) == 300
        assert_array_equal(scene.read((300,), Box(0, 0, 5, 6))[:, :, 0], numbers[299])


def test_a_broken_coordinate_system_leaves_the_pixels_readable(make_geotiff: MakeGeoTiff) -> None:
    path = make_geotiff("a.tif", np.ones((1, 4, 4), np.uint8))
    path.write_bytes(path.read_bytes().replace((32633).to_bytes(2, "little"), (32799).to_bytes(2, "little")))
    with open_geotiff(path) as scene:
        assert scene.read((1,), Box(0, 0, 4, 4)).all()
        assert scene.geolocation.lonlat(1, 1) is None


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # rasterio, of a text that is none
@pytest.mark.parametrize("compress", ["deflate", "lzw", "none"])
def test_damaged_files_are_read_or_refused_and_nothing_else(
    make_geotiff: MakeGeoTiff, tmp_path: Path, compress: str
) -> None:
    numbers = RNG.integers(0, 256, (3, 70, 90), np.uint8)
    sound = make_geotiff("sound.tif", numbers, compress=compress, tiled=True, blockxsize=32, blockysize=32).read_bytes()
    rng = np.random.default_rng(7)
    for _ in range(60):
        damaged = bytearray(sound)
        for place in rng.integers(0, rng.choice([16, 400, len(sound)]), rng.choice([1, 3, 12])):
            damaged[place] = rng.choice([0, 1, 127, 128, 255])
        (tmp_path / "a.tif").write_bytes(damaged)
        with (
            contextlib.suppress(ImageReadError, UnsupportedImageError),
            open_geotiff(tmp_path / "a.tif") as scene,
        ):
            box = Box(0, 0, min(scene.height, 70), min(scene.width, 90))
            scene.data_mask((1,), box, scene.read((1,), box))
            scene.geolocation.scaled(4).lonlat(1, 1)
