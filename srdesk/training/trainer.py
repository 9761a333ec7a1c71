"""The training loop: from a configuration and a run folder to events, checkpoints and a weights file."""

from __future__ import annotations

import datetime
import hashlib
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import msgspec
import psutil
import torch

from srdesk.engine.control import CancelToken
from srdesk.engine.device import precision_name, resolve_device, resolve_precision
from srdesk.engine.library import WeightsCard
from srdesk.engine.weights import load_model, save_weights
from srdesk.errors import Cancelled, CheckpointError, ConfigError
from srdesk.models import CATALOGUE
from srdesk.training import events
from srdesk.training.checkpoint import (
    CHECKPOINT_NAME,
    Checkpoint,
    RunState,
    digest_of,
    load_checkpoint,
    save_checkpoint,
)
from srdesk.training.config import TrainConfig
from srdesk.training.dataset import BatchLoader, CropSampler
from srdesk.training.learner import Learner, build_model, channels_last
from srdesk.training.pictures import SCALE, Split, pictures_of_run
from srdesk.training.validation import Score, ValidationSet

WEIGHTS_FOLDER = "weights"
"""Folder in a run folder for the weights file of the best validation."""

NOT_COMPUTED_WITH = (
    "report_every_steps",
    "checkpoint_every_steps",
    "cache_bytes",
    "threads",
    "name",
    "licence",
    "notes",
)
"""Fields of a configuration that a resumed run may change."""


def train(config: TrainConfig, folder: Path, token: CancelToken) -> Iterator[events.AnyEvent]:
    """Run, or go on with, the training of ``config`` in ``folder``.

    Yields an event for everything worth telling. When the token is cancelled the run makes a checkpoint, if it had
    begun, and ends with ``Finished(reason="stopped")``; called again with the same configuration it goes on from there,
    bit for bit on the same machine with the same number of threads.

    Raises:
        ConfigError, DatasetError, ImageError: the configuration or the pictures cannot be used.
        WeightsError: the weights to start from cannot be used.
        CheckpointError: the folder belongs to another run, or its checkpoint is damaged or cannot be written.
        DeviceUnavailableError: the device is not there.
        TrainingDivergedError: the loss is no longer finite; the last checkpoint is intact.
    """
    try:
        run = _Run(config, folder, token)
    except Cancelled:
        yield _stopped_before_it_began(folder)
        return
    try:
        yield from run.start()
        yield from run.steps(token)
    finally:
        run.close()


def _stopped_before_it_began(folder: Path) -> events.Finished:
    """Return the last event of a session that leaves the run as it found it."""
    checkpoint = load_checkpoint(folder)
    step, best = (checkpoint.state.step, checkpoint.state.best_psnr_y_db) if checkpoint else (0, None)
    return events.Finished(reason="stopped", step=step, best_psnr_y_db=best, elapsed_s=0.0)


