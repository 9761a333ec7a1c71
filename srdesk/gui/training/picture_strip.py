"""How held-out pictures look as a run goes on: LR, bicubic, start, now and HR in step, with a slider over time."""

from __future__ import annotations

import re
from pathlib import Path

from PySide6.QtCore import QSignalBlocker, Qt, Signal, Slot
from PySide6.QtWidgets import (
    QButtonGroup,
    QCheckBox,
    QHBoxLayout,
    QLabel,
    QSlider,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from srdesk.gui.compare_view import CompareView
from srdesk.gui.comparison import CompareMode, PaneSpec
from srdesk.gui.pyramid import DisplayImage
from srdesk.gui.request_thread import RequestThread
from srdesk.gui.requests import Answer
from srdesk.gui.training.picture_reader import PictureReader, PicturesRead, PicturesRequest

MOST_KEPT = 48
"""Decoded pictures that are kept for going back and forth in time."""

SHUTDOWN_S = 2.0
"""How long the reading thread may take to notice that it should end; one picture takes a few milliseconds."""

_KINDS = ("lr", "bicubic", "hr")
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
        self._is_live = is_live
        self._folder: Path | None = None
        self._numbers: list[int] = []
        self._steps: list[int] = []
        self._number = -1
        self._document: Path | None = None
        self._kept: dict[Path, DisplayImage] = {}
        self._awaited = 0
        self._thread = RequestThread(PictureReader(), "strip", self)
        self._thread.answered.connect(self._on_answered)
        self.view = CompareView()
        """The panes."""
        self._titles = {
            "lr": self.tr("LR"),
            "bicubic": self.tr("Bicubic"),
            "start": self.tr("Start"),
            "now": self.tr("Now") if is_live else self.tr("New"),
            "hr": self.tr("HR"),
        }
        self.view.set_panes([PaneSpec(key, title) for key, title in self._titles.items()])
        self.view.set_compared("start", "now")
        self._empty = QLabel(self.tr("Held-out pictures appear here with the first validation."))
        self._empty.setObjectName("muted")
        self._empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        column.addLayout(self._build_head())
        column.addWidget(self._empty, 1)
        column.addWidget(self.view, 1)
        self._set_empty(is_empty=True)

    @property
    def step(self) -> int | None:
        """The step whose enlargement is seen, None where there is none."""
        return self._steps[self._slider.value()] if self._steps else None

    def show_folder(self, folder: Path | None) -> None:
        """Show the pictures of ``folder`` (none: nothing), the latest step first."""
        self._folder = folder
        self._numbers, self._steps, self._number, self._document = [], [], -1, None
        self._kept.clear()
        self.view.clear()
        self.latest.setChecked(True)
        self.look_again()

    def look_again(self) -> None:
        """Take notice of pictures that were added or dropped."""
        before = self.step
        found = _contents(self._folder) if self._folder is not None else ([], [])
        if found[0] != self._numbers:
            self._numbers = found[0]
            self._offer_numbers()
        self._steps = found[1]
        self._set_empty(is_empty=not (self._numbers and self._steps))
        if not self._steps:
            return
        wanted = self._steps[-1] if self.latest.isChecked() or before is None else before
        with QSignalBlocker(self._slider):
            self._slider.setRange(0, len(self._steps) - 1)
            self._slider.setValue(min(range(len(self._steps)), key=lambda at: abs(self._steps[at] - wanted)))
        self._show()

    def go_to(self, step: int) -> None:
        """Show the enlargement that is nearest to ``step``."""
        if self._steps:
            self.latest.setChecked(False)
            self._slider.setValue(min(range(len(self._steps)), key=lambda at: abs(self._steps[at] - step)))

    def set_mode(self, mode: CompareMode) -> None:
        """Compare in another way."""
        for button in self._modes.buttons():
            if button.property("mode") == mode.value:
                button.setChecked(True)
        self.view.set_mode(mode)

    def shutdown(self) -> None:
        """End the thread that reads pictures."""
        self._thread.shutdown(SHUTDOWN_S)

    # --- the head ---------------------------------------------------------------------------------------------------

    def _build_head(self) -> QHBoxLayout:
        head = QHBoxLayout()
        head.setSpacing(4)
        title = QLabel(self.tr("Held-out pictures"))
        bold = title.font()
        bold.setBold(True)
        title.setFont(bold)
        head.addWidget(title)
        head.addSpacing(8)
        self._choices = QButtonGroup(self)
        self._choices.idClicked.connect(self._on_number)
        self._number_row = QHBoxLayout()
        self._number_row.setSpacing(2)
        head.addLayout(self._number_row)
        head.addSpacing(12)
        self._modes = QButtonGroup(self)
        for mode, text in (
            (CompareMode.GRID, self.tr("All")),
            (CompareMode.SLIDER, self.tr("Slider")),
            (CompareMode.BLINK, self.tr("Blink")),
            (CompareMode.DIFFERENCE, self.tr("Difference")),
        ):
            button = _choice(text)
            button.setProperty("mode", mode.value)
            button.setChecked(mode is CompareMode.GRID)
            button.clicked.connect(self._on_mode)
            self._modes.addButton(button)
            head.addWidget(button)
        head.addSpacing(16)
        self._slider = QSlider(Qt.Orientation.Horizontal)
        self._slider.setAccessibleName(self.tr("Step that “Now” shows"))
        self._slider.setPageStep(1)
        self._slider.valueChanged.connect(self._on_scrubbed)
        self._step_label = QLabel()
        self.latest = QCheckBox(self.tr("Latest"))
        """Whether new enlargements are shown as they come."""
        self.latest.setToolTip(self.tr("Show new enlargements as they come"))
        self.latest.setChecked(True)
        self.latest.toggled.connect(self._on_latest)
        head.addWidget(self._slider, 1)
        head.addWidget(self._step_label)
        head.addSpacing(8)
        head.addWidget(self.latest)
        if not self._is_live:
            head.addStretch(1)
        return head

    def _offer_numbers(self) -> None:
        for button in self._choices.buttons():
            self._choices.removeButton(button)
            button.deleteLater()
        for place, number in enumerate(self._numbers, 1):
            button = _choice(str(place))
            button.setAccessibleName(self.tr("Picture {}").format(place))
            button.setToolTip(button.accessibleName())
            self._choices.addButton(button, number)
            self._number_row.addWidget(button)
        if self._number not in self._numbers:
            self._number = self._numbers[0] if self._numbers else -1
        if self._number >= 0:
            self._choices.button(self._number).setChecked(True)

    def _set_empty(self, *, is_empty: bool) -> None:
        self._empty.setVisible(is_empty)
        for widget in (self.view, *self._modes.buttons()):
            widget.setVisible(not is_empty)
        for widget in (self._slider, self._step_label, self.latest):
            widget.setVisible(self._is_live and not is_empty)

    @Slot(int)
    def _on_number(self, number: int) -> None:
        self._number = number
        self._show()

    @Slot()
    def _on_mode(self) -> None:
        self.view.set_mode(CompareMode(self.sender().property("mode")))

    @Slot()
    def _on_scrubbed(self) -> None:
        if self._slider.value() < self._slider.maximum():
            self.latest.setChecked(False)
        self._show()

    @Slot(bool)
    def _on_latest(self, is_latest: bool) -> None:
        if is_latest and self._steps:
            self._slider.setValue(len(self._steps) - 1)

    # --- the pictures -----------------------------------------------------------------------------------------------

    def _paths(self) -> dict[str, Path]:
        assert self._folder is not None
        names = {kind: f"{self._number:02}_{kind}.png" for kind in _KINDS}
        names["start"] = f"{self._number:02}_step-{self._steps[0]:08}.png"
        names["now"] = f"{self._number:02}_step-{self.step:08}.png"
        if self._steps[0] != 0:
            del names["start"]
        return {kind: self._folder / name for kind, name in names.items()}

    def _show(self) -> None:
        """Show what is kept already, and have the rest read."""
        if self._folder is None or self.step is None or self._number < 0:
            return
        self._step_label.setText(self.tr("step {:,}").format(self.step))
        paths = self._paths()
        missing = tuple(path for path in paths.values() if path not in self._kept)
        if missing:
            self._thread.cancel_all()
            request = PicturesRequest(lr=paths["lr"], paths=missing)
            self._awaited = request.id
            self._thread.submit(request)
        else:
            self._put(paths)

    def _put(self, paths: dict[str, Path]) -> None:
        lr = self._kept.get(paths["lr"])
        if lr is None:
            return
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

    @Slot(object)
    def _on_answered(self, answer: Answer) -> None:
        if not isinstance(answer, PicturesRead) or answer.id != self._awaited:
            return
        self._kept.update(answer.pictures)
        if self.step is not None:
            self._put(self._paths())


def _choice(text: str) -> QToolButton:
    button = QToolButton()
    button.setText(text)
    button.setCheckable(True)
    button.setAutoExclusive(False)
    button.setObjectName("choice")
    return button


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
