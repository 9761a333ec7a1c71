"""What the desk shows while no picture is open: a place to drop one, and three samples to try."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QSize, Qt, Signal, Slot
from PySide6.QtGui import QIcon, QPainter, QPainterPath, QPixmap
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QToolButton, QVBoxLayout, QWidget

from srdesk.gui.look import icons
from srdesk.gui.look.theme import current_scheme

_THUMBNAIL = QSize(176, 118)
_CORNER_PX = 6
_ICON_PX = 48


class Welcome(QWidget):
    """The empty desk."""

    open_requested = Signal()
    """The person wants to choose a file."""
    paste_requested = Signal()
    """The person wants what is on the clipboard."""
    sample_requested = Signal(object)
    """Path of a sample picture that the person wants to try."""

    def __init__(self, samples: list[Path], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("welcome")
        self._zone = QFrame()
        self._zone.setObjectName("dropZone")
        self._icon = QLabel(alignment=Qt.AlignmentFlag.AlignCenter)
        title = QLabel(self.tr("Drop a picture here"), alignment=Qt.AlignmentFlag.AlignCenter)
        title.setObjectName("welcomeTitle")
        hint = QLabel(
            self.tr("It is enlarged four times and compared side by side. PNG, JPEG, WebP, TIFF and FITS."),
            alignment=Qt.AlignmentFlag.AlignCenter,
        )
        hint.setObjectName("welcomeHint")
        hint.setWordWrap(True)
        self._open = QPushButton(self.tr("Open…"))
        self._open.setProperty("primary", True)
        self._open.clicked.connect(self.open_requested)
        paste = QPushButton(self.tr("Paste"))
        paste.clicked.connect(self.paste_requested)

        buttons = QHBoxLayout()
        buttons.setSpacing(8)
        buttons.addStretch()
        buttons.addWidget(self._open)
        buttons.addWidget(paste)
        buttons.addStretch()
        inside = QVBoxLayout(self._zone)
        inside.setContentsMargins(32, 36, 32, 36)
        inside.setSpacing(8)
        inside.addWidget(self._icon)
        inside.addSpacing(4)
        inside.addWidget(title)
        inside.addWidget(hint)
        inside.addSpacing(12)
        inside.addLayout(buttons)

        column = QVBoxLayout()
        column.setSpacing(20)
        column.addStretch(2)
        column.addWidget(self._zone)
        self._samples = QWidget()
        if samples:
            self._samples.setLayout(self._sample_row(samples))
            column.addWidget(self._samples)
        column.addStretch(3)
        middle = QHBoxLayout(self)
        middle.setContentsMargins(32, 24, 32, 24)
        middle.addStretch(1)
        middle.addLayout(column)
        middle.addStretch(1)
        self._zone.setMinimumWidth(3 * (_THUMBNAIL.width() + 16) + 2 * 12)
        self.setFocusProxy(self._open)
        self.redraw()

    def set_dragging(self, *, is_dragging: bool) -> None:
        """Show whether something is being dragged over the window that could be dropped."""
        self._zone.setProperty("dragging", is_dragging)
        self._zone.style().unpolish(self._zone)
        self._zone.style().polish(self._zone)

    @Slot(bool)
    def set_compact(self, is_compact: bool) -> None:
        """Leave room for others by hiding the samples."""
        self._samples.setVisible(not is_compact)

    @Slot()
    def redraw(self) -> None:
        """Draw the icon in the colours of the theme."""
        self._icon.setPixmap(icons.pixmap("picture", current_scheme().muted, _ICON_PX, self.devicePixelRatioF()))

    def _sample_row(self, samples: list[Path]) -> QVBoxLayout:
        caption = QLabel(self.tr("Or try a sample"), alignment=Qt.AlignmentFlag.AlignCenter)
        caption.setObjectName("muted")
        row = QHBoxLayout()
        row.setSpacing(12)
        for path in samples:
            button = QToolButton()
            button.setObjectName("sample")
            button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextUnderIcon)
            button.setText(path.stem.replace("_", " ").replace("-", " ").capitalize())
            button.setAccessibleName(self.tr("Open the sample “{}”").format(button.text()))
            button.setIcon(_thumbnail(path, self.devicePixelRatioF()))
            button.setIconSize(_THUMBNAIL)
            button.setProperty("path", str(path))
            button.clicked.connect(self._on_sample)
            row.addWidget(button, 1)
        rows = QVBoxLayout()
        rows.setContentsMargins(0, 0, 0, 0)
        rows.setSpacing(8)
        rows.addWidget(caption)
        rows.addLayout(row)
        return rows

    @Slot()
    def _on_sample(self) -> None:
        self.sample_requested.emit(Path(self.sender().property("path")))


def _thumbnail(path: Path, density: float) -> QIcon:
    """Return a picture of our own, cropped to the size of a thumbnail with round corners."""
    size = _THUMBNAIL * density
    whole = QPixmap(str(path)).scaled(
        size, Qt.AspectRatioMode.KeepAspectRatioByExpanding, Qt.TransformationMode.SmoothTransformation
    )
    thumbnail = QPixmap(size)
    thumbnail.fill(Qt.GlobalColor.transparent)
    painter = QPainter(thumbnail)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    outline = QPainterPath()
    outline.addRoundedRect(thumbnail.rect(), _CORNER_PX * density, _CORNER_PX * density)
    painter.setClipPath(outline)
    # Heads are in the upper part of pictures.
    painter.drawPixmap((size.width() - whole.width()) // 2, (size.height() - whole.height()) // 6, whole)
    painter.end()
    thumbnail.setDevicePixelRatio(density)
    return QIcon(thumbnail)
