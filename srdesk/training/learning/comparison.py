"""Before and after: how the best weights of a run enlarge the pictures that it measures, beside those of its start."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import msgspec
from torch import nn

from srdesk.engine.weights import load_model
from srdesk.errors import WeightsError
from srdesk.training import events
from srdesk.training.learning.checkpoint import RunState, Scores
from srdesk.training.learning.validation import Score, ValidationSet
from srdesk.training.run.runs import START_NAME, Run
from srdesk.training.run.strip import forget_pictures, keep_references, keep_step


@dataclass(frozen=True, slots=True)
class Stored:
    """Weights files of a run."""

    start: Path
    """The weights that it started from."""
    best: Path | None
    """Those of its best validation; None where these are those of the start."""

    @classmethod
    def of(cls, state: RunState, folder: Path, best: Path) -> Stored:
        """Return the files of the run in ``folder``, whose best weights are at ``best`` if there are some."""
        return cls(folder / START_NAME, best if state.best_step else None)


def scores_of(score: Score, validation: ValidationSet) -> Scores:
    """Return what the state of a run keeps of a validation."""
    return Scores(score.psnrs_y_db, score.feature_distances, validation.digests)


def compared(validation: ValidationSet, bicubic: Score, *, start: Scores, best: Scores) -> events.Compared:
    """Return how the best weights did beside those that the run started from.

    Args:
        validation: the pictures that all three were measured on.
        bicubic: plain interpolation.
        start: the weights that the run started from.
        best: the best weights.
    """
    pictures = tuple(
        events.PictureScore(name=pair.name, bicubic_db=bicubic_db, start_db=start_db, best_db=best_db)
        for pair, bicubic_db, start_db, best_db in zip(
            validation.pairs, bicubic.psnrs_y_db, start.psnrs_y_db, best.psnrs_y_db, strict=True
        )
    )
    return events.Compared(
        pictures=pictures,
        difference_db=(best.psnr_y_db or 0.0) - (start.psnr_y_db or 0.0),
        better_pictures=sum(picture.best_db > picture.start_db for picture in pictures),
        bicubic_db=bicubic.psnr_y_db,
        is_better=best.is_better_than(start),
        start_feature_distance=start.feature_distance,
        best_feature_distance=best.feature_distance,
    )


def on_present_pictures(
    state: RunState, validation: ValidationSet, model: nn.Module, stored: Stored, run: Run
) -> tuple[RunState, str]:
    """Return the state of a run with scores of the pictures that it measures now, and what to say about it.

    Scores of other pictures can neither be set beside each other's nor tell whether later weights are better. So the
    weights on the disk are measured again; where they are gone, their scores are too.

    Args:
        state: as the checkpoint has it.
        validation: the pictures that are there now.
        model: what the weights are measured in; holds others afterwards.
        stored: where the weights lie.
        run: whose pictures they are.
    """
    start, best = state.start_scores, state.best_scores
    if all(_is_of(scores, validation, run) for scores in (start, best)):
        start, best = (_with_pictures(scores, validation) for scores in (start, best))
        return msgspec.structs.replace(state, start_scores=start, best_scores=best), ""
    start = _measured(stored.start, validation, model)
    best = start if stored.best is None else _measured(stored.best, validation, model)
    best_step = state.best_step if best.psnrs_y_db else 0
    if not best.psnrs_y_db:
        said = "its best weights are gone, and those of the next validation take their place."
    elif not start.psnrs_y_db:
        said = "its best weights were measured again; those that it started from are gone, and are not compared."
    else:
        said = "the weights that it started from and its best ones were measured again."
    sentence = f"The pictures that the run measures are no longer the same: {said}"
    return msgspec.structs.replace(state, start_scores=start, best_scores=best, best_step=best_step), sentence


def draw_again(
    state: RunState, validation: ValidationSet, model: nn.Module, stored: Stored, folder: Path, pictures: int
) -> None:
    """Let the strip show the pictures of now, as the start weights and the best ones enlarge them.

    Args:
        state: where the run stands.
        validation: the pictures that are there now.
        model: what enlarges them; holds other weights afterwards.
        stored: where the weights lie.
        folder: the run folder.
        pictures: how many are kept.

    Raises:
        ImageWriteError: a picture cannot be written.
        OSError: the folder for them cannot be made.
    """
    forget_pictures(folder, after_step=-1)
    keep_references(folder, dict(validation.references(pictures)))
    for step, path in ((0, stored.start), (state.best_step, stored.best)):
        if path is not None and _load(path, model):
            keep_step(folder, step, validation.measure(model, strip_pictures=pictures).strip)


def _is_of(scores: Scores, validation: ValidationSet, run: Run) -> bool:
    """Tell whether scores are those of the pictures that are there now."""
    if not scores.psnrs_y_db:
        return True
    if scores.pictures:
        return scores.pictures == validation.digests
    # Earlier versions kept their number alone, and in the run folder what was meant to be measured.
    meant = set(msgspec.json.decode(run.measured() or b"[]", type=tuple[str, ...]))
    return len(scores.psnrs_y_db) == len(validation) and meant.issuperset(validation.digests)


def _with_pictures(scores: Scores, validation: ValidationSet) -> Scores:
    return msgspec.structs.replace(scores, pictures=validation.digests) if scores.psnrs_y_db else scores


def _measured(path: Path, validation: ValidationSet, model: nn.Module) -> Scores:
    """Return the scores of the weights in a file, none where there is no such file."""
    return scores_of(validation.measure(model), validation) if _load(path, model) else Scores()


def _load(path: Path, model: nn.Module) -> bool:
    """Give a model the weights of a file; tell whether it could be done."""
    try:
        weights, _ = load_model(path)
        model.load_state_dict(weights.state_dict())
    except (WeightsError, RuntimeError):
        return False
    return True
