"""The tables of a report, and of the command line: what was found out, in words and numbers of equal length."""

from __future__ import annotations

import math

from srdesk.engine.report.report_page import Table
from srdesk.engine.trust.findings import Finding, Part
from srdesk.engine.trust.honesty import Outcome, Spread
from srdesk.engine.trust.provenance import ModelFile
from srdesk.imaging.image import Box

_NOTHING = "–"


def numbers_table(part: Part, whole: Box) -> Table:
    """Return what was found out about a picture or a part of it, a row for each model; columns without numbers go."""
    columns = [
        ("model", [finding.model for finding in part.findings]),
        ("consistency RMS", [f"{finding.consistency_rms:.5f}" for finding in part.findings]),
        ("consistency", [decibels(finding.consistency_psnr_db) for finding in part.findings]),
        ("flux error", [_flux(finding) for finding in part.findings]),
        ("flux error, network alone", [_network_flux(finding) for finding in part.findings]),
        ("flux error, worst source", [_source_flux(finding) for finding in part.findings]),
        ("PSNR-Y", [decibels(finding.score.psnr_y_db) if finding.score else _NOTHING for finding in part.findings]),
        ("SSIM-Y", [f"{finding.score.ssim_y:.4f}" if finding.score else _NOTHING for finding in part.findings]),
        *(
            (f"invented {name}", [_spread(finding.invented, name) for finding in part.findings])
            for name in ("mean", "99 %", "max")
        ),
    ]
    kept = [(name, cells) for name, cells in columns if any(cell != _NOTHING for cell in cells)]
    title = "" if part.box == whole else f"Region {part.box.left},{part.box.top},{part.box.width},{part.box.height}"
    rows = tuple(zip(*(cells for _, cells in kept), strict=True))
    return Table(tuple(name for name, _ in kept), rows, title, disagreement_sentence(part))


def disagreement_sentence(part: Part) -> str:
    """Return how far SRGAN and SRResNet are apart; empty unless there are both."""
    if part.disagreement is None:
        return ""
    mean, high, worst = (_spread(part.disagreement, name) for name in ("mean", "99 %", "max"))
    return f"|SRGAN − SRResNet|: {mean} on average, {high} at the 99th percentile, {worst} at most."


def model_table(outcome: Outcome, told: ModelFile, back_projection: float = 0.0) -> Table:
    """Return what a result was made with, and how; ``back_projection`` is the strength of that, 0 to 1."""
    facts = outcome.facts
    window = f"windows of at most {facts.window_px} pixels" if facts.window_px else "as a whole"
    threads = "one thread" if facts.threads == 1 else f"{facts.threads} threads"
    rows = (
        ("weights", told.file),
        ("SHA-256", told.sha256 or ""),
        ("licence", told.licence),
        ("learnt from", told.training_data),
        ("computed", f"on {facts.device} in {facts.precision}, {threads}, {window}, {facts.seconds:.1f} s"),
        ("back-projected", f"with strength {back_projection:g}" if back_projection else ""),
    )
    return Table(("", ""), tuple(row for row in rows if row[1]), outcome.model)


def decibels(value: float) -> str:
    """Return a PSNR; that of two equal pictures is infinite."""
    return f"{value:.2f} dB" if math.isfinite(value) else "∞ dB"


def _flux(finding: Finding) -> str:
    return _NOTHING if finding.flux is None else f"{finding.flux.frame_percent:.2g} %"


def _network_flux(finding: Finding) -> str:
    return _NOTHING if finding.flux is None else f"{finding.flux.network_percent:.2g} %"


def _source_flux(finding: Finding) -> str:
    if finding.flux is None or not finding.flux.sources:
        return _NOTHING
    return f"{finding.flux.source_percent:.2g} % of {finding.flux.sources:,}"


def _spread(spread: Spread | None, name: str) -> str:
    if spread is None:
        return _NOTHING
    return f"{ {'mean': spread.mean, '99 %': spread.high, 'max': spread.worst}[name]:.4f}"
