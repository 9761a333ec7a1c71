"""From “save this pane” to orders that can be carried out: name, folder, format, transparency, collisions."""

from __future__ import annotations

from collections.abc import Set
from pathlib import Path

from PySide6.QtCore import QObject, Signal, Slot

from srdesk import paths
from srdesk.errors import SrDeskError
from srdesk.gui.actions import Actions
from srdesk.gui.compare.view import CompareView
from srdesk.gui.compute_choices import ComputeChoices
from srdesk.gui.marked_pane import MarkedPane
from srdesk.gui.messages.failure import Doing, Failure
from srdesk.gui.messages.questions import Questions
from srdesk.gui.preferences import Preferences
from srdesk.gui.result_format import expected_result, suffix_for
from srdesk.gui.work.requests import Document
from srdesk.gui.work.save_order import SaveOrder
from srdesk.gui.work.session import Session
from srdesk.imaging.naming import CollisionPolicy, OutputName, refuse_input_as_output, resolve_among
from srdesk.imaging.stored import StoredImage

PATTERNS = {
    "PNG": "*.png",
    "JPEG": "*.jpg *.jpeg",
    "TIFF": "*.tif *.tiff",
    "WebP": "*.webp",
    "FITS": "*.fits *.fit *.fts",
}
"""File name patterns of each format under its spoken name, as file dialogs want them."""


