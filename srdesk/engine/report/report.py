"""The report on some results of a picture: one HTML file that holds everything and needs no network.

The desk writes one with what it has already::

    findings = find_out(image, outcomes, control)
    write_report(Path("report.html"), findings, Subject("m13.fits", source=path, weights={"srresnet": weights}))

`find_out` adds the bicubic if it is not among the outcomes, and measures what may be invented if it is given models.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from srdesk import __version__
from srdesk.engine.enlarge import SCALE
from srdesk.engine.report import report_pictures as pictures
from srdesk.engine.report.report_page import Crop, Map, Page, Table, page
from srdesk.engine.report.report_tables import model_table, numbers_table
from srdesk.engine.trust.digest import file_digest, file_sha256
from srdesk.engine.trust.findings import GENERATIVE, Findings
from srdesk.engine.trust.honesty import Outcome
from srdesk.engine.trust.provenance import PROGRAM, installed_libraries, model_file, processor_name
from srdesk.errors import ImageWriteError
from srdesk.imaging.atomic import atomic_write
from srdesk.imaging.image import Box, FloatArray, Image
from srdesk.imaging.stretch import Stretch

_CARDS = ("OBJECT", "TELESCOP", "INSTRUME", "FILTER", "DATE-OBS", "EXPTIME", "BUNIT")
"""What a report tells of the header of a FITS image."""

_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


@dataclass(frozen=True, slots=True)
class Subject:
    """What a report tells of files."""

    name: str
    """What the picture is called; any text."""
    source: Path | None = None
    """Its file, whose checksum is told; None if it has none."""
    part: str = ""
    """Which image of a FITS file."""
    bands: tuple[int, ...] = ()
    """Which bands of a scene."""
    weights: Mapping[str, Path] = field(default_factory=dict)
    """Weights files by model, whose checksums and licences are told."""
    truth: Path | None = None
    """File of the true picture, if there is one."""
    is_degraded: bool = False
    """Whether the picture was made smaller first, and is itself the truth."""
    stretch: Stretch | None = None
    """How values are shown; None as the picture asks for."""
    back_projection: Mapping[str, float] = field(default_factory=dict)
    """How strongly results were back-projected, 0 to 1, by model; others were not."""


def write_report(
    output: Path, findings: Findings, subject: Subject, *, check: Callable[[], None] | None = None
) -> None:
    """Write a report; an old one is replaced when the new one is complete.

    Args:
        output: the HTML file.
        findings: what `srdesk.engine.trust.findings.find_out` found.
        subject: what it tells of files.
        check: called now and then; raises to stop.

    Raises:
        ImageReadError: a file cannot be read for its checksum.
        WeightsFormatError: likewise of weights.
        ImageWriteError: the report cannot be written.
    """
    text = report_page(findings, subject, check=check)
    try:
        with atomic_write(output) as stream:
            stream.write(text.encode("utf-8"))
    except OSError as error:
        raise ImageWriteError(output, (error.strerror or "writing failed").lower()) from error


def report_page(findings: Findings, subject: Subject, *, check: Callable[[], None] | None = None) -> str:
    """Return the text of a report, as `write_report` writes it."""
    check = check or (lambda: None)
    image, outcomes = findings.image, findings.outcomes
    whole = Box(0, 0, image.height, image.width)
    told = [(outcome, model_file(outcome.model, subject.weights.get(outcome.model))) for outcome in outcomes]
    return page(
        Page(
            title=subject.name,
            made=f"{PROGRAM} {__version__}, {datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
            is_degraded=subject.is_degraded,
            is_invented=any(GENERATIVE in (outcome.model, model.architecture) for outcome, model in told),
            facts=Table(("", ""), tuple(_picture_facts(image, subject, check))),
            overview=pictures.address_of(
                pictures.shown(image, whole, _stretch(findings, subject)), image.metadata.icc_profile
            ),
            size=(image.height, image.width),
            crops=tuple(_crops(findings, _stretch(findings, subject), check)),
            numbers=tuple(numbers_table(part, whole) for part in findings.parts),
            maps=tuple(_maps(findings)),
            colour_bar=pictures.colour_bar(),
            models=tuple(
                model_table(outcome, model, subject.back_projection.get(outcome.model, 0.0)) for outcome, model in told
            ),
            computing=Table(("", ""), tuple(_computing_facts(outcomes))),
            commands=tuple(_commands(findings, subject)),
        )
    )


def _picture_facts(image: Image, subject: Subject, check: Callable[[], None]) -> list[tuple[str, str]]:
    facts = [("name", subject.name)]
    if subject.source is not None:
        sha256, size_bytes = file_digest(subject.source, check)
        facts += [("length", f"{size_bytes:,} bytes"), ("SHA-256", sha256)]
    if subject.truth is not None:
        facts += [("true picture", subject.truth.name), ("its SHA-256", file_sha256(subject.truth, check))]
    reduced = ", made four times smaller" if subject.is_degraded else ""
    facts += [
        ("size", f"{image.width} × {image.height} pixels{reduced}"),
        ("kind", f"{image.metadata.format}, {'grey' if image.channels == 1 else 'colour'}, {image.values.dtype}"),
    ]
    if subject.part:
        facts.append(("image of the file", subject.part))
    if subject.bands:
        facts.append(("bands", ", ".join(map(str, subject.bands))))
    return facts + _cards(image)


def _cards(image: Image) -> list[tuple[str, str]]:
    """Return what the header of a FITS image says of what was seen, and with what."""
    if image.metadata.fits is None:
        return []
    from srdesk.imaging.fits.reader import parsed_header

    header = parsed_header(image.metadata.fits.header)
    return [(name, str(header[name])) for name in _CARDS if name in header]


def _stretch(findings: Findings, subject: Subject) -> Stretch:
    return subject.stretch or pictures.stretch_of(findings.image)


def _crops(findings: Findings, stretch: Stretch, check: Callable[[], None]) -> Iterator[Crop]:
    """Yield what is shown side by side: where results differ most, and every region."""
    image, outcomes, truth = findings.image, findings.outcomes, findings.truth
    icc_profile = image.metadata.icc_profile
    boxes = (*pictures.differing_boxes(image, outcomes), *(part.box for part in findings.parts[1:]))
    for number, box in enumerate(boxes):
        check()
        fine = box.scaled(SCALE)
        shown = [("as it is (LR)", pictures.enlarged_by_repeating(pictures.shown(image, box, stretch)))]
        shown += [(outcome.model, pictures.shown(outcome.result, fine, stretch)) for outcome in outcomes]
        if truth is not None:
            shown.append(("truth (HR)", pictures.stretched(truth[fine.place], stretch)))
        told = ((name, pictures.address_of(pixels, icc_profile)) for name, pixels in shown)
        yield Crop(_LETTERS[number % len(_LETTERS)], box, tuple(told))


def _maps(findings: Findings) -> list[Map]:
    maps = [
        _map(
            "Consistency: what every result, made smaller, differs from the picture by",
            dict(findings.consistency_maps),
        )
    ]
    for part in findings.parts:
        if part.invented_maps:
            is_whole = part is findings.whole
            where = "" if is_whole else f" in {place_of(part.box)}"
            maps.append(_map(f"Invented detail{where}: spread over the eight flips and turns", part.invented_maps))
    if findings.disagreement_map is not None:
        maps.append(_map("Where SRGAN and SRResNet differ", {"|SRGAN − SRResNet|": findings.disagreement_map}))
    return maps


def _map(title: str, maps: Mapping[str, FloatArray]) -> Map:
    highest = pictures.highest_of(list(maps.values()))
    return Map(title, highest, tuple((name, pictures.map_of(values, highest)) for name, values in maps.items()))


def _computing_facts(outcomes: tuple[Outcome, ...]) -> list[tuple[str, str]]:
    devices = sorted({outcome.facts.device for outcome in outcomes})
    facts = [(f"processor of {device}", processor_name(device)) for device in devices]
    facts.append(("libraries", ", ".join(f"{name} {version}" for name, version in installed_libraries().items())))
    return facts + [("notice", notice) for outcome in outcomes for notice in outcome.facts.notices]


def _commands(findings: Findings, subject: Subject) -> list[str]:
    """Return the commands that make the report and the results again; files by their names alone."""
    name = subject.source.name if subject.source is not None else subject.name
    models = [outcome.model for outcome in findings.outcomes[1:]]
    chosen = _computing_words(findings.outcomes[1:]) + (["--hdu", subject.part] if subject.part else [])
    if subject.bands:
        chosen += ["--bands", ",".join(map(str, subject.bands))]
    words = ["srdesk", "report", name, "-o", "report.html", "--models", ",".join(models) or "bicubic", *chosen]
    if subject.truth is not None:
        words += ["--truth", subject.truth.name]
    words += ["--degrade"] if subject.is_degraded else []
    words += ["--invented"] if any(part.invented_maps for part in findings.parts) else []
    for part in findings.parts[1:]:
        words += ["--region", place_of(part.box)]
    commands = [shlex.join(words)]
    if subject.is_degraded or len(subject.bands) == 1:  # of these nobody can keep the results
        return commands
    for one in models:
        strength = subject.back_projection.get(one, 0.0)
        wish = ["--back-projection", f"{strength:g}"] if strength else []
        commands.append(shlex.join(["srdesk", "upscale", name, "--model", one, *chosen, *wish, "--sidecar"]))
    return commands + (["srdesk reproduce RESULT.srdesk.json"] if models else [])


def _computing_words(outcomes: Sequence[Outcome]) -> list[str]:
    """Return the options by which networks compute on another machine as they did here."""
    ways = {(outcome.facts.device, outcome.facts.precision) for outcome in outcomes}
    if len(ways) != 1:
        return []
    ((device, precision),) = ways
    return ["--device", device, "--precision", precision]


def place_of(box: Box) -> str:
    """Return an LR rectangle as the command line takes it."""
    return f"{box.left},{box.top},{box.width},{box.height}"
