"""The card of the weights that a run makes: where they come from and how good they are."""

from __future__ import annotations

import contextlib
import datetime
from pathlib import Path

import msgspec

from srdesk.engine.library import WeightsCard, read_header
from srdesk.errors import WeightsError
from srdesk.models import CATALOGUE
from srdesk.training.config import TrainConfig
from srdesk.training.data.pictures import SCALE, Split
from srdesk.training.data.sources import sources_of
from srdesk.training.learning.checkpoint import RunState
from srdesk.training.learning.validation import Score


def weights_card(config: TrainConfig, state: RunState, split: Split, *, score: Score, bicubic: Score) -> WeightsCard:
    """Return the card of the weights that had ``score`` at the step of ``state``."""
    model_config = msgspec.convert(config.model_options, CATALOGUE[config.model].config_type)
    metrics = {
        "validation_psnr_y_db": round(score.psnr_y_db, 4),
        "validation_ssim_y": round(score.ssim_y, 5),
        "validation_bicubic_psnr_y_db": round(bicubic.psnr_y_db, 4),
        "validation_pictures": float(len(score.psnrs_y_db)),
    }
    if score.feature_distance is not None:
        metrics["validation_feature_distance"] = round(score.feature_distance, 5)
    return WeightsCard(
        name=config.weights_name,
        architecture=config.model,
        config=msgspec.to_builtins(model_config),
        scale=SCALE,
        training_data=_provenance(sources_of(split), state),
        steps=state.steps_before + state.step,
        seed=config.seed,
        metrics=metrics,
        licence=config.licence,
        created=datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        notes=config.notes,
    )


def earlier_sources(then: RunState, now: RunState, start: Path) -> tuple[str, ...]:
    """Return what a run has learnt from that it goes on without, in words.

    Args:
        then: how it was stopped.
        now: how it goes on.
        start: the file in its folder with the weights that it started from, whose card tells what a checkpoint of an
            earlier version does not.
    """
    if then.data_digest == now.data_digest or not then.step or _learnt_from(then, start) in then.data_earlier:
        return then.data_earlier
    return (*then.data_earlier, _learnt_from(then, start))


def _learnt_from(state: RunState, start: Path) -> str:
    if state.data:
        return state.data
    with contextlib.suppress(WeightsError):
        return read_header(start).card.training_data.removesuffix(f"; before that: {state.data_before}")
    return "pictures that are not known any more"


def _provenance(own: str, state: RunState) -> str:
    whole = "; earlier in the run: ".join((own, *state.data_earlier))
    return whole if state.data_before in ("", whole) else f"{whole}; before that: {state.data_before}"
