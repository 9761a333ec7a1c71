"""New weights get a name of their own, and what came with the program is never touched."""

from __future__ import annotations

from pathlib import Path

import pytest

from srdesk.engine.library import WeightsLibrary, read_header
from srdesk.errors import TrainingError, WeightsError, WeightsMismatchError
from srdesk.gui.training import adoption
from srdesk.gui.training.adoption import OwnWeights
from srdesk.training.run.runs import Run


@pytest.fixture
def folders(tmp_path: Path, make_weights) -> list[Path]:
    make_weights(tmp_path / "shipped" / "srresnet_x4.safetensors")
    make_weights(tmp_path / "shipped" / "aerial.safetensors")
    return [tmp_path / "shipped", tmp_path / "own"]


@pytest.fixture
def run(tmp_path: Path, make_weights, config) -> Run:
    run = Run(tmp_path / "runs" / "one")
    run.make_folder()
    run.store(config())
    make_weights(run.folder / "weights" / "portraits.safetensors")
    return run


def test_the_best_weights_of_a_run_are_copied_under_its_name(run: Run, folders: list[Path]) -> None:
    added = adoption.add_best(run, folders)
    assert added == OwnWeights("portraits", folders[1] / "portraits.safetensors", "srresnet")
    assert read_header(added.path).card.name == "portraits"
    assert [entry.name for entry in adoption.usable_weights("srresnet", folders)] == [
        "aerial",
        "srresnet_x4",
        "portraits",
    ]


def test_a_second_copy_gets_a_number_in_its_file_and_in_its_card(run: Run, folders: list[Path]) -> None:
    names = [adoption.add_best(run, folders).name for _ in range(3)]
    assert names == ["portraits", "portraits-2", "portraits-3"]
    found = {entry.name: entry.path.stem for entry in WeightsLibrary(folders[1:]).entries()}
    assert found == {name: name for name in names}


@pytest.mark.parametrize(
    ("wish", "name"),
    [
        ("srresnet", "srresnet-2"),
        ("srgan_x4", "srgan_x4-2"),
        ("Aerial", "Aerial-2"),
        ("bicubic", "bicubic-2"),
        ("../../evil name", "evil_name"),
        ("…", "weights"),
        ("x" * 300, "x" * 60),
    ],
)
def test_names_of_the_program_are_never_taken_and_names_fit_any_disk(
    folders: list[Path], make_weights, tmp_path: Path, wish: str, name: str
) -> None:
    before = {path: path.read_bytes() for path in folders[0].iterdir()}
    added = adoption.add_file(make_weights(tmp_path / "import.safetensors", wish), folders)
    assert (added.name, added.path) == (name, folders[1] / f"{name}.safetensors")
    assert {path: path.read_bytes() for path in folders[0].iterdir()} == before


def test_a_run_without_weights_has_nothing_to_adopt(run: Run, folders: list[Path]) -> None:
    (run.folder / "weights" / "portraits.safetensors").unlink()
    with pytest.raises(TrainingError, match="no weights yet"):
        adoption.add_best(run, folders)


def test_weights_that_no_pane_shows_and_damaged_ones_are_refused(
    folders: list[Path], make_weights, tmp_path: Path
) -> None:
    with pytest.raises(WeightsMismatchError, match="edsr"):
        adoption.add_file(make_weights(tmp_path / "a.safetensors", architecture="edsr"), folders)
    with pytest.raises(WeightsError, match="checksum"):
        adoption.add_file(make_weights(tmp_path / "b.safetensors", data=b"1235"), folders)
    assert adoption.own_weights(folders) == []


def test_only_the_person_s_own_weights_can_be_removed(run: Run, folders: list[Path]) -> None:
    added = adoption.add_best(run, folders)
    assert adoption.own_weights(folders) == [added]
    adoption.remove(added)
    assert adoption.own_weights(folders) == []
