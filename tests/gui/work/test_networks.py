"""A network is loaded once, and again when its file or its settings are others."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from srdesk.engine.upscaler import BicubicUpscaler, Upscaler
from srdesk.errors import WeightsError
from srdesk.gui.work.networks import Networks, compute_threads
from srdesk.gui.work.requests import Recipe


@pytest.fixture
def loaded(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, object]]:
    """With what networks were loaded."""
    calls: list[dict[str, object]] = []

    def from_weights(path: Path, **settings: object) -> object:
        calls.append({"path": path} | settings)
        return object()

    monkeypatch.setattr(Upscaler, "from_weights", from_weights)
    return calls


@pytest.fixture
def recipe(tmp_path: Path) -> Recipe:
    weights = tmp_path / "srresnet.safetensors"
    weights.write_bytes(b"weights")
    return Recipe(model="srresnet", weights=weights, device="cpu", precision="fp32", window_px=64)


def test_the_same_recipe_uses_the_same_network(loaded: list[dict[str, object]], recipe: Recipe) -> None:
    networks = Networks()
    assert networks.ready(recipe) is networks.ready(recipe)
    threads = compute_threads()
    assert loaded == [
        {"path": recipe.weights, "device": "cpu", "precision": "fp32", "window_px": 64, "threads": threads}
    ]
    assert threads >= 1


def test_another_file_or_another_setting_is_another_network(loaded: list[dict[str, object]], recipe: Recipe) -> None:
    networks = Networks()
    networks.ready(recipe)
    assert recipe.weights is not None
    recipe.weights.write_bytes(b"other weights")
    networks.ready(recipe)
    networks.ready(replace(recipe, window_px=128))
    assert len(loaded) == 3
    networks.clear()
    networks.ready(replace(recipe, window_px=128))
    assert len(loaded) == 4


def test_the_bicubic_needs_no_file() -> None:
    assert isinstance(Networks().ready(Recipe(model="bicubic", weights=None)), BicubicUpscaler)


def test_a_network_without_weights_is_no_bicubic(recipe: Recipe) -> None:
    with pytest.raises(WeightsError, match="srresnet"):
        Networks().ready(replace(recipe, weights=None))
