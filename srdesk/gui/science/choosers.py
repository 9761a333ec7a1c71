"""Which image of a FITS file, and which bands of a scene, the panes show."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QLabel, QWidget

if TYPE_CHECKING:
    from srdesk.imaging.fits.parts import Plane
    from srdesk.imaging.scene.geotiff import Band

_INFRARED = ("nir", "near infrared", "near-infrared", "nearinfrared", "near_infrared", "b08", "nir08")
"""Names of the band beyond red."""

_PART_LETTERS, _BAND_LETTERS, _PRESET_LETTERS = 22, 7, 11
"""How many letters of an entry are seen while its list is closed."""


def compact_box(name: str, letters: int, parent: QWidget) -> QComboBox:
    """Return a box to choose from that leaves the keyboard with the panes after a click."""
    box = QComboBox(parent)
    box.setAccessibleName(name)
    box.setToolTip(name)
    box.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    box.setMinimumContentsLength(letters)
    box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
    box.view().setTextElideMode(Qt.TextElideMode.ElideNone)
    return box


class PartChooser(QWidget):
    """Chooses an image of a FITS file: an HDU, a plane of a cube, or three planes as colours."""

    chosen = Signal(str)
    """The `Plane.part` that was chosen."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.box = compact_box(self.tr("Image of the file"), _PART_LETTERS, self)
        self.box.activated.connect(self._on_activated)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(QLabel(self.tr("Image"), self))
        row.addWidget(self.box)

    def show_planes(self, planes: Sequence[Plane], part: str) -> None:
        """Offer ``planes``, of which ``part`` is seen."""
        self.box.clear()
        for plane in planes:
            self.box.addItem(plane_title(plane), plane.part)
        self.box.setCurrentIndex(self.box.findData(part))
        self.box.setToolTip(self.box.currentText())
        self.box.view().setMinimumWidth(self.box.view().sizeHintForColumn(0) + 24)
        self.box.setEnabled(len(planes) > 1)

    @Slot(int)
    def _on_activated(self, index: int) -> None:
        self.chosen.emit(self.box.itemData(index))


def plane_title(plane: Plane) -> str:
    """Return what a list says of an image: place, name, size, type and unit."""
    hdu, _, place = plane.part.partition(",")
    name = " ".join(word for word in (hdu, plane.name) if word) + (f" [{place}]" if place else "")
    facts = (f"{plane.width} × {plane.height}", plane.dtype, plane.unit)
    return f"{name} · " + ", ".join(fact for fact in facts if fact)


class BandChooser(QWidget):
    """Chooses one band of a scene as grey, or three as red, green and blue; presets for what is chosen often."""

    chosen = Signal(tuple)
    """Numbers of the bands that were chosen, from 1: one or three."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._bands: tuple[Band, ...] = ()
        self._shown: tuple[int, ...] = ()
        self.preset = compact_box(self.tr("Which bands are shown"), _PRESET_LETTERS, self)
        self.preset.activated.connect(self._on_preset)
        names = (self.tr("Band shown red"), self.tr("Band shown green"), self.tr("Band shown blue"))
        self.boxes = [compact_box(name, _BAND_LETTERS, self) for name in names]
        self._letters = [QLabel(letter, self) for letter in ("R", "G", "B")]
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.preset)
        for letter, box in zip(self._letters, self.boxes, strict=True):
            row.addWidget(letter)
            row.addWidget(box)
            box.activated.connect(self._on_band)

    def show_bands(self, bands: Sequence[Band], shown: tuple[int, ...]) -> None:
        """Offer ``bands``, of which those with the numbers ``shown`` are seen."""
        self._bands, self._shown = tuple(bands), shown
        for box in self.boxes:
            box.clear()
            for band in bands:
                box.addItem(band_title(band), band.number)
            box.view().setMinimumWidth(box.view().sizeHintForColumn(0) + 24)
        for box, number in zip(self.boxes, shown, strict=False):
            box.setCurrentIndex(box.findData(number))
            box.setToolTip(f"{box.accessibleName()}: {box.currentText()}")
        is_colour = len(shown) == 3
        for widget in (*self.boxes[1:], *self._letters):
            widget.setVisible(is_colour)
        self._fill_presets()
        self.setEnabled(len(bands) > 1)

    def _fill_presets(self) -> None:
        """Offer what can be chosen at once; the bands that are seen are the one that is marked."""
        self.preset.clear()
        self.preset.addItem(self._title(self._shown), self._shown)
        choices = [(self.tr("As the file says"), ()), *self._colour_choices()]
        choices.append((self.tr("One band"), self._shown[:1]))
        for text, bands in choices:
            if bands != self._shown:
                self.preset.addItem(text, bands)
        self.preset.setCurrentIndex(0)
        self.preset.view().setMinimumWidth(self.preset.view().sizeHintForColumn(0) + 24)

    def _title(self, bands: tuple[int, ...]) -> str:
        return self.tr("One band") if len(bands) == 1 else self.tr("Bands {}").format(", ".join(map(str, bands)))

    def _colour_choices(self) -> Iterator[tuple[str, tuple[int, ...]]]:
        if len(self._bands) < 3:
            return
        places = {_colour_of(band): band.number for band in reversed(self._bands)}
        for title, colours in (
            (self.tr("Natural colours"), ("red", "green", "blue")),
            (self.tr("Infrared colours"), ("nir", "red", "green")),
        ):
            if places.keys() >= set(colours):
                bands = tuple(places[colour] for colour in colours)
                yield f"{title}: {', '.join(map(str, bands))}", bands
        if len(self._shown) == 1:
            bands = _three_from(self._shown[0], len(self._bands))
            yield self._title(bands), bands
        else:
            first = max(self._shown, default=0) + 1
            bands = _three_from(first if first + 2 <= len(self._bands) else 1, len(self._bands))
            yield self.tr("Next three: {}").format(", ".join(map(str, bands))), bands

    @Slot(int)
    def _on_preset(self, index: int) -> None:
        bands = self.preset.itemData(index)
        if tuple(bands) != self._shown:
            self.chosen.emit(tuple(bands))

    @Slot()
    def _on_band(self) -> None:
        bands = tuple(box.currentData() for box in self.boxes[: len(self._shown)])
        if bands != self._shown:
            self.chosen.emit(bands)


def band_title(band: Band) -> str:
    """Return what a list says of a band: number, and name or colour."""
    name = band.name or band.colour
    return f"{band.number} {name}".strip()


def _colour_of(band: Band) -> str:
    """Return red, green, blue or nir if the file, or the name of the band alone, says that it is that."""
    if band.colour in ("red", "green", "blue"):
        return band.colour
    name = band.name.strip().lower()
    return "nir" if name in _INFRARED else name


def _three_from(number: int, count: int) -> tuple[int, int, int]:
    first = min(number, count - 2)
    return first, first + 1, first + 2
