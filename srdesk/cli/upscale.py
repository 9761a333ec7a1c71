"""The verb `upscale`: enlarge pictures."""

from __future__ import annotations

import argparse
import math
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from srdesk.cli import scenes
from srdesk.cli.model_choice import ModelChoice, add_computing_arguments, choose_model, settings_with
from srdesk.cli.outputs import Destination, InputFile, check_format, find_inputs, prepare_folder, suffix_for
from srdesk.cli.terminal import (
    ProgressBar,
    ask_about_collision,
    cancelling_on_interrupt,
    has_person,
    print_json,
    print_problem,
    print_remark,
    print_result,
)
from srdesk.engine.enlarge import SCALE, TargetSize, enlarge, flatten
from srdesk.errors import ConfigError, SrDeskError
from srdesk.imaging.formats import plain_name, save_image
from srdesk.imaging.naming import COLLISION_POLICIES, OutputName, refuse_input_as_output, resolve_collision

if TYPE_CHECKING:
    from srdesk.engine.control import CancelToken, Control
    from srdesk.engine.upscaler import BicubicUpscaler, Upscaler
    from srdesk.imaging.decoder import Decoder
    from srdesk.imaging.flux import FluxError
    from srdesk.imaging.image import Image
    from srdesk.settings import Settings

SUMMARY = "enlarge pictures"
"""What the verb does, for the list of verbs."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the options of this verb."""
    parser.add_argument("inputs", nargs="+", type=_file_name, metavar="INPUT", help="picture, or folder of pictures")
    parser.add_argument(
        "-o",
        "--output",
        type=_file_name,
        metavar="FILE|FOLDER",
        help="where to write; the suffix of a file decides its format (default: beside the input)",
    )
    parser.add_argument(
        "--model",
        default=argparse.SUPPRESS,
        metavar="srresnet|srcnn|srgan|bicubic|NAME",
        help="network, name of installed weights, or a weights file",
    )
    add_computing_arguments(parser)
    parser.add_argument(
        "--size", type=_target_size, metavar="4x|3x|2x|WIDTHxHEIGHT", help="size of the result (default 4x)"
    )
    parser.add_argument(
        "--on-collision",
        choices=COLLISION_POLICIES,
        default=argparse.SUPPRESS,
        help="what to do where the output exists: write under the next free number, leave it, replace it, or ask",
    )
    parser.add_argument(
        "--background",
        type=_colour,
        metavar="COLOUR",
        help="put a colour, such as white or #203040, behind transparency",
    )
    parser.add_argument(
        "--hdu",
        default="",
        metavar="NAME|NUMBER[,PLANE]",
        help="which image of a FITS file: name (with :VERSION) or number of its HDU, and plane of a cube from 1",
    )
    scenes.add_arguments(parser)
    parser.add_argument("--json", action="store_true", help="print one JSON object that lists the outputs")


def run(arguments: argparse.Namespace) -> int:
    """Enlarge every input; one that fails is reported and does not stop the others.

    Raises:
        SrDeskError: an option or the model cannot be used.
        Cancelled: the person pressed Ctrl-C.
    """
    from srdesk.imaging.decoder import Decoder

    settings = settings_with(arguments)
    if settings.on_collision == "ask" and not has_person():
        raise ConfigError("on-collision", "ask", "number, skip or overwrite where nobody can be asked")
    destination = Destination.parse(arguments.output, arguments.inputs)
    choice = choose_model(settings.model)
    report = _Report(is_json=arguments.json)
    try:
        with cancelling_on_interrupt() as token, Decoder() as decoder:
            inputs, failures = find_inputs(arguments.inputs, destination)
            for failure in failures:
                report.failed(failure.path, failure)
            wishes = _Wishes(arguments.size, arguments.background, arguments.hdu, arguments.bands)
            batch = _Batch(settings, choice, destination, wishes, inputs, decoder, token, report)
            for number, item in enumerate(inputs, start=1):
                token.check()
                batch.process(number, item)
    finally:
        report.close()
    return report.exit_code(is_batch=len(inputs) > 1)


