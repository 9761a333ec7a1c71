"""The other side of the upscale thread: the only place of the desk where networks run."""

from __future__ import annotations

import logging
import os
from typing import TYPE_CHECKING

from srdesk.engine.control import Control, Progress
from srdesk.gui.compare.pyramid import DisplayImage
from srdesk.gui.work.request_thread import Worker
from srdesk.gui.work.requests import (
    Answer,
    Noticed,
    Previewed,
    Progressed,
    Recipe,
    Rendered,
    RenderRequest,
    Request,
    WarmedUp,
    WarmUpRequest,
)

if TYPE_CHECKING:
    from srdesk.engine.upscaler import BicubicUpscaler, Upscaler

log = logging.getLogger(__name__)

SCALE = 4


class UpscaleWorker(Worker):
    """Computes panes. Keeps the networks that it has loaded, for as long as their files stay as they are."""

    def __init__(self) -> None:
        super().__init__()
        self._upscalers: dict[str, tuple[object, Upscaler | BicubicUpscaler]] = {}

    def answer(self, request: Request) -> Answer:
        """Load torch, or compute a pane.

        Raises:
            Cancelled: the token of the request was raised.
            WeightsError: the weights cannot be used.
            DeviceError: the network cannot be run.
        """
        if isinstance(request, WarmUpRequest):
            from srdesk.engine.warm_up import load_torch

            return WarmedUp(request.id, load_torch())
        if isinstance(request, RenderRequest):
            return self._render(request)
        raise TypeError(f"nothing is known about {type(request).__name__}")

    def _render(self, request: RenderRequest) -> Answer:
        from srdesk.engine.enlarge import enlarge

        upscaler = self._upscaler(request.recipe)
        request.token.check()

        def on_progress(progress: Progress) -> None:
            self.reported.emit(Progressed(request.id, progress))

        def on_notice(sentence: str) -> None:
            self.reported.emit(Noticed(request.id, sentence))

        control = Control(token=request.token, on_progress=on_progress, on_notice=on_notice)
        stored, facts = enlarge(request.image, upscaler, control, region=request.region)
        stored.freeze()
        display = DisplayImage.build(stored, SCALE, request.token)
        log.info(
            "%s %s: %d × %d in %.2f s on %s %s, window %d",
            request.pane,
            "whole" if request.region is None else "preview",
            stored.width,
            stored.height,
            facts.seconds,
            facts.device,
            facts.precision,
            facts.window_px,
        )
        if request.region is None:
            return Rendered(request.id, request.pane, stored, display, facts)
        return Previewed(request.id, request.pane, request.region, stored, display, facts)

    def _upscaler(self, recipe: Recipe) -> Upscaler | BicubicUpscaler:
        if recipe.weights is None:
            from srdesk.engine.upscaler import BicubicUpscaler

            return BicubicUpscaler()
        facts = recipe.weights.stat() if recipe.weights.exists() else None
        key = (recipe, facts and (facts.st_mtime_ns, facts.st_size))
        known = self._upscalers.get(recipe.model)
        if known is None or known[0] != key:
            from srdesk.engine.upscaler import Upscaler

            loaded = Upscaler.from_weights(
                recipe.weights,
                device=recipe.device,
                precision=recipe.precision,
                window_px=recipe.window_px,
                threads=compute_threads(),
            )
            known = self._upscalers[recipe.model] = (key, loaded)
        return known[1]

    def release(self) -> None:
        """Forget the networks."""
        self._upscalers.clear()


def compute_threads() -> int:
    """Return how many threads compute: one core is left for the window, and no more are used than OpenMP may."""
    affinity = getattr(os, "sched_getaffinity", None)
    cores = len(affinity(0)) if affinity is not None else os.cpu_count() or 2
    allowed = os.environ.get("OMP_NUM_THREADS", "")
    return max(1, min(cores - 1, int(allowed)) if allowed.isdigit() else cores - 1)
