"""A run that starts from weights has a network of their size, and none that cannot be."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
import torch

from srdesk.engine.library import WeightsCard, read_header
from srdesk.engine.weights import save_weights
from srdesk.errors import ConfigError, WeightsError
from srdesk.models import CATALOGUE
from srdesk.training.config import TrainConfig, read_config
from srdesk.training.learning.identity import digest_at
from srdesk.training.run.runs import Run
from srdesk.training.runner import main
from srdesk.training.runner_options import with_start
from srdesk.training.start import USUAL_OPTIONS, with_options_of_start

MakeConfig = Callable[..., TrainConfig]
TINY = ["--set", "batch_size=2", "crop_px=8", "validation_crop_px=64", "threads=1", "tensorboard=false"]


def saved(path: Path, architecture: str, **options: object) -> Path:
    """Return weights of a network with ``options``, called as the shipped ones are."""
    config = msgspec.convert(options, CATALOGUE[architecture].config_type)
    torch.manual_seed(1)
    card = WeightsCard(name=f"{architecture}_x4", architecture=architecture, config=msgspec.to_builtins(config))
    path.parent.mkdir(exist_ok=True)
    save_weights(path, CATALOGUE[architecture].build(config), card)
    return path


@pytest.fixture
def srcnn(tmp_path: Path) -> Path:
    return saved(tmp_path / "shipped" / "srcnn_x4.safetensors", "srcnn", features=12, mapping=6)


@pytest.mark.parametrize("name", CATALOGUE)
def test_the_usual_options_are_those_of_the_catalogue(name: str) -> None:
    assert USUAL_OPTIONS.keys() == CATALOGUE.keys()
    usual = msgspec.structs.asdict(CATALOGUE[name].config_type())
    assert USUAL_OPTIONS[name] == usual


@pytest.mark.parametrize("how", ["preset", "config", "set"])
def test_weights_of_an_unusual_size_are_fine_tuned(pictures: Path, tmp_path: Path, srcnn: Path, how: str) -> None:
    file = tmp_path / "mine.toml"
    file.write_text('model = "srcnn"\nstart = "srcnn"\n')
    words = {
        "preset": ["--preset", "aerial", "--model", "srcnn"],
        "config": ["--config", str(file)],
        "set": ["--set", "model=srcnn", f"start={srcnn}"],
    }[how]
    run = Run(tmp_path / "run")
    arguments = [*words, "--data", str(pictures), "--steps", "1", "--run", str(run.folder), *TINY]
    assert main(arguments, runs_folder=tmp_path, weights_folders=[srcnn.parent]) == 0
    assert run.config().model_options == {"features": 12, "mapping": 6}
    assert main([*arguments, "--steps", "1"], runs_folder=tmp_path, weights_folders=[srcnn.parent]) == 0


@pytest.mark.parametrize("task", ["--find-learning-rate", "--check"])
def test_so_do_the_tasks(
    pictures: Path, tmp_path: Path, srcnn: Path, task: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("srdesk.training.learning.lr_finder.STEPS", 2)
    words = [task, "--model", "srcnn", "--start", "srcnn", "--data", str(pictures), *TINY]
    assert main(words, runs_folder=tmp_path, weights_folders=[srcnn.parent]) == 0


def test_options_of_the_usual_size_are_left_out(tmp_path: Path) -> None:
    path = saved(tmp_path / "w" / "a.safetensors", "srcnn")
    config = TrainConfig(model="srcnn", start=str(path))
    assert with_options_of_start(config) == config
    assert digest_at(with_start(config, ()), 5) == digest_at(config, 5)


def test_a_folder_that_is_called_as_a_network_is_no_weights(
    tmp_path: Path, srcnn: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "srcnn").mkdir()
    monkeypatch.chdir(tmp_path)
    assert with_start(TrainConfig(model="srcnn", start="srcnn"), [srcnn.parent]).start == str(srcnn)


def test_a_run_goes_on_by_the_same_command_when_its_start_has_gone(pictures: Path, tmp_path: Path, srcnn: Path) -> None:
    run = tmp_path / "run"
    words = ["--model", "srcnn", "--start", "srcnn", "--data", str(pictures), "--steps", "1", "--run", str(run), *TINY]
    assert main(words, runs_folder=tmp_path, weights_folders=[srcnn.parent]) == 0
    srcnn.unlink()
    assert main(words, runs_folder=tmp_path, weights_folders=[srcnn.parent]) == 0


def test_weights_that_a_recipe_calls_otherwise_are_found_by_their_checksum(srcnn: Path) -> None:
    config = TrainConfig(model="srcnn", start="renamed", start_sha256=read_header(srcnn).card.sha256)
    assert with_start(config, [srcnn.parent]).start == str(srcnn)
    others = msgspec.structs.replace(config, start_sha256="0" * 64)
    with pytest.raises(ConfigError):
        with_start(others, [srcnn.parent])


def test_options_are_those_of_one_network_for_its_gan_too(tmp_path: Path) -> None:
    path = saved(tmp_path / "w" / "a.safetensors", "srresnet", channels=4, blocks=1)
    assert with_options_of_start(TrainConfig(model="srgan", start=str(path))).model_options == {
        "channels": 4,
        "blocks": 1,
    }
    assert with_options_of_start(TrainConfig(model="srcnn", start=str(path))).model_options == {}


def test_options_that_the_person_gave_stay_and_the_right_ones_are_named(
    pictures: Path, tmp_path: Path, srcnn: Path
) -> None:
    words = ["--model", "srcnn", "--start", "srcnn", "--data", str(pictures), *TINY, 'model_options={"features": 8}']
    with pytest.raises(ConfigError) as caught:
        main(words, runs_folder=tmp_path / "runs", weights_folders=[srcnn.parent])
    assert caught.value.value == {"features": 8}
    assert '{"features":12,"mapping":6}' in caught.value.hint


def test_weights_that_cannot_be_read_leave_no_run_behind(pictures: Path, tmp_path: Path) -> None:
    (tmp_path / "broken.safetensors").write_bytes(b"nothing")
    words = ["--start", str(tmp_path / "broken.safetensors"), "--data", str(pictures), *TINY]
    with pytest.raises(WeightsError, match="not a safetensors file"):
        main(words, runs_folder=tmp_path / "runs")
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize("what", ["others", "broken"])
def test_a_run_that_has_begun_does_not_care_what_lies_at_its_start(
    tiny_config: MakeConfig, tmp_path: Path, what: str
) -> None:
    start = saved(tmp_path / "w" / "a.safetensors", "srcnn", features=12, mapping=6)
    run = Run(tmp_path / "run")
    run.make_folder()
    run.store(tiny_config(model="srcnn", model_options={}, start=str(start), steps=1))
    assert main(["--run", str(run.folder)], runs_folder=tmp_path) == 0
    config = read_config(run.folder / "config.json")
    if what == "others":
        saved(start, "srcnn", features=5, mapping=3)
    else:
        start.write_bytes(b"nothing")
    assert main(["--run", str(run.folder)], runs_folder=tmp_path) == 0
    assert run.config() == config
