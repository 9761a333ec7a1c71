"""What a run says while it goes on: frozen events, one JSON object a line. No torch."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from srdesk.imaging.naming import readable


class Event(msgspec.Struct, frozen=True, tag_field="event", forbid_unknown_fields=False, kw_only=True, gc=False):
    """Base of all events; the field ``event`` of the JSON object names the kind.

    There may be 100,000 of one run, and no cycles among them, so the garbage collector need not look at them.
    """


class Started(Event, frozen=True, tag="started"):
    """The run is about to make its first step, or goes on."""

    run_folder: str
    """Where checkpoints, events and weights are written."""
    model: str
    """Architecture."""
    device: str
    """Device that computes."""
    precision: str
    """Arithmetic of the convolutions."""
    threads: int
    """CPU threads."""
    parameters: int
    """Trainable numbers in the model."""
    training_pictures: int
    """Pictures that are trained on."""
    validation_pictures: int
    """Pictures that are measured."""
    skipped_pictures: int
    """Files that are too small or cannot be read."""
    first_step: int
    """Steps already done: 0, or that of the checkpoint."""
    steps: int
    """Steps of the whole run."""
    bicubic_psnr_y_db: float
    """Validation PSNR of bicubic enlargement, the line to beat."""
    bicubic_ssim_y: float
    """Validation SSIM of bicubic enlargement."""
    best_psnr_y_db: float | None = None
    """Validation PSNR of the best weights so far, on the pictures that are measured now; None if there are none, or if
    an earlier version told of it."""


class Step(Event, frozen=True, tag="step"):
    """Some optimiser steps were made."""

    step: int
    """Steps done so far."""
    loss: float
    """Mean loss since the last step event."""
    learning_rate: float
    """Step size of the last step."""
    gradient_norm: float
    """Norm of all gradients of the last step, before clipping."""
    steps_per_second: float
    """Speed since the last step event."""
    data_wait_share: float
    """Share of that time spent waiting for pictures."""
    remaining_s: float
    """Estimated time to the end of the run."""
    memory_bytes: int
    """Resident memory of the process."""
    terms: dict[str, float] = {}
    """Mean of each term of the generator's loss (``pixel``, ``feature``, …), unweighted, if there are several."""
    discriminator_loss: float | None = None
    """Mean loss of the discriminator; None where there is none."""
    real_probability: float | None = None
    """D(real): mean probability that the discriminator gives to HR crops of being real."""
    fake_probability: float | None = None
    """D(fake): the same for SR crops."""


class Estimated(Event, frozen=True, tag="estimated"):
    """The first 20 steps of a session are done: what the whole will take."""

    remaining_s: float
    """Time to the end of the run, validations and checkpoints included."""
    peak_memory_bytes: int
    """Largest resident memory so far."""


class Validated(Event, frozen=True, tag="validated"):
    """The averaged weights were measured on the held-out pictures."""

    step: int
    """Steps done so far."""
    psnr_y_db: float
    """Mean PSNR on luma, 4-pixel border."""
    ssim_y: float
    """Mean SSIM on luma, 4-pixel border."""
    is_best: bool
    """Whether no earlier validation of this run was better."""
    feature_distance: float | None = None
    """Mean squared distance of VGG features to HR, where features are part of the loss."""


class Pictured(Event, frozen=True, tag="pictured"):
    """The enlargements of some held-out pictures were kept, to be looked at."""

    step: int
    """Steps done so far; at step 0 also LR, bicubic and HR are kept."""
    folder: str
    """``pictures`` in the run folder. It holds ``00_lr.png``, ``00_bicubic.png``, ``00_hr.png`` and, for each step,
    ``00_step-00000500.png``; then ``01_…``."""


class PictureScore(msgspec.Struct, frozen=True, kw_only=True):
    """PSNR on luma of one held-out picture, in dB."""

    name: str
    """File name."""
    bicubic_db: float
    """Bicubic enlargement."""
    start_db: float
    """Weights that the run started from."""
    best_db: float
    """Best weights of the run."""


class Compared(Event, frozen=True, tag="compared"):
    """The best weights were compared with those that the run started from, on every held-out picture."""

    pictures: tuple[PictureScore, ...]
    """One score per picture."""
    difference_db: float
    """Mean of best minus start."""
    better_pictures: int
    """How many pictures the best weights enlarge better than the start weights."""
    bicubic_db: float
    """Mean of bicubic enlargement."""
    is_better: bool
    """Whether the best weights beat the start: by feature distance where features are part of the loss, else PSNR."""
    start_feature_distance: float | None = None
    """Mean distance of VGG features to HR with the start weights, where features are part of the loss."""
    best_feature_distance: float | None = None
    """The same with the best weights."""


class RolledBack(Event, frozen=True, tag="rolled_back"):
    """The run was about to diverge, or the discriminator to collapse: it went back and goes on with a lower rate."""

    step: int
    """Step at which it was noticed."""
    to_step: int
    """Step of the good state that it went back to; events after it are void."""
    reason: str
    """What was noticed, one sentence."""
    rate_factor: float
    """What the learning rates are multiplied by from now on."""


