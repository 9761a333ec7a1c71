"""`srdesk train`: the process around a run. Reserves stdout for events, listens on stdin, turns failures into events.

With ``--events`` the process is made to be watched by another program, such as the desk: one JSON object a line on
stdout (everything else goes to stderr), a line ``stop`` on stdin ends the run with a checkpoint, and so does the end of
stdin, so that no run outlives a desk that died. Without it, a person sees a progress bar and presses Ctrl-C.
"""

from __future__ import annotations

import argparse
import datetime
import os
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from types import FrameType
from typing import Any, BinaryIO

import msgspec

from srdesk.engine.control import CancelToken
from srdesk.errors import Cancelled, ConfigError, DatasetError, SrDeskError, TrainingError, UnexpectedError
from srdesk.imaging.atomic import atomic_write
from srdesk.training import events
from srdesk.training.config import CONFIG_NAME, TrainConfig, read_config, validate

EVENTS_NAME = "events.jsonl"
"""File in a run folder that every event is appended to."""

FLAG_FIELDS = (
    "model",
    "name",
    "start",
    "seed",
    "steps",
    "batch_size",
    "crop_px",
    "learning_rate",
    "device",
    "precision",
)
"""Configuration fields with a command line option of their own; all others are reached by ``--set``."""


def main(argv: Sequence[str], *, runs_folder: Path) -> int:
    """Run the command line verb `train`; return the exit code.

    Args:
        argv: arguments after the verb.
        runs_folder: where run folders are made unless ``--run`` names one.

    Raises:
        SrDeskError: what `srdesk.training.trainer.train` raises, after an event has told it.
    """
    options = _parser().parse_args(argv)
    wire = _reserve_stdout() if options.events else None
    token = CancelToken()
    restore_signals = _stop_on_signals(token)
    journal = _Journal(wire, token)
    try:
        folder, config = _prepare(options, runs_folder)
        journal.open(folder / EVENTS_NAME, total_steps=config.steps)
        if wire is not None:
            _stop_on_stdin(token)
        return _run(config, folder, token, journal)
    except SrDeskError as error:
        journal.tell(_failed(error))
        raise
    except Exception as error:
        journal.tell(_failed(UnexpectedError(f"Something unexpected went wrong: {error!r}.")))
        raise
    finally:
        journal.close()
        restore_signals()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="srdesk train", description="Train or fine-tune a network.")
    parser.add_argument("--model", choices=("srresnet", "srcnn"), help="network to train (default: srresnet)")
    parser.add_argument("--data", nargs="+", metavar="FOLDER", help="folders of sharp pictures, searched recursively")
    parser.add_argument("--run", type=Path, metavar="FOLDER", help="run folder; an existing one is resumed")
    parser.add_argument(
        "--config", type=Path, metavar="FILE", help="configuration (.toml or .json); options win over it"
    )
    parser.add_argument("--start", metavar="START", help="interpolation, random, or a weights file to fine-tune")
    parser.add_argument("--name", help="name of the weights that the run makes")
    for flag, kind, text in (
        ("--steps", int, "optimiser steps of the whole run"),
        ("--batch-size", int, "crops a step"),
        ("--crop-px", int, "side of an LR crop in pixels"),
        ("--learning-rate", float, "step size of Adam at its peak"),
        ("--seed", int, "decides the random start, the split and every crop"),
    ):
        parser.add_argument(flag, type=kind, help=text)
    parser.add_argument("--device", choices=("auto", "cpu", "cuda", "mps"))
    parser.add_argument("--precision", choices=("auto", "fp32", "bf16", "fp16"))
    parser.add_argument(
        "--set", nargs="+", default=[], metavar="FIELD=VALUE", help="any other field of the configuration"
    )
    parser.add_argument("--events", action="store_true", help="JSON lines on stdout; “stop” or the end of stdin stops")
    return parser


def _prepare(options: argparse.Namespace, runs_folder: Path) -> tuple[Path, TrainConfig]:
    """Settle run folder and configuration: file < stored run < options; write the configuration into the folder."""
    stored = options.run / CONFIG_NAME if options.run else None
    if options.config:
        config = read_config(options.config)
    elif stored and stored.exists():
        config = read_config(stored)
    else:
        config = TrainConfig()
    config = validate(_with_options(config, options))
    for data_folder in config.data:
        if not Path(data_folder).is_dir():
            raise DatasetError(data_folder, "it does not exist or is not a folder")
    folder = options.run or runs_folder / f"{datetime.datetime.now():%Y-%m-%d_%H-%M-%S}_{config.weights_name}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with atomic_write(folder / CONFIG_NAME) as stream:
            stream.write(msgspec.json.format(msgspec.json.encode(config)))
    except OSError as error:
        raise TrainingError(
            f"The run folder “{folder}” cannot be written: {error.strerror}.", hint="Name another one with --run."
        ) from error
    return folder, config


