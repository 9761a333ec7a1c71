"""Computes the panes of the open picture, one after the other.

The renderer pulls: whenever nothing is under way it asks the agenda what is next. It therefore has at most one request
under way, and an answer that does not belong to it is stale and dropped.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import QObject, QTimer, Signal, Slot

from srdesk.engine.files.file_stamp import file_stamp
from srdesk.gui.work import agenda
from srdesk.gui.work.agenda import Activity, Situation, Task, Why
from srdesk.gui.work.pane_request import PaneRequest, Subject, pane_request
from srdesk.gui.work.request_thread import RequestThread
from srdesk.gui.work.requests import PANE_KEYS, Answer, Failed, Noticed, Previewed, Progressed, Recipe, Rendered
from srdesk.imaging.image import Box, Image

REGION_SETTLES_MS = 120
"""How long the view must rest before the visible region is previewed."""


class PaneRenderer(QObject):
    """Holds what has been computed of one picture, and has the rest computed."""

    rendered = Signal(object)
    """A whole pane is there (`Rendered`)."""
    previewed = Signal(object)
    """A part of a pane is there (`Previewed`)."""
    forgotten = Signal(str)
    """What was computed of a pane is void, since it uses other weights now."""
    activity_changed = Signal(object)
    """`Activity`, or None when there is nothing to do."""
    pane_failed = Signal(str, object)
    """Key of a pane and the `SrDeskError` that kept it from being computed."""
    noticed = Signal(str)
    """One sentence about a change of way."""
    changed = Signal()
    """Something that the panes' messages depend on is different."""

    def __init__(
        self, thread: RequestThread, weights_for: Callable[[str], Path | None], parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._thread = thread
        self._weights_for = weights_for
        self._choices = Recipe(model="", weights=None)
        self._automatic_run_s = 20.0
        self._panes: tuple[str, ...] = PANE_KEYS
        self._speeds_mpx_s: dict[str, float] = {}
        self._current: tuple[PaneRequest, Task] | None = None
        self.set_image(None)
        self._settling = QTimer(self, singleShot=True, interval=REGION_SETTLES_MS)
        self._settling.timeout.connect(self._on_region_settled)
        thread.answered.connect(self._on_answered)
        thread.reported.connect(self._on_reported)

    # --- what is ------------------------------------------------------------------------------------------------

    @property
    def is_working(self) -> bool:
        """Whether something is being computed."""
        return self._current is not None

    @property
    def asked(self) -> tuple[str, ...]:
        """Panes that the person wants whole and that are not computed yet."""
        return tuple(self._asked)

    @property
    def failed_panes(self) -> frozenset[str]:
        """Panes that could not be computed."""
        return frozenset(self._failed)

    @property
    def has_results(self) -> bool:
        """Whether anything was computed."""
        return bool(self._results or self._previews)

    def result(self, pane: str) -> Rendered | None:
        """Return the whole result of ``pane``."""
        return self._results.get(pane)

    def preview(self, pane: str) -> Previewed | None:
        """Return the latest preview of ``pane``."""
        return self._previews.get(pane)

    def can_compute(self, pane: str) -> bool:
        """Whether ``pane`` is one that is computed and has the weights for it."""
        return pane == "bicubic" or (pane != "lr" and self._weights_for(pane) is not None)

    def recipe(self, pane: str) -> Recipe:
        """Return how ``pane`` is computed from now on."""
        weights = None if pane == "bicubic" else self._weights_for(pane)
        stamp = None if weights is None else file_stamp(weights)
        return replace(self._choices, model=pane, weights=weights, weights_stamp=stamp)

    def situation(self) -> Situation | None:
        """Return everything that the agenda needs, None while there is no picture."""
        if self._image is None:
            return None
        return Situation(
            height=self._image.height,
            width=self._image.width,
            panes=tuple(pane for pane in PANE_KEYS if pane in self._panes and self.can_compute(pane)),
            visible=self._visible,
            finished=frozenset(self._results) | self._on_disk,
            previewed={pane: answer.region for pane, answer in self._previews.items()},
            failed=frozenset(self._failed),
            asked=self.asked,
            asked_region=self._asked_region,
            speeds_mpx_s=self._speeds_mpx_s,
            automatic_run_s=self._automatic_run_s,
            is_held=self._is_held,
            is_on_disk=not isinstance(self._image, Image),
        )

    # --- what the person wants ------------------------------------------------------------------------------------

    def set_image(self, image: Subject | None) -> None:
        """Forget everything that was computed and begin with ``image``, or parts of it if it is a scene."""
        self._supersede()
        self._image = image
        self._results: dict[str, Rendered] = {}
        self._previews: dict[str, Previewed] = {}
        self._on_disk: set[str] = set()
        self._failed: set[str] = set()
        self._used: dict[str, Recipe] = {}
        self._asked: list[str] = []
        self._asked_region: Box | None = None
        self._visible: Box | None = None
        self._is_held = False
        self._advance()

    def choose(self, *, device: str, precision: str, window_px: int | None, automatic_run_s: float) -> None:
        """Set how panes are computed from now on; what was computed stays."""
        choices = replace(self._choices, device=device, precision=precision, window_px=window_px)
        if choices != self._choices:
            self._choices = choices
            self._speeds_mpx_s.clear()
            self._failed.clear()
        self._automatic_run_s = automatic_run_s
        self._advance()

    def set_panes(self, panes: tuple[str, ...]) -> None:
        """Set which panes are visible; others are not computed."""
        self._panes = panes
        if self._current is not None and self._current[1].why is not Why.ASKED and self._current[1].pane not in panes:
            self._supersede()
        self._advance()

    def set_visible_region(self, region: Box) -> None:
        """Say which part of the picture the panes show, in LR pixels."""
        if region == self._visible:
            return
        is_first, self._visible = self._visible is None, region
        if is_first:
            self._advance()
        else:
            self._settling.start()

    def run(self, panes: tuple[str, ...] | None = None) -> None:
        """Compute ``panes`` (all visible ones by default) as a whole, also those that are there already."""
        situation = self.situation()
        if situation is None or situation.is_on_disk:
            return  # scenes go from disk to disk
        self._is_held = False
        wanted = situation.panes if panes is None else panes
        self._failed.difference_update(wanted)
        self._asked = [pane for pane in PANE_KEYS if pane in wanted or pane in self._asked]
        if self._current is not None and self._current[1].why is not Why.ASKED:
            if self._does_what_is_asked(*self._current):
                self._current = (self._current[0], replace(self._current[1], why=Why.ASKED))
            else:
                self._supersede()
        self._advance()

    def set_on_disk(self, pane: str) -> None:
        """Take notice that all of ``pane`` was computed into a file, so that no part of it need be."""
        self._on_disk.add(pane)
        self._used[pane] = self.recipe(pane)
        self._previews.pop(pane, None)
        self._advance()

    def look_again(self) -> None:
        """Take notice of weights that were added, removed or exchanged; what others computed is forgotten."""
        for pane in [pane for pane, used in self._used.items() if not used.has_weights_of(self.recipe(pane))]:
            self._forget(pane)
        self._advance()

    def run_visible(self) -> None:
        """Preview the visible region however long it takes."""
        self._is_held = False
        self._failed.clear()
        self._asked_region = self._visible
        self._advance()

    def cancel(self) -> None:
        """Stop; nothing begins by itself until the view changes or the person asks."""
        self._is_held, self._asked_region = True, None
        self._settling.stop()  # else it would begin again by itself
        self._asked.clear()
        self._supersede()
        self.changed.emit()

    def stop(self) -> None:
        """Stop for good, because the desk is closing."""
        self._settling.stop()
        self._image = None
        self._supersede()

    # --- what comes back ------------------------------------------------------------------------------------------

    @Slot(object)
    def _on_answered(self, answer: Answer) -> None:
        if self._current is None or answer.id != self._current[0].id:
            return  # superseded while it was on its way, or not ours
        task, self._current = self._current[1], None
        if task.pane in self._asked and task.region is None:
            self._asked.remove(task.pane)
        self.take(answer, task.pane)
        self._advance()

    def take(self, answer: Answer, pane: str) -> None:
        """Let ``answer`` be what is known of ``pane``, such as a result that was made of the one that is there."""
        if isinstance(answer, Rendered | Previewed) and answer.facts.tells_speed:
            self._speeds_mpx_s[pane] = answer.facts.megapixels_per_second
        if isinstance(answer, Rendered):
            self._results[pane] = answer
            self._previews.pop(pane, None)
            self.rendered.emit(answer)
        elif isinstance(answer, Previewed):
            self._previews[pane] = answer
            self.previewed.emit(answer)
        elif isinstance(answer, Failed):
            self._failed.add(pane)
            self.pane_failed.emit(pane, answer.error)

    @Slot(object)
    def _on_reported(self, report: object) -> None:
        if self._current is None:
            return
        request, task = self._current
        if isinstance(report, Progressed) and report.id == request.id:
            self.activity_changed.emit(Activity(task.pane, task.why, report.progress))
        elif isinstance(report, Noticed) and report.id == request.id:
            self.noticed.emit(report.sentence)

    @Slot()
    def _on_region_settled(self) -> None:
        self._is_held = False
        situation = self.situation()
        if self._current is not None and situation is not None and agenda.makes_way(self._current[1], situation):
            self._supersede()
        self._advance()

    # --- the inside -----------------------------------------------------------------------------------------------

    def _advance(self) -> None:
        """Begin what the agenda says is next, unless something is under way."""
        situation = self.situation()
        if self._image is not None and situation is not None and self._current is None:
            task = agenda.next_task(situation)
            if task is None:
                self.activity_changed.emit(None)
            else:
                self._begin(task, self._image)
        self.changed.emit()

    def _begin(self, task: Task, image: Subject) -> None:
        recipe = self.recipe(task.pane)
        self._used[task.pane] = recipe
        self._current = (pane_request(image, task, recipe), task)
        self.activity_changed.emit(Activity(task.pane, task.why))
        self._thread.submit(self._current[0])

    def _does_what_is_asked(self, request: PaneRequest, task: Task) -> bool:
        """Whether what began by itself is what the person wants now, and would only be begun again."""
        return task.region is None and task.pane in self._asked and request.recipe == self.recipe(task.pane)

    def _forget(self, pane: str) -> None:
        del self._used[pane]
        self._failed.discard(pane)
        self._results.pop(pane, None)
        self._previews.pop(pane, None)
        self._on_disk.discard(pane)
        if self._current is not None and self._current[1].pane == pane:
            self._supersede()
        self.forgotten.emit(pane)

    def _supersede(self) -> None:
        """Stop what is under way and forget that it was; its answer will be stale."""
        if self._current is not None:
            self._current[0].token.cancel()
            self._current = None
            self.activity_changed.emit(None)
