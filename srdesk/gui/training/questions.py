"""The questions that the training dialog asks."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QFileDialog, QMessageBox, QWidget


class TrainingQuestions(QObject):
    """Asks the person in front of the dialog. Tests answer in its place."""

    def __init__(self, window: QWidget) -> None:
        super().__init__(window)
        self._window = window

    def data_folder(self) -> Path | None:
        """Ask for a folder of pictures."""
        chosen = QFileDialog.getExistingDirectory(self._window, self.tr("Add a Folder of Pictures"))
        return Path(chosen) if chosen else None

    def archives(self) -> list[Path]:
        """Ask for archives of pictures; an empty list for none."""
        chosen, _ = QFileDialog.getOpenFileNames(
            self._window, self.tr("Add Archives of Pictures"), "", self.tr("Zip archives (*.zip)")
        )
        return [Path(name) for name in chosen]

    def weights(self) -> Path | None:
        """Ask for a weights file to start from."""
        chosen, _ = QFileDialog.getOpenFileName(
            self._window, self.tr("Start from Weights"), "", self.tr("Weights (*.safetensors)")
        )
        return Path(chosen) if chosen else None

    def features(self) -> Path | None:
        """Ask for a file with the features of a VGG19."""
        chosen, _ = QFileDialog.getOpenFileName(
            self._window, self.tr("VGG19 of torchvision"), "", self.tr("VGG19 (*.pth *.safetensors)")
        )
        return Path(chosen) if chosen else None

    def download_folder(self) -> Path | None:
        """Say what downloading COCO 2014 means, and ask where to."""
        box = QMessageBox(self._window)
        box.setIcon(QMessageBox.Icon.NoIcon)
        box.setWindowTitle(self.tr("Download COCO 2014"))
        box.setText(self.tr("COCO 2014 is 123,000 photos in two archives of 13.5 GB and 6.6 GB."))
        box.setInformativeText(
            self.tr(
                "They come from the servers of the COCO project. A download that breaks off is taken up again where it "
                "stopped. The licences of the photos are those of their photographers."
            )
        )
        choose = box.addButton(self.tr("Choose a Folder…"), QMessageBox.ButtonRole.AcceptRole)
        box.addButton(QMessageBox.StandardButton.Cancel)
        box.setDefaultButton(choose)
        box.exec()
        accepted = box.clickedButton() is choose
        box.deleteLater()
        if not accepted:
            return None
        chosen = QFileDialog.getExistingDirectory(self._window, self.tr("Download COCO 2014 into"))
        return Path(chosen) if chosen else None

    def confirm_discarding(self, run: str) -> bool:
        """Ask whether a run shall be ended and deleted."""
        box = QMessageBox(self._window)
        box.setIcon(QMessageBox.Icon.NoIcon)
        box.setWindowTitle(self.tr("Cancel & Discard"))
        box.setText(self.tr("Cancel the run “{}” and delete it?").format(run))
        box.setInformativeText(
            self.tr("Its checkpoint, weights, curves and pictures are lost. Nothing else is touched.")
        )
        discard = box.addButton(self.tr("Discard"), QMessageBox.ButtonRole.DestructiveRole)
        keep = box.addButton(self.tr("Keep Training"), QMessageBox.ButtonRole.RejectRole)
        box.setDefaultButton(keep)
        box.setEscapeButton(keep)
        box.exec()
        accepted = box.clickedButton() is discard
        box.deleteLater()
        return accepted