class _Run:
    """One session of a run: what the loop needs at hand."""

    def __init__(self, config: TrainConfig, folder: Path, token: CancelToken) -> None:
        if config.threads:
            torch.set_num_threads(config.threads)
        self.config, self.folder = config, folder
        self.device = resolve_device(config.device)
        self.precision = precision_name(resolve_precision(config.precision, self.device))
        self.split: Split = pictures_of_run(config, folder, token)
        self.validation = ValidationSet(
            self.split.validation[: config.validation_pictures], crop_px=config.validation_crop_px
        )
        token.check()
        self.bicubic: Score = self.validation.measure_bicubic()
        self.learner = Learner(build_model(config), config, device=self.device, precision=self.precision)
        self.measured = channels_last(build_model(config), self.device).eval()
        self.digest = digest_of(config, without=NOT_COMPUTED_WITH)
        self.state = RunState(
            config_digest=self.digest, threads=torch.get_num_threads(), data_digest=_digest(self.split)
        )
        self.began_s = time.monotonic()
        self.loader: BatchLoader | None = None

    def start(self) -> Iterator[events.AnyEvent]:
        """Load the checkpoint or the start weights, and say what is going to happen."""
        notices = list(self._restore())
        self.loader = BatchLoader(CropSampler(self.split.training, self.config), self.state.step)
        yield events.Started(
            run_folder=str(self.folder),
            model=self.config.model,
            device=str(self.device),
            precision=self.precision,
            threads=torch.get_num_threads(),
            parameters=sum(parameter.numel() for parameter in self.learner.model.parameters()),
            training_pictures=len(self.split.training),
            validation_pictures=len(self.validation),
            skipped_pictures=len(self.split.skipped),
            first_step=self.state.step,
            steps=self.config.steps,
            bicubic_psnr_y_db=self.bicubic.psnr_y_db,
            bicubic_ssim_y=self.bicubic.ssim_y,
        )
        for sentence in notices:
            yield events.Notice(message=sentence)

    def steps(self, token: CancelToken) -> Iterator[events.AnyEvent]:
        """Make the steps that are left."""
        report = _StepReport(self.config)
        if self.state.best_psnr_y_db is None and not token.is_cancelled:
            yield from self._validate()
        while self.state.step < self.config.steps and not token.is_cancelled:
            yield from self._one_step(report)
            step, is_last = self.state.step, self.state.step == self.config.steps
            if step % self.config.validate_every_steps == 0 or is_last:
                yield from self._validate()
                report.restart()
            if step % self.config.checkpoint_every_steps == 0 or is_last:
                yield self._save()
                report.restart()
        is_done = self.state.step >= self.config.steps
        if not is_done:
            yield self._save()
        yield events.Finished(
            reason="done" if is_done else "stopped",
            step=self.state.step,
            best_psnr_y_db=self.state.best_psnr_y_db,
            elapsed_s=time.monotonic() - self.began_s,
        )

    def close(self) -> None:
        """End the threads that prepare batches."""
        if self.loader is not None:
            self.loader.close()

    def _one_step(self, report: _StepReport) -> Iterator[events.AnyEvent]:
        assert self.loader is not None
        waiting_since_s = time.monotonic()
        batch = self.loader.take(self.state.step)
        waited_s = time.monotonic() - waiting_since_s
        loss, norm = self.learner.step(batch, self.state.step)
        self._advance(step=self.state.step + 1)
        report.add(loss, waited_s)
        if self.state.step % self.config.report_every_steps == 0 or self.state.step == self.config.steps:
            yield report.event(self.state.step, norm)

    def _validate(self) -> Iterator[events.AnyEvent]:
        self.measured.load_state_dict(self.learner.averaged_weights())
        score = self.validation.measure(self.measured, self.device)
        is_best = self.state.best_psnr_y_db is None or score.psnr_y_db > self.state.best_psnr_y_db
        yield events.Validated(step=self.state.step, psnr_y_db=score.psnr_y_db, ssim_y=score.ssim_y, is_best=is_best)
        if not is_best:
            return
        self._advance(best_psnr_y_db=score.psnr_y_db, best_step=self.state.step)
        if self.state.step > 0:
            path = self.folder / WEIGHTS_FOLDER / f"{self.config.weights_name}.safetensors"
            path.parent.mkdir(parents=True, exist_ok=True)
            save_weights(path, self.measured, self._card(score))
            yield events.Weights(step=self.state.step, path=str(path), psnr_y_db=score.psnr_y_db)

    def _save(self) -> events.Saved:
        now_s = time.monotonic()
        self._advance(elapsed_s=self.state.elapsed_s + now_s - self.began_s)
        self.began_s = now_s
        path = save_checkpoint(self.folder, Checkpoint(self.state, self.learner.tensors()))
        return events.Saved(step=self.state.step, path=str(path))

    def _restore(self) -> Iterator[str]:
        checkpoint = load_checkpoint(self.folder)
        path = self.folder / CHECKPOINT_NAME
        if checkpoint is None:
            yield from self._warm_start()
            return
        if checkpoint.state.config_digest != self.digest:
            raise CheckpointError(path, "it belongs to another configuration")
        if checkpoint.state.threads != self.state.threads:
            yield (
                f"The run was computed with {checkpoint.state.threads} threads and goes on with {self.state.threads}: "
                "the result will differ in rounding."
            )
        if checkpoint.state.data_digest != self.state.data_digest:
            yield "The pictures have changed since the run was stopped: it goes on with other crops."
        self.learner.load_tensors(checkpoint.tensors, str(path))
        self.state = checkpoint.state
        self._advance(threads=torch.get_num_threads(), data_digest=_digest(self.split))

    def _warm_start(self) -> Iterator[str]:
        if self.config.start in ("interpolation", "random"):
            return
        model, card = load_model(Path(self.config.start))
        if card.architecture != self.config.model:
            raise ConfigError("start", self.config.start, f"weights of {self.config.model}, not {card.architecture}")
        try:
            self.learner.start_from(model.state_dict())
        except RuntimeError as error:
            raise ConfigError("model_options", self.config.model_options, f"those of “{card.name}”") from error
        self._advance(steps_before=card.steps, data_before=card.training_data)
        yield f"Started from the weights “{card.name}”."

    def _advance(self, **changes: object) -> None:
        self.state = msgspec.structs.replace(self.state, **changes)

    def _card(self, score: Score) -> WeightsCard:
        architecture = CATALOGUE[self.config.model]
        model_config = msgspec.convert(self.config.model_options, architecture.config_type)
        return WeightsCard(
            name=self.config.weights_name,
            architecture=self.config.model,
            config=msgspec.to_builtins(model_config),
            scale=SCALE,
            training_data=self._provenance(),
            steps=self.state.steps_before + self.state.step,
            seed=self.config.seed,
            metrics={
                "validation_psnr_y_db": round(score.psnr_y_db, 4),
                "validation_ssim_y": round(score.ssim_y, 5),
                "validation_bicubic_psnr_y_db": round(self.bicubic.psnr_y_db, 4),
                "validation_pictures": float(len(self.validation)),
            },
            licence=self.config.licence,
            created=datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            notes=self.config.notes,
        )

    def _provenance(self) -> str:
        folders = Counter(picture.path.parent.name for picture in self.split.training)
        own = ", ".join(
            f"{name} ({count} {'picture' if count == 1 else 'pictures'})" for name, count in sorted(folders.items())
        )
        before = self.state.data_before
        return own if before in ("", own) else f"{own}; before that: {before}"


