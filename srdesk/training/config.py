"""What a training run is told: one frozen, validated record, readable from TOML and from the command line. No torch."""

from __future__ import annotations

import math
import tomllib
from pathlib import Path
from typing import Literal

import msgspec

from srdesk.errors import ConfigError
from srdesk.imaging.naming import readable

ModelName = Literal["srresnet", "srcnn", "srgan"]
Schedule = Literal["cosine", "constant", "trapezoid"]
Precision = Literal["auto", "fp32", "bf16", "fp16"]
Selection = Literal["uniform", "detail"]
LossChannels = Literal["rgb", "luma"]
PixelLoss = Literal["mse", "l1", "psnr"]
OptimizerName = Literal["adam", "soap"]

CONFIG_NAME = "config.json"
"""File in a run folder that holds the run's configuration."""

STARTS = ("interpolation", "random")
"""What a run can begin with other than weights."""


class LossWeights(msgspec.Struct, frozen=True):
    """What each term counts in the generator's loss (Ledig et al. 2017, equations 3 to 6 and section 2.2)."""

    pixel: float = 1.0
    """Difference of pixels, mean over all values."""
    feature: float = 0.0
    """Squared difference of VGG features, mean over all values, features normalised to a mean square of one."""
    adversarial: float = 0.0
    """``-log D(G(LR))``, mean over the batch."""
    total_variation: float = 0.0
    """Mean absolute difference of neighbouring pixels."""
    grid: float = 0.0
    """Squared local mean error, at each place of the grid on which the network shuffles its pixels."""


DEFAULT_LOSSES: dict[ModelName, LossWeights] = {
    "srresnet": LossWeights(),
    "srcnn": LossWeights(),
    "srgan": LossWeights(pixel=1.0, feature=0.01, adversarial=1e-3, total_variation=1e-5, grid=8.0),
}
"""The terms that a model is trained with unless its configuration says otherwise; ``grid`` has about the ratio to
``feature`` that the bundled SRGAN was trained with."""


class TrainConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Everything that decides what a run computes."""

    model: ModelName = "srresnet"
    """Architecture to train."""
    model_options: dict[str, int | tuple[int, ...]] = {}
    """Fields of the architecture's configuration that differ from the paper's, as ``{"blocks": 4}``."""
    name: str = ""
    """Name of the weights file that the run makes; empty: ``{model}_x4``."""
    data: tuple[str, ...] = ()
    """Folders of HR pictures, searched recursively, and zip files of them, such as COCO's ``train2014.zip``."""
    start: str = "interpolation"
    """``interpolation`` (bilinear SRResNet, bicubic SRCNN), ``random``, or the path of a weights file to go on from."""
    start_sha256: str = ""
    """SHA-256 of the weights to start from, as their card has it; others are refused. Empty: any weights."""
    seed: int = 0
    """Decides the random start, the split, every crop, flip and turn."""
    steps: int = 10_000
    """Optimiser steps of the whole run."""
    batch_size: int = 16
    """Crops a step."""
    crop_px: int = 24
    """Side of an LR crop; the HR crop is four times as large."""
    crop_selection: Selection = "uniform"
    """``uniform``: any place; ``detail``: of two random places the one with more gradient energy."""
    hr_scales: tuple[float, ...] = (1.0,)
    """Each HR picture is used reduced by these factors (0.25 to 1), one chosen at random per crop; one that is too
    small for that, as far as an HR crop fits in."""
    noise: float = 0.0
    """Gaussian noise of a camera, as a share of white: each crop is made with a standard deviation between zero and
    this, which its LR pixels show as far as the reduction lets it through, and which its HR pixels do not have."""
    grey_share: float = 0.0
    """Share of the crops that are made grey, as pictures with one band are."""
    loss_channels: LossChannels = "rgb"
    """What the pixel loss is taken of; ``luma`` for SRCNN, whose chroma is not trained."""
    pixel_loss: PixelLoss = "mse"
    """``mse``: mean squared error, as in the papers; ``l1``: mean absolute error; ``psnr``: what a mean of PSNRs
    measures, the geometric mean of the squared errors of the crops."""
    pixel_weight: float | None = None
    """What the pixel loss counts; None: that of the model in `DEFAULT_LOSSES`."""
    feature_weight: float | None = None
    """What the difference of VGG features counts; None: that of the model."""
    adversarial_weight: float | None = None
    """What the discriminator's judgement counts; None: that of the model (SRGAN: 1e-3)."""
    total_variation_weight: float | None = None
    """What the total variation counts; None: that of the model."""
    grid_weight: float | None = None
    """What dots with the period of the pixel shuffle and casts of colour count, which features do not mind; None: that
    of the model."""
    features: str = "vgg16"
    """``vgg16``: the features that come with the program; else the path of a torchvision VGG19 file."""
    feature_layer: str = ""
    """Convolution whose features are compared; empty: conv4_3 of VGG16, conv5_4 of VGG19 (VGG54 in the paper)."""
    discriminator_options: dict[str, int | tuple[int, ...]] = {}
    """Fields of the discriminator's configuration that differ from the paper's."""
    discriminator_learning_rate: float = 1e-4
    """Adam's step size for the discriminator at its peak; it follows the generator's schedule."""
    rollbacks: int = 5
    """How often a run that diverges goes back to its last good state and lowers its rate, before it gives up."""
    optimizer: OptimizerName = "adam"
    """What steps the generator. ``adam``: Kingma & Ba 2015, as in the papers; ``soap``: Adam in the directions that
    gradients have in common (Vyas et al. 2025), with which SRCNN learns much faster."""
    learning_rate: float = 4e-4
    """Step size of the optimiser at its peak."""
    final_learning_rate: float = 1e-6
    """Step size at the last step of a schedule that falls."""
    warmup_steps: int = 100
    """Steps over which the step size rises linearly from zero."""
    schedule: Schedule = "cosine"
    """Course of the step size after the warm-up. ``trapezoid`` stays at the peak and falls linearly over the last
    `decay_steps` (Hägele et al. 2024): until it falls, such a run may be resumed with other ``steps``."""
    decay_steps: int = 0
    """Steps over which a trapezoid falls to `final_learning_rate`."""
    gradient_clip: float = 0.5
    """Largest norm of all gradients together; longer ones are shortened."""
    freeze_batch_norm: bool = False
    """Normalise by the running statistics of the start weights, as in use, instead of by those of each batch."""
    freeze_batch_norm_at: int = 0
    """Step at which a run that began with the statistics of each batch changes to their running averages; 0: never."""
    ema_decay: float = 0.999
    """Share of the averaged weights that stays at each step; 0 switches averaging off."""
    validation_share: float = 0.05
    """Share of the pictures, chosen by content hash, that is never trained on."""
    validation_pictures: int = 24
    """At most so many of them are measured at each validation."""
    validation_crop_px: int = 256
    """Side of the central HR crop that is measured, a multiple of 4."""
    validate_every_steps: int = 250
    """Steps between validations."""
    checkpoint_every_steps: int = 250
    """Steps between checkpoints."""
    report_every_steps: int = 10
    """Steps between step events."""
    device: str = "auto"
    """``auto``, ``cpu``, ``cuda`` or ``mps``."""
    precision: Precision = "auto"
    """Arithmetic of the convolutions; auto takes what the device is fast at."""
    threads: int = 0
    """CPU threads; 0: torch's default. A run is resumed bit for bit only with the same number."""
    compile: bool = False
    """Let torch compile the network, which takes a minute and often makes steps faster; needs a compiler here. A
    run is resumed bit for bit only with the same choice."""
    cache_bytes: int = 4 * 1024**3
    """Decoded pictures kept in memory, at most half of what is free when the run starts."""
    strip_pictures: int = 4
    """Held-out pictures whose enlargement is kept at each validation, to be looked at."""
    tensorboard: bool = True
    """Write TensorBoard files into the run folder where the package is installed."""
    licence: str = ""
    """Licence of the resulting weights, written into their card."""
    notes: str = ""
    """Free text for the card."""

    @property
    def weights_name(self) -> str:
        """Name of the weights that the run makes."""
        return self.name or f"{self.model}_x4"

    @property
    def loss_weights(self) -> LossWeights:
        """What each term counts: that of the configuration, or else that of the model."""
        usual = DEFAULT_LOSSES[self.model]
        chosen = {term: getattr(self, f"{term}_weight") for term in LossWeights.__struct_fields__}
        return msgspec.structs.replace(usual, **{term: weight for term, weight in chosen.items() if weight is not None})

    def learning_rate_at(self, step: int) -> float:
        """Return the step size of ``step``, counted from 0: a pure function, so that a resumed run goes on exactly."""
        if step < self.warmup_steps:
            return self.learning_rate * (step + 1) / self.warmup_steps
        match self.schedule:
            case "constant":
                height = 1.0
            case "trapezoid":
                height = min(1.0, max(0, self.steps - 1 - step) / max(1, self.decay_steps))
            case "cosine":
                progress = (step - self.warmup_steps) / max(1, self.steps - self.warmup_steps)
                height = 0.5 * (1.0 + math.cos(math.pi * min(1.0, progress)))
        return self.final_learning_rate + (self.learning_rate - self.final_learning_rate) * height

    def knows_its_end(self, step: int) -> bool:
        """Tell whether the first ``step`` steps depend on how many there are in all."""
        return self.schedule != "trapezoid" or step > self.steps - self.decay_steps


