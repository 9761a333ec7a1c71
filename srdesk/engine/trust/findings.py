"""Everything that can be found out about some results of a picture: numbers for tables, and maps to look at.

Numbers are in units of the range `[0, 1]` that is shown, as in `srdesk.engine.trust.honesty`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from srdesk.engine.control import Control
from srdesk.engine.enlarge import SCALE
from srdesk.engine.trust.honesty import (
    Outcome,
    Score,
    Spread,
    consistency,
    disagreement,
    invented_detail,
    known_pixels,
    score,
    with_models,
)
from srdesk.errors import ConfigError
from srdesk.imaging import fidelity
from srdesk.imaging.fidelity import Consistency
from srdesk.imaging.flux import FluxError
from srdesk.imaging.image import Box, FloatArray, Image

if TYPE_CHECKING:
    from srdesk.engine.upscaler import BicubicUpscaler, Upscaler

GENERATIVE, FAITHFUL = "srgan", "srresnet"
"""Models whose difference shows what was made up: one learnt to look sharp, the other to be close."""

SMALLEST_REGION_PX = 8
"""Sides of the smallest LR rectangle that is measured by itself."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found out about a result, or a part of it."""

    model: str
    """Name of the model."""
    consistency_rms: float
    """Root mean square of what it differs from the picture by, once it is made smaller."""
    consistency_worst: float
    """Largest absolute difference."""
    consistency_psnr_db: float
    """The first as PSNR; infinite without a difference."""
    flux: FluxError | None
    """How well measured values were conserved; None for photos and for parts."""
    score: Score | None
    """How close it comes to the truth; None if that is not known."""
    invented: Spread | None
    """How much depends on which way up the picture was; None if that was not measured."""


@dataclass(frozen=True, slots=True)
class Part:
    """What was found out about the whole picture, or about a part of it."""

    box: Box
    """LR rectangle."""
    findings: tuple[Finding, ...]
    """One for each outcome."""
    disagreement: Spread | None
    """How far SRGAN and SRResNet are apart; None unless there are both."""
    invented_maps: Mapping[str, FloatArray]
    """`(4h, 4w)` each, by model; empty if they were not measured here."""


@dataclass(frozen=True, slots=True)
class Findings:
    """What was found out about some results of a picture."""

    image: Image
    """LR picture."""
    outcomes: tuple[Outcome, ...]
    """What models made of it, the bicubic first."""
    truth: FloatArray | None
    """`(4h, 4w, C)` in `[0, 1]`; None if it is not known."""
    parts: tuple[Part, ...]
    """The whole picture first."""
    consistency_maps: Mapping[str, FloatArray]
    """`(h, w)` each, by model."""
    disagreement_map: FloatArray | None
    """`(4h, 4w)`: where SRGAN and SRResNet differ; None unless there are both."""

    @property
    def whole(self) -> Part:
        """What was found out about the whole picture."""
        return self.parts[0]


def find_out(
    image: Image,
    outcomes: Sequence[Outcome],
    control: Control | None = None,
    *,
    truth: FloatArray | None = None,
    models: Mapping[str, Upscaler | BicubicUpscaler] | None = None,
    regions: Sequence[Box] = (),
) -> Findings:
    """Measure everything that can be measured of some results.

    Args:
        image: LR picture.
        outcomes: what models made of it; that of the bicubic is added if it is not among them.
        control: how to stop the call and where to report.
        truth: `(4h, 4w, C)` in `[0, 1]`, up to three pixels larger; see `truth_of`.
        models: name → model: those whose invented detail is measured, by running each eight times.
        regions: LR rectangles that are measured by themselves as well; the invented detail only there.

    Raises:
        ConfigError: a region is too small or outside, or the truth does not go with the picture.
        DeviceError: a model cannot be run.
        Cancelled: someone asked to stop.
    """
    control = control or Control()
    whole = Box(0, 0, image.height, image.width)
    for region in regions:
        _check_region(region, image)
    models = models or {}
    parts = control.parts(1 + len(models) * max(1, len(regions)))
    outcomes = _with_bicubic(image, outcomes, next(parts))
    if truth is not None:
        score(outcomes[0].result, truth)  # refuses what does not go together before anything else is computed
        truth = truth[: image.height * SCALE, : image.width * SCALE]
    differences = {outcome.model: consistency(image, outcome.result) for outcome in outcomes}
    apart = _disagreement(outcomes)
    found = []
    for box in [whole, *regions]:
        control.token.check()
        asked = {} if box is whole and regions else models
        invented = {name: invented_detail(image, model, next(parts), region=box) for name, model in asked.items()}
        findings = tuple(_finding(image, one, differences[one.model], truth, invented, box) for one in outcomes)
        spread = None if apart is None else Spread.of(apart[box.scaled(SCALE).place])
        found.append(Part(box, findings, spread, invented))
    maps = {model: difference.map for model, difference in differences.items()}
    return Findings(image, outcomes, truth, tuple(found), maps, apart)


