"""What a scene says of itself, in the file or beside it, is still true of its result."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

from srdesk.imaging.scene.gdal_session import gdal_session

MakeGeoTiff = Callable[..., Path]
RNG = np.random.default_rng(41)


def opened(path: Path) -> Any:
    with gdal_session() as rasterio:
        return rasterio.open(path, driver="GTiff")


def enlarged(srdesk: Any, path: Path) -> Path:
    ended = srdesk("upscale", path, "--model", "bicubic")
    assert ended.status == 0, ended.err
    return path.with_name(f"{path.stem}_bicubic_x4{path.suffix}")


def beside(path: Path, *bands: str) -> None:
    """Write GDAL's auxiliary file of a scene: what it says of each band."""
    said = "".join(f'<PAMRasterBand band="{n}">{text}</PAMRasterBand>' for n, text in enumerate(bands, start=1))
    path.with_name(f"{path.name}.aux.xml").write_text(f"<PAMDataset>{said}</PAMDataset>", encoding="ascii")


@pytest.mark.parametrize("kind", ["Area", "Point"])
def test_control_points_stay_where_they_were_of_areas_and_of_points(
    srdesk: Any, make_geotiff: MakeGeoTiff, kind: str
) -> None:
    def finish(dataset: Any) -> None:
        from rasterio.control import GroundControlPoint
        from rasterio.crs import CRS

        dataset.update_tags(AREA_OR_POINT=kind)
        points = [(0, 0), (0, 12), (9, 0), (9.25, 11.5)]
        gcps = [GroundControlPoint(row=r, col=c, x=5e5 + c, y=4e6 - r, z=7) for r, c in points]
        dataset.gcps = (gcps, CRS.from_epsg(32633))

    numbers = RNG.integers(1, 9999, (1, 9, 12), np.uint16)
    path = make_geotiff("a.tif", numbers, finish, crs=None, transform=None)
    with opened(path) as before, opened(enlarged(srdesk, path)) as after:
        (was, _), (now, crs) = before.gcps, after.gcps
        assert [(gcp.row, gcp.col, gcp.x, gcp.y, gcp.z) for gcp in now] == [
            (4 * gcp.row, 4 * gcp.col, gcp.x, gcp.y, gcp.z) for gcp in was
        ]
        assert (crs.to_epsg(), after.tags()["AREA_OR_POINT"]) == (32633, kind)


def test_white_stays_the_number_0_where_it_was(srdesk: Any, make_geotiff: MakeGeoTiff) -> None:
    path = make_geotiff("a.tif", RNG.integers(0, 256, (1, 9, 12), np.uint8), photometric="MINISWHITE")
    with opened(path) as before, opened(enlarged(srdesk, path)) as after:
        assert after.photometric == before.photometric
        assert after.colorinterp == before.colorinterp


def test_greys_of_which_0_is_white_are_enlarged_and_get_no_palette(srdesk: Any, tmp_path: Path) -> None:
    numbers = RNG.integers(0, 256, (9, 12), np.uint8)
    pixel_scale = (33550, "d", 3, (1.0, 1.0, 0.0), True)
    tifffile.imwrite(tmp_path / "a.tif", numbers, photometric="miniswhite", extratags=[pixel_scale])
    with tifffile.TiffFile(enlarged(srdesk, tmp_path / "a.tif")) as file:
        page = file.pages[0]
        assert (page.photometric, page.tags.get("ColorMap")) == (tifffile.PHOTOMETRIC.MINISWHITE, None)
        assert not np.array_equal(page.asarray(), numbers.repeat(4, axis=0).repeat(4, axis=1))


def test_every_band_keeps_its_own_number_for_no_data(srdesk: Any, make_geotiff: MakeGeoTiff) -> None:
    numbers = RNG.integers(100, 200, (3, 9, 12), np.uint16)
    numbers[0, :3], numbers[1, 4:6] = 7, 8
    numbers[2, :] = RNG.integers(6, 9, (9, 12))
    path = make_geotiff("a.tif", numbers)
    beside(path, "<NoDataValue>7</NoDataValue>", "<NoDataValue>8</NoDataValue>")
    output = enlarged(srdesk, path)
    with opened(path) as before, opened(output) as after:
        assert before.nodatavals == (7.0, 8.0, None)
        assert after.nodatavals == before.nodatavals
        masks = before.read_masks().repeat(4, axis=1).repeat(4, axis=2)
        np.testing.assert_array_equal(after.read_masks(), masks)


def test_a_result_without_such_numbers_has_no_file_beside_it(srdesk: Any, make_geotiff: MakeGeoTiff) -> None:
    path = make_geotiff("a.tif", RNG.integers(1, 9, (2, 9, 12), np.uint8), nodata=0)
    enlarged(srdesk, path)
    assert sorted(file.name for file in path.parent.iterdir()) == ["a.tif", "a_bicubic_x4.tif"]


