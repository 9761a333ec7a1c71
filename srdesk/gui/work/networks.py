"""Networks that are loaded, for as long as their files stay as they are."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING

from srdesk import paths
from srdesk.engine.files.file_stamp import file_stamp
from srdesk.errors import WeightsError
from srdesk.gui.work.requests import Recipe

if TYPE_CHECKING:
    from srdesk.engine.upscaler import BicubicUpscaler, Upscaler


class Networks:
    """One network for each model. For one thread, which is the first to import torch."""

    def __init__(self) -> None:
        self._loaded: dict[str, tuple[Recipe, Upscaler]] = {}

    def ready(self, recipe: Recipe) -> Upscaler | BicubicUpscaler:
        """Return the network of a recipe, loaded anew if its file or its settings are others than before.

        Raises:
            WeightsError: the weights cannot be used.
            DeviceError: the network cannot be run.
        """
        if recipe.weights is None:
            from srdesk.engine.upscaler import BicubicUpscaler

            if recipe.model != "bicubic":
                raise WeightsError(paths.user_weights_folder() / recipe.model, "they are not there any more")
            return BicubicUpscaler()
        key = replace(recipe, weights_stamp=file_stamp(recipe.weights))
        known = self._loaded.get(recipe.model)
        if known is None or known[0] != key:
            from srdesk.engine.upscaler import Upscaler

            loaded = Upscaler.from_weights(
                recipe.weights,
                device=recipe.device,
                precision=recipe.precision,
                window_px=recipe.window_px,
                threads=compute_threads(),
            )
            known = self._loaded[recipe.model] = (key, loaded)
        return known[1]

    def clear(self) -> None:
        """Forget them."""
        self._loaded.clear()


def compute_threads() -> int:
    """Return how many threads compute: one core is left for the window, and no more are used than OpenMP may."""
    affinity = getattr(os, "sched_getaffinity", None)
    cores = len(affinity(0)) if affinity is not None else os.cpu_count() or 2
    allowed = os.environ.get("OMP_NUM_THREADS", "")
    return max(1, min(cores - 1, int(allowed)) if allowed.isdigit() else cores - 1)
