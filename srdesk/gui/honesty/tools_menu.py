"""What the Tools menu does: maps of what is doubtful, back-projection, and comparing with the truth."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QObject, Signal, Slot

from srdesk.gui.actions import PANE_TITLES
from srdesk.gui.compare.pyramid import DisplayImage
from srdesk.gui.honesty import texts
from srdesk.gui.honesty.honesty import Honesty
from srdesk.gui.honesty.map_board import MapBoard
from srdesk.gui.honesty.open_picture import open_picture
from srdesk.gui.honesty.report_flow import ReportFlow
from srdesk.gui.honesty.requests import DisagreementMapRequest, SpreadMapRequest
from srdesk.gui.honesty.strength_flow import StrengthFlow
from srdesk.gui.honesty.surroundings import Surroundings
from srdesk.gui.honesty.trust_board import TrustBoard
from srdesk.gui.marked_pane import MarkedPane
from srdesk.gui.save_flow import PATTERNS
from srdesk.gui.work.agenda import Situation
from srdesk.gui.work.requests import MAP_PANE, TRUTH_PANE
from srdesk.gui.work.session import Session
from srdesk.gui.work.truth_requests import DegradeRequest, OpenTruthRequest
from srdesk.imaging.image import Box

WHOLE_MAP_S = 20.0
"""The spread is mapped over the whole picture if that is expected to take at most so long, else over what is seen."""

_RUNS = 8


class ToolsMenu(QObject):
    """Does what the actions of the menu say."""

    remarked = Signal(str)
    """A sentence for the status line."""
    noticed = Signal(str)
    """One sentence about a change of way."""
    failed = Signal(object)
    """A `Failure`."""

    def __init__(self, session: Session, honesty: Honesty, around: Surroundings) -> None:
        super().__init__(around.view)
        self._session = session
        self._honesty = honesty
        self._around = around
        actions, view = around.actions, around.view
        self.marked = MarkedPane(view, around.preferences, session)
        """Which pane is meant."""
        self.trust = TrustBoard(view, actions, session, honesty, around.preferences)
        """Notes in the panes."""
        self.maps = MapBoard(view, actions, session, honesty, around.status)
        """The pane of the map."""
        self.strength = StrengthFlow(around.bar, actions, session, honesty, view, marked=self.marked)
        """The strip for the back-projection."""
        self.report = ReportFlow(session, honesty, around)
        """File ▸ Export Report."""
        actions.consistency_map.triggered.connect(self._on_consistency_map)
        actions.spread_map.triggered.connect(self._on_spread_map)
        actions.disagreement_map.triggered.connect(self._on_disagreement_map)
        actions.open_truth.triggered.connect(self._on_open_truth)
        actions.degrade.triggered.connect(self._on_degrade)
        actions.truth_pane.toggled.connect(self._on_truth_toggled)
        actions.cancel.triggered.connect(honesty.cancel)
        self.report.remarked.connect(self.remarked)
        honesty.failed.connect(self.failed)
        honesty.maps.noticed.connect(self.noticed)
        session.opened.connect(self._enable)
        session.closed.connect(self._enable)
        honesty.appraiser.truth_changed.connect(self._on_truth_changed)
        self._enable()
        self._on_truth_changed()

    def display(self, pane: str) -> DisplayImage | None:
        """Return what the pane of the truth or of the map shows, if it is one of these."""
        truth, mapped = self._honesty.appraiser.truth, self.maps.shown
        if pane == TRUTH_PANE and truth is not None:
            return truth.display
        return mapped.display if pane == MAP_PANE and mapped is not None else None

    @Slot()
    def _enable(self) -> None:
        actions, is_open = self._around.actions, open_picture(self._session) is not None
        for action in (actions.consistency_map, actions.spread_map, actions.disagreement_map):
            action.setEnabled(is_open)
        for action in (actions.back_projection, actions.open_truth, actions.degrade, actions.export_report):
            action.setEnabled(is_open)
        if not is_open:
            actions.back_projection.setChecked(False)

    # --- maps -----------------------------------------------------------------------------------------------------

    @Slot()
    def _on_consistency_map(self) -> None:
        pane = self.marked.result
        title = self.tr("Consistency of {}").format(PANE_TITLES[pane])
        if not self.maps.show_consistency(pane, title):
            sentence = self.tr("{} is not computed as a whole yet: press F5, then ask for its map again.")
            self.remarked.emit(sentence.format(PANE_TITLES[pane]))

    @Slot()
    def _on_spread_map(self) -> None:
        image, pane = open_picture(self._session), self.marked.network
        situation = self._session.renderer.situation()
        if image is None or situation is None:
            return
        if pane is None:
            self.remarked.emit(self.tr("There are no weights of a network yet."))
            return
        self._honesty.maps.make(
            SpreadMapRequest(
                title=self.tr("Invented detail, {}").format(PANE_TITLES[pane]),
                factor=texts.units_of(image).factor,
                image=image,
                recipe=self._session.renderer.recipe(pane),
                region=map_region(situation, pane),
            )
        )

    @Slot()
    def _on_disagreement_map(self) -> None:
        image = open_picture(self._session)
        one, other = (self._session.renderer.result(pane) for pane in ("srgan", "srresnet"))
        if image is None:
            return
        if one is None or other is None:
            self.remarked.emit(self.tr("SRGAN and SRResNet must both be computed first: press F5."))
            return
        self._honesty.maps.make(
            DisagreementMapRequest(
                title=self.tr("|SRGAN − SRResNet|"),
                factor=texts.units_of(image).factor,
                one=one,
                other=other,
            )
        )

    # --- truth ----------------------------------------------------------------------------------------------------

    @Slot()
    def _on_open_truth(self) -> None:
        image = open_picture(self._session)
        if image is None:
            return
        folder = self._around.preferences.settings.open_folder or str(Path.home())
        path = self._around.questions.truth_path(folder, " ".join(PATTERNS.values()))
        if path is None:
            return
        if open_picture(self._session) is image:
            self._honesty.open_truth(OpenTruthRequest(path=path, image=image))
        else:
            sentence = self.tr("“{}” is not compared with, because the picture was left meanwhile.")
            self.noticed.emit(sentence.format(path.name))

    @Slot()
    def _on_degrade(self) -> None:
        document, image = self._session.document, open_picture(self._session)
        if document is not None and image is not None:
            name = self.tr("{}, made four times smaller").format(document.name)
            request = DegradeRequest(image=image, name=name, truth_name=document.name, path=document.path)
            self._session.begin_opening(request, name)

    @Slot()
    def _on_truth_changed(self) -> None:
        action, has_truth = self._around.actions.truth_pane, self._honesty.appraiser.truth is not None
        action.setVisible(has_truth)
        action.setChecked(has_truth)
        self._around.view.set_pane_visible(TRUTH_PANE, has_truth)
        self._around.view.set_pane_offered(TRUTH_PANE, offered=has_truth)

    @Slot(bool)
    def _on_truth_toggled(self, is_on: bool) -> None:
        self._around.view.set_pane_visible(TRUTH_PANE, is_on)


def map_region(situation: Situation, pane: str) -> Box | None:
    """Return what the spread is mapped over: None for the whole picture, or the part that is seen."""
    if _RUNS * situation.whole_seconds(pane) <= WHOLE_MAP_S or situation.visible is None or situation.visible.is_empty:
        return None
    return situation.visible
