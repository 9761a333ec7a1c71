"""Starting points for training: which settings suit which pictures. No torch."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from srdesk.training.config import TrainConfig


class Preset(msgspec.Struct, frozen=True, kw_only=True):
    """A part of a configuration, and what it is good for."""

    key: str
    """Name in configurations and in the names of weights."""
    title: str
    """Name that people read."""
    purpose: str
    """One sentence on what it is for."""
    start: Literal["shipped", "interpolation"]
    """Whether to go on from the weights that ship with the program, or to begin with plain interpolation."""
    minutes: float | None = None
    """How long it is meant to take; None: as long as its steps need."""
    changes: dict[str, Any]
    """Fields of `TrainConfig` that differ from the defaults."""

    def apply(self, config: TrainConfig) -> TrainConfig:
        """Return ``config`` with the fields of this preset."""
        return msgspec.structs.replace(config, **self.changes)

    def name_for(self, model: str) -> str:
        """Return how weights that this preset makes of a model are called unless a person says otherwise."""
        return f"{model}_{self.key}_x4"


_FINE_TUNING: dict[str, Any] = {
    # Statistics of a few pictures of one kind are poor ones; frozen, training sees what use sees.
    "freeze_batch_norm": True,
    "learning_rate": 1e-4,
    "warmup_steps": 50,
    "steps": 2000,
    "validate_every_steps": 100,
    "checkpoint_every_steps": 100,
}

PRESETS = (
    Preset(
        key="portraits",
        title="Portraits",
        purpose="Makes the network better at faces, hair and cloth. Give it 50 or more sharp portraits.",
        start="shipped",
        # Photos of today's cameras are smooth at full size: reduced, they show finer structure per pixel.
        changes={**_FINE_TUNING, "crop_selection": "detail", "hr_scales": (1.0, 0.75, 0.5)},
    ),
    Preset(
        key="aerial",
        title="Aerial",
        purpose="For roofs, roads, fields and trees from above. Give it orthophotos of the resolution you work with.",
        start="shipped",
        changes={**_FINE_TUNING, "crop_selection": "detail"},
    ),
    Preset(
        key="astronomy",
        title="Astronomy",
        purpose="For stars, nebulae and galaxies; looks for detail, since most of the sky is empty.",
        start="shipped",
        changes={**_FINE_TUNING, "crop_selection": "detail", "hr_scales": (1.0, 0.75, 0.5)},
    ),
    Preset(
        key="coco",
        title="COCO from scratch",
        purpose="A network of your own from nothing but COCO 2014 or another large collection. Takes days on a GPU.",
        start="interpolation",
        changes={"steps": 400_000, "validate_every_steps": 1000, "checkpoint_every_steps": 1000},
    ),
    Preset(
        key="quick",
        title="Quick try, 5 min",
        purpose="About five minutes to see how training works. Expect a small difference, not a good network.",
        start="shipped",
        minutes=5.0,
        changes={
            **_FINE_TUNING,
            "steps": 200,
            "batch_size": 8,
            "warmup_steps": 20,
            "crop_selection": "detail",
            "validation_pictures": 8,
            "validate_every_steps": 40,
            "checkpoint_every_steps": 40,
            "report_every_steps": 2,
        },
    ),
)
"""All presets, in the order in which they are offered."""