def truth_of(image: Image, truth: Image) -> FloatArray:
    """Return the pixels of a true picture as results of an LR picture are compared with them.

    Args:
        image: LR picture.
        truth: the same, four times as large.

    Raises:
        ConfigError: only one of them was measured.
    """
    if (image.science is None) != (truth.science is None):
        raise ConfigError("truth", truth.metadata.format, "a FITS image for a FITS image, and a picture for a picture")
    if image.numbers is None or truth.numbers is None:
        return truth.pixels
    # The range that is shown belongs to a picture, and the two are compared in that of the results.
    from srdesk.imaging.flux import enlarged_values

    values = image.values if image.science is None else enlarged_values(image.values, image.science, SCALE)
    pixels = values.to_unit(truth.numbers)
    return np.clip(np.nan_to_num(pixels, posinf=1.0, neginf=0.0), 0.0, 1.0)


def _check_region(region: Box, image: Image) -> None:
    inside = region.clipped(image.height, image.width)
    if region != inside or min(region.height, region.width) < SMALLEST_REGION_PX:
        text = f"{region.left},{region.top},{region.width},{region.height}"
        allowed = (
            f"LEFT,TOP,WIDTH,HEIGHT within the {image.width} × {image.height} pixels of the picture, "
            f"at least {SMALLEST_REGION_PX} on each side"
        )
        raise ConfigError("region", text, allowed)


def _with_bicubic(image: Image, outcomes: Sequence[Outcome], control: Control) -> tuple[Outcome, ...]:
    """Return outcomes with that of the bicubic first, computed if it is not there."""
    from srdesk.engine.upscaler import BICUBIC

    baseline = [outcome for outcome in outcomes if outcome.model == BICUBIC] or with_models(image, {}, control)
    return (*baseline, *(outcome for outcome in outcomes if outcome.model != BICUBIC))


def _disagreement(outcomes: Sequence[Outcome]) -> FloatArray | None:
    results = {outcome.model: outcome.result for outcome in outcomes}
    if GENERATIVE not in results or FAITHFUL not in results:
        return None
    return disagreement(results[GENERATIVE], results[FAITHFUL])


def _finding(
    image: Image,
    outcome: Outcome,
    difference: Consistency,
    truth: FloatArray | None,
    invented: Mapping[str, FloatArray],
    box: Box,
) -> Finding:
    is_whole = (box.height, box.width) == (image.height, image.width)
    if not is_whole:
        known = known_pixels(image)
        part = difference.difference[box.place]
        difference = fidelity.consistency_of_reduced(
            part.copy(), np.zeros_like(part), None if known is None else known[box.place]
        )
    fine = box.scaled(SCALE)
    result = replace(outcome.result, numbers=outcome.result.numbers[fine.place], alpha_numbers=None)
    spread = invented.get(outcome.model)
    return Finding(
        model=outcome.model,
        consistency_rms=difference.rms,
        consistency_worst=difference.worst,
        consistency_psnr_db=difference.psnr_db,
        flux=outcome.facts.flux if is_whole else None,
        score=None if truth is None else score(result, truth if is_whole else truth[fine.place]),
        invented=None if spread is None else Spread.of(spread),
    )