class _Range(msgspec.Struct, frozen=True):
    low: float
    high: float

    def __str__(self) -> str:
        return f"a number from {self.low:g} to {self.high:g}"


_RANGES: dict[str, _Range] = {
    "seed": _Range(0, 2**31 - 1),
    "steps": _Range(1, 100_000_000),
    "batch_size": _Range(1, 4096),
    "crop_px": _Range(8, 512),
    "noise": _Range(0.0, 0.5),
    "grey_share": _Range(0.0, 1.0),
    "learning_rate": _Range(1e-9, 1.0),
    "final_learning_rate": _Range(0.0, 1.0),
    "warmup_steps": _Range(0, 1_000_000),
    "decay_steps": _Range(0, 100_000_000),
    "gradient_clip": _Range(1e-6, 1e6),
    "freeze_batch_norm_at": _Range(0, 100_000_000),
    "ema_decay": _Range(0.0, 0.999999),
    "validation_share": _Range(0.0, 0.9),
    "validation_pictures": _Range(1, 10_000),
    "validation_crop_px": _Range(32, 4096),
    "validate_every_steps": _Range(1, 100_000_000),
    "checkpoint_every_steps": _Range(1, 100_000_000),
    "report_every_steps": _Range(1, 1_000_000),
    "threads": _Range(0, 1024),
    "cache_bytes": _Range(0, 2**50),
    "discriminator_learning_rate": _Range(1e-9, 1.0),
    "rollbacks": _Range(0, 1000),
    "strip_pictures": _Range(0, 64),
}


def validate(config: TrainConfig) -> TrainConfig:
    """Return ``config`` if every field is in its range.

    Raises:
        ConfigError: names the first field that is not.
    """
    for field, allowed in _RANGES.items():
        value = getattr(config, field)
        if not allowed.low <= value <= allowed.high:
            raise ConfigError(field, value, str(allowed))
    for term in LossWeights.__struct_fields__:
        weight = getattr(config, f"{term}_weight")
        if weight is not None and not 0.0 <= weight <= 1e6:
            raise ConfigError(f"{term}_weight", weight, "a number from 0 to 1e6")
    if not any(msgspec.structs.astuple(config.loss_weights)[:3]):
        raise ConfigError("pixel_weight", 0.0, "a weight above 0 for the pixel, the feature or the adversarial loss")
    if config.validation_crop_px % 4:
        raise ConfigError("validation_crop_px", config.validation_crop_px, "a multiple of 4")
    if not config.hr_scales or not all(0.25 <= scale <= 1.0 for scale in config.hr_scales):
        raise ConfigError("hr_scales", config.hr_scales, "factors from 0.25 to 1")
    if not config.data:
        raise ConfigError("data", "empty", "at least one folder or zip file of pictures (--data PATH)")
    for name in config.data:
        if readable(name) != name:
            raise ConfigError(
                "data", readable(name), "a folder or zip file whose name is valid text (UTF-8); rename it"
            )
    if not all(part.isalnum() for part in config.weights_name.replace("-", "_").split("_") if part):
        raise ConfigError("name", config.name, "letters, digits, “-” and “_”")
    return config


def read_config(path: Path) -> TrainConfig:
    """Read a configuration from a ``.toml`` or ``.json`` file; it may leave out what the command line adds.

    Raises:
        ConfigError: the file cannot be read, or a field is unknown or of the wrong type.
    """
    try:
        content = path.read_bytes()
        plain = tomllib.loads(content.decode()) if path.suffix == ".toml" else msgspec.json.decode(content)
        return msgspec.convert(plain, TrainConfig)
    except OSError as error:
        raise ConfigError("config", str(path), "a readable configuration file") from error
    except msgspec.ValidationError as error:
        raise ConfigError("config", path.name, f"the fields of TrainConfig ({error})") from error
    except (ValueError, msgspec.DecodeError) as error:
        raise ConfigError("config", path.name, f"valid TOML or JSON ({error})") from error