class SaveFlow(QObject):
    """Asks what has to be asked, and hands the orders to the session."""

    failed = Signal(object)
    """`Failure`: it cannot be saved like that."""
    remarked = Signal(str)
    """Why nothing is saved, in a sentence for the status line."""
    noticed = Signal(str)
    """Why not everything is, in a sentence."""
    scene_meant = Signal(object, bool)
    """Keys of panes of a scene that is too large for memory, and whether the person wants to choose the place."""

    def __init__(
        self,
        actions: Actions,
        session: Session,
        questions: Questions,
        *,
        preferences: Preferences,
        view: CompareView,
        choices: ComputeChoices,
    ) -> None:
        super().__init__(actions)
        self._session = session
        self._questions = questions
        self._preferences = preferences
        self._choices = choices
        self.marked = MarkedPane(view, preferences, session)
        """Which pane is meant."""
        self._kept: list[Path] = []
        actions.save.triggered.connect(self._on_save)
        actions.save_as.triggered.connect(self._on_save_as)
        actions.save_all.triggered.connect(self._on_save_all)

    @Slot()
    def _on_save(self) -> None:
        try:
            self.save([self.marked.result], self._choices.size)
        except SrDeskError as error:
            self.failed.emit(Failure(error, Doing.SAVING))

    @Slot()
    def _on_save_as(self) -> None:
        self.save_elsewhere("")

    @Slot(str)
    def save_elsewhere(self, pane: str) -> None:
        """Save a pane where the person wants it, the marked one if it has no name."""
        try:
            self.save_as(pane or self.marked.result, self._choices.size)
        except SrDeskError as error:
            self.failed.emit(Failure(error, Doing.SAVING))

    @Slot()
    def _on_save_all(self) -> None:
        shown = self._preferences.settings.visible_panes
        try:
            self.save([pane for pane in shown if self._session.renderer.can_compute(pane)], self._choices.size)
        except SrDeskError as error:
            self.failed.emit(Failure(error, Doing.SAVING))

    @property
    def size(self) -> str:
        """Size of results that the person chose."""
        return self._choices.size

    @property
    def policy(self) -> CollisionPolicy:
        """What the person wants to be done about files that exist."""
        return self._preferences.settings.on_collision

    def save(self, panes: list[str], size: str) -> None:
        """Save panes beside the picture that they came from; asks for a place if there is none.

        Args:
            panes: keys of the panes; those that are not computed yet are computed first.
            size: ``4x``, ``3x``, ``2x`` or ``WIDTHxHEIGHT``.

        Raises:
            SrDeskError: it cannot be done.
        """
        document = self._session.document
        if document is None:
            return
        if not panes:
            self.remarked.emit(self.tr("No visible pane has a result to save."))
            return
        if document.scene is not None:
            self.scene_meant.emit(panes, False)
            return
        folder = folder_beside(document)
        if folder is None and len(panes) == 1:
            self.save_as(panes[0], size)
            return
        folder = folder or self._questions.folder(self.start_folder())
        if folder is None:
            return
        self._preferences.change(save_folder=str(folder))
        policy = self._preferences.settings.on_collision
        orders: list[SaveOrder] = []
        self._kept.clear()
        for pane in panes:
            path = folder / self.name(document, pane, size)
            order = self._order(document, pane, path, size, policy, frozenset(each.path for each in orders))
            if order is not None:
                orders.append(order)
        if not self._is_still_open(document, orders):
            return
        self._session.save(orders)
        if self._kept:
            # The status line soon says that the others are saved.
            (self.noticed if orders else self.remarked).emit(self.kept(*self._kept))

    def save_as(self, pane: str, size: str) -> None:
        """Save one pane where the person wants it.

        Raises:
            SrDeskError: it cannot be done.
        """
        document = self._session.document
        if document is None:
            return
        if document.scene is not None:
            self.scene_meant.emit([pane], True)
            return
        name = Path(self.name(document, pane, size))
        own = _spoken(_format_of(name))
        filters = {own: PATTERNS[own]} | PATTERNS
        chosen = self._questions.save_path((folder_beside(document) or self.start_folder()) / name, filters)
        if chosen is None:
            return
        path = chosen if _is_known(chosen) else Path(f"{chosen}{name.suffix}")
        if document.path is not None:
            refuse_input_as_output(path, [document.path])  # before it is asked whether to replace it
        order = self._order(document, pane, path, size, "ask")
        if order is not None and self._is_still_open(document, [order]):
            self._preferences.change(save_folder=str(order.path.absolute().parent))
            self._session.save([order])

    def _order(
        self,
        document: Document,
        pane: str,
        path: Path,
        size: str,
        policy: CollisionPolicy,
        others: Set[Path] = frozenset(),
    ) -> SaveOrder | None:
        """Return how ``pane`` becomes a file, None if the person decided against it.

        ``others`` are files of the same wish, which get numbers if they would have the same name.
        """
        from srdesk.imaging.formats import can_hold

        assert document.image is not None
        expected = expected_result(document.image, size)
        background = None
        reason = can_hold(_format_of(path), expected)
        if reason is not None and expected.has_alpha:
            opaque = StoredImage(expected.numbers, expected.values, None, expected.metadata, expected.science)
            if can_hold(_format_of(path), opaque) is None:
                background = self._questions.background(_spoken(_format_of(path)))
                if background is None:
                    return None
                reason = None
        if reason is not None:
            suffix = suffix_for(document)
            if not self._questions.format_instead(_sentence(reason), suffix):
                return None
            path, policy = path.with_suffix(suffix), "ask" if policy == "overwrite" else policy
        free = resolve_among(
            path, policy, self._questions.collision, promised=self._session.saves.promised, together=others
        )
        if free is None:
            self._kept.append(path)
            return None
        if document.path is not None:
            refuse_input_as_output(free, [document.path])
        settings = self._preferences.settings
        return SaveOrder(
            pane=pane,
            path=free,
            quality=settings.jpeg_quality,
            size=size,
            background=background,
            model=settings.weights_of(pane),
            has_sidecar=settings.write_sidecar,
        )

    def _is_still_open(self, document: Document, orders: list[SaveOrder]) -> bool:
        """Tell whether the orders are for the open picture; others may have come while the person was asked."""
        if self._session.document is document:
            return True
        names = ", ".join(order.path.name for order in orders)
        if names:
            self.noticed.emit(self.tr("Not saved, because the picture was left meanwhile: {}.").format(names))
        return False

    def kept(self, *paths: Path) -> str:
        """Say that files which are there have not been replaced."""
        names = ", ".join(f"“{path.name}”" for path in paths)
        one, several = self.tr("{} is there already and was kept."), self.tr("{} are there already and were kept.")
        return (one if len(paths) == 1 else several).format(names)

    def name(self, document: Document, pane: str, size: str) -> str:
        """Return what the result of a pane is called."""
        from srdesk.imaging.formats import plain_name

        source = plain_name(document.path or Path(document.name))
        ext = source.suffix if _is_known(source) else suffix_for(document)
        settings = self._preferences.settings
        return OutputName(settings.output_name_template).render(
            source, model=settings.weights_of(pane), scale=size.removesuffix("x"), ext=ext
        )

    def start_folder(self) -> Path:
        """Return where to begin to look for a place."""
        return Path(self._preferences.settings.save_folder or Path.home())


def folder_beside(document: Document) -> Path | None:
    """Return the folder of the picture, if results may be put there."""
    if document.path is None:
        return None
    folder = document.path.absolute().parent
    # Samples lie in the program's own folder.
    return None if folder.is_relative_to(paths.resources_folder()) else folder


def _is_known(path: Path) -> bool:
    from srdesk.imaging.formats import format_for

    return format_for(path) is not None


def _format_of(path: Path) -> str:
    from srdesk.imaging.formats import SCIENCE_SUFFIXES, SUFFIXES

    return (SUFFIXES | SCIENCE_SUFFIXES)[path.suffix.lower()]


def _spoken(format_name: str) -> str:
    return next(name for name in PATTERNS if name.upper() == format_name)


def _sentence(reason: str) -> str:
    return f"{reason[:1].upper()}{reason[1:].rstrip('.')}."