def _with_options(config: TrainConfig, options: argparse.Namespace) -> TrainConfig:
    changes: dict[str, Any] = {
        field: getattr(options, field) for field in FLAG_FIELDS if getattr(options, field) is not None
    }
    if options.data:
        changes["data"] = tuple(str(Path(folder).absolute()) for folder in options.data)
    if changes.get("model", config.model) == "srcnn" and config.model != "srcnn":
        changes["loss_channels"] = "luma"
    for assignment in options.set:
        field, equals, text = assignment.partition("=")
        if not equals or field not in TrainConfig.__struct_fields__:
            raise ConfigError("--set", assignment, "FIELD=VALUE with a field of the configuration")
        changes[field] = _parsed(text)
    try:
        return msgspec.convert({**msgspec.to_builtins(config), **changes}, TrainConfig)
    except msgspec.ValidationError as error:
        raise ConfigError("--set", " ".join(options.set), f"values of the right type ({error})") from error


def _parsed(text: str) -> Any:
    try:
        return msgspec.json.decode(text)
    except msgspec.DecodeError:
        return text


def _run(config: TrainConfig, folder: Path, token: CancelToken, journal: _Journal) -> int:
    # Imported here: a wrong option is answered without waiting for torch.
    from srdesk.training.trainer import train

    was_stopped = False
    for event in train(config, folder, token):
        journal.tell(event)
        was_stopped = isinstance(event, events.Finished) and event.reason == "stopped"
    return Cancelled.exit_code if was_stopped and not journal.is_watched else 0


def _failed(error: SrDeskError) -> events.Failed:
    return events.Failed(kind=type(error).__name__, message=str(error), hint=error.hint)


def _reserve_stdout() -> BinaryIO:
    """Keep stdout for events: whatever a library prints lands on stderr."""
    wire = os.fdopen(os.dup(sys.stdout.fileno()), "wb", buffering=0)
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    return wire


def _stop_on_stdin(token: CancelToken) -> None:
    def watch() -> None:
        for line in sys.stdin:
            if line.strip() == "stop":
                break
        token.cancel()

    threading.Thread(target=watch, name="stdin", daemon=True).start()


def _stop_on_signals(token: CancelToken) -> Callable[[], None]:
    """Let Ctrl-C and a polite kill end the run with a checkpoint; return what puts the handlers back."""
    if threading.current_thread() is not threading.main_thread():
        return lambda: None

    def stop(number: int, frame: FrameType | None) -> None:
        if token.is_cancelled:
            raise KeyboardInterrupt
        token.cancel()

    previous = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}

    def restore() -> None:
        for number, handler in previous.items():
            signal.signal(number, handler)

    return restore


class _Journal:
    """Where events go: the run folder's file once there is one, and either a watching program or a person."""

    def __init__(self, wire: BinaryIO | None, token: CancelToken) -> None:
        self.is_watched = wire is not None
        """Whether another program reads the events, or did."""
        self._wire = wire
        self._token = token
        self._file: BinaryIO | None = None
        self._teller: _Teller | None = None

    def open(self, path: Path, *, total_steps: int) -> None:
        """Begin to keep the events in a file, and to show them to a person if no program watches."""
        self._file = path.open("ab")
        if self._wire is None:
            self._teller = _Teller(total_steps)

    def tell(self, event: events.AnyEvent) -> None:
        """Pass the event on; a watching program that is no longer there ends the run, as the end of stdin does."""
        line = events.encode(event)
        if self._file is not None:
            self._file.write(line)
            self._file.flush()
        if self._wire is not None:
            try:
                self._wire.write(line)
            except BrokenPipeError:
                self._wire.close()
                self._wire = None
                self._token.cancel()
        if self._teller is not None:
            self._teller.tell(event)

    def close(self) -> None:
        """Finish the files and the progress bar."""
        for part in (self._file, self._wire, self._teller):
            if part is not None:
                part.close()


class _Teller:
    """Tells a person on a terminal: one line for what matters, a progress bar for the rest."""

    def __init__(self, total_steps: int) -> None:
        from tqdm import tqdm

        class Bar(tqdm):  # type: ignore[type-arg]
            monitor_interval = 0  # a thread that refreshes the bar between updates: steps come often enough

        self._bar = Bar(total=total_steps, unit="step", disable=not sys.stderr.isatty(), file=sys.stderr)

    def tell(self, event: events.AnyEvent) -> None:
        """Show the event."""
        match event:
            case events.Started():
                self._bar.update(event.first_step)
                self._say(
                    f"{event.model} on {event.device} ({event.precision}, {event.threads} threads): "
                    f"{event.training_pictures} pictures, {event.validation_pictures} held out, "
                    f"{event.skipped_pictures} skipped; bicubic {event.bicubic_psnr_y_db:.2f} dB; {event.run_folder}"
                )
            case events.Step():
                self._bar.update(event.step - self._bar.n)
                self._bar.set_postfix_str(f"loss {event.loss:.2e}, {event.steps_per_second:.2f} steps/s")
            case events.Validated():
                mark = " (best)" if event.is_best else ""
                self._say(f"step {event.step}: {event.psnr_y_db:.3f} dB, SSIM {event.ssim_y:.4f}{mark}")
            case events.Notice():
                self._say(event.message)
            case events.Finished():
                best = "" if event.best_psnr_y_db is None else f", best {event.best_psnr_y_db:.3f} dB"
                self._say(f"{event.reason} at step {event.step}{best}")
            case _:
                pass

    def close(self) -> None:
        """Leave the bar as it is."""
        self._bar.close()

    def _say(self, sentence: str) -> None:
        self._bar.write(sentence, file=sys.stderr)
