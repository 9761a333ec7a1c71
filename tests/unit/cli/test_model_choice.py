"""From what a person calls a model to a weights file."""

import argparse
import json
from pathlib import Path

import pytest

from srdesk import paths
from srdesk.cli.model_choice import (
    ModelChoice,
    add_computing_arguments,
    choose_model,
    installed_networks,
    settings_with,
)
from srdesk.errors import ConfigError, WeightsError


@pytest.fixture(autouse=True)
def shipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder in the place of the shipped weights."""
    monkeypatch.setattr(paths, "_PACKAGE_FOLDER", tmp_path / "srdesk")
    (tmp_path / "weights").mkdir()
    return tmp_path / "weights"


def weights(folder: Path, name: str) -> Path:
    """Write a weights file without tensors."""
    folder.mkdir(parents=True, exist_ok=True)
    card = {"name": name, "architecture": "srresnet", "config": {}}
    header = json.dumps({"__metadata__": {"srdesk": json.dumps(card)}}).encode()
    path = folder / f"{name}.safetensors"
    path.write_bytes(len(header).to_bytes(8, "little") + header)
    return path


def test_bicubic_needs_no_weights() -> None:
    assert choose_model("bicubic") == ModelChoice("bicubic", None)


def test_a_network_means_its_shipped_weights(shipped: Path) -> None:
    path = weights(shipped, "srresnet_x4")
    assert choose_model("srresnet") == ModelChoice("srresnet", path)
    assert choose_model("srresnet_x4") == ModelChoice("srresnet", path)


def test_other_weights_go_by_their_name() -> None:
    path = weights(paths.user_weights_folder(), "my faces")
    assert choose_model("my faces") == ModelChoice("my faces", path)


def test_a_path_means_that_file_whether_it_is_there_or_not(tmp_path: Path) -> None:
    for name in ("other_x4.safetensors", f"{tmp_path}/other_x4.safetensors"):
        assert choose_model(name) == ModelChoice("other", Path(name))


def test_a_file_of_another_kind_is_not_said_to_be_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("pickle.pth").touch()
    assert choose_model("pickle.pth") == ModelChoice("pickle", Path("pickle.pth"))


def test_srgan_without_weights_says_what_to_do() -> None:
    with pytest.raises(WeightsError, match="no SRGAN weights are installed yet") as caught:
        choose_model("srgan")
    assert str(paths.user_weights_folder()) in caught.value.hint


def test_an_unknown_name_is_refused() -> None:
    with pytest.raises(WeightsError, match="nonsense"):
        choose_model("nonsense")


def test_networks_are_installed_once_they_have_weights(shipped: Path) -> None:
    assert installed_networks() == []
    weights(shipped, "srresnet_x4")
    weights(paths.user_weights_folder(), "srgan_x4")
    assert installed_networks() == ["srresnet", "srgan"]


def parsed(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    add_computing_arguments(parser)
    return parser.parse_args(words)


def test_options_override_the_settings_file_and_the_rest_of_it_stands(srdesk_home: Path) -> None:
    (srdesk_home / "config").mkdir(parents=True)
    (srdesk_home / "config" / "settings.toml").write_text('device = "cpu"\nwindow_px = 64\nprecision = "bf16"\n')
    settings = settings_with(parsed("--window", "auto", "--precision", "fp32"))
    assert (settings.device, settings.window_px, settings.precision) == ("cpu", None, "fp32")


def test_what_is_wrong_in_the_settings_file_is_said(srdesk_home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (srdesk_home / "config").mkdir(parents=True)
    (srdesk_home / "config" / "settings.toml").write_text('device = "tpu"\n')
    assert settings_with(parsed()).device == "auto"
    assert "device cannot be 'tpu'" in capsys.readouterr().err


@pytest.mark.parametrize(("text", "window_px"), [("auto", None), ("0", 0), ("48", 48)])
def test_the_window_is_automatic_or_a_number(text: str, window_px: int | None) -> None:
    assert parsed("--window", text).window_px == window_px


@pytest.mark.parametrize("text", ["-1", "1.5", "big", "", "４８"])
def test_any_other_window_is_wrong_usage(text: str) -> None:
    with pytest.raises(SystemExit) as caught:
        parsed(f"--window={text}")
    assert caught.value.code == 2


def test_a_value_that_is_not_allowed_is_refused_before_anything_runs() -> None:
    with pytest.raises(ConfigError):
        settings_with(argparse.Namespace(device="tpu"))
