"""The texts of the Help menu."""

from __future__ import annotations

import html
import importlib.metadata
from importlib.metadata import PackageMetadata

from PySide6.QtCore import Slot
from PySide6.QtGui import QAction, QGuiApplication, QKeySequence, QPalette
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QTextBrowser, QVBoxLayout, QWidget

from srdesk import __version__

_MAX_LICENCE_LENGTH = 80
"""Longer entries are the whole text of a licence."""

_WIDTH_PX, _MAX_HEIGHT_PX, _MARGIN_PX = 640, 600, 20

PARTS = (
    "torch",
    "PySide6-Essentials",
    "numpy",
    "pillow",
    "tifffile",
    "imagecodecs",
    "astropy",
    "rasterio",
    "scikit-image",
    "safetensors",
    "pyqtgraph",
    "qimage2ndarray",
    "platformdirs",
    "psutil",
    "msgspec",
    "tqdm",
)
"""Packages that the program stands on."""


class TextDialog(QDialog):
    """A page of text that can be selected, and copied as a whole."""

    def __init__(self, title: str, page: str, parent: QWidget | None = None, *, is_plain: bool = False) -> None:
        super().__init__(parent)
        self.setWindowTitle(title)
        self._browser = QTextBrowser()
        self._browser.setOpenExternalLinks(True)
        self._browser.setFrameShape(QTextBrowser.Shape.NoFrame)
        self._browser.viewport().setBackgroundRole(QPalette.ColorRole.Window)
        if is_plain:
            self._browser.setPlainText(page)
        else:
            self._browser.setHtml(page)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.rejected.connect(self.reject)
        if is_plain:
            copy = buttons.addButton(self.tr("Copy"), QDialogButtonBox.ButtonRole.ActionRole)
            copy.clicked.connect(self._on_copy)
        column = QVBoxLayout(self)
        column.setContentsMargins(_MARGIN_PX, _MARGIN_PX, _MARGIN_PX, _MARGIN_PX)
        column.setSpacing(12)
        column.addWidget(self._browser)
        column.addWidget(buttons)
        page_document = self._browser.document()
        page_document.setTextWidth(_WIDTH_PX - 2 * _MARGIN_PX)
        needed_px = round(page_document.size().height()) + 5 * _MARGIN_PX
        self.resize(_WIDTH_PX, min(needed_px, _MAX_HEIGHT_PX))

    @property
    def text(self) -> str:
        """What can be read."""
        return self._browser.toPlainText()

    @Slot()
    def _on_copy(self) -> None:
        QGuiApplication.clipboard().setText(self.text)


def getting_started(parent: QWidget) -> TextDialog:
    """Return the page for a person who opens the desk for the first time."""
    tr = parent.tr
    steps = (
        tr("<b>Open a picture.</b> Drop it on the window, paste it, or choose File ▸ Open."),
        tr(
            "<b>Compare.</b> Every pane shows the same place: LR is your picture, Bicubic the ordinary enlargement, "
            "the others are networks. Drag to pan, turn the wheel to zoom, double-click for 100 %. Hide panes with "
            "the keys 1 to 5; compare two of them with Slider, Blink or Difference."
        ),
        tr(
            "<b>What you see is what you get.</b> Of a large picture the visible part is computed first, exactly "
            "as it will be in the result. Press F5 to enlarge all of it."
        ),
        tr("<b>Save.</b> Click a pane to mark it, then press Ctrl+S. The result is put beside your picture."),
        tr(
            "<b>Many at once.</b> Drop a folder or several files and put them into the queue: they are enlarged one "
            "after the other, and what is left when the desk is closed is kept."
        ),
        tr(
            "<b>Train.</b> A network does better on your kind of pictures once it has seen some: choose "
            "Train ▸ Fine-tune on Folder, and take over the new weights if they are better."
        ),
    )
    items = "".join(f"<li style='margin-bottom: 10px'>{step}</li>" for step in steps)
    return TextDialog(tr("Getting Started"), f"<h2>{tr('Getting started')}</h2><ol>{items}</ol>", parent)


def shortcuts(parent: QWidget, actions: list[QAction]) -> TextDialog:
    """Return the list of shortcuts, made from the actions themselves."""
    tr = parent.tr
    pairs = [
        (
            action.text().replace("&", "").rstrip("…"),
            action.shortcut().toString(QKeySequence.SequenceFormat.NativeText),
        )
        for action in actions
        if not action.shortcut().isEmpty()
    ]
    pairs += [
        (tr("Show the second pane while held"), "B"),
        (tr("Pan"), tr("Left drag, arrow keys")),
        (tr("Zoom at the cursor"), tr("Wheel")),
        (tr("Toggle fit and 100 %"), tr("Double-click")),
    ]
    rows = "".join(
        f"<tr><td style='padding: 3px 32px 3px 0'>{html.escape(what)}</td>"
        f"<td style='padding: 3px 0'><b>{html.escape(keys)}</b></td></tr>"
        for what, keys in pairs
    )
    return TextDialog(tr("Shortcuts"), f"<h2>{tr('Shortcuts')}</h2><table>{rows}</table>", parent)


def licences(parent: QWidget) -> TextDialog:
    """Return the licences of this program and of what it is made of."""
    tr = parent.tr
    rows = []
    for name in PARTS:
        try:
            facts = importlib.metadata.metadata(name)
        except importlib.metadata.PackageNotFoundError:
            continue
        licence = _licence(facts) or tr("see its pages")
        rows.append(
            f"<tr><td style='padding: 3px 32px 3px 0'>{html.escape(name)} {facts['Version']}</td>"
            f"<td style='padding: 3px 0'>{html.escape(licence)}</td></tr>"
        )
    own = tr("SR Desk is free software under the MIT licence. It stands on:")
    return TextDialog(tr("Licences"), f"<h2>{tr('Licences')}</h2><p>{own}</p><table>{''.join(rows)}</table>", parent)


def about(parent: QWidget) -> TextDialog:
    """Return what this program is."""
    tr = parent.tr
    text = tr(
        "Enlarges portraits, satellite scenes and astronomy images four times, compares networks side by side, and "
        "trains them. Nothing leaves this computer."
    )
    networks = tr("SRCNN: Dong et al. 2014, 2016. SRResNet and SRGAN: Ledig et al. 2017.")
    page = f"<h2>SR Desk {__version__}</h2><p>{text}</p><p>{networks}</p>"
    return TextDialog(tr("About SR Desk"), page, parent)


def _licence(facts: PackageMetadata) -> str:
    expression = facts.get_all("License-Expression") or []
    classifiers = facts.get_all("Classifier") or []
    named = [line.rpartition("::")[2].strip() for line in classifiers if line.startswith("License ::")]
    free_text = [line for line in facts.get_all("License") or [] if len(line) <= _MAX_LICENCE_LENGTH]
    return ", ".join(expression or named or free_text)
