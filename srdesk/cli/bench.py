"""The verb `bench`: time the engine, or the trainer, against plain ways of doing the same with the same network."""

from __future__ import annotations

import argparse
import dataclasses
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

from srdesk.cli.model_choice import add_device_argument, choose_model, settings_with
from srdesk.cli.terminal import ProgressBar, cancelling_on_interrupt, print_json, print_result
from srdesk.errors import ConfigError
from srdesk.names import named_path

if TYPE_CHECKING:
    from srdesk.engine.bench import BenchReport
    from srdesk.training.learning.bench import TrainBenchReport

SUMMARY = "time the engine, or the trainer, against plain ways of running the same network"
"""What the verb does, for the list of verbs."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the options of this verb."""
    parser.add_argument("--model", default=argparse.SUPPRESS, metavar="NAME", help="weights to run (default: srresnet)")
    add_device_argument(parser)
    parser.add_argument("--threads", type=_count, metavar="N", help="CPU threads (default: torch's own choice)")
    parser.add_argument("--size", type=_count, default=512, metavar="PX", help="side of the input (default 512)")
    parser.add_argument(
        "--rounds",
        type=_count,
        default=5,
        metavar="N",
        help="times that every way is run; medians are told (default 5)",
    )
    parser.add_argument(
        "--hr", type=named_path, metavar="FOLDER", help="sharp pictures on which the loss of bfloat16 is measured too"
    )
    parser.add_argument("--lr", type=named_path, metavar="FOLDER", help="their reductions of the same names")
    parser.add_argument(
        "--train", action="store_true", help="time steps of training the network instead of enlarging with it"
    )
    parser.add_argument(
        "--compile", action="store_true", help="with --train: time the compiled network too (needs a C++ compiler)"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of a table")


def run(arguments: argparse.Namespace) -> int:
    """Measure and print.

    Raises:
        SrDeskError: the weights, the device or a folder cannot be used.
        Cancelled: the person pressed Ctrl-C.
    """
    settings = settings_with(arguments)
    choice = choose_model(settings.model)
    if choice.weights is None:
        raise ConfigError("model", choice.name, "a network")
    if arguments.compile and not arguments.train:
        raise ConfigError("--compile", "alone", "it together with --train")
    if arguments.train:
        return _time_training(choice.weights, settings.device, arguments)
    return _time_enlarging(choice.weights, settings.device, arguments)


def _time_training(weights: Path, device: str, arguments: argparse.Namespace) -> int:
    from srdesk.training.learning.bench import run_training_bench

    if arguments.hr or arguments.lr:
        raise ConfigError("--train", "with pictures", "it without --hr and --lr: steps are timed on noise")
    with cancelling_on_interrupt() as token, ProgressBar("Measuring") as bar:
        report = run_training_bench(
            weights,
            bar.control(token),
            rounds=arguments.rounds,
            device=device,
            threads=arguments.threads,
            with_compiled=arguments.compile,
        )
    if arguments.json:
        print_json(_rounded(dataclasses.asdict(report)))
    else:
        _print_training_table(report)
    return 0


def _time_enlarging(weights: Path, device: str, arguments: argparse.Namespace) -> int:
    from srdesk.engine.bench import run_bench
    from srdesk.engine.evaluate import find_pairs
    from srdesk.imaging.decoder import Decoder

    if arguments.lr and not arguments.hr:
        raise ConfigError("--lr", str(arguments.lr), "it together with --hr")
    pairs = find_pairs(arguments.hr, arguments.lr) if arguments.hr else []
    with cancelling_on_interrupt() as token, Decoder() as decoder, ProgressBar("Measuring") as bar:
        report = run_bench(
            weights,
            bar.control(token),
            rounds=arguments.rounds,
            size_px=arguments.size,
            device=device,
            threads=arguments.threads,
            pairs=pairs,
            open_image=lambda path: decoder.open(path, token),
        )
    if arguments.json:
        print_json(_rounded(dataclasses.asdict(report)))
    else:
        _print_table(report)
    return 0


def _print_table(report: BenchReport) -> None:
    print_result(
        f"{report.model} on {report.device}, {report.threads} threads, {report.size_px} × {report.size_px} pixels, "
        f"median of {report.rounds} rounds"
    )
    print_result(f"{'':<32} {'':<5} {'time':>9} {'GFLOP/s':>8} {'× plain':>8}")
    for timing in report.timings:
        print_result(
            f"{timing.way:<32} {timing.precision:<5} {timing.seconds:>7.2f} s "
            f"{timing.useful_gflops_per_second:>8.0f} {timing.times_plain:>8.2f}"
        )
    print_result(
        f"The engine is {report.times_plain:.2f} times as fast as the plain network and "
        f"{report.times_bf16_windows:.2f} times as fast as windows in bf16."
    )
    if report.bf16_loss_db is not None:
        print_result(f"bf16 loses {report.bf16_loss_db:.4f} dB against fp32.")


def _print_training_table(report: TrainBenchReport) -> None:
    print_result(
        f"Training {report.model} on {report.device}, {report.threads} threads, {report.batch_size} crops of "
        f"{report.crop_px} × {report.crop_px} pixels, median of {report.rounds} rounds"
    )
    print_result(f"{'':<34} {'':<5} {'steps/s':>8} {'× plain':>8}")
    for timing in report.timings:
        print_result(
            f"{timing.way:<34} {timing.precision:<5} {timing.steps_per_second:>8.2f} {timing.times_plain:>8.2f}"
        )
    print_result(f"The trainer is {report.times_plain:.2f} times as fast as the plain one.")
    if not report.has_fast_bf16:
        print_result("This device does not multiply bfloat16 in hardware, so the trainer does not use it here.")


def _rounded(value: Any) -> Any:
    """Return a document with its numbers rounded to what clocks and eyes can tell apart; JSON has no infinity."""
    match value:
        case float():
            return round(value, 4) if math.isfinite(value) else None
        case list():
            return [_rounded(item) for item in value]
        case dict():
            return {name: _rounded(item) for name, item in value.items()}
        case _:
            return value


def _count(text: str) -> int:
    if text.isascii() and text.isdigit() and int(text) > 0:
        return int(text)
    raise argparse.ArgumentTypeError(f"{text!r} is not a whole number above 0")
