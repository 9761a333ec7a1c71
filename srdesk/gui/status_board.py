"""Keeps the status line and the actions in step with what the session is doing."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QObject, Slot

from srdesk.engine.control import Progress
from srdesk.gui import scene_words
from srdesk.gui.actions import PANE_TITLES, Actions
from srdesk.gui.compute_choices import ComputeChoices
from srdesk.gui.preferences import Preferences
from srdesk.gui.status_line import StatusLine
from srdesk.gui.work.agenda import Activity, Why
from srdesk.gui.work.requests import Rendered
from srdesk.gui.work.session import Session


class StatusBoard(QObject):
    """Says at the bottom what is going on, the most important first: opening, computing, saving."""

    def __init__(
        self,
        status: StatusLine,
        actions: Actions,
        session: Session,
        *,
        preferences: Preferences,
        choices: ComputeChoices,
    ) -> None:
        super().__init__(status)
        self._status = status
        self._actions = actions
        self._session = session
        self._preferences = preferences
        self._choices = choices
        self._opening = ""
        self._activity: Activity | None = None
        self._side_work: tuple[str, Progress | None] | None = None
        self._speed_mpx_s: float | None = None
        self._window_px: int | None = None
        session.opening.connect(self._on_opening)
        session.opened.connect(self._refresh)
        session.closed.connect(self._refresh)
        session.saving_changed.connect(self._refresh)
        session.scenes.changed.connect(self._refresh)
        session.saved.connect(self._on_saved)
        session.warmed_up.connect(self._show_machine)
        session.renderer.activity_changed.connect(self._on_activity_changed)
        session.renderer.rendered.connect(self._on_computed)
        session.renderer.previewed.connect(self._on_computed)
        preferences.changed.connect(self._on_preferences_changed)
        choices.size_changed.connect(self._refresh)
        choices.device_changed.connect(self._show_machine)
        status.cancel_requested.connect(actions.cancel.trigger)
        self._refresh()
        self._show_machine()

    def show_side_work(self, text: str, progress: Progress | None = None) -> None:
        """Say that something goes on which the panes do not wait for, and can be cancelled; nothing if it is empty."""
        self._side_work = (text, progress) if text else None
        self._refresh()

    @Slot(str)
    def _on_opening(self, name: str) -> None:
        self._opening = name
        self._refresh()

    @Slot(object)
    def _on_activity_changed(self, activity: Activity | None) -> None:
        self._activity = activity
        self._refresh()

    @Slot(object)
    def _on_computed(self, answer: Rendered) -> None:
        if answer.facts.tells_speed:
            self._speed_mpx_s = answer.facts.megapixels_per_second
        self._window_px = answer.facts.window_px
        self._show_machine()

    @Slot()
    def _on_preferences_changed(self) -> None:
        self._speed_mpx_s = self._window_px = None
        self._show_machine()

    @Slot(object)
    def _on_saved(self, paths: tuple[Path, ...]) -> None:
        if len(paths) == 1:
            self._status.say(self.tr("Saved as {} in {}").format(paths[0].name, paths[0].parent))
        else:
            self._status.say(self.tr("Saved {} panes in {}").format(len(paths), paths[0].parent))

    @Slot()
    def _refresh(self) -> None:
        document, activity, run = self._session.document, self._activity, self._session.scenes.run
        is_computing = activity is not None and activity.why is not Why.PREVIEW
        if self._opening:
            self._status.show_work(self.tr("Opening {}").format(self._opening))
        elif activity is not None and is_computing:
            text = self.tr("Enlarging with {}").format(PANE_TITLES[activity.pane])
            self._status.show_work(text, activity.progress)
        elif self._session.is_saving:
            self._status.show_work(self.tr("Saving"))
        elif run is not None:
            self._status.show_work(scene_words.of_run(run), run.progress)
        elif self._side_work is not None:
            self._status.show_work(*self._side_work)
        elif document is not None:
            height, width = self._choices.result_size(document.height, document.width)
            sizes = (document.width, document.height, width, height)
            self._status.show_idle(self.tr("{} × {} → {} × {} px").format(*sizes))
        else:
            self._status.show_idle(self.tr("Ready"))
        is_busy = self._opening or activity is not None or run is not None or self._session.is_saving
        self._actions.cancel.setEnabled(bool(is_busy or self._side_work))
        for action in (
            *(self._actions.save, self._actions.save_as, self._actions.save_all, self._actions.close),
            *(self._actions.copy, self._actions.run, self._actions.run_visible, self._actions.custom_size),
            *(self._actions.fit, self._actions.actual, self._actions.zoom_in, self._actions.zoom_out),
        ):
            action.setEnabled(document is not None)

    @Slot()
    def _show_machine(self) -> None:
        window_px = self._preferences.settings.window_px if self._window_px is None else self._window_px
        window = {None: self.tr("window automatic"), 0: self.tr("whole picture")}.get(
            window_px, self.tr("window {} px").format(window_px)
        )
        self._status.show_machine(device=self._choices.device_title, window=window, speed_mpx_s=self._speed_mpx_s)
