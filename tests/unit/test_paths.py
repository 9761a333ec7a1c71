"""Where files live."""

from pathlib import Path

import pytest

from srdesk import paths

USER_PLACES = (
    paths.user_weights_folder,
    paths.runs_folder,
    paths.config_file,
    paths.cache_folder,
    paths.state_folder,
    paths.log_folder,
)


def test_srdesk_home_moves_every_place_of_the_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SRDESK_HOME", str(tmp_path))
    assert all(place().is_relative_to(tmp_path) for place in USER_PLACES)


def test_no_two_places_are_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SRDESK_HOME", str(tmp_path))
    assert len({place() for place in USER_PLACES}) == len(USER_PLACES)


def test_a_relative_srdesk_home_is_taken_from_the_current_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SRDESK_HOME", "portable")
    assert paths.config_file() == tmp_path / "portable" / "config" / "settings.toml"


def test_without_srdesk_home_everything_is_below_a_folder_named_after_the_program(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("SRDESK_HOME", raising=False)
    assert all("srdesk" in place().parts for place in USER_PLACES)


def test_asking_for_a_place_creates_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SRDESK_HOME", str(tmp_path))
    for place in USER_PLACES:
        place()
    assert list(tmp_path.iterdir()) == []


def test_shipped_folders_are_beside_the_package_in_a_clone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "srdesk").mkdir()
    (tmp_path / "weights").mkdir()
    monkeypatch.setattr(paths, "_PACKAGE_FOLDER", tmp_path / "srdesk")
    assert paths.shipped_weights_folder() == tmp_path / "weights"


def test_shipped_folders_are_inside_the_package_when_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "srdesk" / "resources").mkdir(parents=True)
    monkeypatch.setattr(paths, "_PACKAGE_FOLDER", tmp_path / "srdesk")
    assert paths.resources_folder() == tmp_path / "srdesk" / "resources"


def test_a_shipped_name_cannot_be_shadowed_by_a_file_of_the_user() -> None:
    assert paths.weights_folders() == [paths.shipped_weights_folder(), paths.user_weights_folder()]
