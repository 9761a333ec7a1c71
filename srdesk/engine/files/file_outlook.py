"""What can be told of a file before it is enlarged: what its result is called, and how much there is to compute."""

from __future__ import annotations

from pathlib import Path

from srdesk.engine.enlarge import SCALE, TargetSize
from srdesk.engine.files.file_job import PICTURE_SUFFIXES, SCENE_SUFFIXES
from srdesk.engine.files.file_recipe import FileRecipe
from srdesk.errors import SrDeskError
from srdesk.imaging.formats import format_for, format_of, plain_name, probe_image
from srdesk.imaging.naming import OutputName
from srdesk.imaging.scene.probe import is_scene


def output_name(source: Path, recipe: FileRecipe, *, template: str, number: int = 1) -> str:
    """Return what the result of a file is called; its format is that of the file where no suffix says another one.

    Args:
        source: the file.
        recipe: how it will be enlarged.
        template: as `srdesk.imaging.naming.OutputName` has it.
        number: position of the file in its batch, from 1.

    Raises:
        ImageReadError: it is missing or no regular file.
        UnsupportedImageError: it is of a kind that is not handled.
        ConfigError: the template or the size of the recipe makes no sense.
    """
    size = TargetSize.parse(recipe.size)
    return OutputName(template).render(
        plain_name(source),
        model=recipe.model,
        scale=size.scale or f"{size.width}x{size.height}",
        ext=_result_suffix(source),
        number=number,
    )


def probed_megapixels(source: Path, recipe: FileRecipe) -> float | None:
    """Return how much there is to compute, by the header of a file; None if that does not say.

    Args:
        source: the file.
        recipe: how it will be enlarged.

    Returns:
        Million pixels of the result at four times, over all bands that are computed one by one.
    """
    try:
        if is_scene(source):
            from srdesk.engine.scenes.scene import plan_passes
            from srdesk.imaging.scene.geotiff import open_geotiff

            with open_geotiff(source) as scene:
                pixels = scene.height * scene.width * len(plan_passes(scene, recipe.bands))
        else:
            probe = probe_image(source, recipe.part)
            pixels = probe.height * probe.width
    except SrDeskError:
        return None
    return pixels * SCALE**2 / 1e6


def _result_suffix(source: Path) -> str:
    """Return the suffix of a result of the same format as its file; that of the content if the name says another."""
    plain = plain_name(source)
    if is_scene(source):
        return plain.suffix if plain.suffix.lower() in SCENE_SUFFIXES else SCENE_SUFFIXES[0]
    content = format_of(source)
    if format_for(plain) is not None and (format_for(plain) == "FITS") == (content == "FITS"):
        return plain.suffix
    return next(suffix for suffix, name in PICTURE_SUFFIXES.items() if name == content)
