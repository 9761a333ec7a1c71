"""The verb `evaluate`: measure models against ground truth."""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable
from typing import TYPE_CHECKING

from srdesk import paths
from srdesk.cli.model_choice import BICUBIC, add_computing_arguments, choose_model, installed_networks, settings_with
from srdesk.cli.terminal import (
    ProgressBar,
    cancelling_on_interrupt,
    print_json,
    print_result,
)
from srdesk.names import named_path

if TYPE_CHECKING:
    from srdesk.engine.evaluate import Evaluation
    from srdesk.imaging.image import FloatArray

SUMMARY = "measure models against ground truth"
"""What the verb does, for the list of verbs."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the options of this verb."""
    parser.add_argument(
        "--hr", type=named_path, required=True, metavar="FOLDER", help="sharp pictures: the ground truth"
    )
    parser.add_argument(
        "--lr", type=named_path, metavar="FOLDER", help="their reductions of the same names; made from --hr if left out"
    )
    parser.add_argument(
        "--models",
        type=_names,
        metavar="a,b,…",
        help="models to measure beside bicubic; every network that has weights if left out",
    )
    parser.add_argument(
        "--border", type=_border_px, default=4, metavar="N", help="pixels left out along every edge (default 4)"
    )
    parser.add_argument(
        "--features", action="store_true", help="also measure how far VGG features are from those of the truth"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of a table")
    add_computing_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    """Measure and print one row for each model.

    Raises:
        SrDeskError: a folder, a picture or a model cannot be used.
        Cancelled: the person pressed Ctrl-C.
    """
    from srdesk.engine.evaluate import SCALE, evaluate, find_pairs
    from srdesk.imaging.decoder import Decoder

    settings = settings_with(arguments)
    names = arguments.models if arguments.models is not None else installed_networks()
    choices = {name: choose_model(name) for name in dict.fromkeys([BICUBIC, *names])}
    pairs = find_pairs(arguments.hr, arguments.lr)
    with cancelling_on_interrupt() as token, Decoder() as decoder, ProgressBar("Evaluating") as bar:
        upscalers = {name: choice.open(settings) for name, choice in choices.items()}
        rows = evaluate(
            pairs,
            upscalers,
            lambda path: decoder.open(path, token),
            bar.control(token),
            border_px=arguments.border,
            feature_distance=_feature_distance() if arguments.features else None,
        )
    if arguments.json:
        print_json({"scale": SCALE, "border_px": arguments.border, "results": [_document(row) for row in rows]})
    else:
        _print_table(rows)
    return 0


def _feature_distance() -> Callable[[FloatArray, FloatArray], float]:
    """Return the distance that the feature loss of training makes small."""
    from srdesk.training.learning.features import BUNDLED, load_features, picture_distance

    features = load_features(BUNDLED, "", bundled_file=paths.features_file())
    return lambda sr, hr: picture_distance(features, sr, hr)


def _document(row: Evaluation) -> dict[str, object]:
    document: dict[str, object] = {
        "model": row.model,
        "images": row.images,
        # JSON has no infinity: a result without any error has no PSNR.
        "psnr_y_db": round(row.psnr_y_db, 4) if math.isfinite(row.psnr_y_db) else None,
        "ssim_y": round(row.ssim_y, 4),
        "seconds": round(row.seconds, 3),
    }
    if row.feature_distance is not None:
        document["feature_distance"] = round(row.feature_distance, 5)
    return document


def _print_table(rows: list[Evaluation]) -> None:
    has_features = any(row.feature_distance is not None for row in rows)
    print_result(f"{'model':<16} {'images':>6} {'PSNR-Y':>9} {'SSIM-Y':>7} {'time':>9}" + " features" * has_features)
    for row in rows:
        distance = "" if row.feature_distance is None else f" {row.feature_distance:>8.4f}"
        print_result(
            f"{row.model:<16} {row.images:>6} {row.psnr_y_db:>6.2f} dB {row.ssim_y:>7.4f} {row.seconds:>7.1f} s"
            + distance
        )


def _names(text: str) -> list[str]:
    return [name for name in (part.strip() for part in text.split(",")) if name]


def _border_px(text: str) -> int:
    if text.isascii() and text.isdigit():
        return int(text)
    raise argparse.ArgumentTypeError(f"{text!r} is not a number of pixels")
