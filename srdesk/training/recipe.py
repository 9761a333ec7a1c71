"""What a run did, written down so that others can do it again: configuration, pictures and course. No torch.

Three files: ``NAME.toml`` for ``srdesk train --config``, ``NAME.curve.jsonl`` with the course of the run, one JSON
object a line, and ``pictures-….txt`` with every picture by its SHA-256, which runs of the same pictures share.
"""

from __future__ import annotations

import contextlib
import hashlib
import textwrap
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec

from srdesk.engine.library import read_header
from srdesk.errors import TrainingError, WeightsError
from srdesk.imaging.atomic import atomic_write
from srdesk.training import events
from srdesk.training.config import CONFIG_NAME, STARTS, TrainConfig
from srdesk.training.data.pictures import Picture, Split, pictures_of_run
from srdesk.training.data.sources import StoredSources, digest_of_pictures, sources_of, stored_sources
from srdesk.training.run.runs import START_NAME, Run

MOST_POINTS = 200
"""Points of a curve that are kept, the first, the last and the best among them."""

ALWAYS_SAID = ("model", "start", "seed", "steps", "batch_size", "crop_px", "learning_rate", "schedule")
"""Fields that a recipe names even where they have their default, which a later version may change."""

OF_THE_MACHINE = ("data", "device", "precision", "threads", "compile", "cache_bytes", "tensorboard", "strip_pictures")
"""Fields that are left to whoever repeats the run."""


