"""Keeps the panes on the screen in step with what the session has computed."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

from PySide6.QtCore import QObject, Signal, Slot

from srdesk.gui import scene_words
from srdesk.gui.actions import PANE_TITLES
from srdesk.gui.compare.comparison import CompareMode, CursorReading, PaneSpec
from srdesk.gui.compare.view import CompareView
from srdesk.gui.science.reading import unit_of
from srdesk.gui.status_line import duration
from srdesk.gui.work import agenda
from srdesk.gui.work.agenda import Activity, Why
from srdesk.gui.work.requests import MAP_PANE, PANE_KEYS, TRUTH_PANE, Document, Previewed, Rendered
from srdesk.gui.work.session import Session
from srdesk.imaging.image import Box
from srdesk.settings import NetworkName


class PaneBoard(QObject):
    """Tells the view what to show, and the session what is being looked at."""

    cursor_described = Signal(str)
    """Position and values under the cursor in words; empty when it is elsewhere."""

    def __init__(self, view: CompareView, session: Session) -> None:
        super().__init__(view)
        self._view = view
        self._session = session
        self._renderer = session.renderer
        self._visible: tuple[str, ...] = PANE_KEYS
        self._busy_pane = ""
        self._path: Path | None = None
        # A network that was trained to look sharp adds what was never there; whoever measures must be told.
        remarks = {"srgan": self.tr("detail partly invented")}
        panes = (*PANE_KEYS, TRUTH_PANE, MAP_PANE)
        view.set_panes([PaneSpec(pane, PANE_TITLES[pane], remarks.get(pane, "")) for pane in panes])
        for pane in (TRUTH_PANE, MAP_PANE):
            view.set_pane_visible(pane, False)
            view.set_pane_offered(pane, offered=False)
        view.mode_changed.connect(self._on_compared)
        view.compared_changed.connect(self._on_compared)
        view.visible_region_changed.connect(self._on_region_changed)
        view.cursor_moved.connect(self._on_cursor_moved)
        session.opened.connect(self._on_opened)
        session.closed.connect(view.clear)
        self._renderer.rendered.connect(self._on_rendered)
        self._renderer.previewed.connect(self._on_previewed)
        self._renderer.forgotten.connect(view.clear_result)
        self._renderer.activity_changed.connect(self._on_activity_changed)
        self._renderer.changed.connect(self._describe)
        session.scenes.changed.connect(self._describe)

    def show_panes(self, panes: tuple[str, ...]) -> None:
        """Show these panes and hide the others."""
        self._visible = panes
        for pane in PANE_KEYS:
            self._view.set_pane_visible(pane, pane in panes)
        self._on_compared()

    @property
    def _seen(self) -> tuple[str, ...]:
        """Panes that the grid shows, and those that are compared in its place whether it shows them or not."""
        compared = () if self._view.mode is CompareMode.GRID else self._view.compared
        return tuple(pane for pane in PANE_KEYS if pane in self._visible or pane in compared)

    @Slot()
    def _on_compared(self) -> None:
        self._renderer.set_panes(self._seen)

    def show_weights(self, names: Mapping[NetworkName, str]) -> None:
        """Say in the titles of these panes which weights they use; the others use those of the program."""
        for pane in PANE_KEYS:
            name = next((name for network, name in names.items() if network == pane), "")
            self._view.set_title(pane, f"{PANE_TITLES[pane]} · {name}" if name else PANE_TITLES[pane])

    @Slot(object)
    def _on_opened(self, document: Document) -> None:
        self._busy_pane = ""
        # Other bands of the same scene are looked at where the ones before were.
        is_same_file = document.path is not None and document.path == self._path
        self._path = document.path
        self._view.set_document(document.display, stays=is_same_file)
        self._renderer.set_visible_region(self._view.visible_region())

    @Slot(object)
    def _on_region_changed(self, region: Box) -> None:
        if self._session.document is not None:
            self._renderer.set_visible_region(region)

    @Slot(object)
    def _on_rendered(self, answer: Rendered) -> None:
        self._view.set_result(answer.pane, answer.display)

    @Slot(object)
    def _on_previewed(self, answer: Previewed) -> None:
        self._view.set_preview(answer.pane, answer.region, answer.display)

    @Slot(object)
    def _on_activity_changed(self, activity: Activity | None) -> None:
        pane = activity.pane if activity is not None else ""
        if self._busy_pane and self._busy_pane != pane:
            self._view.set_busy(self._busy_pane, "")
        self._busy_pane = pane
        if activity is None:
            return
        progress = activity.progress
        is_known = progress is not None and progress.done > 0
        what = self.tr("Preview") if activity.why is Why.PREVIEW else self.tr("Enlarging")
        if progress is not None and is_known:
            self._view.set_busy(pane, f"{what} {progress.fraction:.0%}", progress.fraction)
        else:
            self._view.set_busy(pane, f"{what}…")

    @Slot()
    def _describe(self) -> None:
        """Say in each pane why it shows nothing."""
        situation = self._renderer.situation()
        for pane in PANE_KEYS[1:]:
            message, note = "", ""
            if not self._renderer.can_compute(pane):
                message = self.tr("No weights yet")
            elif situation is None or pane not in self._seen:
                pass
            elif pane in self._renderer.failed_panes:
                message = self.tr("Could not be computed")
            elif pane != self._busy_pane and agenda.is_waiting(situation, pane):
                wait = duration(situation.whole_seconds(pane))
                note = self.tr("Zoom in, or press F5 (about {})").format(wait)
            self._view.set_message(pane, message)
            if pane != self._busy_pane:
                words = scene_words.of_pane(self._session.scenes.run, self._session.document, pane)
                self._view.set_busy(pane, *(words or (note, None)))

    @Slot(object)
    def _on_cursor_moved(self, reading: CursorReading | None) -> None:
        if reading is None:
            self.cursor_described.emit("")
            return
        document = self._session.document
        unit = "" if document is None else unit_of(document)
        parts = [f"{int(reading.x)}, {int(reading.y)}", *([unit] if unit else [])]
        for pane in (*self._seen, TRUTH_PANE, MAP_PANE):
            values = reading.values.get(pane)
            if values is not None:
                parts.append(f"{PANE_TITLES[pane]} {_numbers(values)}")
        self.cursor_described.emit("   ".join(parts))


def _numbers(values: Sequence[float]) -> str:
    """Write what a pixel holds; colours with a digit less, so that all panes have room in the line."""
    return " ".join(_number(value, 4 if len(values) < 3 else 3) for value in values)


def _number(value: float, digits: int) -> str:
    if isinstance(value, int):
        return str(value)
    if math.isnan(value):
        return "–"
    # Counts of 16 bits, which are floats once they were scaled, are seen as they are.
    return f"{value:.0f}" if value == round(value, 0) and abs(value) < 1e7 else f"{value:.{digits}g}"
