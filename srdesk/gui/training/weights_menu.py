"""The menu in which each pane gets its weights, and in which weights come and go."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import QObject, QUrl, Signal, Slot
from PySide6.QtGui import QAction, QDesktopServices
from PySide6.QtWidgets import QMenu

from srdesk.engine.library import WeightsLibrary
from srdesk.errors import SrDeskError
from srdesk.gui.actions import PANE_TITLES, Actions
from srdesk.gui.messages.questions import Questions
from srdesk.gui.preferences import Preferences
from srdesk.gui.training.adoption import NETWORKS, OwnWeights, own_weights, usable_weights
from srdesk.gui.training.training import Training
from srdesk.settings import NetworkName


class WeightsMenu(QObject):
    """Fills Train ▸ Weights whenever it is opened."""

    remarked = Signal(str)
    """A sentence for the status line."""
    failed = Signal(object)
    """`SrDeskError`: weights cannot be imported or removed."""

    def __init__(self, actions: Actions, training: Training, preferences: Preferences, questions: Questions) -> None:
        super().__init__(actions)
        self._actions = actions
        self._training = training
        self._preferences = preferences
        self._questions = questions
        menu = actions.weights_menu
        self._panes: dict[NetworkName, QMenu] = {pane: menu.addMenu(PANE_TITLES[pane]) for pane in NETWORKS}
        menu.addSeparator()
        menu.addAction(self.tr("&Import Weights File…")).triggered.connect(self._on_import)
        self._own = menu.addMenu(self.tr("&Delete Own Weights"))
        menu.addAction(self.tr("&Open Weights Folder")).triggered.connect(self._on_open_folder)
        menu.aboutToShow.connect(self._fill)

    @Slot()
    def _fill(self) -> None:
        folders = self._training.weights_folders
        for pane, menu in self._panes.items():
            usual = WeightsLibrary(folders).find_for(pane)
            choices = {"": self.tr("Those of the program") if usual is not None else self.tr("None yet")}
            for entry in usable_weights(pane, folders):
                if usual is None or entry.path != usual.path:
                    is_new = entry.name in self._training.new_weights
                    choices[entry.name] = self.tr("{} (new)").format(entry.name) if is_new else entry.name
            chosen = self._preferences.settings.pane_weights.get(pane, "")
            for action in self._actions.offer(menu, choices, chosen if chosen in choices else ""):
                action.triggered.connect(partial(self._training.use, pane, action.data()))
        self._fill_own(own_weights(folders))

    def _fill_own(self, own: list[OwnWeights]) -> None:
        self._own.clear()
        for weights in own:
            text = self.tr("{} of {}…").format(weights.name, PANE_TITLES[weights.pane])
            action = self._own.addAction(text)
            action.setData(weights)
            action.triggered.connect(self._on_delete)
        self._own.setEnabled(bool(own))

    @Slot()
    def _on_import(self) -> None:
        path = self._questions.weights_file()
        if path is None:
            return
        try:
            added = self._training.import_weights(path)
        except SrDeskError as error:
            self.failed.emit(error)
        else:
            self.remarked.emit(
                self.tr("Imported “{}”; choose it under Train ▸ Weights ▸ {}").format(
                    added.name, PANE_TITLES[added.pane]
                )
            )

    @Slot()
    def _on_delete(self) -> None:
        action = self.sender()
        assert isinstance(action, QAction)
        weights = action.data()
        if self._questions.confirm_deletion(
            self.tr("Delete the weights “{}”?").format(weights.name),
            self.tr("The file is deleted. Runs and what came with the program are not touched."),
        ):
            try:
                self._training.remove(weights)
            except SrDeskError as error:
                self.failed.emit(error)

    @Slot()
    def _on_open_folder(self) -> None:
        folder = self._training.weights_folders[-1]
        folder.mkdir(parents=True, exist_ok=True)
        QDesktopServices.openUrl(QUrl.fromLocalFile(str(folder)))
