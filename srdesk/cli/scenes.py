"""GeoTIFF scenes on the command line: enlarged from disk to disk, whatever their size."""

from __future__ import annotations

import argparse
import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from srdesk import __version__
from srdesk.cli.model_choice import ModelChoice
from srdesk.cli.outputs import Destination
from srdesk.cli.terminal import print_remark
from srdesk.engine.enlarge import SCALE, TargetSize
from srdesk.errors import Cancelled, ConfigError, WeightsFormatError
from srdesk.imaging.naming import OutputName
from srdesk.imaging.scene.probe import is_scene
from srdesk.imaging.scene.tile_file import unfinished_bytes

if TYPE_CHECKING:
    from srdesk.engine.control import Control
    from srdesk.engine.upscaler import BicubicUpscaler, Upscaler
    from srdesk.settings import Settings

_SUFFIXES = (".tif", ".tiff")

Colours = tuple[int, int, int]
"""Numbers of the red, the green and the blue band, from 1."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options that are for scenes only."""
    parser.add_argument(
        "--bands",
        type=_colours,
        metavar="R,G,B",
        help="which bands of a GeoTIFF are red, green and blue, from 1 (default: as the file says)",
    )


def is_for_scenes(path: Path, destination: Destination) -> bool:
    """Tell whether an input is enlarged from disk to disk: a scene whose result is to be one as well."""
    return (destination.file is None or destination.file.suffix.lower() in _SUFFIXES) and is_scene(path)


def check(
    path: Path,
    output: Path,
    size: TargetSize | None,
    background: tuple[int, int, int] | None,
    colours: Colours | None,
) -> None:
    """Make sure, before any model is loaded, that a scene can be opened and enlarged as it is wished.

    Raises:
        ImageError: it cannot be opened, or there is too little room for the result.
        ConfigError: it has no such bands, or something is wished that is not done to scenes.
    """
    from srdesk.engine.scene import check_scene
    from srdesk.imaging.scene.geotiff import open_geotiff

    if size is not None and size.scale != SCALE:
        wish = f"{size.width}x{size.height}" if size.scale is None else f"{size.scale}x"
        raise ConfigError("size", wish, f"{SCALE}x for a GeoTIFF, or an output of another format")
    if background is not None:
        raise ConfigError("background", background, "no background for a GeoTIFF: it keeps its opacity")
    with open_geotiff(path) as scene:
        check_scene(scene, output, colours)
        if scene.pages > 1:
            print_remark(f"“{path.name}” holds {scene.pages} pictures; the first of them is enlarged.")


def output_name(path: Path, settings: Settings, *, model: str, number: int) -> str:
    """Return the name of the result of a scene, as the template of the settings has it."""
    ext = path.suffix if path.suffix.lower() in _SUFFIXES else _SUFFIXES[0]
    return OutputName(settings.output_name_template).render(path, model=model, scale=SCALE, ext=ext, number=number)


def enlarge(
    path: Path,
    output: Path,
    choice: ModelChoice,
    settings: Settings,
    upscaler: Upscaler | BicubicUpscaler,
    control: Control,
    *,
    colours: Colours | None,
) -> tuple[dict[str, Any], str]:
    """Enlarge a scene, or go on where an earlier command with the same options was ended.

    Returns:
        What ``--json`` lists, and the size in words.

    Raises:
        SrDeskError: it cannot be opened, enlarged or written; nothing is left over.
        Cancelled: the token was raised; the same command goes on from there.
    """
    from srdesk.engine.scene import enlarge_scene
    from srdesk.imaging.scene.geotiff import open_geotiff

    digest = "" if choice.weights is None else _sha256(choice.weights)
    recipe = [__version__, choice.name, digest, settings.device, settings.precision, settings.window_px]
    try:
        with open_geotiff(path) as scene:
            facts = enlarge_scene(
                scene,
                upscaler,
                output,
                control,
                recipe=msgspec.json.encode(recipe).decode(),
                colours=colours,
                notes=_notes(choice.name, digest),
            )
    except Cancelled:
        if unfinished_bytes(output):
            print_remark(f"What is finished of “{output.name}” is kept: the same command goes on from there.")
        raise
    if facts.resumed_windows:
        print_remark(f"{facts.resumed_windows} of {facts.windows} windows had been finished before.")
    document: dict[str, Any] = {
        "input": str(path),
        "output": str(output),
        "model": choice.name,
        "device": facts.run.device,
        "precision": facts.run.precision,
        "window_px": facts.run.window_px,
        "seconds": round(facts.run.seconds, 3),
        "megapixels_per_second": round(facts.run.megapixels_per_second, 3),
        "windows": facts.windows,
        "resumed_windows": facts.resumed_windows,
    }
    return document, f"{facts.width} × {facts.height} pixels"


def _colours(text: str) -> Colours:
    parts = text.split(",")
    if len(parts) != 3 or not all(part.strip().isascii() and part.strip().isdigit() for part in parts):
        raise argparse.ArgumentTypeError(f"{text!r} is no triple of band numbers such as 4,3,2")
    red, green, blue = (int(part) for part in parts)
    return red, green, blue


def _notes(model: str, digest: str) -> tuple[tuple[str, str], ...]:
    notes = [("SRDESK_VERSION", __version__), ("SRDESK_MODEL", model), ("SRDESK_SCALE", str(SCALE))]
    return tuple(notes + ([("SRDESK_WEIGHTS_SHA256", digest)] if digest else []))


def _sha256(path: Path) -> str:
    try:
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise WeightsFormatError(path, f"it cannot be read ({error.strerror})") from error
