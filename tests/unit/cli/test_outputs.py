"""What the option `-o` means."""

from pathlib import Path

import pytest

from srdesk.cli.outputs import Destination
from srdesk.errors import ConfigError, UnsupportedImageError


@pytest.mark.parametrize("text", ["there", "new/", "there/"])
def test_an_existing_folder_or_a_slash_means_a_folder(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "there").mkdir()
    assert Destination.parse(text, ["a.png"]) == Destination(folder=Path(text))


def test_several_inputs_or_a_folder_mean_a_folder(tmp_path: Path) -> None:
    new = str(tmp_path / "new")
    assert Destination.parse(new, ["a.png", "b.png"]).folder == Path(new)
    assert Destination.parse(new, [str(tmp_path)]).folder == Path(new)
    with pytest.raises(ConfigError, match="output"):
        Destination.parse(f"{new}.png", ["a.png", "b.png"])


def test_a_suffix_means_a_file_and_none_is_refused() -> None:
    assert Destination.parse("out.TIF", ["a.png"]) == Destination(file=Path("out.TIF"))
    with pytest.raises(UnsupportedImageError):
        Destination.parse("out", ["a.png"])


def test_a_name_with_a_dot_may_be_a_folder_for_several(tmp_path: Path) -> None:
    new = str(tmp_path / "results v1.2")
    assert Destination.parse(new, ["a.png", "b.png"]).folder == Path(new)
