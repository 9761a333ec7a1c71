"""The settings and their file."""

import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from srdesk.errors import ConfigError, SrDeskError
from srdesk.settings import MAX_RECENT_FILES, Settings, _toml_key, _toml_value, load_settings, save_settings

CHANGED: dict[str, Any] = {
    "theme": "dark",
    "device": "cpu",
    "precision": "fp32",
    "window_px": 0,
    "model": "srcnn",
    "output_name_template": "{stem} größer{ext}",
    "on_collision": "skip",
    "jpeg_quality": 80,
    "visible_panes": ("lr", "srcnn"),
    "pane_weights": {"srresnet": "portraits", "srgan": "größer-2"},
    "panes_beside_training": "same",
    "recent_files": ("/a/b.png", "C:\\fotos\\ä.jpg"),
    "open_folder": 'quote " backslash \\ new\nline ö 😀 \x7f',
    "save_folder": "/b",
    "automatic_run_s": 5,
    "queue_model": "portraits",
    "queue_folder": "/results",
    "queue_on_collision": "skip",
    "ask_before_closing": False,
    "write_sidecar": True,
    "show_notes": False,
}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "config" / "settings.toml"


def written(file: Path, text: str) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")
    return file


def test_a_missing_file_means_defaults(file: Path) -> None:
    loaded = load_settings(file)
    assert (loaded.settings, loaded.notices) == (Settings(), ())


def test_the_changed_entries_of_this_test_are_all_there_are() -> None:
    assert set(CHANGED) == set(Settings.__struct_fields__)
    assert all(getattr(Settings(), name) != value for name, value in CHANGED.items())


@pytest.mark.parametrize("name", CHANGED)
def test_every_entry_survives_being_saved_alone(file: Path, name: str) -> None:
    settings = Settings().changed(**{name: CHANGED[name]})
    save_settings(settings, file)
    assert load_settings(file).settings == settings


def test_all_entries_survive_being_saved_together(file: Path) -> None:
    save_settings(Settings(**CHANGED), file)
    assert load_settings(file).settings == Settings(**CHANGED)


def test_the_file_holds_only_the_version_and_what_differs_from_the_defaults(file: Path) -> None:
    save_settings(Settings(theme="dark"), file)
    assert tomllib.loads(file.read_text(encoding="utf-8")) == {"version": 1, "theme": "dark"}


def test_unknown_entries_are_reported_and_kept(file: Path) -> None:
    written(file, 'lens = 3\n[shortcuts]\nquit = "Ctrl+W"\nsince = 2026-01-02\n')
    loaded = load_settings(file)
    assert len(loaded.notices) == 2
    assert "“lens”" in loaded.notices[0]
    save_settings(loaded.settings.changed(theme="light"), file)
    entries = tomllib.loads(file.read_text(encoding="utf-8"))
    assert entries["lens"] == 3
    assert entries["shortcuts"]["quit"] == "Ctrl+W"
    assert entries["theme"] == "light"


def test_the_version_of_a_newer_program_is_not_lowered(file: Path) -> None:
    save_settings(Settings(), written(file, "version = 7\n"))
    assert tomllib.loads(file.read_text(encoding="utf-8"))["version"] == 7


def test_an_entry_that_is_not_allowed_is_reported_and_the_others_hold(file: Path) -> None:
    loaded = load_settings(written(file, 'theme = "purple"\njpeg_quality = 70\n'))
    assert loaded.settings == Settings(jpeg_quality=70)
    assert "theme cannot be 'purple'" in loaded.notices[0]
    assert "system, light or dark" in loaded.notices[0]


@pytest.mark.parametrize("content", [b"theme = ", b"\xff\xfe\x00", b"a = 1\na = 2\n"])
def test_a_file_that_is_no_toml_is_moved_aside_and_that_is_said(file: Path, content: bytes) -> None:
    file.parent.mkdir()
    file.write_bytes(content)
    loaded = load_settings(file)
    assert loaded.settings == Settings()
    assert "settings.toml.unreadable" in loaded.notices[0]
    assert not file.exists()
    assert file.with_name("settings.toml.unreadable").read_bytes() == content


