"""Says in the panes how far their results can be trusted, and shows the truth beside them."""

from __future__ import annotations

from PySide6.QtCore import QObject, Slot

from srdesk.gui.actions import Actions
from srdesk.gui.compare.view import CompareView
from srdesk.gui.honesty import texts
from srdesk.gui.honesty.honesty import Honesty
from srdesk.gui.honesty.open_picture import open_picture
from srdesk.gui.preferences import Preferences
from srdesk.gui.work.requests import PANE_KEYS, TRUTH_PANE
from srdesk.gui.work.session import Session


class TrustBoard(QObject):
    """Keeps the notes of the panes in step with what is known."""

    def __init__(
        self, view: CompareView, actions: Actions, session: Session, honesty: Honesty, preferences: Preferences
    ) -> None:
        super().__init__(view)
        self._action = actions.notes
        self._preferences = preferences
        self._view = view
        self._session = session
        self._appraiser = honesty.appraiser
        self._projector = honesty.projector
        self._appraiser.changed.connect(self._describe)
        self._appraiser.truth_changed.connect(self._show_truth)
        self._projector.changed.connect(self._on_strength_changed)
        session.opened.connect(self._show_truth)  # after the view has forgotten the picture before
        self._action.triggered.connect(self._on_triggered)
        preferences.changed.connect(self._describe)
        self._describe()

    @Slot()
    def _describe(self) -> None:
        image, is_shown = open_picture(self._session), self._preferences.settings.show_notes
        self._action.setChecked(is_shown)
        if image is None:
            return
        units = texts.units_of(image)
        for pane in PANE_KEYS[1:]:
            found = self._appraiser.found(pane)
            if found is not None:
                strength = self._projector.strength(pane)
                note = texts.note(found, self._appraiser.bicubic, units, strength) if is_shown else ""
                self._view.set_note(pane, note)

    @Slot()
    def _show_truth(self) -> None:
        truth = self._appraiser.truth
        if truth is not None and self._session.document is not None:
            self._view.set_result(TRUTH_PANE, truth.display)
            self._view.set_note(TRUTH_PANE, truth.name)
        self._describe()

    @Slot(bool)
    def _on_triggered(self, is_on: bool) -> None:
        self._preferences.change(show_notes=is_on)

    @Slot(str)
    def _on_strength_changed(self, pane: str) -> None:
        if self._session.document is not None:
            is_busy = self._projector.is_busy(pane)
            self._view.set_busy(pane, self.tr("Back-projecting…") if is_busy else "")