def test_classes_named_beside_a_scene_stay_classes_with_their_names(srdesk: Any, make_geotiff: MakeGeoTiff) -> None:
    names = "<CategoryNames><Category>water</Category><Category>wood</Category></CategoryNames>"
    numbers = RNG.choice(np.array([0, 1, 7], np.uint8), (2, 9, 12))
    path = make_geotiff("a.tif", numbers)
    beside(path, "<NoDataValue>0</NoDataValue>", names)
    once = enlarged(srdesk, path)
    with opened(once) as after:
        assert after.nodatavals == (0.0, None)
        assert (after.read(2) == numbers[1].repeat(4, 0).repeat(4, 1)).all()
    assert names in once.with_name(f"{once.name}.aux.xml").read_text("utf-8")
    twice = enlarged(srdesk, once.rename(path.with_name("b.tif")))  # as by a person who forgets what lies beside
    with opened(twice) as after:
        assert (after.read(2) == numbers[1].repeat(16, 0).repeat(16, 1)).all()


def test_a_table_of_another_band_makes_no_classes(srdesk: Any, make_geotiff: MakeGeoTiff) -> None:
    numbers = RNG.integers(0, 255, (2, 9, 12), np.uint8)
    path = make_geotiff("a.tif", numbers)
    beside(path, "", "<CategoryNames><Category>water</Category></CategoryNames>")
    with opened(enlarged(srdesk, path)) as after:
        assert (after.read(1) != numbers[0].repeat(4, 0).repeat(4, 1)).any()


def test_esris_table_goes_with_the_result_and_one_of_a_replaced_file_does_not(
    srdesk: Any, make_geotiff: MakeGeoTiff
) -> None:
    path = make_geotiff("a.tif", RNG.integers(0, 3, (1, 9, 12), np.uint8))
    table = path.with_name("a.tif.vat.dbf")
    table.write_bytes(b"any")
    once = enlarged(srdesk, path)
    assert once.with_name(f"{once.name}.vat.dbf").read_bytes() == b"any"
    table.unlink()
    ended = srdesk("upscale", path, "--model", "bicubic", "--on-collision", "overwrite")
    assert ended.status == 0, ended.err
    assert not once.with_name(f"{once.name}.vat.dbf").exists()


def test_control_points_beside_an_affine_map_are_kept_as_both(srdesk: Any, make_geotiff: MakeGeoTiff) -> None:
    path = make_geotiff("a.tif", RNG.integers(0, 256, (1, 9, 12), np.uint8), crs=None)
    points = "".join(
        f'<GCP Id="{n}" Pixel="{x}" Line="{y}" X="{x / 9}" Y="50"/>'
        for n, (x, y) in enumerate([(0, 0), (12, 0), (5, 9)])
    )
    auxiliary = f'<PAMDataset><GCPList Projection="EPSG:4326">{points}</GCPList></PAMDataset>'
    path.with_name("a.tif.aux.xml").write_text(auxiliary, encoding="ascii")
    with opened(path) as before, opened(enlarged(srdesk, path)) as after:
        assert len(before.gcps[0]) == 3
        assert after.transform == before.transform @ before.transform.scale(0.25)
        assert [(gcp.col, gcp.row, gcp.x) for gcp in after.gcps[0]] == [
            (4 * gcp.col, 4 * gcp.row, gcp.x) for gcp in before.gcps[0]
        ]
        assert after.gcps[1].to_epsg() == 4326


def test_a_coordinate_system_that_a_geotiff_cannot_name_stands_beside_it(
    srdesk: Any, make_geotiff: MakeGeoTiff
) -> None:
    rotated_pole = (
        "+proj=ob_tran +o_proj=longlat +o_lon_p=0 +o_lat_p=40 +lon_0=10 +R=6371229 +to_meter=0.0174532925199433"
    )
    path = make_geotiff("a.tif", RNG.integers(0, 256, (1, 9, 12), np.uint8), crs=rotated_pole)
    with opened(path) as before, opened(enlarged(srdesk, path)) as after:
        assert before.crs
        assert after.crs == before.crs


def test_an_affine_map_that_changes_nothing_is_one(srdesk: Any, make_geotiff: MakeGeoTiff) -> None:
    path = make_geotiff("a.tif", RNG.integers(0, 256, (1, 9, 12), np.uint8), crs=None, transform=None)
    path.with_suffix(".tfw").write_text("1\n0\n0\n1\n0.5\n0.5\n", encoding="ascii")
    with opened(enlarged(srdesk, path)) as after:
        assert after.transform[:6] == (0.25, 0, 0, 0, 0.25, 0)


def test_a_name_that_is_just_short_enough_can_be_written(srdesk: Any, make_geotiff: MakeGeoTiff) -> None:
    path = make_geotiff("a.tif", RNG.integers(0, 256, (1, 9, 12), np.uint8))
    output = path.with_name("y" * 246 + ".tif")
    ended = srdesk("upscale", path, "--model", "bicubic", "-o", output)
    assert (ended.status, output.exists()) == (0, True), ended.err
