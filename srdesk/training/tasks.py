"""The short tasks of `srdesk train`, which make no run: looking at pictures, trying rates, fetching COCO.

They are told, stopped and watched as runs are, except that nothing is kept of what they say. Only trying rates needs
torch, which is imported then.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Literal

from srdesk.engine.control import CancelToken
from srdesk.errors import Cancelled
from srdesk.training import events
from srdesk.training.config import TrainConfig
from srdesk.training.data.download import run_download
from srdesk.training.data.health import run_check
from srdesk.training.learning.memory import told_where_it_ends
from srdesk.training.runner_options import configuration, with_start

Tell = Callable[[events.AnyEvent], None]
Task = Callable[[Tell, CancelToken], None]

_MOST_LISTED = 20
"""Files of one kind that a person is shown by name; a watching program gets all of them."""


def task_of(
    options: argparse.Namespace, *, features_file: Path | None = None, weights_folders: Sequence[Path] = ()
) -> Task | None:
    """Return the task that the options ask for, None if they ask for a run.

    Args:
        options: from `srdesk.training.runner_options.parse`.
        features_file: the VGG features that come with the program.
        weights_folders: where weights to start from are looked up that are called by their name.

    Raises:
        ConfigError: the options do not make a configuration.
    """
    if options.download_coco is not None:
        return lambda tell, token: run_download(options.download_coco, tell, token, url=options.coco_url)
    if options.check:
        config = with_start(configuration(options), weights_folders)
        return lambda tell, token: run_check(config, tell, token)
    if options.find_learning_rate:
        config = with_start(configuration(options), weights_folders)
        return lambda tell, token: _find_learning_rate(config, tell, token, features_file)
    return None


def _find_learning_rate(config: TrainConfig, tell: Tell, token: CancelToken, features_file: Path | None) -> None:
    from srdesk.training.learning.lr_finder import find_learning_rate

    with told_where_it_ends():
        for event in find_learning_rate(config, token, features_file=features_file):
            tell(event)


def run_task(task: Task, tell: Tell, token: CancelToken) -> bool:
    """Do the task, and tell its end.

    Returns:
        Whether it was done; False: someone asked to stop.

    Raises:
        SrDeskError: what the task raises.
    """
    began_s = time.monotonic()
    reason: Literal["done", "stopped"] = "done"
    try:
        task(tell, token)
    except Cancelled:
        reason = "stopped"
    tell(events.Finished(reason=reason, step=0, best_psnr_y_db=None, elapsed_s=time.monotonic() - began_s))
    return reason == "done"


def stop_at(lines: Iterable[str], token: CancelToken) -> None:
    """Cancel the token at the line ``stop``, or when the lines end because the program at the other end did."""
    for line in lines:
        if line.strip() == "stop":
            break
    token.cancel()


class TaskTeller:
    """Tells a person on a terminal: a progress bar, and then what was found."""

    def __init__(self) -> None:
        from tqdm import tqdm

        class Bar(tqdm):  # type: ignore[type-arg]
            monitor_interval = 0  # a thread that refreshes the bar between updates: events come often enough

        self._make_bar = Bar
        self._bar: tqdm[None] | None = None
        self._shown = ""

    def tell(self, event: events.AnyEvent) -> None:
        """Show the event."""
        match event:
            case events.HealthProgress():
                self._advance("pictures", event.done, event.total, unit="picture")
            case events.Downloading():
                self._advance(event.name, event.done_bytes, event.total_bytes, unit="B")
            case events.HealthReport():
                self._say(*_report_lines(event))
            case events.Downloaded():
                self._say(f"{event.path} is complete, and its checksum is right.")
            case events.RateTried():
                self._say(f"{event.learning_rate:.1e}  loss {event.loss:.3e}")
            case events.RateFound():
                self._say(f"Suggested: --learning-rate {event.learning_rate:g}")
            case events.Notice():
                self._say(event.message)
            case events.Finished(reason="stopped"):
                self._say("Stopped.")
            case _:
                pass

    def close(self) -> None:
        """Leave the bar as it is."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None

    def _advance(self, name: str, done: int, total: int, *, unit: str) -> None:
        if self._bar is None or self._shown != name:
            self.close()
            self._shown = name
            is_hidden = not sys.stderr.isatty()
            self._bar = self._make_bar(
                desc=name, total=total, unit=unit, unit_scale=unit == "B", disable=is_hidden, file=sys.stderr
            )
        self._bar.update(done - self._bar.n)

    def _say(self, *lines: str) -> None:
        self.close()
        for line in lines:
            sys.stdout.write(line + "\n")


def _report_lines(report: events.HealthReport) -> Iterator[str]:
    yield (
        f"{report.pictures} usable pictures, {report.megapixels:,.1f} megapixels together; "
        f"{report.validation_pictures} would be held out"
    )
    yield from _listed("cannot be read", [sentence for _, sentence in report.corrupt])
    yield from _listed("smaller than a crop", report.too_small)
    yield from _listed("copies of others", [f"{copy} = {first}" for copy, first in report.duplicates])
    yield from _listed(
        "with visible JPEG blocks", [f"{name} (blockiness {value:.2f})" for name, value in report.blocky]
    )
    for warning in report.warnings:
        yield f"! {warning}"
    if not report.warnings:
        yield "Nothing speaks against training with them."


def _listed(title: str, names: Iterable[str]) -> Iterator[str]:
    names = list(names)
    if not names:
        return
    yield f"{len(names)} {title}:"
    yield from (f"  {name}" for name in names[:_MOST_LISTED])
    if len(names) > _MOST_LISTED:
        yield f"  … and {len(names) - _MOST_LISTED} more"
