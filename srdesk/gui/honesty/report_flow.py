"""File ▸ Export Report: one HTML file on the results that there are, written beside the picture or where one likes."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject, QUrl, Signal, Slot
from PySide6.QtGui import QDesktopServices

from srdesk.engine.control import Progress
from srdesk.engine.files.file_stamp import file_stamp
from srdesk.gui.actions import PANE_TITLES
from srdesk.gui.honesty.honesty import Honesty
from srdesk.gui.honesty.open_picture import open_picture
from srdesk.gui.honesty.requests import Reported, ReportRequest
from srdesk.gui.honesty.surroundings import Surroundings
from srdesk.gui.messages.failure import Doing, Failure
from srdesk.gui.messages.message_list import Loudness, Message, Remedy
from srdesk.gui.save_flow import folder_beside
from srdesk.gui.work.requests import PANE_KEYS, Answer, Document, Failed, Progressed, Rendered
from srdesk.gui.work.session import Session
from srdesk.imaging.image import Box, Image
from srdesk.imaging.naming import resolve_collision

_SMALLEST_REGION_PX = 8
_SUFFIX = ".html"


class ReportFlow(QObject):
    """Asks for the file, has the report written, and says where it is."""

    remarked = Signal(str)
    """A sentence for the status line."""

    def __init__(self, session: Session, honesty: Honesty, around: Surroundings) -> None:
        super().__init__(around.view)
        self._session = session
        self._honesty = honesty
        self._around = around
        self._current: ReportRequest | None = None
        self._left_out = ""
        around.actions.export_report.triggered.connect(self._on_export)
        around.actions.cancel.triggered.connect(self.cancel)
        honesty.work.answered.connect(self._on_answered)
        honesty.work.reported.connect(self._on_reported)

    @Slot()
    def cancel(self) -> None:
        """Stop writing; nothing is left of it."""
        if self._current is not None:
            self._current.token.cancel()
            self._end()

    @Slot()
    def _on_export(self) -> None:
        self._session.renderer.look_again()  # what is told of the weights is read from their files as they are now
        document, image = self._session.document, open_picture(self._session)
        results = [result for pane in PANE_KEYS if (result := self._session.renderer.result(pane)) is not None]
        if document is None or image is None:
            return
        if not results:
            self.remarked.emit(self.tr("Nothing is computed as a whole yet: press F5, then ask for the report again."))
            return
        output = self._output(document)
        if output is not None and self._session.document is not document:
            sentence = self.tr("“{}” was not written, because the picture was left meanwhile.")
            self.remarked.emit(sentence.format(output.name))
        elif output is not None:
            self.cancel()
            self._current = self._request(document, image, results, output)
            self._left_out = self._unfinished(results)
            if self._left_out:
                self.remarked.emit(self.tr("The report will be without {}: not finished.").format(self._left_out))
            self._show(None)
            self._honesty.work.submit(self._current)

    def _unfinished(self, results: list[Rendered]) -> str:
        """Return the titles of the panes that are shown but not among the results; empty if there are none."""
        situation, finished = self._session.renderer.situation(), {result.pane for result in results}
        shown = () if situation is None else situation.panes
        return ", ".join(PANE_TITLES[pane] for pane in shown if pane not in finished)

    def _output(self, document: Document) -> Path | None:
        from srdesk.imaging.formats import plain_name

        folder = folder_beside(document) or Path(self._around.preferences.settings.save_folder or Path.home())
        stem = plain_name(document.path or Path(document.name)).stem
        chosen = self._around.questions.save_path(folder / f"{stem}_report{_SUFFIX}", {"HTML": f"*{_SUFFIX}"})
        if chosen is None:
            return None
        path = chosen if chosen.suffix.lower() in (_SUFFIX, ".htm") else Path(f"{chosen}{_SUFFIX}")
        return resolve_collision(path, "ask", self._around.questions.collision)

    def _request(self, document: Document, image: Image, results: list[Rendered], output: Path) -> ReportRequest:
        from srdesk.engine.report.report import Subject
        from srdesk.engine.trust.honesty import Outcome

        names = {result.pane: self._around.preferences.settings.weights_of(result.pane) for result in results}
        truth, degraded = self._honesty.appraiser.truth, document.truth
        source = _unchanged(document) if degraded is None else degraded.path
        subject = Subject(
            degraded.name if degraded is not None else document.name,
            source,
            part=document.part,
            bands=document.shown_bands if document.geolocation is not None else (),
            weights={names[each.pane]: each.recipe.weights for each in results if each.recipe.weights is not None},
            truth=truth.path if truth is not None and degraded is None else None,
            is_degraded=degraded is not None,
            back_projection={names[each.pane]: each.back_projection for each in results},
        )
        return ReportRequest(
            output=output,
            image=image,
            outcomes=tuple(Outcome(names[each.pane], each.stored, each.facts) for each in results),
            truth=None if truth is None else truth.pixels,
            regions=self._regions(image),
            subject=subject,
        )

    def _regions(self, image: Image) -> tuple[Box, ...]:
        """Return what the person looks at, unless that is everything or next to nothing."""
        seen = self._around.view.visible_region()
        is_whole = (seen.height, seen.width) == (image.height, image.width)
        return () if is_whole or min(seen.height, seen.width) < _SMALLEST_REGION_PX else (seen,)

    @Slot(object)
    def _on_answered(self, answer: Answer) -> None:
        if self._current is None or answer.id != self._current.id:
            return
        self._end()
        if isinstance(answer, Reported):
            button = Remedy(self.tr("Open"), partial(_show_in_browser, answer.output))
            sentence = self.tr("The report is in “{}”.").format(answer.output)
            if self._left_out:
                more = self.tr("It is without {}, which was not finished when you asked for it.")
                sentence = f"{sentence} {more.format(self._left_out)}"
            self._around.messages.tell(Message(sentence, Loudness.NOTICE, remedy=button))
        elif isinstance(answer, Failed):
            self._honesty.failed.emit(Failure(answer.error, Doing.REPORTING))

    @Slot(object)
    def _on_reported(self, report: object) -> None:
        if self._current is not None and isinstance(report, Progressed) and report.id == self._current.id:
            self._show(report.progress)

    def _show(self, progress: Progress | None) -> None:
        self._around.status.show_side_work(self.tr("Writing the report"), progress)

    def _end(self) -> None:
        self._current = None
        self._around.status.show_side_work("")


def _show_in_browser(path: Path) -> None:
    QDesktopServices.openUrl(QUrl.fromLocalFile(str(path)))


def _unchanged(document: Document) -> Path | None:
    """Return the file of a picture if it is still what was opened."""
    path = document.path
    return path if path is not None and document.stamp == file_stamp(path) else None
