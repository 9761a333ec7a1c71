"""The training loop: from a configuration and a run folder to events, checkpoints and a weights file."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
import torch

from srdesk.engine.control import CancelToken
from srdesk.engine.device import precision_name, resolve_device, resolve_precision
from srdesk.engine.weights import save_weights
from srdesk.errors import Cancelled, CheckpointError, TrainingDivergedError
from srdesk.training import events
from srdesk.training.config import TrainConfig
from srdesk.training.data.camera import camera_of_picture
from srdesk.training.data.dataset import BatchLoader, CropSampler
from srdesk.training.data.pictures import Split, keep_measured, pictures_of_run
from srdesk.training.data.sources import digest_of_pictures, sources_of
from srdesk.training.learning import parallel
from srdesk.training.learning.card import earlier_sources, weights_card
from srdesk.training.learning.checkpoint import (
    Checkpoint,
    RunState,
    load_checkpoint,
    load_good_checkpoint,
    require_space,
    save_checkpoint,
    what_differs,
)
from srdesk.training.learning.comparison import Stored, compared, draw_again, on_present_pictures, scores_of
from srdesk.training.learning.features import Vgg, load_features
from srdesk.training.learning.guard import GuardState, advice, watch
from srdesk.training.learning.identity import digest_at, goes_with
from srdesk.training.learning.learner import Learner, build_model, channels_last, warm_start
from srdesk.training.learning.step_report import StepReport
from srdesk.training.learning.validation import Score, ValidationSet
from srdesk.training.pauses import Pauses
from srdesk.training.run.hold import Hold
from srdesk.training.run.renaming import rename_best_weights
from srdesk.training.run.requests import Requests
from srdesk.training.run.runs import CHECKPOINT_NAME, PICTURES_FOLDER, START_NAME, WEIGHTS_FOLDER, Run
from srdesk.training.run.strip import forget_pictures, keep_references, keep_step, kept_references

ROLLBACK_RATE_FACTOR = 0.5
"""What the learning rates are multiplied by at each roll-back."""


def train(
    config: TrainConfig,
    folder: Path,
    token: CancelToken,
    *,
    features_file: Path | None = None,
    requests: Requests | None = None,
) -> Iterator[events.AnyEvent]:
    """Run, or go on with, the training of ``config`` in ``folder``.

    Yields an event for everything worth telling. When the token is cancelled the run makes a checkpoint, if it had
    begun, and ends with ``Finished(reason="stopped")``; called again with the same configuration it goes on from there,
    bit for bit on the same machine with the same number of threads.

    Args:
        config: what to compute.
        folder: the run folder.
        token: looked at between steps.
        features_file: the VGG features that come with the program; needed where the loss compares features.
        requests: where pauses are asked for, made with ``token``; None if nobody will.

    Raises:
        ConfigError, DatasetError, ImageError: the configuration or the pictures cannot be used.
        WeightsError: the weights to start from cannot be used.
        CheckpointError: the folder belongs to another run, or its checkpoint is damaged or cannot be written.
        DeviceUnavailableError: the device is not there.
        TrainingError: another folder has taken the place of the run folder, or its disk is too full.
        TrainingDivergedError: the run diverged again after all roll-backs; the last checkpoint is intact.
    """
    run = None
    parallel.require_equal_shares(config)
    with contextlib.suppress(Cancelled):
        pauses = Pauses(requests or Requests(token), before_saving=Hold(folder).require)
        run = _Run(config, folder, token, _features(config, features_file), pauses)
    (is_given_up,) = parallel.any_of(run is None)
    if run is None or is_given_up:
        yield _stopped_before_it_began(folder)
        return
    try:
        yield from run.start()
        yield from run.steps()
    finally:
        run.close()


def _stopped_before_it_began(folder: Path) -> events.Finished:
    """Return the last event of a session that leaves the run as it found it."""
    checkpoint = load_checkpoint(folder)
    step, best = (checkpoint.state.step, checkpoint.state.best_scores.psnr_y_db) if checkpoint else (0, None)
    return events.Finished(reason="stopped", step=step, best_psnr_y_db=best, elapsed_s=0.0)


def _features(config: TrainConfig, bundled_file: Path | None) -> Vgg | None:
    if not config.loss_weights.feature:
        return None
    return load_features(config.features, config.feature_layer, bundled_file=bundled_file or Path("vgg16.safetensors"))


class _Run:
    """One session of a run: what the loop needs at hand."""

    def __init__(
        self, config: TrainConfig, folder: Path, token: CancelToken, features: Vgg | None, pauses: Pauses
    ) -> None:
        if config.threads:
            torch.set_num_threads(config.threads)
        self.config, self.folder, self.features, self.pauses = config, folder, features, pauses
        self.weights_path = folder / WEIGHTS_FOLDER / f"{config.weights_name}.safetensors"
        self.device = resolve_device(config.device)
        self.precision = precision_name(resolve_precision(config.precision, self.device))
        self.split: Split = pictures_of_run(config, folder, token)
        self.validation = ValidationSet(
            self.split.validation[: config.validation_pictures],
            crop_px=config.validation_crop_px,
            camera_of=lambda picture: camera_of_picture(config, picture.digest),
            features=features,
            device=self.device,
        )
        self.validation_s = 0.0
        self.has_other_pictures = False
        token.check()
        self.bicubic: Score = self.validation.measure_bicubic()
        self.measured = channels_last(build_model(config), self.device).eval()
        self.learner, self.state = self._fresh()
        self.session_began_s = self.began_s = time.monotonic()
        self.loader: BatchLoader | None = None

    def _fresh(self) -> tuple[Learner, RunState]:
        """Return a learner and a state of step 0."""
        learner = Learner(
            build_model(self.config), self.config, device=self.device, precision=self.precision, features=self.features
        )
        return learner, RunState(
            config_digest=digest_at(self.config, 0),
            threads=torch.get_num_threads(),
            is_compiled=self.config.compile,
            data_digest=digest_of_pictures(self.split),
            data=sources_of(self.split),
        )

    def start(self) -> Iterator[events.AnyEvent]:
        """Load the checkpoint or the start weights, and say what is going to happen."""
        parallel.require_same_pictures(self.config, digest_of_pictures(self.split))
        require_space(self.folder, self.learner.tensors())
        notices = list(self._restore())
        if self.has_other_pictures or self.state.config_digest != digest_at(self.config, self.state.step):
            yield from self._save()  # a later session could not tell any more that it belongs to this run
        if parallel.is_main():
            yield from self._show_other_pictures()
        self.sampler = CropSampler(self.split.training, self.config, rank=parallel.rank(), size=parallel.size())
        self.loader = BatchLoader(self.sampler, self.state.step)
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
            best_psnr_y_db=self.state.best_scores.psnr_y_db,
        )
        for sentence in (*self.split.notices, *self.validation.notices(), *notices):
            yield events.Notice(message=sentence)

    def steps(self) -> Iterator[events.AnyEvent]:
        """Make the steps that are left."""
        report = StepReport(self.config)
        self.pauses.look()
        if not self.state.best_scores.psnrs_y_db and not self.pauses.is_stopped:
            yield from self._validate()
        while self.state.step < self.config.steps:
            yield from self._pause_if_asked(report)
            if self.pauses.is_stopped:
                break
            yield from self._one_step(report)
            step, is_last = self.state.step, self.state.step == self.config.steps
            if step % self.config.validate_every_steps == 0 or is_last:
                yield from self._validate()
                report.restart()
            if step % self.config.checkpoint_every_steps == 0 or is_last:
                yield from self._save()
                report.restart()
        is_done = self.state.step >= self.config.steps
        if is_done:
            self.pauses.look()
        else:
            yield from self._save()
        start, best = self.state.start_scores, self.state.best_scores
        if parallel.is_main() and self.state.best_step > 0 and start.psnrs_y_db:
            yield compared(self.validation, self.bicubic, start=start, best=best)
        yield events.Finished(
            reason="done" if is_done else "stopped",
            step=self.state.step,
            best_psnr_y_db=self.state.best_scores.psnr_y_db,
            elapsed_s=time.monotonic() - self.session_began_s,
        )

    def close(self) -> None:
        """End the threads that prepare batches."""
        if self.loader is not None:
            self.loader.close()

    def _one_step(self, report: StepReport) -> Iterator[events.AnyEvent]:
        assert self.loader is not None
        since_s = time.monotonic()
        batch = self.loader.take(self.state.step)
        waited_s = time.monotonic() - since_s
        try:
            figures = self.learner.step(batch, self.state.step)
            guard, problem = watch(self.state.guard, figures)
        except TrainingDivergedError as error:
            yield from self._roll_back(str(error))
            report.restart()
            return
        if problem:
            yield from self._roll_back(problem)
            report.restart()
            return
        self._advance(step=self.state.step + 1, guard=guard)
        report.add(figures, waited_s=waited_s, step_s=time.monotonic() - since_s)
        if self.state.step % self.config.report_every_steps == 0 or self.state.step == self.config.steps:
            yield report.event(self.state.step, self.state.rate_factor)
        if report.is_time_to_estimate():
            yield report.estimate(self.state.step, validation_s=self.validation_s)
        if (sentence := self.sampler.take_notice()) is not None:
            yield events.Notice(message=sentence)

    def _roll_back(self, reason: str) -> Iterator[events.AnyEvent]:
        """Go back to the last good state with lower learning rates."""
        if self.state.rollbacks >= self.config.rollbacks:
            best_weights = self.weights_path if self.state.best_step > 0 else None
            hint = advice(self.folder, best_weights, rollbacks=self.config.rollbacks)
            raise TrainingDivergedError(reason, hint=hint)
        noticed = self.state
        checkpoint = load_good_checkpoint(self.folder)
        if checkpoint is None:
            self.learner, self.state = self._fresh()
            for sentence in self._warm_start():
                yield events.Notice(message=sentence)
        else:
            self.learner.load_tensors(checkpoint.tensors, str(self.folder / checkpoint.name))
            self.state = checkpoint.state
        self._advance(
            rate_factor=noticed.rate_factor * ROLLBACK_RATE_FACTOR,
            rollbacks=noticed.rollbacks + 1,
            guard=GuardState(),
            # The best weights are on the disk, whatever became of the run after them.
            start_scores=noticed.start_scores,
            best_scores=noticed.best_scores,
            best_step=noticed.best_step,
            # The good state may be from before the pictures changed.
            data_digest=noticed.data_digest,
            data=noticed.data,
            data_earlier=noticed.data_earlier,
        )
        self.learner.rate_factor = self.state.rate_factor
        forget_pictures(self.folder, after_step=self.state.step, best_step=noticed.best_step)
        self.close()
        self.loader = BatchLoader(self.sampler, self.state.step)
        yield events.RolledBack(
            step=noticed.step + 1, to_step=self.state.step, reason=reason, rate_factor=self.state.rate_factor
        )
        yield from self._save()

    def _pause_if_asked(self, report: StepReport) -> Iterator[events.AnyEvent]:
        self.pauses.look()
        if self.pauses.is_pause_asked:
            yield from self._save()
            yield from self.pauses.wait(self.state.step)
            self.began_s = time.monotonic()
            report.restart()

    def _validate(self) -> Iterator[events.AnyEvent]:
        if not parallel.is_main():
            return
        since_s = time.monotonic()
        self.measured.load_state_dict(self.learner.averaged_weights())
        score = self.validation.measure(self.measured, strip_pictures=self.config.strip_pictures)
        self.validation_s = time.monotonic() - since_s
        scores, step = scores_of(score, self.validation), self.state.step
        is_best = scores.is_better_than(self.state.best_scores)
        yield events.Validated(
            step=step,
            psnr_y_db=score.psnr_y_db,
            ssim_y=score.ssim_y,
            is_best=is_best,
            feature_distance=score.feature_distance,
        )
        if step == 0:
            self._advance(start_scores=scores)
            references = dict(self.validation.references(self.config.strip_pictures))
            yield from self.pauses.insist(lambda: keep_references(self.folder, references), step)
            yield from self._save_weights(self.folder / START_NAME, score)
        if is_best:
            self._advance(best_scores=scores, best_step=step)
            if step > 0:
                yield from self._save_weights(self.weights_path, score)
                yield events.Weights(step=step, path=str(self.weights_path), psnr_y_db=score.psnr_y_db)
        if score.strip:
            yield from self.pauses.insist(
                lambda: keep_step(self.folder, step, score.strip, best_step=self.state.best_step), step
            )
            yield events.Pictured(step=step, folder=str(self.folder / PICTURES_FOLDER))

    def _save_weights(self, path: Path, score: Score) -> Iterator[events.AnyEvent]:
        card = weights_card(self.config, self.state, self.split, score=score, bicubic=self.bicubic)

        def save() -> None:
            if path.parent != self.folder:  # which is not made again when it is gone
                path.parent.mkdir(exist_ok=True)
            save_weights(path, self.measured, card)

        yield from self.pauses.insist(save, self.state.step)

    def _save(self) -> Iterator[events.AnyEvent]:
        if not parallel.is_main():
            return
        self._advance(
            elapsed_s=self.state.elapsed_s + time.monotonic() - self.began_s,
            config_digest=digest_at(self.config, self.state.step),
        )
        checkpoint = Checkpoint(self.state, self.learner.tensors())
        path = yield from self.pauses.insist(lambda: save_checkpoint(self.folder, checkpoint), self.state.step)
        self.began_s = time.monotonic()
        yield events.Saved(step=self.state.step, path=str(path))

    def _restore(self) -> Iterator[str]:
        checkpoint = load_checkpoint(self.folder)
        path = self.folder / CHECKPOINT_NAME
        if checkpoint is None:
            yield from self._warm_start()
            return
        is_same = not parallel.is_main() or goes_with(checkpoint.state, self.config, self.folder)
        (is_other,) = parallel.any_of(not is_same)
        if is_other:
            raise CheckpointError(path, "it belongs to another configuration")
        yield from what_differs(checkpoint.state, self.state)
        if self.validation.measure_as_before(len(checkpoint.state.start_scores.psnrs_y_db)):
            self.bicubic = self.validation.measure_bicubic()
        now = self.state
        self.learner.load_tensors(checkpoint.tensors, str(path))
        self.state = checkpoint.state
        self.learner.rate_factor = self.state.rate_factor
        self._advance(
            threads=now.threads,
            is_compiled=now.is_compiled,
            data_digest=now.data_digest,
            data=now.data,
            data_earlier=earlier_sources(self.state, now, self.folder / START_NAME),
        )
        if parallel.is_main():
            if self.state.best_step:
                rename_best_weights(self.folder, self.config, self.weights_path)
            yield from self._measure_again()

    def _measure_again(self) -> Iterator[str]:
        """See that the scores of the start and of the best weights are those of the pictures that are there now."""
        stored, run = Stored.of(self.state, self.folder, self.weights_path), Run(self.folder)
        self.state, notice = on_present_pictures(self.state, self.validation, self.measured, stored, run)
        self.has_other_pictures = bool(notice)
        if notice:
            yield notice

    def _show_other_pictures(self) -> Iterator[events.AnyEvent]:
        """Measure the pictures of now from here on, and have them in the strip, once the state has their scores."""
        step = self.state.step
        if self.has_other_pictures:  # those that are gone are given up for good
            yield from self.pauses.insist(lambda: keep_measured(self.split, self.config, self.folder), step)
        pictures = min(self.config.strip_pictures, len(self.validation))
        if self.has_other_pictures or (step and kept_references(self.folder) < pictures):
            stored = Stored.of(self.state, self.folder, self.weights_path)
            args = (self.state, self.validation, self.measured, stored, self.folder, pictures)
            yield from self.pauses.insist(lambda: draw_again(*args), step)

    def _warm_start(self) -> Iterator[str]:
        card = warm_start(self.learner, self.config)
        if card is None:
            return
        self._advance(steps_before=card.steps, data_before=card.training_data)
        yield f"Started from the weights “{card.name}”."

    def _advance(self, **changes: object) -> None:
        self.state = msgspec.structs.replace(self.state, **changes)
