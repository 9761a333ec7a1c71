"""Connects what astronomers and surveyors see besides the panes with the session and the panes."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QObject, Signal, Slot

from srdesk.gui.actions import PANE_TITLES
from srdesk.gui.compare.comparison import CursorReading
from srdesk.gui.compare.pyramid import DisplayImage
from srdesk.gui.compare.shading import Shading
from srdesk.gui.compare.view import CompareView
from srdesk.gui.messages.failure import Doing, Failure
from srdesk.gui.preferences import Preferences
from srdesk.gui.science.look import Look, ToneScale
from srdesk.gui.science.place_line import PlaceLine
from srdesk.gui.science.reading import has_places, map_of, measured_of, place_of
from srdesk.gui.science.science_bar import ScienceBar
from srdesk.gui.work.requests import Document, Rendered
from srdesk.gui.work.session import Session
from srdesk.imaging.flux import FluxError
from srdesk.imaging.stretch import percentile_stretch

TRUSTED_PANE = "srresnet"
"""The pane that is meant for measured pictures: trained to be right, not to look sharp."""

_SCENE_PERCENT = 98.0
"""Share of the numbers of a scene that lies between black and white at first, as in programs for maps."""

_LEAST_PERCENT = 1e-4


class ScienceDesk(QObject):
    """Keeps bar, line and panes of one mind; remembers what of each file was chosen while the desk is open."""

    look_changed = Signal(object)
    """Pictures are seen with another `Look`, or (None) cannot be."""

    noticed = Signal(str)
    """A sentence about the picture that was opened."""

    def __init__(
        self,
        session: Session,
        view: CompareView,
        *,
        bar: ScienceBar,
        line: PlaceLine,
        preferences: Preferences,
    ) -> None:
        super().__init__(view)
        self._session = session
        self._view = view
        self._bar = bar
        self._line = line
        self._preferences = preferences
        self._chosen: dict[Path, tuple[str, tuple[int, ...]]] = {}
        self._recalled = Path()
        self._scale: ToneScale | None = None
        self._shading: Shading | None = None
        self._opened: Path | None = None
        self._map = ""
        session.recall = self._recall
        session.opening.connect(self._on_opening)
        session.failed.connect(self._on_failed)
        session.opened.connect(self._on_opened)
        session.closed.connect(self._on_closed)
        session.renderer.rendered.connect(self._on_rendered)
        session.renderer.forgotten.connect(self._show_flux)
        view.cursor_moved.connect(self._on_cursor_moved)
        view.active_pane_changed.connect(self._show_flux)
        bar.parts.chosen.connect(self._on_part_chosen)
        bar.bands.chosen.connect(self._on_bands_chosen)
        bar.stretch.look_changed.connect(self._on_look_changed)

    @property
    def look(self) -> Look | None:
        """How measured pictures are seen; None while there is none."""
        return None if self._scale is None else self._bar.stretch.look

    def choose(self, look: Look) -> None:
        """See measured pictures in another way."""
        if self._scale is not None:
            self._bar.stretch.choose(look)

    def as_seen(self, display: DisplayImage) -> DisplayImage:
        """Return a picture as the panes show it."""
        return display if self._shading is None else display.shaded(self._shading)

    # --- what the session says ------------------------------------------------------------------------------------

    def _recall(self, path: Path) -> tuple[str, tuple[int, ...]]:
        self._recalled = path.absolute()
        return self._chosen.get(self._recalled, ("", ()))

    @Slot(object)
    def _on_failed(self, failure: Failure) -> None:
        if failure.doing is Doing.OPENING:  # perhaps the file has no such part any more: it opens as usual next time
            self._chosen.pop(self._recalled, None)

    @Slot(str)
    def _on_opening(self, name: str) -> None:
        document = self._session.document
        if not name and document is not None:
            self._offer(document)  # what was chosen may have come to nothing

    @Slot(object)
    def _on_opened(self, document: Document) -> None:
        is_science = bool(document.planes or document.bands)
        is_same_file = document.path is not None and document.path == self._opened
        self._recalled = Path()  # what fails from here on is another opening
        self._opened = document.path
        self._offer(document)
        self._bar.setVisible(is_science)
        self._line.setVisible(is_science)
        self._line.show_place("")
        self._map = map_of(document)
        self._show_tones(document, keeps_look=is_same_file)
        if is_science and document.path is not None:
            self._chosen[document.path.absolute()] = (document.part, document.shown_bands)
        if is_science and not is_same_file:
            self._prefer_trusted_pane()
        self._show_flux()
        if document.remark:
            self.noticed.emit(document.remark)

    @Slot()
    def _on_closed(self) -> None:
        self._opened = None
        self._bar.hide()
        self._line.hide()
        self._scale = self._shading = None
        self._view.set_shading(None)
        self.look_changed.emit(None)

    @Slot(object)
    def _on_rendered(self, answer: Rendered) -> None:
        if answer.pane == self._view.active_pane:
            self._show_flux()

    @Slot()
    def _show_flux(self) -> None:
        """Say how well the marked pane keeps what was measured."""
        pane = self._view.active_pane
        flux = self._flux_of(pane)
        if flux is None:
            self._line.show_kept("")
            return
        kept = self._kept(flux)
        worst = ""
        if flux.sources:
            worst = self.tr(", worst of {} sources {}").format(f"{flux.sources:,}", _percent(flux.source_percent))
        self._line.show_kept(
            self.tr("{}: flux error {}{} · {}").format(PANE_TITLES[pane], _percent(flux.frame_percent), worst, kept),
            self.tr(
                "By how much the sum over all usable pixels differs from that of the file.\n"
                "Before the result was fitted to the file it was {}."
            ).format(_percent(flux.network_percent)),
        )

    def _kept(self, flux: FluxError) -> str:
        """Say what was conserved, and whether that is only a guess."""
        kept = self.tr("sums conserved") if flux.quantity == "sum" else self.tr("means conserved")
        document = self._session.document
        science = None if document is None or document.image is None else document.image.science
        if science is None or science.is_quantity_known:
            return kept
        why = self.tr("“{}” is not known").format(science.unit) if science.unit else self.tr("no BUNIT")
        return f"{kept} ({why})"

    def _flux_of(self, pane: str) -> FluxError | None:
        result = self._session.renderer.result(pane)
        return None if result is None else result.facts.flux

    # --- what the person does -------------------------------------------------------------------------------------

    @Slot(str)
    def _on_part_chosen(self, part: str) -> None:
        path = self._path()
        if path is not None:
            self._session.open(path, part=part)

    @Slot(tuple)
    def _on_bands_chosen(self, bands: tuple[int, ...]) -> None:
        path = self._path()
        if path is not None:
            self._chosen.pop(path.absolute(), None)  # with no bands it is the file that decides
            self._session.open(path, bands=bands)

    @Slot(object)
    def _on_look_changed(self, look: Look) -> None:
        if self._scale is not None:
            self._shading = self._scale.shading(look)
            self._view.set_shading(self._shading)
            self.look_changed.emit(look)

    @Slot(object)
    def _on_cursor_moved(self, reading: CursorReading | None) -> None:
        document = self._session.document
        if reading is None or document is None or self._bar.isHidden():
            self._line.show_place("")
            return
        values = reading.values.get("lr")
        measured = "" if values is None else measured_of(document, values)
        place = place_of(document, reading.x, reading.y)
        if not has_places(document):
            place = self.tr("The file does not say where this is.")
        self._line.show_place("   ".join(part for part in (place, self._map, measured) if part))

    # --- the inside -----------------------------------------------------------------------------------------------

    def _path(self) -> Path | None:
        return None if self._session.document is None else self._session.document.path

    def _offer(self, document: Document) -> None:
        self._bar.parts.show_planes(document.planes, document.part)
        self._bar.parts.setVisible(len(document.planes) > 1)
        self._bar.bands.show_bands(document.bands, document.shown_bands)
        self._bar.bands.setVisible(bool(document.bands))
        self._bar.arrange()

    def _show_tones(self, document: Document, *, keeps_look: bool) -> None:
        display = document.display
        tones = display.tones if isinstance(display, DisplayImage) else None
        sample = (None if tones is None else tones.sample) if isinstance(display, DisplayImage) else display.sample
        self._bar.stretch.setVisible(sample is not None)  # class numbers have colours, and no tones
        if sample is None or self._bar.isHidden():
            self._scale = None
            # Not None, by which a picture that was seen in another way would stay so.
            self._shading = display.shading
            self._view.set_shading(self._shading)
            self.look_changed.emit(None)
            return
        is_scene = bool(document.bands)
        opened = display.shading
        if is_scene and document.values.dtype != "uint8":
            opened = Shading((percentile_stretch(sample, _SCENE_PERCENT),))
        self._scale = ToneScale(sample, opened, takes_bands_alone=is_scene)
        look = Look(range=self._bar.stretch.look.range) if keeps_look else Look()
        can_saturate = tones is not None and tones.saturation is not None
        self._bar.stretch.show_scale(self._scale, look, _Speaker(document), can_saturate=can_saturate)
        self._on_look_changed(look)

    def _prefer_trusted_pane(self) -> None:
        """Mark the pane whose network invents least, so that it is the one that is compared and saved."""
        is_seen = TRUSTED_PANE in self._preferences.settings.visible_panes
        if is_seen and self._session.renderer.can_compute(TRUSTED_PANE):
            self._view.activate(TRUSTED_PANE)
            self._view.set_compared("bicubic", TRUSTED_PANE)


class _Speaker:
    """Says what values of `[0, 1]` of a document measure."""

    def __init__(self, document: Document) -> None:
        self._values = document.values
        self._science = None if document.image is None else document.image.science

    def __call__(self, value: float) -> str:
        number = value * self._values.gain + self._values.offset
        if self._science is not None:
            number = number * self._science.scale + self._science.zero
        text = f"{number:.0f}" if 1e3 <= abs(number) < 1e7 else f"{number:.4g}"
        return text.replace("-", "−")


def _percent(percent: float) -> str:
    return "< 0.0001 %" if abs(percent) < _LEAST_PERCENT else f"{percent:.2g} %"
