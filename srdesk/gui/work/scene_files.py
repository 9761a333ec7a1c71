"""What the file thread does about scenes that are too large for memory: opens them, and looks ahead of their runs."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from srdesk import paths
from srdesk.errors import SrDeskError
from srdesk.gui.work.requests import Answer, Request
from srdesk.gui.work.scene_ledger import SceneLedger
from srdesk.gui.work.scene_requests import (
    CacheCleared,
    ClearCacheRequest,
    ForecastRequest,
    Foreseen,
    OpenResultRequest,
    ResultOpened,
    SceneOrder,
    UnfinishedFound,
    UnfinishedRequest,
)

if TYPE_CHECKING:
    from srdesk.engine.scenes.scene_forecast import SceneForecast
    from srdesk.gui.scene.pyramid import SceneShelf

log = logging.getLogger(__name__)

SHELF_PATIENCE_S = 1.0
"""How long the thread that reads tiles gets to notice that it should end; it reads for a fifth of a second at most."""


class SceneFiles:
    """Answers the requests of the file thread that are about scenes. To be closed.

    Args:
        shelf: opens scenes; by default one that keeps levels in the cache folder.
        ledger: knows runs that were broken off.
    """

    def __init__(self, shelf: SceneShelf | None = None, ledger: SceneLedger | None = None) -> None:
        self._shelf = shelf
        self._ledger = ledger

    @property
    def shelf(self) -> SceneShelf:
        """Opens scenes; made when it is first needed, so that the window does not wait for it."""
        if self._shelf is None:
            from srdesk.gui.scene.pyramid import SceneShelf

            self._shelf = SceneShelf(paths.cache_folder() / "pyramids")
        return self._shelf

    def answer(self, request: Request) -> Answer | None:
        """Answer a request; None if it is about something else.

        Raises:
            Cancelled: its token was raised.
            SrDeskError: what it asks for cannot be done.
        """
        if isinstance(request, OpenResultRequest):
            like, token = request.like, request.token
            pyramid = self.shelf.open(request.order.output, like.scene.bands, token.check, like=like)
            return ResultOpened(request.id, request.order, like, pyramid)
        if isinstance(request, ForecastRequest):
            return Foreseen(request.id, request.order, _foresee(request.order))
        if isinstance(request, UnfinishedRequest):
            return UnfinishedFound(request.id, tuple(self._unfinished(request)))
        if isinstance(request, ClearCacheRequest):
            return CacheCleared(request.id, self._clear())
        return None

    def close(self) -> None:
        """End the thread that reads tiles."""
        if self._shelf is not None and not self._shelf.close(SHELF_PATIENCE_S):
            log.warning("the thread that reads tiles did not end in time")

    def _unfinished(self, request: UnfinishedRequest) -> list[Foreseen]:
        found = []
        for order in (self._ledger or SceneLedger()).unfinished(request.source):
            request.token.check()
            try:
                found.append(Foreseen(request.id, order, _foresee(order)))
            except SrDeskError as error:  # there is too little room for it now; who asks for it will be told
                log.info("a run that was broken off cannot go on: %s", error)
        return found

    def _clear(self) -> int:
        store = self.shelf.store
        if store is None:
            return 0
        before_bytes = store.size_bytes
        store.clear()
        return before_bytes - store.size_bytes


def _foresee(order: SceneOrder) -> SceneForecast:
    from srdesk.engine.files.file_check import check_disk_wishes
    from srdesk.engine.scenes.scene_forecast import foresee

    check_disk_wishes(order.file_recipe, "a GeoTIFF")
    return foresee(order.source, order.output, order.colours)