@dataclass(slots=True)
class _Report:
    """What became of the inputs."""

    is_json: bool
    outputs: list[dict[str, Any]] = field(default_factory=list)
    skipped: list[dict[str, str]] = field(default_factory=list)
    failures: list[tuple[Path, SrDeskError]] = field(default_factory=list)

    def done(self, facts: dict[str, Any], size: str) -> None:
        self.outputs.append(facts)
        if not self.is_json:
            speed = f"{facts['seconds']:.1f} s, {facts['megapixels_per_second']:.2f} megapixels/s"
            print_result(f"{facts['input']} → {facts['output']}  {size}, {speed}")

    def was_there(self, source: Path, output: Path) -> None:
        self.skipped.append({"input": str(source), "output": str(output)})
        print_remark(f"“{output.name}” exists already; “{source.name}” is skipped.")

    def failed(self, source: Path, error: SrDeskError) -> None:
        self.failures.append((source, error))
        print_problem(str(error), error.hint)

    def close(self) -> None:
        if not self.is_json:
            return
        document: dict[str, Any] = {"outputs": self.outputs}
        if self.skipped:
            document["skipped"] = self.skipped
        if self.failures:
            document["failures"] = [
                {"input": str(path), "error": str(error), "hint": error.hint} for path, error in self.failures
            ]
        print_json(document)

    def exit_code(self, *, is_batch: bool) -> int:
        if not self.failures:
            return 0
        return 1 if is_batch else self.failures[0][1].exit_code


@dataclass(frozen=True, slots=True)
class _Wishes:
    """What the command asks for of every input."""

    size: TargetSize | None
    background: tuple[int, int, int] | None
    hdu: str
    bands: scenes.Colours | None


