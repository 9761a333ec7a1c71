"""The report: one file with everything in it, whatever files are called and headers say."""

from __future__ import annotations

import hashlib
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import PIL.Image
import pytest
from astropy.io import fits as astropy_fits

from srdesk.engine.control import CancelToken, Control
from srdesk.engine.library import WeightsCard
from srdesk.engine.report.report import Subject, report_page, write_report
from srdesk.engine.report.report_page import escaped
from srdesk.engine.trust.findings import Findings, find_out
from srdesk.engine.trust.honesty import Outcome, degrade_and_compare, with_models
from srdesk.engine.upscaler import BicubicUpscaler, UpscaleFacts
from srdesk.errors import Cancelled, ImageReadError, ImageWriteError
from srdesk.imaging.formats import open_image
from srdesk.imaging.image import Box, Image
from srdesk.imaging.stored import StoredImage

HOSTILE = "<script>alert(1)</script>\"'&.png"
_EMPTY = frozenset({"meta", "img", "image", "rect", "br", "input", "link"})


class Read(HTMLParser):
    """A page as a browser sees it: its tags, its attributes, its text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.text = ""
        self.open: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]
        if tag not in _EMPTY:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.fixture
def image() -> Image:
    return Image(np.random.default_rng(1).random((30, 40, 3), np.float32))


def srgan(image: Image) -> Outcome:
    shape = (image.height * 4, image.width * 4, 3)
    result = StoredImage(np.random.default_rng(2).integers(0, 256, shape, np.uint8))
    return Outcome("srgan", result, UpscaleFacts("srgan", "cpu", "bf16", 64, 0.1, 1.0, ("Memory was short.",), None, 2))


def read(findings: Findings, subject: Subject) -> Read:
    page = Read(report_page(findings, subject))
    assert page.open == []
    return page


def test_everything_is_inside(image: Image, tmp_path: Path) -> None:
    page = read(find_out(image, [srgan(image)]), Subject("photo.png"))
    assert "script" not in page.tags
    assert "link" not in page.tags
    places = [value for name, value in page.attributes if name in ("src", "href", "srcset", "action", "data")]
    assert len(places) > 5
    assert all(value.startswith("data:image/png;base64,") for value in places)
    text = report_page(find_out(image, []), Subject("photo.png"))
    assert not re.search(r"https?://|url\(|@import", text)


def test_a_page_forbids_itself_scripts_and_the_network(image: Image) -> None:
    page = read(find_out(image, []), Subject("photo.png"))
    policies = [value for name, value in page.attributes if name == "content" and "src" in value]
    assert policies == ["default-src 'none'; img-src data:; style-src 'unsafe-inline'"]


def test_the_bicubic_stands_beside_every_crop(image: Image) -> None:
    page = read(find_out(image, [srgan(image)]), Subject("photo.png"))
    captions = page.text.count("as it is (LR)")
    assert captions >= 1
    described = [value for name, value in page.attributes if name == "alt"]
    assert described.count("as it is (LR)") == captions
    assert described.count("bicubic") == captions + 1  # and its map
    assert described.count("srgan") == captions + 1


def test_invented_detail_is_warned_of_where_there_may_be_some(image: Image) -> None:
    warning = "Detail in results of SRGAN is partly invented"
    assert warning in read(find_out(image, [srgan(image)]), Subject("p")).text
    assert warning not in read(find_out(image, []), Subject("p")).text


def test_weights_of_that_kind_are_warned_of_whatever_they_are_called(image: Image, tmp_path: Path) -> None:
    import torch

    from srdesk.engine.weights import save_weights
    from srdesk.models.srresnet import SRResNet, SRResNetConfig

    torch.manual_seed(3)
    config = {"channels": 8, "blocks": 1}
    card = WeightsCard(
        name="<b>x</b>", architecture="srgan", config=config, licence="<i>free</i>", training_data="a & b"
    )
    save_weights(tmp_path / "x.safetensors", SRResNet(SRResNetConfig(**config)), card)
    one = Outcome("fine", srgan(image).result, srgan(image).facts)
    page = read(find_out(image, [one]), Subject("p", weights={"fine": tmp_path / "x.safetensors"}))
    assert "partly invented" in page.text
    assert hashlib.sha256((tmp_path / "x.safetensors").read_bytes()).hexdigest() in page.text
    assert "<i>free</i>" in page.text
    assert "a & b" in page.text
    assert "i" not in page.tags


def test_names_of_files_are_text_and_nothing_else(image: Image, tmp_path: Path) -> None:
    source = tmp_path / HOSTILE.replace("/", "∕")
    PIL.Image.new("RGB", (40, 30)).save(source)
    page = read(find_out(image, []), Subject(source.name, source))
    assert "script" not in page.tags
    assert page.text.count("alert(1)") >= 3  # title, heading, facts, commands
    assert hashlib.sha256(source.read_bytes()).hexdigest() in page.text


@pytest.mark.parametrize("name", [HOSTILE, "\x1b[31m\n\r\u202e.png", "\udcff.png", "'\" onload=x ", "<!--", "]]>"])
def test_no_name_breaks_the_page(image: Image, name: str, tmp_path: Path) -> None:
    plain, odd = (read(find_out(image, []), Subject(each)) for each in ("photo.png", name))
    assert odd.tags == plain.tags
    assert [key for key, _ in odd.attributes] == [key for key, _ in plain.attributes]
    write_report(tmp_path / "r.html", find_out(image, []), Subject(name))
    text = (tmp_path / "r.html").read_text("utf-8")
    assert "\x1b" not in text
    assert "\u202e" not in text


def test_cards_of_a_fits_file_are_text_and_nothing_else(tmp_path: Path) -> None:
    hdu = astropy_fits.PrimaryHDU(np.random.default_rng(4).normal(9, 1, (30, 40)).astype("f4"))
    hdu.header["OBJECT"] = "<script>alert(1)</script>"
    hdu.header["TELESCOP"] = '"><img src=x onerror=alert(2)>'
    hdu.header["BUNIT"] = "adu"
    hdu.writeto(tmp_path / "f.fits")
    image = open_image(tmp_path / "f.fits")
    page = read(find_out(image, []), Subject("f.fits", tmp_path / "f.fits"))
    assert "script" not in page.tags
    assert "<script>alert(1)</script>" in page.text
    assert '"><img src=x onerror=alert(2)>' in page.text
    assert "onerror" not in [name for name, _ in page.attributes]
    assert "flux error" in page.text


def test_the_truth_stands_beside_results_and_numbers_say_how_close_they_come(image: Image) -> None:
    sharp = Image(np.random.default_rng(3).random((120, 160, 3), np.float32))
    degraded = degrade_and_compare(sharp, {}, Control())
    found = find_out(degraded.lr, degraded.outcomes, truth=degraded.hr)
    page = read(found, Subject("p", is_degraded=True))
    assert "truth (HR)" in page.text
    assert "PSNR-Y" in page.text
    assert "made four times smaller first" in page.text
    assert "--degrade" in page.text
    assert "reproduce" not in page.text  # nobody keeps results of a reduced picture


def test_regions_are_shown_and_told(image: Image) -> None:
    box = Box(3, 5, 12, 14)
    found = find_out(image, [srgan(image)], regions=[box], models={"bicubic": BicubicUpscaler()})
    page = read(found, Subject("p.png"))
    assert "14 × 12 pixels from column 5, row 3" in page.text
    assert "Region 5,3,14,12" in page.text
    how = "--device cpu --precision bf16"
    assert f"srdesk report p.png -o report.html --models srgan {how} --invented --region 5,3,14,12" in page.text
    assert f"srdesk upscale p.png --model srgan {how} --sidecar" in page.text


def test_one_band_is_told_and_its_result_is_not_promised(image: Image) -> None:
    text = read(find_out(image, [srgan(image)]), Subject("s.tif", bands=(4,), part="SCI")).text
    assert "--hdu SCI --bands 4" in text
    assert "srdesk upscale" not in text


def test_back_projection_is_told_and_repeated(image: Image) -> None:
    text = read(find_out(image, [srgan(image)]), Subject("p.png", back_projection={"srgan": 0.25})).text
    assert "with strength 0.25" in text
    assert "--back-projection 0.25 --sidecar" in text


def test_notices_and_settings_are_told(image: Image) -> None:
    page = read(find_out(image, [srgan(image)]), Subject("p"))
    assert "Memory was short." in page.text
    assert "on cpu in bf16, 2 threads, windows of at most 64 pixels" in page.text


def test_an_old_report_is_replaced_only_by_a_whole_one(image: Image, tmp_path: Path) -> None:
    output = tmp_path / "r.html"
    output.write_text("old")
    found = find_out(image, with_models(image, {}, Control()))
    with pytest.raises(ImageReadError):
        write_report(output, found, Subject("gone.png", tmp_path / "gone.png"))
    token = CancelToken()
    token.cancel()
    with pytest.raises(Cancelled):
        write_report(output, found, Subject("p"), check=token.check)
    assert output.read_text() == "old"
    write_report(output, found, Subject("p"))
    assert output.read_text("utf-8").endswith("</html>\n")
    assert [path.name for path in tmp_path.iterdir()] == ["r.html"]


def test_a_folder_that_is_not_there_is_said(image: Image, tmp_path: Path) -> None:
    with pytest.raises(ImageWriteError, match="no such file"):
        write_report(tmp_path / "nowhere" / "r.html", find_out(image, []), Subject("p"))


@pytest.mark.parametrize("text", ["<", ">", "&", '"', "'", "\n", "\x00", "\udc80"])
def test_nothing_of_html_is_left(text: str) -> None:
    assert escaped(text) != text
    escaped(text).encode("utf-8")


def test_a_picture_without_colour_makes_a_report(tmp_path: Path) -> None:
    image = Image(np.random.default_rng(1).random((9, 8, 1), np.float32), np.full((9, 8), 0.5, np.float32))
    assert "grey" in read(find_out(image, []), Subject("p")).text