class CurvePoint(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One validation of a run, and what lies between it and the validation before."""

    step: int
    """Steps done."""
    hours: float
    """Time spent on optimiser steps since the run began, those included that had to be made again."""
    psnr_y_db: float
    """Mean PSNR on luma of the held-out pictures."""
    ssim_y: float
    """Mean SSIM on luma of the held-out pictures."""
    feature_distance: float | None = None
    """Mean squared distance of VGG features to HR, where features are part of the loss."""
    loss: float | None = None
    """Mean loss since the point before; None at the first."""
    learning_rate: float | None = None
    """Step size of the last step; None at the first."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """What was written about a run."""

    files: tuple[Path, ...]
    """The files."""
    doubts: tuple[str, ...]
    """Sentences on what the list of pictures tells wrongly or leaves out, which the recipe says too."""


def write_recipe(run: Run, path: Path) -> Recipe:
    """Write down what a run did until now.

    Args:
        run: a run whose pictures are still there.
        path: the ``.toml`` file to write; the two others are put beside it.

    Returns:
        The files that were written, and what they do not know.

    Raises:
        ConfigError, CheckpointError, DatasetError: the run folder or its pictures cannot be read.
        TrainingError: there is no run, or it has not measured anything yet, or the files cannot be written.
    """
    if not (run.folder / CONFIG_NAME).exists():
        raise TrainingError(f"There is no run in “{run.folder}”.", hint="Name one that “srdesk train --list” shows.")
    config, told = run.config(), run.events()
    curve = curve_of(told)
    if len(curve) < 2:
        raise TrainingError(f"The run “{run.name}” has no curve yet.", hint="Wait for its first validation.")
    split = pictures_of_run(config, run.folder)
    pictures = _pictures(split)
    list_name = f"pictures-{hashlib.sha256(pictures.encode()).hexdigest()[:8]}.txt"
    doubts = tuple(_doubts(stored_sources(run.folder), split))
    contents = {
        path: _recipe(_for_others(config, run), told, curve, split, list_name, doubts),
        path.with_name(list_name): pictures,
        path.with_suffix(".curve.jsonl"): "".join(
            msgspec.json.encode(point).decode() + "\n" for point in thinned(curve, MOST_POINTS)
        ),
    }
    try:
        for file, text in contents.items():
            with atomic_write(file) as stream:
                stream.write(text.encode())
    except OSError as error:
        raise TrainingError(
            f"The recipe cannot be written to “{path}”: {error.strerror}.",
            hint="Name a file in a folder that is there and writable.",
        ) from error
    return Recipe(tuple(contents), doubts)


def read_curve(path: Path) -> list[CurvePoint]:
    """Return the course of a run that `write_recipe` wrote.

    Raises:
        OSError, msgspec.MsgspecError: it cannot be read, or is no curve.
    """
    return msgspec.json.Decoder(CurvePoint).decode_lines(path.read_bytes())


def curve_of(told: Iterable[events.AnyEvent]) -> list[CurvePoint]:
    """Return every validation of a run; what was told of steps that were then made again is left out."""
    points: list[CurvePoint] = []
    losses: list[tuple[int, float]] = []
    step, seconds, learning_rate = 0, 0.0, None
    for event in told:
        match event:
            case events.Started(first_step=back) | events.RolledBack(to_step=back):
                points = [point for point in points if point.step <= back]
                losses = [loss for loss in losses if loss[0] <= back]
                step = back
            case events.Step():
                if event.steps_per_second > 0:
                    seconds += (event.step - step) / event.steps_per_second
                losses.append((event.step, event.loss))
                step, learning_rate = event.step, event.learning_rate
            case events.Validated():
                since = points[-1].step if points else -1
                recent = [loss for at, loss in losses if at > since]
                point = CurvePoint(
                    step=event.step,
                    hours=round(seconds / 3600, 4),
                    psnr_y_db=round(event.psnr_y_db, 4),
                    ssim_y=round(event.ssim_y, 5),
                    feature_distance=None if event.feature_distance is None else round(event.feature_distance, 5),
                    loss=float(f"{sum(recent) / len(recent):.5g}") if recent else None,
                    learning_rate=None if learning_rate is None else float(f"{learning_rate:.5g}"),
                )
                points = [*(point for point in points if point.step < event.step), point]
            case _:
                pass
    return points


def thinned(curve: list[CurvePoint], most: int) -> list[CurvePoint]:
    """Return at most ``most`` of at least three points, evenly chosen, with the first, the last and the best."""
    if len(curve) <= most:
        return curve
    kept = {round(place * (len(curve) - 1) / (most - 2)) for place in range(most - 1)}
    return [curve[place] for place in sorted(kept | {curve.index(best_of(curve))})]


def best_of(curve: list[CurvePoint]) -> CurvePoint:
    """Return the point that a run takes for its best: by features where they were part of the loss, else by PSNR."""
    if curve[-1].feature_distance is not None:
        return min(curve, key=lambda point: point.feature_distance or 0.0)
    return max(curve, key=lambda point: point.psnr_y_db)


def _recipe(
    config: TrainConfig,
    told: list[events.AnyEvent],
    curve: list[CurvePoint],
    split: Split,
    list_name: str,
    doubts: tuple[str, ...],
) -> str:
    comments = [*_comments(config, told, curve, split, list_name)]
    for doubt in doubts:
        comments += textwrap.wrap(doubt, 118, initial_indent="# ", subsequent_indent="# ")
    return "".join(line + "\n" for line in (*comments, "", *_fields(config)))


def _doubts(stored: StoredSources | None, split: Split) -> Iterator[str]:
    """Yield what the pictures that are there now do not tell about those that a run has learnt from."""
    if stored is None:
        return
    if stored.data_digest != digest_of_pictures(split):
        before = f", which were {stored.data}" if stored.data else ""
        yield (
            f"The list of pictures is that of today, {sources_of(split)}: they are no longer those that the run has "
            f"learnt from{before}."
        )
    if stored.data_earlier:
        yield (
            f"In earlier sessions the run has learnt from other pictures, which are not listed: "
            f"{'; '.join(stored.data_earlier)}."
        )


def _comments(
    config: TrainConfig, told: list[events.AnyEvent], curve: list[CurvePoint], split: Split, list_name: str
) -> Iterator[str]:
    started = next(event for event in reversed(told) if isinstance(event, events.Started))
    best, last = best_of(curve), curve[-1]
    features = "" if best.feature_distance is None else f", feature distance {best.feature_distance:.4f}"
    yield f"# How the weights “{config.weights_name}” were made; to be repeated with"
    yield "#     srdesk train --config THIS_FILE --data FOLDERS --run NEW_FOLDER"
    yield (
        f"# Pictures, listed in {list_name}: {len(split.training)} to learn from, {started.validation_pictures} of "
        "those held out were measured."
    )
    done = f"{last.step:,}" if last.step >= config.steps else f"{last.step:,} of {config.steps:,}"
    yield (
        f"# {done} steps in {last.hours:.2f} machine hours on {started.device} ({started.precision}, "
        f"{started.threads} threads)."
    )
    yield (
        f"# Best on the held-out pictures: {best.psnr_y_db:.3f} dB, SSIM {best.ssim_y:.4f}{features} at step "
        f"{best.step:,}; bicubic {started.bicubic_psnr_y_db:.3f} dB."
    )


def _for_others(config: TrainConfig, run: Run) -> TrainConfig:
    """Return the configuration with names of files instead of paths, and the checksum of the start weights."""
    config = msgspec.structs.replace(config, features=Path(config.features).name)
    if config.start in STARTS:
        return msgspec.structs.replace(config, start_sha256="")
    sha256 = config.start_sha256
    with contextlib.suppress(WeightsError):  # that of the copy in the run folder: others may lie at the path by now
        sha256 = read_header(run.folder / START_NAME).card.sha256
    return msgspec.structs.replace(config, start=Path(config.start).stem, start_sha256=sha256)


def _fields(config: TrainConfig) -> Iterator[str]:
    usual, plain = TrainConfig(), msgspec.to_builtins(config)
    for name, value in plain.items():
        if value is None or name in OF_THE_MACHINE:
            continue
        if name in ALWAYS_SAID or getattr(config, name) != getattr(usual, name):
            yield f"{name} = {_toml(value)}"


def _toml(value: object) -> str:
    """Return a value as TOML: that of JSON, but for tables."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{name} = {_toml(part)}" for name, part in value.items()) + "}"
    return msgspec.json.encode(value).decode()


def _pictures(split: Split) -> str:
    lines = ["# SHA-256, use, folder and name\n"]
    for use, pictures in (("train", split.training), ("held-out", split.validation)):
        lines += [f"{picture.digest}  {use:8}  {_name(picture)}\n" for picture in pictures]
    return "".join(lines)


def _name(picture: Picture) -> str:
    return "/".join(picture.path.parts[-2:])
