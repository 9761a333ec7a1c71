"""The runs of a folder as lines of text. No torch."""

from __future__ import annotations

from pathlib import Path

from srdesk.errors import ConfigError
from srdesk.training.run.runs import Run, list_runs


def run_table(runs_folder: Path) -> str:
    """Return one line per run with its name, state, steps and best validation PSNR, those last started first."""
    rows = [_row(run) for run in list_runs(runs_folder)]
    if not rows:
        return f"There are no runs in “{runs_folder}”.\n"
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() + "\n" for row in rows
    )


def _row(run: Run) -> tuple[str, str, str, str]:
    try:
        overview = run.overview()
    except ConfigError:
        return run.name, "unreadable", "", ""
    best = "" if overview.best_psnr_y_db is None else f"{overview.best_psnr_y_db:.3f} dB"
    return run.name, overview.state, f"{overview.step}/{overview.steps}", best
