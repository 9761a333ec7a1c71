"""What the window says of a scene that is enlarged from disk to disk."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication

from srdesk.engine.scenes.scene_forecast import SceneForecast
from srdesk.gui.actions import PANE_TITLES
from srdesk.gui.status_line import duration
from srdesk.gui.work.requests import Document
from srdesk.gui.work.scene_requests import SceneOrder
from srdesk.gui.work.scene_runs import SceneRun


def of_run(run: SceneRun) -> str:
    """Return what is going on, for the status line."""
    text = _tr("Paused: “{}” with {}") if run.is_paused else _tr("Enlarging “{}” with {}")
    said = text.format(run.order.source.name, PANE_TITLES[run.order.pane])
    return said if not run.waiting else _tr("{}, {} more to come").format(said, len(run.waiting))


def of_pane(run: SceneRun | None, document: Document | None, pane: str) -> tuple[str, float | None] | None:
    """Return what is said in a corner of a pane, and how far it is; None if no run is about it."""
    if run is None or document is None or document.scene is None:
        return None
    if any((order.source, order.pane) == (document.path, pane) for order in run.waiting):
        return _tr("Waiting for the run before it"), None
    if (run.order.source, run.order.pane) != (document.path, pane):
        return None
    what = _tr("Paused") if run.is_paused else _tr("Into a file")
    if run.progress is None:
        return f"{what}…", None
    return f"{what} {int(run.progress.fraction * 100)}%", run.progress.fraction


def of_question(order: SceneOrder) -> str:
    """Return the question before a run."""
    return _tr("Enlarge “{}” with {} into a file?").format(order.source.name, PANE_TITLES[order.pane])


def of_forecast(order: SceneOrder, forecast: SceneForecast, whole_s: float) -> str:
    """Return what a run will take.

    Args:
        order: what is to be done.
        forecast: what is known of it.
        whole_s: estimated seconds for all of the scene, once.
    """
    seconds = whole_s * forecast.passes * (1 - forecast.finished_share)
    lines = [
        _tr("The scene is too large for memory, so its result goes to the disk."),
        "",
        _tr("Size: {} × {} pixels").format(f"{forecast.width:,}", f"{forecast.height:,}"),
        _tr("Place: {} in {}").format(order.output.name, order.output.parent),
        _tr("Room: about {}; {} are free").format(gigabytes(forecast.expected_bytes), gigabytes(forecast.free_bytes)),
        _tr("Time: about {}").format(duration(seconds)),
    ]
    if forecast.finished_steps:
        lines.append(_tr("Finished already: {}").format(f"{forecast.finished_share:.0%}"))
    lines += ["", _tr("You can go on working meanwhile, pause it, or stop and go on another day.")]
    return "\n".join(lines)


def of_unfinished(order: SceneOrder, forecast: SceneForecast) -> str:
    """Return what is said of a run that was broken off."""
    return _tr("Enlarging “{}” with {} was broken off; {} of it is finished and kept.").format(
        order.source.name, PANE_TITLES[order.pane], f"{forecast.finished_share:.0%}"
    )


def gigabytes(size_bytes: int) -> str:
    """Return a size on the disk in words."""
    if size_bytes >= 10**9:
        return _tr("{:,.1f} GB").format(size_bytes / 1e9)
    return _tr("{:,.0f} MB").format(max(1.0, size_bytes / 1e6))


def _tr(text: str) -> str:
    return QCoreApplication.translate("SceneWords", text)