class _StepReport:
    """Gathers what a step event tells."""

    def __init__(self, config: TrainConfig) -> None:
        self._config = config
        self._seconds_a_step: float | None = None
        self._process = psutil.Process()
        self.restart()

    def restart(self) -> None:
        """Forget what was gathered, so that time spent elsewhere does not count."""
        self._losses: list[float] = []
        self._waited_s = 0.0
        self._since_s = time.monotonic()

    def add(self, loss: float, waited_s: float) -> None:
        """Count one step."""
        self._losses.append(loss)
        self._waited_s += waited_s

    def event(self, step: int, gradient_norm: float) -> events.Step:
        """Return the event of the steps since the last one."""
        elapsed_s = max(time.monotonic() - self._since_s, 1e-9)
        latest = elapsed_s / len(self._losses)
        smooth = latest if self._seconds_a_step is None else 0.9 * self._seconds_a_step + 0.1 * latest
        self._seconds_a_step = smooth
        event = events.Step(
            step=step,
            loss=sum(self._losses) / len(self._losses),
            learning_rate=self._config.learning_rate_at(step - 1),
            gradient_norm=gradient_norm,
            steps_per_second=len(self._losses) / elapsed_s,
            data_wait_share=self._waited_s / elapsed_s,
            remaining_s=smooth * (self._config.steps - step),
            memory_bytes=self._process.memory_info().rss,
        )
        self.restart()
        return event


def _digest(split: Split) -> str:
    return hashlib.sha256("".join(picture.digest for picture in split.training).encode()).hexdigest()
