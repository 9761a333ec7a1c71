"""From “enlarge this scene” to a run from disk to disk: where to, what it takes, going on with what was broken off."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import replace
from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject, Signal, Slot

from srdesk.errors import SrDeskError
from srdesk.gui import scene_words
from srdesk.gui.actions import PANE_TITLES, Actions
from srdesk.gui.messages.failure import Doing, Failure
from srdesk.gui.messages.message_list import Loudness, Message, Messages, Remedy
from srdesk.gui.messages.questions import Questions
from srdesk.gui.save_flow import PATTERNS, SaveFlow, folder_beside
from srdesk.gui.scene.pyramid import ScenePyramid
from srdesk.gui.work.requests import Document
from srdesk.gui.work.scene_requests import CacheCleared, Foreseen, SceneOrder, UnfinishedFound
from srdesk.gui.work.session import Session
from srdesk.imaging.naming import refuse_input_as_output, resolve_among, resolve_collision

_SUFFIX = ".tif"
_SUFFIXES = (".tif", ".tiff")
"""What goes from disk to disk."""


class SceneFlow(QObject):
    """Asks once before each run, and offers to go on with those that were broken off."""

    remarked = Signal(str)
    """A sentence for the status line."""
    failed = Signal(object)
    """`Failure`: it cannot be done like that."""

    def __init__(
        self, actions: Actions, session: Session, questions: Questions, *, save_flow: SaveFlow, messages: Messages
    ) -> None:
        super().__init__(actions)
        self._actions, self._session, self._questions = actions, session, questions
        self._save_flow, self._messages = save_flow, messages
        self._runs = session.scenes
        self._wanted: list[tuple[SceneOrder, bool]] = []
        self._asking: SceneOrder | None = None
        self._unfinished: list[SceneOrder] = []
        save_flow.scene_meant.connect(self._on_meant)
        session.opened.connect(self._on_opened)
        actions.pause_scene.triggered.connect(self._on_pause)
        actions.clear_cache.triggered.connect(self._runs.clear_cache)
        self._runs.foreseen.connect(self._on_foreseen)
        self._runs.refused.connect(self._on_refused)
        self._runs.found.connect(self._on_found)
        self._runs.enlarged.connect(self._on_enlarged)
        self._runs.stopped.connect(self._on_stopped)
        self._runs.cache_cleared.connect(self._on_cache_cleared)
        self._runs.changed.connect(self._on_changed)
        self._on_changed()

    def run(self) -> bool:
        """Enlarge the marked pane of a scene from disk to disk; tell whether a scene is open at all."""
        document = self._session.document
        if document is None or document.scene is None:
            return False
        self._on_meant([self._save_flow.marked.result], False)
        return True

    def may_close(self) -> bool:
        """Ask, if a run is going on, whether to close nevertheless."""
        run = self._runs.run
        return run is None or self._questions.close_during_scene(run.order.source.name)

    # --- before a run -----------------------------------------------------------------------------------------------

    @Slot(object, bool)
    def _on_meant(self, panes: list[str], elsewhere: bool) -> None:
        document = self._session.document
        if document is None or document.scene is None:
            return
        orders: list[SceneOrder] = []
        try:
            for pane in panes:
                order = self._order(document, document.scene, pane, frozenset(each.output for each in orders))
                orders += [] if order is None else [order]
        except SrDeskError as error:
            self.failed.emit(Failure(error, Doing.SAVING))
            return
        self._wanted += [(order, elsewhere) for order in orders]
        self._ask_next()

    def _order(self, document: Document, scene: ScenePyramid, pane: str, others: Set[Path]) -> SceneOrder | None:
        """Return what is to be done for a pane; None if it is being done, or the person decided against it.

        ``others`` are files of the same wish, which get numbers if they would have the same name.

        Raises:
            ConfigError: the name is not one that a result can have.
        """
        source, colours = scene.scene.path, scene.scene.chosen_colours
        if any((order.source, order.pane) == (source, pane) for order in self._going_on()):
            self.remarked.emit(self.tr("{} is being enlarged into a file.").format(PANE_TITLES[pane]))
            return None
        recipe, size = self._session.renderer.recipe(pane), self._save_flow.size
        for order in self._unfinished:
            if (order.pane, order.recipe, order.colours, order.size) == (pane, recipe, colours, size):
                return order
        folder = folder_beside(document) or self._save_flow.start_folder()
        path = _as_tiff(folder / self._save_flow.name(document, pane, size))
        promised = {order.output for order in (*self._going_on(), *(order for order, _ in self._wanted))}
        free = resolve_among(
            path, self._save_flow.policy, self._questions.collision, promised=promised, together=others
        )
        if free is None:
            self.remarked.emit(self._save_flow.kept(path))
            return None
        return SceneOrder(pane=pane, source=source, output=free, recipe=recipe, colours=colours, size=size)

    def _ask_next(self) -> None:
        """Find out what the next wish takes, unless another one is being asked about."""
        while self._asking is None and self._wanted:
            order, elsewhere = self._wanted.pop(0)
            placed = self._placed(order) if elsewhere else order
            if placed is not None:
                self._asking = placed
                self._runs.foresee(placed)

    def _placed(self, order: SceneOrder) -> SceneOrder | None:
        """Ask where the result goes."""
        chosen = self._questions.save_path(order.output, {"TIFF": PATTERNS["TIFF"]})
        if chosen is None:
            return None
        try:
            # The dialog has not asked about a file that is there, and not about the name with a suffix added.
            free = resolve_collision(_as_tiff(chosen), "ask", self._questions.collision)
            if free is not None:
                refuse_input_as_output(free, [order.source])
        except SrDeskError as error:
            self.failed.emit(Failure(error, Doing.SAVING))
            return None
        return None if free is None else replace(order, output=free)

    @Slot(object)
    def _on_foreseen(self, answer: Foreseen) -> None:
        order = answer.order
        if order is not self._asking:
            return
        document, situation = self._session.document, self._session.renderer.situation()
        if document is not None and document.path == order.source and situation is not None:
            facts = scene_words.of_forecast(order, answer.forecast, situation.whole_seconds(order.pane))
            decision = self._questions.scene_run(scene_words.of_question(order), facts)
            if decision == "start":
                self._runs.start(order)
            elif decision == "elsewhere":
                self._wanted.insert(0, (order, True))
        self._asking = None
        self._ask_next()

    @Slot(object)
    def _on_refused(self, order: SceneOrder) -> None:
        if order is self._asking:
            self._asking = None
            self._ask_next()

    # --- while it goes on, and afterwards ---------------------------------------------------------------------------

    def _going_on(self) -> list[SceneOrder]:
        run = self._runs.run
        return [] if run is None else [run.order, *run.waiting]

    @Slot()
    def _on_pause(self) -> None:
        run = self._runs.run
        if run is not None and run.is_paused:
            self._runs.go_on()
        else:
            self._runs.pause()

    @Slot()
    def _on_changed(self) -> None:
        run = self._runs.run
        self._actions.pause_scene.setEnabled(run is not None)
        self._actions.pause_scene.setChecked(run is not None and run.is_paused)

    @Slot(object)
    def _on_opened(self, document: Document) -> None:
        self._wanted.clear()
        self._unfinished.clear()
        if document.scene is not None and document.path is not None:
            self._runs.find_unfinished(document.path)

    @Slot(object)
    def _on_found(self, answer: UnfinishedFound) -> None:
        document, going_on = self._session.document, {order.output for order in self._going_on()}
        runs = [each for each in answer.runs if each.order.output not in going_on]
        if document is None or not runs or document.path != runs[0].order.source:
            return
        self._unfinished = [each.order for each in runs]
        latest = runs[0]
        self._messages.tell(
            Message(
                scene_words.of_unfinished(latest.order, latest.forecast),
                Loudness.NOTICE,
                remedy=Remedy(self.tr("Go On"), partial(self._runs.start, latest.order)),
            )
        )

    @Slot(object)
    def _on_enlarged(self, order: SceneOrder) -> None:
        self._unfinished = [each for each in self._unfinished if each.output != order.output]
        said = self.tr("“{}” is enlarged with {}, and saved as “{}” in {}.").format(
            order.source.name, PANE_TITLES[order.pane], order.output.name, order.output.parent
        )
        # It may have taken hours: nobody waits for it, and something else may be open meanwhile.
        self._messages.tell(Message(said, Loudness.NOTICE, is_about_picture=False))

    @Slot(object)
    def _on_stopped(self, order: SceneOrder) -> None:
        document = self._session.document
        if document is not None and document.path == order.source:
            self._runs.find_unfinished(order.source)

    @Slot(object)
    def _on_cache_cleared(self, answer: CacheCleared) -> None:
        self.remarked.emit(self.tr("{} on the disk are free again.").format(scene_words.gigabytes(answer.size_bytes)))


def _as_tiff(path: Path) -> Path:
    return path if path.suffix.lower() in _SUFFIXES else path.with_name(path.name + _SUFFIX)
