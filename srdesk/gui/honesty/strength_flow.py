"""Tools ▸ Back-Projection: the strip, the pane that it stands for, and what becomes of its result."""

from __future__ import annotations

from PySide6.QtCore import QObject, Slot

from srdesk.gui.actions import PANE_TITLES, Actions
from srdesk.gui.compare.view import CompareView
from srdesk.gui.honesty import texts
from srdesk.gui.honesty.honesty import Honesty
from srdesk.gui.honesty.open_picture import open_picture
from srdesk.gui.honesty.strength_bar import StrengthBar
from srdesk.gui.marked_pane import MarkedPane
from srdesk.gui.work.session import Session


class StrengthFlow(QObject):
    """Keeps the strip and the marked pane of one mind."""

    def __init__(
        self,
        bar: StrengthBar,
        actions: Actions,
        session: Session,
        honesty: Honesty,
        view: CompareView,
        *,
        marked: MarkedPane,
    ) -> None:
        super().__init__(bar)
        self._bar = bar
        self._action = actions.back_projection
        self._session = session
        self._honesty = honesty
        self._marked = marked
        self._pane = ""
        bar.hide()
        bar.closed.connect(self._on_closed)
        bar.strength_chosen.connect(self._on_chosen)
        self._action.toggled.connect(self._on_toggled)
        view.active_pane_changed.connect(self._follow)
        honesty.appraiser.changed.connect(self._follow)
        honesty.projector.changed.connect(self._follow)
        session.renderer.changed.connect(self._follow)
        session.closed.connect(self._on_closed)

    @Slot()
    def _on_closed(self) -> None:
        self._action.setChecked(False)

    @Slot(bool)
    def _on_toggled(self, is_on: bool) -> None:
        self._bar.setVisible(is_on)
        if is_on:
            self._follow()
            self._bar.slider.setFocus()

    @Slot(float)
    def _on_chosen(self, strength: float) -> None:
        self._honesty.projector.set_strength(self._pane, strength)

    @Slot()
    def _follow(self) -> None:
        image = open_picture(self._session)
        if image is None or self._bar.isHidden():
            return
        pane = self._marked.result
        if pane != self._pane:
            self._bar.stop_waiting()
            self._pane = pane
        if self._session.renderer.result(pane) is None:
            self._bar.show_state(PANE_TITLES[pane], None, self.tr("Not computed as a whole yet: press F5"))
            return
        # What is wanted, not what is shown yet: the slider stays where the person has put it.
        strength, found = self._honesty.projector.wanted(pane), self._honesty.appraiser.found(pane)
        words = self.tr("Computing…")
        if found is not None and not self._honesty.projector.is_busy(pane):
            units, before = texts.units_of(image), self._honesty.appraiser.untouched(pane)
            words = texts.consistency(found, units)
            if strength and before is not None:
                words = texts.improvement(before, found, units)
        self._bar.show_state(PANE_TITLES[pane], strength, words)
