"""The card of the weights that a run makes: where they come from and how good they are."""

from __future__ import annotations

import datetime
from collections import Counter

import msgspec

from srdesk.engine.library import WeightsCard
from srdesk.models import CATALOGUE
from srdesk.training.config import TrainConfig
from srdesk.training.data.pictures import SCALE, Split
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
        training_data=_provenance(split, state.data_before),
        steps=state.steps_before + state.step,
        seed=config.seed,
        metrics=metrics,
        licence=config.licence,
        created=datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        notes=config.notes,
    )


def _provenance(split: Split, before: str) -> str:
    folders = Counter(picture.path.parent.name for picture in split.training)
    own = ", ".join(
        f"{name} ({count} {'picture' if count == 1 else 'pictures'})" for name, count in sorted(folders.items())
    )
    return own if before in ("", own) else f"{own}; before that: {before}"
