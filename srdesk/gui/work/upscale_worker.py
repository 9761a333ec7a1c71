"""The other side of the upscale thread: where panes are computed."""

from __future__ import annotations

import logging

from srdesk.engine.control import Control, Progress
from srdesk.gui.compare.pyramid import DisplayImage
from srdesk.gui.work.networks import Networks
from srdesk.gui.work.request_thread import Worker
from srdesk.gui.work.requests import (
    Answer,
    Noticed,
    Previewed,
    Progressed,
    Rendered,
    RenderRequest,
    Request,
    WarmedUp,
    WarmUpRequest,
)
from srdesk.gui.work.scene_preview import ScenePreviews
from srdesk.gui.work.scene_requests import SceneRenderRequest

log = logging.getLogger(__name__)

SCALE = 4


class UpscaleWorker(Worker):
    """Computes panes. Keeps the networks that it has loaded, for as long as their files stay as they are."""

    def __init__(self) -> None:
        super().__init__()
        self._networks = Networks()
        self._scenes = ScenePreviews()

    def answer(self, request: Request) -> Answer:
        """Load torch, or compute a pane.

        Raises:
            Cancelled: the token of the request was raised.
            WeightsError: the weights cannot be used.
            DeviceError: the network cannot be run.
            ImageReadError: the file of a scene is damaged, or gone.
        """
        if isinstance(request, WarmUpRequest):
            from srdesk.engine.warm_up import load_torch

            return WarmedUp(request.id, load_torch())
        if isinstance(request, RenderRequest):
            return self._render(request)
        if isinstance(request, SceneRenderRequest):
            upscaler = self._networks.ready(request.recipe)
            return self._scenes.preview(request, upscaler, self._control(request))
        raise TypeError(f"nothing is known about {type(request).__name__}")

    def _render(self, request: RenderRequest) -> Answer:
        from srdesk.engine.enlarge import enlarge

        upscaler = self._networks.ready(request.recipe)
        request.token.check()
        stored, facts = enlarge(request.image, upscaler, self._control(request), region=request.region)
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
            return Rendered(request.id, request.pane, stored, display, facts, request.recipe)
        return Previewed(request.id, request.pane, request.region, stored, display, facts)

    def _control(self, request: Request) -> Control:
        def on_progress(progress: Progress) -> None:
            self.reported.emit(Progressed(request.id, progress))

        def on_notice(sentence: str) -> None:
            self.reported.emit(Noticed(request.id, sentence))

        return Control(token=request.token, on_progress=on_progress, on_notice=on_notice)

    def release(self) -> None:
        """Forget the networks."""
        self._networks.clear()
