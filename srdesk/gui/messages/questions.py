"""The questions that the desk asks in dialogs. Everything else goes through the banner, which keeps nobody waiting."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from PySide6.QtCore import QObject
from PySide6.QtGui import QColor
from PySide6.QtWidgets import (
    QAbstractButton,
    QCheckBox,
    QColorDialog,
    QFileDialog,
    QInputDialog,
    QMessageBox,
    QPushButton,
    QWidget,
)

from srdesk.imaging.naming import CollisionPolicy

Colour = tuple[int, int, int]


class Questions(QObject):
    """Asks the person in front of one window. Tests answer in its place."""

    def __init__(self, window: QWidget) -> None:
        super().__init__(window)
        self._window = window

    def open_paths(self, folder: str, patterns: str) -> list[Path]:
        """Ask which picture to open; an empty list for none."""
        chosen, _ = QFileDialog.getOpenFileNames(
            self._window, self.tr("Open"), folder, self.tr("Pictures ({});;All files (*)").format(patterns)
        )
        return [Path(name) for name in chosen]

    def truth_path(self, folder: str, patterns: str) -> Path | None:
        """Ask for the sharp picture that the open one was made from."""
        chosen, _ = QFileDialog.getOpenFileName(
            self._window, self.tr("Open Ground Truth"), folder, self.tr("Pictures ({});;All files (*)").format(patterns)
        )
        return Path(chosen) if chosen else None

    def save_path(self, suggestion: Path, filters: dict[str, str]) -> Path | None:
        """Ask where to save.

        Args:
            suggestion: folder and name that are offered.
            filters: format name → patterns such as ``*.png``; the first is that of the suggestion.
        """
        chosen, _ = QFileDialog.getSaveFileName(
            self._window,
            self.tr("Save As"),
            str(suggestion),
            ";;".join(f"{name} ({patterns})" for name, patterns in filters.items()),
            options=QFileDialog.Option.DontConfirmOverwrite,
        )
        return Path(chosen) if chosen else None

    def folder(self, start: Path) -> Path | None:
        """Ask for a folder to save into."""
        chosen = QFileDialog.getExistingDirectory(self._window, self.tr("Save All Panes"), str(start))
        return Path(chosen) if chosen else None

    def collision(self, path: Path) -> CollisionPolicy:
        """Ask what to do with a file that exists."""
        box = self._box(
            self.tr("“{}” exists already.").format(path.name),
            self.tr("It can be replaced, or the new file gets a number."),
        )
        number = box.addButton(self.tr("Number the New File"), QMessageBox.ButtonRole.AcceptRole)
        replace = box.addButton(self.tr("Replace"), QMessageBox.ButtonRole.DestructiveRole)
        box.addButton(QMessageBox.StandardButton.Cancel)
        clicked = _ask(box, number)
        return "number" if clicked is number else "overwrite" if clicked is replace else "skip"

    def background(self, format_name: str) -> Colour | None:
        """Ask which colour goes behind transparent pixels, for a format that has no transparency."""
        box = self._box(
            self.tr("{} files have no transparency.").format(format_name),
            self.tr("Choose the colour behind the transparent parts, or cancel and save as PNG."),
        )
        role = QMessageBox.ButtonRole.AcceptRole
        white = box.addButton(self.tr("White"), role)
        black = box.addButton(self.tr("Black"), role)
        other = box.addButton(self.tr("Other…"), role)
        box.addButton(QMessageBox.StandardButton.Cancel)
        clicked = _ask(box, white)
        if clicked is other:
            colour = QColorDialog.getColor(QColor("white"), self._window, self.tr("Background"))
            return (colour.red(), colour.green(), colour.blue()) if colour.isValid() else None
        return (255, 255, 255) if clicked is white else (0, 0, 0) if clicked is black else None

    def format_instead(self, reason: str, suffix: str) -> bool:
        """Say why a format cannot hold the result, and ask whether to save as another one."""
        box = self._box(reason, self.tr("Nothing is lost in a {} file.").format(suffix.lstrip(".").upper()))
        instead = box.addButton(
            self.tr("Save as {}").format(suffix.lstrip(".").upper()), QMessageBox.ButtonRole.AcceptRole
        )
        box.addButton(QMessageBox.StandardButton.Cancel)
        return _ask(box, instead) is instead

    def size(self, current: str, width: int, height: int) -> str | None:
        """Ask for the size of results as ``WIDTHxHEIGHT``.

        Args:
            current: what is offered.
            width: largest possible width in pixels.
            height: largest possible height in pixels.
        """
        text, accepted = QInputDialog.getText(
            self._window,
            self.tr("Custom Size"),
            self.tr("Width × height in pixels, at most {} × {}:").format(width, height),
            text=current,
        )
        return text if accepted else None

    def confirm_closing(self, work: str) -> tuple[bool, bool]:
        """Ask whether to close although ``work`` is going on.

        Returns:
            Whether to close, and whether to ask again next time.
        """
        box = self._box(work, self.tr("If you close now, it is lost. Files that were saved are safe."))
        close = box.addButton(self.tr("Close Anyway"), QMessageBox.ButtonRole.DestructiveRole)
        stay = box.addButton(self.tr("Keep Working"), QMessageBox.ButtonRole.RejectRole)
        never = QCheckBox(self.tr("Do not ask again"))
        box.setCheckBox(never)
        box.setEscapeButton(stay)
        return _ask(box, stay) is close, not never.isChecked()

    def close_during_queue(self, files: str) -> tuple[bool, bool]:
        """Ask whether to close although the queue is running; ``files`` says how many are left.

        Returns:
            Whether to close, and whether to ask again next time.
        """
        box = self._box(
            self.tr("The queue is running: {} left.").format(files),
            self.tr("It is kept: the next time that SR Desk is opened, it can go on where it was."),
        )
        close = box.addButton(self.tr("Close and Go On Later"), QMessageBox.ButtonRole.AcceptRole)
        stay = box.addButton(self.tr("Keep Working"), QMessageBox.ButtonRole.RejectRole)
        never = QCheckBox(self.tr("Do not ask again"))
        box.setCheckBox(never)
        box.setEscapeButton(stay)
        return _ask(box, stay) is close, not never.isChecked()

    def folder_to_open(self, start: str) -> Path | None:
        """Ask for a folder of pictures to open or to put into the queue."""
        chosen = QFileDialog.getExistingDirectory(self._window, self.tr("Open Folder"), start)
        return Path(chosen) if chosen else None

    def results_folder(self, start: Path) -> Path | None:
        """Ask for the folder of the results of the queue."""
        chosen = QFileDialog.getExistingDirectory(self._window, self.tr("Folder of Results"), str(start))
        return Path(chosen) if chosen else None

    def scene_run(self, what: str, facts: str) -> Literal["start", "elsewhere", "leave"]:
        """Ask whether a scene is enlarged into a file, now that it is known what that takes.

        Args:
            what: the question.
            facts: size, place, room on the disk and time.
        """
        box = self._box(what, facts)
        start = box.addButton(self.tr("Start"), QMessageBox.ButtonRole.AcceptRole)
        elsewhere = box.addButton(self.tr("Choose Another Place…"), QMessageBox.ButtonRole.ActionRole)
        box.addButton(QMessageBox.StandardButton.Cancel)
        clicked = _ask(box, start)
        return "start" if clicked is start else "elsewhere" if clicked is elsewhere else "leave"

    def close_during_scene(self, name: str) -> bool:
        """Ask whether to close although a scene is being enlarged."""
        box = self._box(
            self.tr("“{}” is still being enlarged.").format(name),
            self.tr("What is finished is kept, and goes on when the scene is opened again."),
        )
        close = box.addButton(self.tr("Stop and Close"), QMessageBox.ButtonRole.AcceptRole)
        return _ask(box, box.addButton(QMessageBox.StandardButton.Cancel)) is close

    def training_folder(self) -> Path | None:
        """Ask for a folder of pictures to train on."""
        chosen = QFileDialog.getExistingDirectory(self._window, self.tr("Fine-tune on Folder"), str(Path.home()))
        return Path(chosen) if chosen else None

    def weights_file(self) -> Path | None:
        """Ask which weights file to import."""
        chosen, _ = QFileDialog.getOpenFileName(
            self._window, self.tr("Import Weights"), str(Path.home()), self.tr("Weights (*.safetensors)")
        )
        return Path(chosen) if chosen else None

    def confirm_deletion(self, what: str, loss: str) -> bool:
        """Ask whether to delete something for good; ``loss`` says what goes with it."""
        box = self._box(what, loss)
        delete = box.addButton(self.tr("Delete"), QMessageBox.ButtonRole.DestructiveRole)
        return _ask(box, box.addButton(QMessageBox.StandardButton.Cancel)) is delete

    def close_during_training(self, name: str) -> Literal["keep", "stop", "stay"]:
        """Ask what becomes of a training when the desk is closed: it goes on, it stops, or the desk stays open."""
        box = self._box(
            self.tr("“{}” is still training.").format(name),
            self.tr("It can go on in the background, where the next desk finds it, or stop and be resumed later."),
        )
        keep = box.addButton(self.tr("Keep Training in the Background"), QMessageBox.ButtonRole.AcceptRole)
        stop = box.addButton(self.tr("Stop and Keep the Checkpoint"), QMessageBox.ButtonRole.DestructiveRole)
        box.addButton(QMessageBox.StandardButton.Cancel)
        clicked = _ask(box, keep)
        return "keep" if clicked is keep else "stop" if clicked is stop else "stay"

    def _box(self, text: str, more: str) -> QMessageBox:
        box = QMessageBox(self._window)
        box.setIcon(QMessageBox.Icon.NoIcon)
        box.setWindowTitle(self.tr("SR Desk"))
        box.setText(text)
        box.setInformativeText(more)
        return box


def _ask(box: QMessageBox, default: QPushButton) -> QAbstractButton | None:
    box.setDefaultButton(default)
    box.exec()
    clicked = box.clickedButton()
    box.deleteLater()
    return clicked
