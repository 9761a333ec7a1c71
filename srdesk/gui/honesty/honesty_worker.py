"""The other side of the thread that finds out how far results can be trusted."""

from __future__ import annotations

import logging
from dataclasses import replace

from srdesk.engine.control import Control, Progress
from srdesk.gui.compare.pyramid import DisplayImage
from srdesk.gui.honesty.maps import draw
from srdesk.gui.honesty.requests import (
    Appraised,
    AppraiseRequest,
    BackProjected,
    BackProjectRequest,
    ConsistencyMapRequest,
    DisagreementMapRequest,
    Mapped,
    Reported,
    ReportRequest,
    SpreadMapRequest,
)
from srdesk.gui.work.networks import Networks
from srdesk.gui.work.request_thread import Worker
from srdesk.gui.work.requests import Answer, Noticed, Progressed, Request

log = logging.getLogger(__name__)

SCALE = 4


class HonestyWorker(Worker):
    """Measures results, maps what is doubtful about them, and makes them more consistent."""

    def __init__(self) -> None:
        super().__init__()
        self._networks = Networks()

    def answer(self, request: Request) -> Answer:
        """Measure, map or back-project a result, or report on all of them.

        Raises:
            Cancelled: the token of the request was raised.
            SrDeskError: it cannot be done.
        """
        if isinstance(request, AppraiseRequest):
            return _appraise(request)
        if isinstance(request, BackProjectRequest):
            return _back_project(request)
        if isinstance(request, ConsistencyMapRequest):
            drawn = draw(request.consistency.map, 1, request.factor, request.highest)
            return Mapped(request.id, request.title, drawn.display, None, drawn.highest, drawn.spread)
        if isinstance(request, DisagreementMapRequest):
            from srdesk.engine.trust.honesty import disagreement

            drawn = draw(disagreement(request.one.stored, request.other.stored), SCALE, request.factor, request.highest)
            return Mapped(request.id, request.title, drawn.display, None, drawn.highest, drawn.spread)
        if isinstance(request, SpreadMapRequest):
            return self._map_spread(request)
        if isinstance(request, ReportRequest):
            return self._report(request)
        raise TypeError(f"nothing is known about {type(request).__name__}")

    def _map_spread(self, request: SpreadMapRequest) -> Answer:
        from srdesk.engine.trust.honesty import invented_detail

        network, control = self._networks.ready(request.recipe), self._control(request)
        spread = invented_detail(request.image, network, control, region=request.region)
        drawn = draw(spread, SCALE, request.factor, request.highest)
        log.info("spread of %s over %s", request.recipe.model, request.region or "the whole picture")
        return Mapped(request.id, request.title, drawn.display, request.region, drawn.highest, drawn.spread)

    def _report(self, request: ReportRequest) -> Answer:
        from srdesk.engine.report.report import write_report
        from srdesk.engine.trust.findings import find_out

        control = self._control(request)
        findings = find_out(request.image, request.outcomes, control, truth=request.truth, regions=request.regions)
        write_report(request.output, findings, request.subject, check=request.token.check)
        log.info("reported on %d results", len(findings.outcomes))
        return Reported(request.id, request.output)

    def _control(self, request: Request) -> Control:
        def on_progress(progress: Progress) -> None:
            self.reported.emit(Progressed(request.id, progress))

        def on_notice(sentence: str) -> None:
            self.reported.emit(Noticed(request.id, sentence))

        return Control(token=request.token, on_progress=on_progress, on_notice=on_notice)

    def release(self) -> None:
        """Forget the networks."""
        self._networks.clear()


def _appraise(request: AppraiseRequest) -> Appraised:
    from srdesk.engine.enlarge import enlarge
    from srdesk.engine.trust.honesty import consistency, score

    stored = request.stored
    if stored is None:
        from srdesk.engine.upscaler import BicubicUpscaler

        stored, _ = enlarge(request.image, BicubicUpscaler(), Control(token=request.token))
    found = consistency(request.image, stored)
    found.difference.flags.writeable = False
    request.token.check()
    return Appraised(
        request.id, request.pane, found, None if request.truth is None else score(stored, request.truth.pixels)
    )


def _back_project(request: BackProjectRequest) -> BackProjected:
    from srdesk.engine.files.file_check import check_memory_for_back_projection
    from srdesk.engine.trust.honesty import back_projected

    check_memory_for_back_projection(request.image)
    before = request.result
    stored = back_projected(request.image, before.stored, request.strength, request.token)
    display = DisplayImage.build(stored, SCALE, request.token).shaded(before.display.shading)
    log.info("%s back-projected, strength %.2f", before.pane, request.strength)
    after = replace(before, id=request.id, stored=stored, display=display, back_projection=request.strength)
    return BackProjected(request.id, after)