def test_saving_leaves_nothing_but_the_file(file: Path) -> None:
    save_settings(Settings(theme="dark"), file)
    assert [path.name for path in file.parent.iterdir()] == ["settings.toml"]


def test_a_failure_while_saving_leaves_the_old_file_whole(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save_settings(Settings(theme="dark"), file)

    def full_disk(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full_disk)
    with pytest.raises(SrDeskError, match="No space left on device"):
        save_settings(Settings(theme="light"), file)
    assert load_settings(file).settings.theme == "dark"
    assert [path.name for path in file.parent.iterdir()] == ["settings.toml"]


def test_a_folder_that_cannot_be_made_is_one_plain_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(SrDeskError, match="cannot be saved") as caught:
        save_settings(Settings(), tmp_path / "file" / "settings.toml")
    assert str(tmp_path) in caught.value.hint


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("theme", "purple"),
        ("device", "tpu"),
        ("precision", "fp64"),
        ("window_px", -1),
        ("window_px", "auto"),
        ("output_name_template", "{lens}.png"),
        ("output_name_template", "../{stem}{ext}"),
        ("jpeg_quality", 0),
        ("jpeg_quality", 101),
        ("jpeg_quality", True),
        ("on_collision", "die"),
        ("queue_on_collision", "ask"),
        ("visible_panes", ("lr", "lens")),
        ("pane_weights", {"bicubic": "portraits"}),
        ("panes_beside_training", "gpu"),
        ("recent_files", "a.png"),
    ],
)
def test_a_value_that_is_not_allowed_names_its_field_and_what_is_allowed(name: str, value: object) -> None:
    with pytest.raises(ConfigError) as caught:
        Settings().changed(**{name: value})
    assert caught.value.field.replace(" ", "_") in name
    assert caught.value.allowed


def test_settings_cannot_be_changed_in_place() -> None:
    with pytest.raises(AttributeError):
        Settings().theme = "dark"  # type: ignore[misc]


def test_none_for_the_window_means_automatic_again() -> None:
    assert Settings(window_px=64).changed(window_px=None).window_px is None


def test_the_newest_recent_file_is_first_and_none_is_there_twice(tmp_path: Path) -> None:
    settings = Settings()
    for name in ["a.png", "b.png", "a.png"]:
        settings = settings.with_recent_file(tmp_path / name)
    assert settings.recent_files == (str(tmp_path / "a.png"), str(tmp_path / "b.png"))


def test_the_list_of_recent_files_does_not_grow_for_ever(tmp_path: Path) -> None:
    settings = Settings()
    for number in range(MAX_RECENT_FILES + 5):
        settings = settings.with_recent_file(tmp_path / f"{number}.png")
    assert len(settings.recent_files) == MAX_RECENT_FILES


def test_a_file_name_that_is_no_valid_text_does_not_stop_saving(file: Path) -> None:
    save_settings(Settings(recent_files=("/a/\udcff.png",), theme="dark"), file)
    assert load_settings(file).settings.theme == "dark"


TOML_TEXT = st.text(st.characters(exclude_categories=["Cs"]))
TOML_SCALARS = (
    st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False)
    | TOML_TEXT
    | st.dates()
    | st.times()
    | st.datetimes()
)
TOML_VALUES = st.recursive(
    TOML_SCALARS, lambda inner: st.lists(inner) | st.dictionaries(TOML_TEXT, inner), max_leaves=8
)


@given(st.dictionaries(TOML_TEXT, TOML_VALUES, max_size=4))
def test_whatever_toml_can_hold_is_written_so_that_it_is_read_back(entries: dict[str, object]) -> None:
    text = "".join(f"{_toml_key(name)} = {_toml_value(value)}\n" for name, value in entries.items())
    assert tomllib.loads(text) == entries
