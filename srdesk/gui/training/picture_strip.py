"""How held-out pictures look as a run goes on: LR, bicubic, start, now and HR in step, with a slider over time."""

from __future__ import annotations

import re
from pathlib import Path

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtWidgets import QLabel, QVBoxLayout, QWidget

from srdesk.gui.compare.comparison import CompareMode, PaneSpec
from srdesk.gui.compare.pyramid import DisplayImage
from srdesk.gui.compare.view import CompareView
from srdesk.gui.training.picture_reader import PictureReader, PicturesRead, PicturesRequest
from srdesk.gui.training.strip_bar import StripBar
from srdesk.gui.work.request_thread import RequestThread
from srdesk.gui.work.requests import Answer

MOST_KEPT = 48
"""Decoded pictures that are kept for going back and forth in time."""

SHUTDOWN_S = 2.0
"""How long the reading thread may take to notice that it should end; one picture takes a few milliseconds."""

_STEP_NAME = re.compile(r"(\d+)_step-(\d+)\.png")


class PictureStrip(QWidget):
    """Shows the pictures of one run. Whoever makes one calls `shutdown`.

    Args:
        is_live: whether there is a slider over time, and new enlargements are shown as they come.
    """

    shown = Signal()
    """What was asked for can be seen."""

    def __init__(self, *, is_live: bool = True, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._folder: Path | None = None
        self._first_step: int | None = None
        self._document: Path | None = None
        self._kept: dict[Path, DisplayImage] = {}
        self._awaited_id = 0
        self._thread = RequestThread(PictureReader(), "strip", self)
        self._thread.answered.connect(self._on_answered)
        titles = {
            "lr": self.tr("LR"),
            "bicubic": self.tr("Bicubic"),
            "start": self.tr("Start"),
            "now": self.tr("Now") if is_live else self.tr("New"),
            "hr": self.tr("HR"),
        }
        self.view = CompareView()
        """The panes."""
        self.view.set_panes([PaneSpec(key, title) for key, title in titles.items()])
        self.view.set_compared("start", "now")
        self.bar = StripBar(is_live=is_live)
        """Chooses picture, comparison and step."""
        self.bar.number_chosen.connect(self._show)
        self.bar.step_chosen.connect(self._show)
        self.bar.mode_chosen.connect(self.view.set_mode)
        self._empty = QLabel(self.tr("Held-out pictures appear here with the first validation."))
        self._empty.setObjectName("muted")
        self._empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        column.addWidget(self.bar)
        column.addWidget(self._empty, 1)
        column.addWidget(self.view, 1)
        self.look_again()

    @property
    def step(self) -> int | None:
        """The step whose enlargement is seen, None where there is none."""
        return self.bar.step

    def show_folder(self, folder: Path | None) -> None:
        """Show the pictures of ``folder`` (none: nothing), the latest step first."""
        self._folder, self._document = folder, None
        self._kept.clear()
        self.view.clear()
        self.bar.latest.setChecked(True)
        self.look_again()

    def look_again(self) -> None:
        """Take notice of pictures that were added or dropped."""
        numbers, steps = _contents(self._folder) if self._folder is not None else ([], [])
        self._kept = {path: picture for path, picture in self._kept.items() if path.exists()}
        self._first_step = steps[0] if steps else None
        self.bar.set_contents(numbers, steps)
        self._empty.setVisible(not steps)
        self.view.setVisible(bool(steps))
        self._show()

    def read_again(self) -> None:
        """Take notice that everything may have been drawn anew, of other pictures."""
        self._kept.clear()
        self._document = None
        self.look_again()

    def go_to(self, step: int) -> None:
        """Show the enlargement that is nearest to ``step``."""
        self.bar.go_to(step)

    def set_mode(self, mode: CompareMode) -> None:
        """Compare in another way."""
        self.bar.set_mode(mode)
        self.view.set_mode(mode)

    def shutdown(self) -> None:
        """End the thread that reads pictures."""
        self._thread.shutdown(SHUTDOWN_S)

    def _paths(self, folder: Path, step: int) -> dict[str, Path]:
        number = f"{self.bar.numbers.checkedId():02}"
        names = {kind: f"{number}_{kind}.png" for kind in ("lr", "bicubic", "hr")}
        names["now"] = f"{number}_step-{step:08}.png"
        if self._first_step == 0:
            names["start"] = f"{number}_step-{0:08}.png"
        return {kind: folder / name for kind, name in names.items()}

    @Slot()
    def _show(self) -> None:
        """Show what is kept already, and have the rest read."""
        if self._folder is None or self.step is None:
            return
        paths = self._paths(self._folder, self.step)
        missing = tuple(path for path in paths.values() if path not in self._kept)
        self._thread.cancel_all()
        if missing:
            request = PicturesRequest(lr=paths["lr"], paths=missing)
            self._awaited_id = request.id
            self._thread.submit(request)
        else:
            self._awaited_id = 0
            self._put(paths)

    @Slot(object)
    def _on_answered(self, answer: Answer) -> None:
        if not isinstance(answer, PicturesRead) or answer.id != self._awaited_id:
            return
        self._kept.update(answer.pictures)
        if self._folder is not None and self.step is not None:
            self._put(self._paths(self._folder, self.step))

    def _put(self, paths: dict[str, Path]) -> None:
        lr = self._kept.get(paths["lr"])
        if lr is None:
            return  # without it nobody knows how large the others are
        if self._document != paths["lr"]:
            self._document = paths["lr"]
            self.view.set_document(lr)
        for kind, path in paths.items():
            if kind == "lr":
                continue
            picture = self._kept.get(path)
            if picture is None:
                self.view.clear_result(kind)
            else:
                self.view.set_result(kind, picture)
        self._forget_all_but_the_latest(paths)
        self.shown.emit()

    def _forget_all_but_the_latest(self, seen: dict[str, Path]) -> None:
        for path in seen.values():
            if path in self._kept:
                self._kept[path] = self._kept.pop(path)  # now the last to be forgotten
        while len(self._kept) > MOST_KEPT:
            del self._kept[next(iter(self._kept))]


def _contents(folder: Path) -> tuple[list[int], list[int]]:
    """Return the numbers of the pictures and the steps of which there are enlargements, both rising."""
    numbers, steps = set(), set()
    try:
        for path in folder.iterdir():
            if found := _STEP_NAME.fullmatch(path.name):
                numbers.add(int(found[1]))
                steps.add(int(found[2]))
    except OSError:
        return [], []
    return sorted(numbers), sorted(steps)
