"""Output names stay inside their folder, and nothing is overwritten unasked."""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from srdesk.errors import ConfigError, ImageWriteError
from srdesk.imaging.naming import CollisionPolicy, OutputName, refuse_input_as_output, resolve_collision

WHEN = datetime(2031, 2, 3, 4, 5, 6)


def test_the_default_name_says_model_and_scale() -> None:
    assert OutputName().render(Path("trip/Ünder way.jpeg"), model="srresnet") == "Ünder way_srresnet_x4.jpeg"


def test_every_placeholder_is_filled() -> None:
    name = OutputName("{parent}-{n}-{stem}-{model}-{scale}-{date}-{time}{ext}")
    rendered = name.render(Path("/photos/trip/a.b.png"), model="srcnn", scale=2, ext=".tif", number=7, when=WHEN)
    assert rendered == "trip-7-a.b-srcnn-2-2031-02-03-040506.tif"


@pytest.mark.parametrize(
    "template", ["", "  ", "{stem}{size}", "{stem", "stem}", "{stem.__class__}", "{}", "../{stem}"]
)
def test_a_template_that_cannot_be_filled_is_refused(template: str) -> None:
    with pytest.raises(ConfigError) as caught:
        OutputName(template)
    assert "{stem}" in caught.value.hint


@pytest.mark.parametrize(
    ("template", "expected"),
    [("{stem}", "a.png"), ("{stem}.v2", "a.v2.png"), ("{ext}", "_.png"), ("{ext}{stem}", ".pnga.png")],
)
def test_a_name_always_says_its_format(template: str, expected: str) -> None:
    assert OutputName(template).render(Path("a.png"), model="m") == expected


@pytest.mark.hostile
@given(st.text(min_size=1, max_size=300), st.text(max_size=30), st.sampled_from(["{stem}{ext}", "{ext}", "{model}"]))
def test_whatever_the_input_is_called_the_output_is_one_short_visible_name(
    stem: str, model: str, template: str
) -> None:
    source = Path("/") / stem.replace("/", "").replace("\0", "")
    rendered = OutputName(template).render(source, model=model)
    assert Path(rendered).name == rendered
    assert rendered not in ("", ".", "..")
    assert len(rendered.encode()) <= 250
    assert rendered.isprintable() or not rendered.isascii()
    assert not rendered.endswith((" ", "."))


@pytest.mark.hostile
@pytest.mark.parametrize(
    ("stem", "expected"),
    [
        ("../../etc/passwd", "passwd.png"),
        ("CON", "_CON.png"),
        ("nul.tar", "_nul.tar.png"),
        ("two\nlines", "two_lines.png"),
        (os.fsdecode(b"caf\xe9"), "caf_.png"),
        ("a:b", "a_b.png"),
        ("ö" * 300, "ö" * 118 + ".png"),
    ],
)
def test_dangerous_input_names_become_plain_output_names(stem: str, expected: str) -> None:
    assert OutputName("{stem}{ext}").render(Path(f"{stem}.png"), model="m") == expected


@pytest.mark.hostile
@pytest.mark.parametrize("stem", ["a" * 235, "顔" * 79 + "b", "a" * 251])
def test_of_a_long_name_the_stem_is_shortened_and_not_what_tells_results_apart(stem: str) -> None:
    for model in ("srcnn", "srresnet"):
        name = OutputName().render(Path(f"{stem}.png"), model=model)
        assert name.endswith(f"_{model}_x4.png")
        assert stem.startswith(name.removesuffix(f"_{model}_x4.png"))
        assert 236 < len(name.encode()) <= 240


def test_a_long_folder_is_shortened_before_the_stem_and_what_tells_results_apart(tmp_path: Path) -> None:
    folder = tmp_path / ("p" * 238)
    named = OutputName("{parent}_{stem}_{model}_x{scale}{ext}")
    names = [named.render(folder / stem, model=model) for stem in ("a.png", "b.png") for model in ("srcnn", "srgan")]
    ends = ["_a_srcnn_x4.png", "_a_srgan_x4.png", "_b_srcnn_x4.png", "_b_srgan_x4.png"]
    assert names == ["p" * (240 - len(end)) + end for end in ends]


def test_a_model_name_cannot_lead_out_of_the_folder() -> None:
    assert OutputName("{model}{ext}").render(Path("a.png"), model="../../evil") == ".._.._evil.png"


def test_a_free_name_is_taken_as_it_is(tmp_path: Path) -> None:
    assert resolve_collision(tmp_path / "a.png", "number") == tmp_path / "a.png"


@pytest.mark.parametrize(("policy", "expected"), [("number", "a-3.png"), ("skip", None), ("overwrite", "a.png")])
def test_a_taken_name_is_handled_as_asked(tmp_path: Path, policy: CollisionPolicy, expected: str | None) -> None:
    for taken in ("a.png", "a-2.png"):
        (tmp_path / taken).touch()
    resolved = resolve_collision(tmp_path / "a.png", policy)
    assert resolved == (None if expected is None else tmp_path / expected)


def test_a_dangling_link_counts_as_taken(tmp_path: Path) -> None:
    (tmp_path / "a.png").symlink_to(tmp_path / "nowhere")
    assert resolve_collision(tmp_path / "a.png", "number") == tmp_path / "a-2.png"


def test_asking_is_answered_by_another_policy(tmp_path: Path) -> None:
    (tmp_path / "a.png").touch()
    asked: list[Path] = []

    def answer(path: Path) -> CollisionPolicy:
        asked.append(path)
        return "number"

    assert resolve_collision(tmp_path / "a.png", "ask", answer) == tmp_path / "a-2.png"
    assert asked == [tmp_path / "a.png"]


def test_asking_where_nobody_is_there_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "a.png").touch()
    with pytest.raises(ConfigError):
        resolve_collision(tmp_path / "a.png", "ask")
    with pytest.raises(ConfigError):
        resolve_collision(tmp_path / "a.png", "ask", lambda _path: "ask")


@pytest.mark.parametrize("kind", ["itself", "dotted", "symlink", "hard link"])
def test_the_input_is_refused_as_output_under_any_name(tmp_path: Path, kind: str) -> None:
    source = tmp_path / "a.png"
    source.touch()
    (tmp_path / "sub").mkdir()
    output = {"itself": source, "dotted": tmp_path / "sub" / ".." / "a.png"}.get(kind, tmp_path / "b.png")
    if kind == "symlink":
        output.symlink_to(source)
    elif kind == "hard link":
        os.link(source, output)
    with pytest.raises(ImageWriteError, match="input file itself"):
        refuse_input_as_output(output, [tmp_path / "other.png", source])


def test_another_file_is_fine_as_output(tmp_path: Path) -> None:
    (tmp_path / "a.png").touch()
    refuse_input_as_output(tmp_path / "b.png", [tmp_path / "a.png"])
