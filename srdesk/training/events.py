"""What a run says while it goes on: frozen events, one JSON object a line. No torch."""

from __future__ import annotations

from typing import Literal

import msgspec


class Event(msgspec.Struct, frozen=True, tag_field="event", forbid_unknown_fields=False, kw_only=True):
    """Base of all events; the field ``event`` of the JSON object names the kind."""


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
    """All steps were made, or a person asked to stop; a stopped run can be resumed."""
    step: int
    """Steps done so far."""
    best_psnr_y_db: float | None
    """Best validation PSNR of the run, None if it was stopped before the first validation."""
    elapsed_s: float
    """Time of this session of the run."""


AnyEvent = Started | Step | Validated | Saved | Weights | Notice | Failed | Finished

_ENCODER = msgspec.json.Encoder()
_DECODER = msgspec.json.Decoder(AnyEvent)


def encode(event: AnyEvent) -> bytes:
    """Return the event as one line of JSON with its line feed. A NaN, which JSON cannot hold, becomes null."""
    return _ENCODER.encode(event) + b"\n"


def decode(line: bytes | str) -> AnyEvent:
    """Return the event of one line.

    Raises:
        ValueError: the line is not an event (`msgspec.DecodeError` is one).
    """
    event: AnyEvent = _DECODER.decode(line)
    return event
