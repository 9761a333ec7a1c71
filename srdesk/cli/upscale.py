"""The verb `upscale`: enlarge pictures."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from srdesk.cli import cluster
from srdesk.cli.batch import BatchOrder, BatchReport, opened_queue
from srdesk.cli.model_choice import add_computing_arguments, choose_model, installed_models, settings_with
from srdesk.cli.outputs import Destination
from srdesk.cli.terminal import cancelling_on_interrupt, has_person, print_remark
from srdesk.cli.unexpected import logged
from srdesk.engine.batch.queue_run import run_queue
from srdesk.engine.enlarge import TargetSize
from srdesk.engine.files.file_job import FileFacts, Upscalers, enlarge_file
from srdesk.engine.files.file_recipe import FileRecipe
from srdesk.engine.files.inputs import find_inputs
from srdesk.errors import Cancelled, ConfigError, SrDeskError
from srdesk.imaging.naming import COLLISION_POLICIES
from srdesk.names import file_name

if TYPE_CHECKING:
    from srdesk.engine.batch.queue import QueueItem
    from srdesk.engine.control import Control
    from srdesk.engine.upscaling import AnyUpscaler
    from srdesk.imaging.decoder import Decoder
    from srdesk.settings import Settings

SUMMARY = "enlarge pictures"
"""What the verb does, for the list of verbs."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the options of this verb."""
    parser.add_argument("inputs", nargs="+", type=file_name, metavar="INPUT", help="picture, or folder of pictures")
    parser.add_argument(
        "-o",
        "--output",
        type=file_name,
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
    _add_wishes(parser)
    parser.add_argument(
        "--sidecar",
        action=argparse.BooleanOptionalAction,
        default=False,
        help="also write NAME.srdesk.json beside every result, from which it can be made again",
    )
    parser.add_argument(
        "--recursive",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="search folders below the folders that are named (default: yes)",
    )
    parser.add_argument(
        "--resume",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="go on where the same command was interrupted (default: yes)",
    )
    cluster.add_arguments(parser)
    parser.add_argument("--json", action="store_true", help="print one JSON object that lists the outputs")


def _add_wishes(parser: argparse.ArgumentParser) -> None:
    """Describe what decides what a result is."""
    parser.add_argument(
        "--size",
        type=_target_size,
        default="4x",
        metavar="4x|3x|2x|WIDTHxHEIGHT",
        help="size of the result (default 4x)",
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
        metavar="NAME|NUMBER[,PLANE|,RGB]",
        help="which image of a FITS file: name (with :VERSION) or number of its HDU; in a cube plane from 1, or RGB",
    )
    parser.add_argument(
        "--bands",
        type=_bands,
        metavar="R,G,B",
        help="which bands of a GeoTIFF are red, green and blue, from 1 (default: as the file says)",
    )
    parser.add_argument(
        "--back-projection",
        type=_share,
        default=0.0,
        metavar="STRENGTH",
        help="0 to 1: draw results towards what the picture vouches for (default 0)",
    )


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
    order = _order(arguments, settings)
    report = BatchReport(arguments.json, is_kept=arguments.resume)
    try:
        for failure in order.found.failures:
            report.failed(failure.path, failure)
        if results := len(order.found.results):
            one = "1 result of an earlier run, which lies among the pictures, is left out."
            more = f"{results:,} results of earlier runs, which lie among the pictures, are left out."
            print_remark(one if results == 1 else more)
        with cancelling_on_interrupt() as token, Decoder() as decoder, opened_queue(order, arguments.resume) as queue:
            report.queue = queue
            ears, ask = report.ears, report.ask
            if arguments.cluster is None:
                worker = _Worker(decoder)
                run_queue(queue, worker.enlarge, token, ears=ears, ask=ask)
            else:
                address, say = arguments.cluster, report.remark
                report.workers = cluster.run_queue(
                    address, queue, order.recipe, decoder, token, ears=ears, say=say, ask=ask
                )
    except _ModelError as error:
        raise error.reason from error
    finally:
        report.close()
    return report.exit_code()


def _order(arguments: argparse.Namespace, settings: Settings) -> BatchOrder:
    """Return what the command asks for.

    Raises:
        SrDeskError: an option or the model cannot be used.
    """
    destination = Destination.parse(arguments.output, arguments.inputs)
    choice = choose_model(settings.model)
    recipe = FileRecipe(
        model=choice.name,
        weights=choice.weights,
        device=settings.device,
        precision=settings.precision,
        window_px=settings.window_px,
        size=arguments.size,
        background=arguments.background,
        jpeg_quality=settings.jpeg_quality,
        part=arguments.hdu,
        bands=arguments.bands,
        back_projection=arguments.back_projection,
        sidecar=arguments.sidecar,
    )
    sources = tuple(Path(name) for name in arguments.inputs)
    found = find_inputs(
        sources,
        destination.folder,
        template=settings.output_name_template,
        models={choice.name, *installed_models()},
        is_recursive=arguments.recursive,
    )
    return BatchOrder(found, sources, destination, recipe, settings.output_name_template, settings.on_collision)


class _ModelError(Exception):
    """The model cannot be used, for any of the files."""

    def __init__(self, reason: SrDeskError) -> None:
        super().__init__(str(reason))
        self.reason = reason


class _Worker:
    """Does the work, in this process."""

    def __init__(self, decoder: Decoder) -> None:
        self._decoder = decoder
        self._upscalers = Upscalers()

    def enlarge(self, item: QueueItem, output: Path, control: Control, *, may_replace: bool) -> FileFacts:
        """Enlarge one file, as `srdesk.engine.batch.queue_run.EnlargeOne` has it.

        Raises:
            SrDeskError: it cannot be enlarged.
            _ModelError: no file can.
            Cancelled: the person pressed Ctrl-C.
        """

        def load() -> AnyUpscaler:
            try:
                return self._upscalers.ready(item.recipe)
            except SrDeskError as error:
                raise _ModelError(error) from error

        try:
            return enlarge_file(item.source, output, item.recipe, load, self._decoder, control, may_replace=may_replace)
        except (SrDeskError, Cancelled, _ModelError):
            raise
        except Exception as error:
            raise logged(error) from error


def _target_size(text: str) -> str:
    try:
        size = TargetSize.parse(text)
    except ConfigError as error:
        raise argparse.ArgumentTypeError(f"{error} {error.hint}".rstrip(".")) from error
    return f"{size.width}x{size.height}" if size.scale is None else f"{size.scale}x"


def _bands(text: str) -> tuple[int, int, int]:
    parts = text.split(",")
    if len(parts) != 3 or not all(part.strip().isascii() and part.strip().isdigit() for part in parts):
        raise argparse.ArgumentTypeError(f"{text!r} is no triple of band numbers such as 4,3,2")
    red, green, blue = (int(part) for part in parts)
    return red, green, blue


def _share(text: str) -> float:
    try:
        share = float(text)
    except ValueError:
        share = -1.0
    if not 0 <= share <= 1:  # nor if it is no number
        raise argparse.ArgumentTypeError(f"{text!r} is not between 0 and 1")
    return share


def _colour(text: str) -> tuple[int, int, int]:
    from PIL import ImageColor

    try:
        return ImageColor.getrgb(text)[:3]
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is no colour; use a name such as white, or #rrggbb") from error
