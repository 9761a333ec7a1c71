"""Shows maps of what is doubtful in a pane of their own, with their colours and what these mean."""

from __future__ import annotations

from PySide6.QtCore import QObject, Slot

from srdesk.engine.control import Progress
from srdesk.gui.actions import Actions
from srdesk.gui.compare.captions import Legend
from srdesk.gui.compare.view import CompareView
from srdesk.gui.honesty import texts
from srdesk.gui.honesty.honesty import Honesty
from srdesk.gui.honesty.open_picture import open_picture
from srdesk.gui.honesty.requests import ConsistencyMapRequest, Mapped, MapRequest
from srdesk.gui.status_board import StatusBoard
from srdesk.gui.work.requests import MAP_PANE
from srdesk.gui.work.session import Session


class MapBoard(QObject):
    """Keeps the pane of the map in step with what the map maker does."""

    def __init__(
        self, view: CompareView, actions: Actions, session: Session, honesty: Honesty, status: StatusBoard
    ) -> None:
        super().__init__(view)
        self._view = view
        self._action = actions.map_pane
        self._session = session
        self._honesty = honesty
        self._status = status
        self._title = ""
        self._made: MapRequest | None = None
        self._making: MapRequest | None = None
        self._followed: tuple[str, int, float] | None = None
        self._asked: tuple[str, int] | None = None
        self.shown: Mapped | None = None
        """The map that the pane shows."""
        maps = honesty.maps
        maps.started.connect(self._on_started)
        maps.progressed.connect(self._on_progressed)
        maps.mapped.connect(self._on_mapped)
        maps.stopped.connect(self._on_stopped)
        honesty.appraiser.changed.connect(self._follow)
        session.opened.connect(self._forget)
        session.closed.connect(self._forget)
        session.renderer.changed.connect(self._look_again)
        session.renderer.rendered.connect(self._look_again)
        self._action.toggled.connect(self._on_toggled)
        self._forget()

    def show_consistency(self, pane: str, title: str, *, highest: float | None = None) -> bool:
        """Have the map of a pane made.

        Returns:
            Whether there is something to show.
        """
        image, found = open_picture(self._session), self._honesty.appraiser.found(pane)
        if image is None or found is None:
            return False
        factor = texts.units_of(image).factor
        self._honesty.maps.make(
            ConsistencyMapRequest(title=title, factor=factor, pane=pane, consistency=found.consistency, highest=highest)
        )
        self._asked = (pane, found.id)
        return True

    @Slot(object)
    def _on_started(self, request: MapRequest) -> None:
        self._title, self._making, self._asked = request.title, request, None
        self._action.setVisible(True)
        self._action.setChecked(True)
        self._view.set_pane_offered(MAP_PANE, offered=True)
        self._announce()
        self._status.show_side_work(request.title)

    def _announce(self) -> None:
        """Say in the pane what is being made, beside the map that it shows or instead of one."""
        if self.shown is None:
            self._view.clear_result(MAP_PANE)
            self._view.set_title(MAP_PANE, self._title)
        self._view.set_busy(MAP_PANE, f"{self._title}…")

    @Slot(object)
    def _on_progressed(self, progress: Progress) -> None:
        self._view.set_busy(MAP_PANE, f"{self._title} {progress.fraction:.0%}", progress.fraction)
        self._status.show_side_work(self._title, progress)

    @Slot(object)
    def _on_mapped(self, answer: Mapped) -> None:
        image = open_picture(self._session)
        if image is None:
            return
        self.shown, self._made = answer, self._making
        self._followed = (*self._asked, answer.highest) if self._asked is not None else None
        if answer.region is None:
            self._view.set_result(MAP_PANE, answer.display)
        else:
            self._view.clear_result(MAP_PANE)
            self._view.set_preview(MAP_PANE, answer.region, answer.display)
        units = texts.units_of(image)
        legend = Legend(texts.spread(answer.spread, units), "0", f"≥ {units.number(answer.highest)}")
        self._view.set_title(MAP_PANE, answer.title)
        self._view.set_note(MAP_PANE, "", legend)

    @Slot()
    def _on_stopped(self) -> None:
        self._view.set_busy(MAP_PANE, "")
        self._status.show_side_work("")
        if self.shown is None:
            self._forget()

    @Slot()
    def _follow(self) -> None:
        """Let the map of a result that was back-projected show what it is now, in the same colours."""
        if self._followed is None or self.shown is None:
            return
        pane, known, highest = self._followed
        found = self._honesty.appraiser.found(pane)
        if found is not None and found.id != known:
            is_same = self._honesty.projector.strength(pane) > 0
            self.show_consistency(pane, self.shown.title, highest=highest if is_same else None)

    @Slot()
    def _look_again(self) -> None:
        """Take a map of what is gone away; the pane stays if another map is on its way to it."""
        if self._made is None or self._honesty.maps.is_true(self._made):
            return
        if self._honesty.maps.is_working:
            self.shown = self._made = self._followed = None
            self._announce()
        else:
            self._forget()

    @Slot()
    def _forget(self) -> None:
        self.shown = self._made = self._making = self._followed = self._asked = None
        self._action.setChecked(False)
        self._action.setVisible(False)
        self._view.set_pane_visible(MAP_PANE, False)
        self._view.set_pane_offered(MAP_PANE, offered=False)

    @Slot(bool)
    def _on_toggled(self, is_on: bool) -> None:
        self._view.set_pane_visible(MAP_PANE, is_on)
