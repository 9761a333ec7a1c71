"""Every result tells how it was made, to programs that have never heard of SR Desk."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import PIL.Image
import pytest
import tifffile
from astropy.io import fits as astropy_fits

from srdesk import __version__
from srdesk.imaging.scene.gdal_session import gdal_session

MakeGeoTiff = Callable[..., Path]
_NAMESPACE = "{urn:x-srdesk:provenance/1.0/}"


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def told_in_xmp(packet: bytes | str) -> dict[str, str]:
    """Return what a packet says in our namespace, read by a parser of XML."""
    content = packet.decode("utf-8") if isinstance(packet, bytes) else packet
    root = ElementTree.fromstring(content.strip("\x00"))
    found = [element.attrib for element in root.iter() if any(key.startswith(_NAMESPACE) for key in element.attrib)]
    (attributes,) = found
    return {key.removeprefix(_NAMESPACE): value for key, value in attributes.items() if key.startswith(_NAMESPACE)}


@pytest.fixture
def enlarged(srdesk: Any, tiny_weights: Path) -> Callable[..., Path]:
    def run(source: Path, name: str, *words: object) -> Path:
        output = source.parent / name
        ended = srdesk("upscale", source, "-o", output, "--model", "tiny", "--device", "cpu", *words)
        assert ended.status == 0, ended.err
        return output

    return run


def test_png_tells_it_in_its_text(enlarged: Any, photo: Any, tmp_path: Path, tiny_weights: Path) -> None:
    source = photo(tmp_path / "p.png")
    with PIL.Image.open(enlarged(source, "l.png", "--back-projection", "0.5")) as picture:
        told = dict(picture.info)
    assert told["Software"] == f"SR Desk {__version__}"
    assert told["SRDESK_VERSION"] == __version__
    assert told["SRDESK_MODEL"] == "tiny"
    assert told["SRDESK_ARCHITECTURE"] == "srresnet"
    assert told["SRDESK_WEIGHTS_SHA256"] == sha256(tiny_weights)
    assert told["SRDESK_WEIGHTS_LICENCE"] == "CC0-1.0"
    assert told["SRDESK_SOURCE_SHA256"] == sha256(source)
    assert (told["SRDESK_SIZE"], told["SRDESK_BACK_PROJECTION"]) == ("4x", "0.5")


@pytest.mark.parametrize("suffix", [".jpg", ".webp", ".tif"])
def test_other_photos_tell_it_in_xmp(
    enlarged: Any, photo: Any, tmp_path: Path, tiny_weights: Path, suffix: str
) -> None:
    source = photo(tmp_path / "p.png")
    output = enlarged(source, f"l{suffix}", "--size", "2x")
    if suffix == ".tif":
        with tifffile.TiffFile(output) as file:
            packet = file.pages.first.tags["XMP"].value
    else:
        with PIL.Image.open(output) as picture:
            packet = picture.info["xmp"]
    told = told_in_xmp(packet)
    assert told["Model"] == "tiny"
    assert told["Version"] == __version__
    assert told["WeightsSha256"] == sha256(tiny_weights)
    assert told["SourceSha256"] == sha256(source)
    assert told["Size"] == "2x"


def test_fits_tells_it_in_its_history(enlarged: Any, tmp_path: Path, tiny_weights: Path) -> None:
    source = tmp_path / "f.fits"
    hdu = astropy_fits.PrimaryHDU(np.random.default_rng(1).poisson(900, (12, 15)).astype(np.uint16))
    hdu.header["HISTORY"] = "flat-fielded"
    hdu.writeto(source)
    with astropy_fits.open(enlarged(source, "l.fits")) as hdus:
        history = [str(line) for line in hdus[0].header["HISTORY"]]
    assert history[0] == "flat-fielded"
    assert f"SR Desk {__version__}: enlarged to 4x by tiny" in history
    assert sha256(tiny_weights) in history
    assert sha256(source) in history


def test_a_scene_tells_it_in_tags(enlarged: Any, make_geotiff: MakeGeoTiff, tiny_weights: Path, tmp_path: Path) -> None:
    numbers = np.random.default_rng(2).integers(300, 3000, (5, 20, 30), np.uint16)
    source = make_geotiff("scene.tif", numbers, lambda dataset: dataset.update_tags(SENSOR="MSI"))
    output = enlarged(source, "l.tif", "--bands", "4,3,2")
    with gdal_session() as rasterio, rasterio.open(output, driver="GTiff") as dataset:
        told = dataset.tags()
    assert told["SENSOR"] == "MSI"
    assert told["SRDESK_MODEL"] == "tiny"
    assert told["SRDESK_SOURCE_BANDS"] == "4,3,2"
    assert told["SRDESK_WEIGHTS_SHA256"] == sha256(tiny_weights)
    assert told["SRDESK_SOURCE_SHA256"] == sha256(source)


def test_what_differs_from_run_to_run_stands_in_the_sidecar_alone(
    srdesk: Any, enlarged: Any, photo: Any, tmp_path: Path
) -> None:
    source = photo(tmp_path / "p.png")
    output = enlarged(source, "l.png", "--sidecar")
    record = json.loads((tmp_path / "l.png.srdesk.json").read_text())
    assert record["output"] == {"name": "l.png", "sha256": sha256(output), "size_bytes": output.stat().st_size}
    assert record["source"]["sha256"] == sha256(source)
    assert record["computing"]["libraries"]["numpy"] == np.__version__
    content = output.read_bytes()
    assert record["created"].encode() not in content
    assert source.name.encode() not in content
    assert str(tmp_path).encode() not in content