class Paused(Event, frozen=True, tag="paused"):
    """The run waits; a checkpoint of this step is on the disk unless the reason says otherwise."""

    step: int
    """Steps done so far."""
    reason: str
    """Empty if a person asked for it, else one sentence, such as that the disk is full."""


class Resumed(Event, frozen=True, tag="resumed"):
    """A paused run goes on."""

    step: int
    """Steps done so far."""


class HealthReport(Event, frozen=True, tag="health_report"):
    """What was found in the folders and archives of pictures, before training."""

    pictures: int
    """Usable pictures, without duplicates."""
    megapixels: float
    """Their size together."""
    validation_pictures: int
    """How many of them would be held out."""
    too_small: tuple[str, ...] = ()
    """Files that are smaller than a crop."""
    corrupt: tuple[tuple[str, str], ...] = ()
    """Files that cannot be read, and why."""
    duplicates: tuple[tuple[str, str], ...] = ()
    """Files with the same content as another, and that other."""
    blocky: tuple[tuple[str, float], ...] = ()
    """Pictures with visible JPEG blocks, and their blockiness."""
    warnings: tuple[str, ...] = ()
    """One plain sentence with a remedy for everything that will make the result worse."""


class HealthProgress(Event, frozen=True, tag="health_progress"):
    """How far the look at the pictures has come."""

    done: int
    """Files looked at."""
    total: int
    """Files that there are."""


class Downloading(Event, frozen=True, tag="downloading"):
    """How far a download has come."""

    name: str
    """File that is fetched."""
    done_bytes: int
    """What is on the disk."""
    total_bytes: int
    """What there will be."""
    bytes_per_second: float
    """Speed of the last seconds."""


class Downloaded(Event, frozen=True, tag="downloaded"):
    """A file is complete, and its checksum is right."""

    path: str
    """Where it lies."""


class RateTried(Event, frozen=True, tag="rate_tried"):
    """The learning-rate finder made some steps at a rate."""

    learning_rate: float
    """Step size of the optimiser."""
    loss: float
    """Smoothed loss at that rate."""


class RateFound(Event, frozen=True, tag="rate_found"):
    """The learning-rate finder is done."""

    learning_rate: float
    """The rate to train with."""


class Saved(Event, frozen=True, tag="saved"):
    """A checkpoint is on the disk."""

    step: int
    """Steps done so far."""
    path: str
    """The checkpoint file."""


class Weights(Event, frozen=True, tag="weights"):
    """A weights file was written from the best averaged weights."""

    step: int
    """Step that the weights are from."""
    path: str
    """The weights file."""
    psnr_y_db: float
    """Their validation PSNR."""


class Notice(Event, frozen=True, tag="notice"):
    """Something that the person should know and that does not end the run."""

    message: str
    """One plain sentence."""


class Failed(Event, frozen=True, tag="failed"):
    """The run ended with an error."""

    kind: str
    """Name of the error class."""
    message: str
    """What happened, one sentence."""
    hint: str
    """What to do about it."""


class Finished(Event, frozen=True, tag="finished"):
    """The run ended as it should."""

    reason: Literal["done", "stopped"]
    """All steps were made (or the task is done), or a person asked to stop; a stopped run can be resumed."""
    step: int
    """Steps done so far."""
    best_psnr_y_db: float | None
    """Best validation PSNR of the run, None if it was stopped before the first validation."""
    elapsed_s: float
    """Time of this session of the run."""


AnyEvent = (
    Started
    | Step
    | Estimated
    | Validated
    | Pictured
    | Compared
    | RolledBack
    | Paused
    | Resumed
    | Saved
    | Weights
    | Notice
    | HealthProgress
    | HealthReport
    | Downloading
    | Downloaded
    | RateTried
    | RateFound
    | Failed
    | Finished
)

_ENCODER = msgspec.json.Encoder()
_DECODER = msgspec.json.Decoder(AnyEvent)


def encode(event: AnyEvent) -> bytes:
    """Return the event as one line of JSON with its line feed.

    A NaN, which JSON cannot hold, becomes null; names of files that are no valid text are told readably.
    """
    try:
        return _ENCODER.encode(event) + b"\n"
    except UnicodeEncodeError:
        return msgspec.json.encode(_readable(msgspec.to_builtins(event))) + b"\n"


def _readable(told: Any) -> Any:
    """Return what an event consists of with text that can be written."""
    match told:
        case str():
            return readable(told)
        case dict():
            return {key: _readable(value) for key, value in told.items()}
        case list() | tuple():
            return [_readable(value) for value in told]
    return told


def decode(line: bytes | str) -> AnyEvent:
    """Return the event of one line.

    Raises:
        ValueError: the line is not an event (`msgspec.DecodeError` is one).
    """
    event: AnyEvent = _DECODER.decode(line)
    return event
