"""What the queue can enlarge files with."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from srdesk.gui.queue.offer import offered_models


def test_the_usual_networks_come_first_under_their_short_names_and_each_file_once(
    make_weights: Callable[..., Path], tmp_path: Path
) -> None:
    mine = make_weights(tmp_path / "own" / "mine.safetensors", name="mine")
    gan = make_weights(tmp_path / "shipped" / "srgan_x4.safetensors", name="srgan_x4")
    net = make_weights(tmp_path / "shipped" / "srresnet_x4.safetensors", name="srresnet_x4")
    (tmp_path / "own" / "broken.safetensors").write_bytes(b"nothing")
    models = offered_models([tmp_path / "shipped", tmp_path / "own"])
    assert list(models.items()) == [("bicubic", None), ("srresnet", net), ("srgan", gan), ("mine", mine)]


def test_without_weights_there_is_always_the_bicubic(tmp_path: Path) -> None:
    assert offered_models([tmp_path]) == {"bicubic": None}
