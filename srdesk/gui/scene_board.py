"""Keeps the panes of a scene that is too large for memory in step with what the disk gives."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import QObject, Signal, Slot

from srdesk.errors import SrDeskError
from srdesk.gui.compare.view import CompareView
from srdesk.gui.messages.failure import Doing, Failure
from srdesk.gui.scene.pyramid import SceneNews, ScenePyramid
from srdesk.gui.work.requests import Document
from srdesk.gui.work.scene_requests import ResultOpened, SceneOrder
from srdesk.gui.work.session import Session


class SceneBoard(QObject):
    """Shows tiles as they are read, and results once they are on the disk."""

    failed = Signal(object)
    """`Failure`: a part of the scene cannot be read."""

    _news_came = Signal(str, object)
    """Key of a pane, and `SceneNews` about what it shows."""

    def __init__(self, view: CompareView, session: Session) -> None:
        super().__init__(view)
        self._view, self._session = view, session
        self._results: dict[str, ScenePyramid] = {}
        self._error = ""
        self._news_came.connect(self._on_news)  # from the thread that reads to this one
        session.opened.connect(self._on_opened)
        session.closed.connect(self._let_go)
        session.renderer.forgotten.connect(self._on_forgotten)
        session.scenes.enlarged.connect(self._on_enlarged)
        session.scenes.result_opened.connect(self._on_result_opened)

    def result(self, pane: str) -> ScenePyramid | None:
        """Return the result of ``pane`` that is shown from the disk."""
        return self._results.get(pane)

    @Slot(object)
    def _on_opened(self, document: Document) -> None:
        self._let_go()
        self._error = ""
        if document.scene is not None:
            document.scene.tiles.listen(partial(self._news_came.emit, "lr"))

    @Slot()
    def _let_go(self) -> None:
        for pyramid in self._results.values():
            pyramid.close()
        self._results.clear()

    @Slot(str)
    def _on_forgotten(self, pane: str) -> None:
        pyramid = self._results.pop(pane, None)
        if pyramid is not None:
            pyramid.close()

    @Slot(str, object)
    def _on_news(self, pane: str, news: SceneNews) -> None:
        document = self._session.document
        if document is None or document.scene is None:
            return  # it was closed while this was on its way
        self._view.take_news()
        if news.built is not None:
            is_done = news.built >= 1.0
            text = "" if is_done else self.tr("Overview {}").format(f"{news.built:.0%}")
            self._view.set_busy(pane, text, None if is_done else news.built)
        if news.error is not None:
            self._tell_once(news.error)

    def _tell_once(self, error: SrDeskError) -> None:
        """Report an error, unless it is what the tile before it has said."""
        if str(error) != self._error:
            self._error = str(error)
            self.failed.emit(Failure(error, Doing.OPENING))

    @Slot(object)
    def _on_enlarged(self, order: SceneOrder) -> None:
        document = self._session.document
        if document is not None and document.scene is not None and document.path == order.source:
            self._session.scenes.open_result(order, document.scene)

    @Slot(object)
    def _on_result_opened(self, answer: ResultOpened) -> None:
        document, pane = self._session.document, answer.order.pane
        is_gone = document is None or document.scene is not answer.like
        if is_gone or not answer.order.recipe.has_weights_of(self._session.renderer.recipe(pane)):
            answer.pyramid.close()  # what other weights made is a file, and no pane
            return
        self._on_forgotten(pane)
        self._results[pane] = answer.pyramid
        answer.pyramid.tiles.listen(partial(self._news_came.emit, pane))
        self._view.set_result(pane, answer.pyramid)
        self._session.renderer.set_on_disk(pane)