@dataclass(slots=True)
class _Batch:
    """Everything that the inputs of one command share."""

    settings: Settings
    choice: ModelChoice
    destination: Destination
    wishes: _Wishes
    inputs: list[InputFile]
    decoder: Decoder
    token: CancelToken
    report: _Report
    upscaler: Upscaler | BicubicUpscaler | None = None
    written: set[Path] = field(default_factory=set)

    def process(self, number: int, item: InputFile) -> None:
        """Enlarge the input ``number``, counted from 1, and report what became of it.

        Raises:
            WeightsError: the weights cannot be used, for this input or any other.
            DeviceUnavailableError: nor can the device.
            Cancelled: the token was raised.
        """
        image = None
        try:
            if scenes.is_for_scenes(item.path, self.destination):
                output = self._scene_output(number, item)
            else:
                image = self.decoder.open(item.path, self.token, part=self.wishes.hdu)
                output = self._output(number, item, image)
        except SrDeskError as error:
            self.report.failed(item.path, error)
            return
        if output is None:
            return
        if self.upscaler is None:  # only now, since a batch without a readable picture needs no torch
            self.upscaler = self.choice.open(self.settings)
        title = item.path.name if len(self.inputs) == 1 else f"{number}/{len(self.inputs)} {item.path.name}"
        try:
            with ProgressBar(title) as bar:
                if image is None:
                    self._enlarge_scene(item, output, self.upscaler, bar.control(self.token))
                else:
                    self._enlarge(item, image, output, self.upscaler, bar.control(self.token))
        except SrDeskError as error:
            self.report.failed(item.path, error)

    def _output(self, number: int, item: InputFile, image: Image) -> Path | None:
        """Return where the result will be written, None to leave what is there; everything that can fail early does."""
        height, width = (self.wishes.size or TargetSize(SCALE)).resolve(image.height, image.width)
        wanted = self.destination.file
        if wanted is None:
            name = OutputName(self.settings.output_name_template).render(
                plain_name(item.path),
                model=self.choice.name,
                scale=SCALE if self.wishes.size is None else self.wishes.size.scale or f"{width}x{height}",
                ext=suffix_for(item.path, image),
                number=number,
            )
            wanted = self.destination.folder_for(item) / name
        has_alpha = image.alpha is not None and self.wishes.background is None
        check_format(wanted, image, height=height, width=width, has_alpha=has_alpha)
        return self._resolved(wanted, item)

    def _scene_output(self, number: int, item: InputFile) -> Path | None:
        """Return where the result of a scene will be written; otherwise as `_output`."""
        wanted = self.destination.file
        if wanted is None:
            name = scenes.output_name(item.path, self.settings, model=self.choice.name, number=number)
            wanted = self.destination.folder_for(item) / name
        scenes.check(item.path, wanted, self.wishes.size, self.wishes.background, self.wishes.bands)
        return self._resolved(wanted, item)

    def _resolved(self, wanted: Path, item: InputFile) -> Path | None:
        """Return which file a result that is wanted in ``wanted`` is written to, None to leave what is there."""
        refuse_input_as_output(wanted, [item.path])
        policy = "number" if wanted in self.written else self.settings.on_collision
        output = resolve_collision(wanted, policy, ask_about_collision)
        if output is None:
            self.report.was_there(item.path, wanted)
            return None
        if os.path.lexists(output):
            refuse_input_as_output(output, (other.path for other in self.inputs))
        prepare_folder(output)
        return output

    def _enlarge(
        self, item: InputFile, image: Image, output: Path, upscaler: Upscaler | BicubicUpscaler, control: Control
    ) -> None:
        stored, facts = enlarge(image, upscaler, control, size=self.wishes.size)
        if self.wishes.background is not None:
            stored = flatten(stored, self.wishes.background, self.token)
        self.token.check()
        for loss in save_image(output, stored, quality=self.settings.jpeg_quality):
            print_remark(loss)
        self.written.add(output)
        document = {
            "input": str(item.path),
            "output": str(output),
            "model": self.choice.name,
            "device": facts.device,
            "precision": facts.precision,
            "window_px": facts.window_px,
            "seconds": round(facts.seconds, 3),
            "megapixels_per_second": round(facts.megapixels_per_second, 3),
        }
        if facts.flux is not None:
            document["flux"] = _flux_document(facts.flux)
        self.report.done(document, f"{stored.width} × {stored.height} pixels")
        if facts.flux is not None and image.science is not None and not self.report.is_json:
            print_result(f"  {facts.flux}")
            if not image.science.is_quantity_known:
                print_remark(_unknown_quantity(item.path, image.science.unit))

    def _enlarge_scene(
        self, item: InputFile, output: Path, upscaler: Upscaler | BicubicUpscaler, control: Control
    ) -> None:
        document, size = scenes.enlarge(
            item.path, output, self.choice, self.settings, upscaler, control, colours=self.wishes.bands
        )
        self.written.add(output)
        self.report.done(document, size)


def _flux_document(flux: FluxError) -> dict[str, Any]:
    document = {
        "quantity": flux.quantity,
        "unit": flux.unit,
        "frame_error_percent": flux.frame_percent,
        "worst_source_error_percent": flux.source_percent,
        "sources": flux.sources,
        "network_error_percent": flux.network_percent,
    }
    # JSON has no infinity, which is the error where nothing was measured and something came out.
    return {name: None if value == math.inf else value for name, value in document.items()}


def _unknown_quantity(path: Path, unit: str) -> str:
    said = f"does not know the unit “{unit}”" if unit else "finds no BUNIT"
    return f"“{path.name}”: SR Desk {said}, so the mean of every block of pixels was conserved, not the sum."


def _file_name(text: str) -> str:
    # What a shell makes of a variable that is not set; as a path it would mean the current folder, with all below it.
    if not text:
        raise argparse.ArgumentTypeError("an empty name")
    return text


def _target_size(text: str) -> TargetSize:
    try:
        return TargetSize.parse(text)
    except ConfigError as error:
        raise argparse.ArgumentTypeError(f"{error} {error.hint}".rstrip(".")) from error


def _colour(text: str) -> tuple[int, int, int]:
    from PIL import ImageColor

    try:
        return ImageColor.getrgb(text)[:3]
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is no colour; use a name such as white, or #rrggbb") from error
