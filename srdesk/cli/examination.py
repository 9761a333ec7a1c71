"""What `check` and `report` have in common: from their options to what is found out about a picture."""

from __future__ import annotations

import argparse
import math
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from srdesk.cli.model_choice import (
    BICUBIC,
    ModelChoice,
    add_computing_arguments,
    choose_model,
    installed_networks,
    settings_with,
)
from srdesk.engine.trust.provenance import flux_record
from srdesk.errors import ConfigError, OutOfMemoryError
from srdesk.imaging.image import Box, Metadata
from srdesk.names import named_path

if TYPE_CHECKING:
    from srdesk.engine.control import CancelToken, Control
    from srdesk.engine.report.report import Subject
    from srdesk.engine.trust.findings import Finding, Findings, Part
    from srdesk.engine.trust.honesty import Spread
    from srdesk.imaging.decoder import Decoder
    from srdesk.imaging.image import Image


@dataclass(frozen=True, slots=True)
class Examination:
    """What was found out about a picture, and of which files."""

    findings: Findings
    subject: Subject

    def document(self) -> dict[str, Any]:
        """Return it for JSON, which has no infinity."""
        findings, subject = self.findings, self.subject
        return {
            "input": str(subject.source),
            "width": findings.image.width,
            "height": findings.image.height,
            "truth": None if subject.truth is None else str(subject.truth),
            "is_degraded": subject.is_degraded,
            "parts": [_part_document(part, is_whole=part is findings.whole) for part in findings.parts],
        }


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the options that say what is looked at, and how closely."""
    parser.add_argument("input", type=named_path, metavar="INPUT", help="picture, FITS file or GeoTIFF")
    parser.add_argument(
        "--models",
        type=lambda text: [name for name in (part.strip() for part in text.split(",")) if name],
        metavar="a,b,…",
        help="models to look at beside bicubic; every network that has weights if left out",
    )
    truth = parser.add_mutually_exclusive_group()
    truth.add_argument(
        "--truth", type=named_path, metavar="HR", help="the same picture four times as large, to measure by"
    )
    truth.add_argument(
        "--degrade", action="store_true", help="make the picture four times smaller first, and measure by itself"
    )
    parser.add_argument(
        "--invented", action="store_true", help="also measure what may be invented: runs every model eight times more"
    )
    parser.add_argument(
        "--region",
        type=_region,
        action="append",
        default=[],
        metavar="LEFT,TOP,WIDTH,HEIGHT",
        help="measure this part by itself, too, in pixels of the picture that is enlarged, and what may be invented "
        "only there; can be said several times",
    )
    parser.add_argument(
        "--hdu", default="", metavar="NAME|NUMBER[,PLANE|,RGB]", help="which image of a FITS file, as for `upscale`"
    )
    parser.add_argument(
        "--bands", type=_bands, default=(), metavar="N|R,G,B", help="which bands of a GeoTIFF are looked at, from 1"
    )
    add_computing_arguments(parser)


def examine(arguments: argparse.Namespace, decoder: Decoder, control: Control) -> Examination:
    """Enlarge the picture with every model, and find out everything that is asked for.

    Raises:
        SrDeskError: a file, a model or an option cannot be used, or memory ran out.
        Cancelled: the person pressed Ctrl-C.
    """
    from srdesk.engine.report.report import Subject

    choices = _choices(arguments.models)
    image = _opened(arguments.input, arguments, decoder, control.token)
    subject = Subject(
        arguments.input.name,
        arguments.input,
        part=arguments.hdu,
        bands=arguments.bands,
        weights={name: choice.weights for name, choice in choices.items() if choice.weights is not None},
        truth=arguments.truth,
        is_degraded=arguments.degrade,
    )
    try:
        return _examined(image, subject, choices, arguments, decoder, control)
    except MemoryError as error:
        raise OutOfMemoryError(f"“{arguments.input.name}” needs more memory than there is.") from error


def _examined(
    image: Image,
    subject: Subject,
    choices: dict[str, ModelChoice],
    arguments: argparse.Namespace,
    decoder: Decoder,
    control: Control,
) -> Examination:
    from srdesk.engine.report.report_pictures import stretch_of
    from srdesk.engine.trust.findings import find_out, truth_of
    from srdesk.engine.trust.honesty import degrade_and_compare, with_models

    settings = settings_with(arguments)
    truth = None
    if arguments.truth is not None:
        truth = truth_of(image, _opened(arguments.truth, arguments, decoder, control.token))
    models = {name: choice.open(settings) for name, choice in choices.items()}
    networks = {name: model for name, model in models.items() if name != BICUBIC}
    enlarging, measuring = control.parts(2)
    if arguments.degrade:
        subject = replace(subject, stretch=stretch_of(image))
        degraded = degrade_and_compare(image, networks, enlarging)
        profile = image.metadata.icc_profile if image.numbers is None else None
        image = replace(degraded.lr, metadata=Metadata(icc_profile=profile))
        outcomes, truth = degraded.outcomes, degraded.hr
    else:
        outcomes = with_models(image, networks, enlarging)
    asked = models if arguments.invented else {}
    found = find_out(image, outcomes, measuring, truth=truth, models=asked, regions=arguments.region)
    return Examination(found, subject)


def _choices(wishes: list[str] | None) -> dict[str, ModelChoice]:
    """Return the models by their names, the bicubic first."""
    choices: dict[str, ModelChoice] = {}
    for wish in [BICUBIC, *(installed_networks() if wishes is None else wishes)]:
        choice = choose_model(wish)
        if choices.get(choice.name, choice) != choice:
            raise ConfigError("models", wish, f"one model of the name “{choice.name}”")
        choices[choice.name] = choice
    return choices


def _opened(path: Path, arguments: argparse.Namespace, decoder: Decoder, token: CancelToken) -> Image:
    from srdesk.imaging.formats import refuse_part
    from srdesk.imaging.scene.probe import is_scene

    if is_scene(path):
        refuse_part(path, arguments.hdu)
        return decoder.open_scene(path, token, bands=arguments.bands)
    if arguments.bands:
        raise ConfigError("bands", ",".join(map(str, arguments.bands)), "it for a GeoTIFF only")
    return decoder.open(path, token, part=arguments.hdu)


def _part_document(part: Part, *, is_whole: bool) -> dict[str, Any]:
    box = part.box
    return {
        "region": None if is_whole else [box.left, box.top, box.width, box.height],
        "models": [_finding_document(finding) for finding in part.findings],
        "srgan_minus_srresnet": _spread_document(part.disagreement),
    }


def _finding_document(finding: Finding) -> dict[str, Any]:
    score = finding.score
    return {
        "model": finding.model,
        "consistency_rms": finding.consistency_rms,
        "consistency_worst": finding.consistency_worst,
        "consistency_psnr_db": _finite(finding.consistency_psnr_db),
        "flux": None if finding.flux is None else msgspec.to_builtins(flux_record(finding.flux)),
        "psnr_y_db": None if score is None else _finite(score.psnr_y_db),
        "ssim_y": None if score is None else score.ssim_y,
        "invented": _spread_document(finding.invented),
    }


def _spread_document(spread: Spread | None) -> dict[str, float] | None:
    return None if spread is None else {"mean": spread.mean, "p99": spread.high, "max": spread.worst}


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _region(text: str) -> Box:
    numbers = _whole_numbers(text)
    if len(numbers) != 4:
        raise argparse.ArgumentTypeError(f"{text!r} is not LEFT,TOP,WIDTH,HEIGHT in pixels, such as 20,30,64,64")
    left, top, width, height = numbers
    return Box(top, left, height, width)


def _bands(text: str) -> tuple[int, ...]:
    numbers = _whole_numbers(text)
    if len(numbers) not in (1, 3):
        raise argparse.ArgumentTypeError(f"{text!r} is no band number, and no triple of them such as 4,3,2")
    return numbers


def _whole_numbers(text: str) -> tuple[int, ...]:
    parts = [part.strip() for part in text.split(",")]
    return tuple(map(int, parts)) if all(part.isascii() and part.isdigit() for part in parts) else ()
