"""One file enlarged, whatever it is: a photo, an image of a FITS file, or a scene of any size.

The command line, the queue of the desk and the workers of a cluster all come through `enlarge_file`, so that the same
file becomes the same bytes everywhere.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from srdesk.engine.enlarge import SCALE, TargetSize, enlarge, flatten, reduce
from srdesk.engine.files.file_check import check_disk_wishes, check_memory_for_back_projection, checked_format
from srdesk.engine.files.file_recipe import FileRecipe
from srdesk.engine.files.file_stamp import file_stamp
from srdesk.engine.trust import provenance, sidecar
from srdesk.errors import Cancelled, ConfigError, OutOfMemoryError
from srdesk.imaging.claim import claimed
from srdesk.imaging.fits.windows import is_large
from srdesk.imaging.formats import (
    SCIENCE_SUFFIXES,
    SUFFIXES,
    count_pictures,
    refuse_part,
    save_image,
)
from srdesk.imaging.photo import SAVING_BYTES_PER_PX
from srdesk.imaging.scene.probe import is_scene
from srdesk.imaging.scene.tile_file import unfinished_bytes
from srdesk.imaging.stored import StoredImage

if TYPE_CHECKING:
    from srdesk.engine.control import Control
    from srdesk.engine.scenes.scene_step import SceneCrew
    from srdesk.engine.trust.provenance import Provenance
    from srdesk.engine.upscaler import UpscaleFacts
    from srdesk.engine.upscaling import AnyUpscaler
    from srdesk.imaging.decoder import Decoder
    from srdesk.imaging.flux import FluxError
    from srdesk.imaging.image import Image
    from srdesk.imaging.science import Science

PICTURE_SUFFIXES = SUFFIXES | SCIENCE_SUFFIXES
"""Lower-case suffix to format of everything that can be written. The first one of a format is usual."""

SCENE_SUFFIXES = (".tif", ".tiff")
"""Suffixes of scenes, in lower case."""

_AS_A_PHOTO = "It was enlarged as a photo, without its place on Earth and its nodata value; a .tif output keeps them."


@dataclass(frozen=True, slots=True)
class FileFacts:
    """What became of a file."""

    source: Path
    """The file."""
    output: Path
    """Its result."""
    height: int
    """Rows of the result."""
    width: int
    """Columns of the result."""
    seconds: float
    """Time of the computing; opening and saving left out."""
    device: str
    """Where it was computed: cpu, cuda or mps."""
    precision: str
    """Number type it ended with: fp32, bf16 or fp16."""
    window_px: int
    """Bound of the windows it ended with."""
    megapixels_per_second: float
    """Million output pixels a second."""
    flux: FluxError | None = None
    """How well measured values were conserved; None for photos and scenes."""
    windows: int | None = None
    """Windows of a scene; None for anything else."""
    resumed_windows: int = 0
    """Those of them that an earlier run had finished."""
    loading_s: float = 0.0
    """Time that it took until the model was ready, which the next file will not need."""
    losses: tuple[str, ...] = ()
    """A sentence for everything of the file that the result has no room for."""


class Upscalers:
    """The model that was used last, ready for the next file of the same recipe. For one thread."""

    def __init__(self) -> None:
        self._key: tuple[object, ...] | None = None
        self._upscaler: AnyUpscaler | None = None

    def ready(self, recipe: FileRecipe) -> AnyUpscaler:
        """Return the model of a recipe, loaded if it, or its file, is another one than the last time.

        Raises:
            WeightsError: its weights cannot be used.
            DeviceUnavailableError: the device is not there.
            ConfigError: the precision does not go with the device.
        """
        stamp = None if recipe.weights is None else file_stamp(recipe.weights)
        key = (recipe.weights, stamp, recipe.device, recipe.precision, recipe.window_px)
        if self._upscaler is None or key != self._key:
            self._upscaler = None  # before the next one is loaded, so that there is room for it
            self._upscaler, self._key = _opened(recipe), key
        return self._upscaler


def enlarge_file(
    source: Path,
    output: Path,
    recipe: FileRecipe,
    upscaler: Callable[[], AnyUpscaler],
    decoder: Decoder,
    control: Control,
    *,
    may_replace: bool = True,
    crew: SceneCrew | None = None,
) -> FileFacts:
    """Enlarge a file; the folder of its result is made.

    The result tells how it was made. A GeoTIFF with a ``.tif`` output, and a large FITS image, go from disk to disk:
    cancelled or killed, they go on when they are enlarged again. Of everything else nothing is left over. What went
    from disk to disk, or replaced an older file, stays even if its sidecar cannot be written, and the error says so.

    Args:
        source: the file.
        output: what it becomes; the suffix decides the format.
        recipe: how.
        upscaler: gives the model of the recipe; called only when the file has been found good, so that a batch
            without a readable picture loads none.
        decoder: opens pictures.
        control: how to stop the call and where to report.
        may_replace: whether the output may exist.
        crew: others that make the steps of a scene; None to make them here.

    Raises:
        ImageError: the file cannot be opened, or the result or its sidecar not be written.
        OutputTakenError: someone else is writing the output, or has written it although it may not be replaced.
        ConfigError: the recipe asks for what is not done to such a file.
        WeightsError: the model cannot be used.
        DeviceError: it cannot be run, or memory ran out.
        ClusterError: the crew is lost.
        Cancelled: someone asked to stop.
    """
    task = _Task(source, output, recipe, upscaler, decoder, control, may_replace, crew)
    try:
        if goes_from_disk_to_disk(source, output):
            return _enlarge_scene(task)
        is_fits = output.suffix.lower() in SCIENCE_SUFFIXES
        return _enlarge_large_fits(task) if is_fits and is_large(source, recipe.part) else _enlarge_picture(task)
    except MemoryError as error:
        raise OutOfMemoryError(f"“{source.name}” needs more memory than there is.") from error


def goes_from_disk_to_disk(source: Path, output: Path) -> bool:
    """Tell whether a file is enlarged window by window: a scene whose result is to be one as well."""
    return output.suffix.lower() in SCENE_SUFFIXES and is_scene(source)


@dataclass(frozen=True, slots=True)
class _Task:
    """One file on its way to its result: the arguments of `enlarge_file`."""

    source: Path
    output: Path
    recipe: FileRecipe
    upscaler: Callable[[], AnyUpscaler]
    decoder: Decoder
    control: Control
    may_replace: bool
    crew: SceneCrew | None

    def begin(self) -> tuple[AnyUpscaler, float, Provenance]:
        """Return the model, the seconds until it was ready, and what is known of the result by then."""
        started_s, weights = time.perf_counter(), self.recipe.weights
        while True:
            stamp = None if weights is None else file_stamp(weights)
            model = self.upscaler()
            loading_s, record = time.perf_counter() - started_s, self.record()
            if weights is None or file_stamp(weights) == stamp:  # else the record may be that of other weights
                return model, loading_s, record

    def record(self) -> Provenance:
        """Return what is known of the result before it is computed."""
        recipe = self.recipe
        options = provenance.Options(
            size=recipe.size,
            background=recipe.background,
            jpeg_quality=recipe.jpeg_quality,
            back_projection=recipe.back_projection,
            window_px=recipe.window_px,
        )
        return provenance.record(
            self.source,
            model=recipe.model,
            weights=recipe.weights,
            part=recipe.part,
            bands=recipe.bands,
            options=options,
            check=self.control.token.check,
        )

    def work(self, record: Provenance) -> str:
        """Return text that is equal for equal models and settings only."""
        its = self.recipe
        settings = [record.version, its.model, record.model.sha256, its.device, its.precision, its.window_px]
        return msgspec.json.encode(settings).decode()

    @contextmanager
    def told_what_is_kept(self, unfinished_bytes: Callable[[Path], int]) -> Iterator[None]:
        """Say of a run which was stopped, if it can, that it can be gone on with."""
        try:
            yield
        except Cancelled:
            if unfinished_bytes(self.output):
                kept = f"What is finished of “{self.output.name}” is kept"
                self.control.notify(f"{kept}: enlarging it again goes on from there.")
            raise

    def tell_pictures(self, pictures: int) -> None:
        """Say of a file of several pictures that only one of them is enlarged."""
        if pictures > 1:
            self.control.notify(f"“{self.source.name}” holds {pictures} pictures; the first of them is enlarged.")

    def tell_quantity(self, science: Science) -> None:
        """Say what was conserved where the file did not say it, and of flags that they were only repeated."""
        if science.is_flags:
            self.control.notify("It holds flags, which were repeated, not enlarged.")
        said = f"does not know the unit “{science.unit}”" if science.unit else "finds no BUNIT"
        if not science.is_quantity_known:
            self.control.notify(f"“{self.source.name}”: SR Desk {said}, so means of blocks were conserved, not sums.")

    def finish(self, record: Provenance, facts: UpscaleFacts, *, stays: bool) -> None:
        """Write the sidecar if there is to be one; a result that does not stay whatever happens goes without it."""
        if self.recipe.sidecar:
            check = self.control.token.check
            sidecar.tell_beside(record, self.source, self.output, facts, check, stays=stays)

    def facts(self, facts: UpscaleFacts, *, height: int, width: int) -> FileFacts:
        """Return what became of the file."""
        return FileFacts(
            self.source,
            self.output,
            height,
            width,
            seconds=facts.seconds,
            device=facts.device,
            precision=facts.precision,
            window_px=facts.window_px,
            megapixels_per_second=facts.megapixels_per_second,
            flux=facts.flux,
        )


def _enlarge_picture(task: _Task) -> FileFacts:
    """Enlarge a photo, or an image of a FITS file: in memory, as a whole."""
    recipe, token = task.recipe, task.control.token
    if recipe.bands is not None:
        bands = ",".join(map(str, recipe.bands))
        raise ConfigError("bands", bands, "it for a GeoTIFF that becomes a GeoTIFF (.tif) only")
    image = task.decoder.open(task.source, token, part=recipe.part)
    size = TargetSize.parse(recipe.size)
    format_name = checked_format(task.output, image, size, keeps_alpha=recipe.background is None)
    task.tell_pictures(count_pictures(task.source))
    with claimed(task.output, may_replace=task.may_replace):
        model, loading_s, record = task.begin()
        if recipe.back_projection:
            stored, facts = _enlarged_and_back_projected(task, image, model, size)
        else:
            saving = SAVING_BYTES_PER_PX.get(format_name, 0)
            stored, facts = enlarge(image, model, task.control, size=size, saving_bytes_per_px=saving)
        if recipe.background is not None:
            stored = flatten(stored, recipe.background, token)
        stored, untold = provenance.embedded(stored, record, format_name)
        token.check()
        is_replaced = os.path.lexists(task.output)
        losses = save_image(task.output, stored, quality=recipe.jpeg_quality)
        task.finish(record, facts, stays=is_replaced)
    if image.science is not None:
        task.tell_quantity(image.science)
    done = task.facts(facts, height=stored.height, width=stored.width)
    placed = (_AS_A_PHOTO,) if is_scene(task.source) else ()
    return replace(done, loading_s=loading_s, losses=losses + untold + placed)


def _enlarged_and_back_projected(
    task: _Task, image: Image, model: AnyUpscaler, size: TargetSize
) -> tuple[StoredImage, UpscaleFacts]:
    """Enlarge four times, back-project that, and make it smaller if a smaller size is wished for."""
    from srdesk.engine.trust.honesty import back_projected

    check_memory_for_back_projection(image)
    token = task.control.token
    stored, facts = enlarge(image, model, task.control)
    stored = back_projected(image, stored, task.recipe.back_projection, token)
    height, width = size.resolve(image.height, image.width)
    is_reduced = (height, width) != (stored.height, stored.width)
    return reduce(stored, height, width, token) if is_reduced else stored, facts


def _enlarge_scene(task: _Task) -> FileFacts:
    """Enlarge a GeoTIFF from disk to disk."""
    from srdesk.engine.scenes.scene import check_scene, enlarge_scene
    from srdesk.imaging.scene.geotiff import open_geotiff

    recipe, control = task.recipe, task.control
    refuse_part(task.source, recipe.part)
    check_disk_wishes(recipe, "a GeoTIFF")
    with open_geotiff(task.source) as scene:
        check_scene(scene, task.output, recipe.bands)
        task.tell_pictures(scene.pages)
        with claimed(task.output, may_replace=task.may_replace), task.told_what_is_kept(unfinished_bytes):
            model, loading_s, record = task.begin()
            facts = enlarge_scene(
                scene,
                model,
                task.output,
                control,
                recipe=task.work(record),
                colours=recipe.bands,
                notes=provenance.as_text(record),
                crew=task.crew,
            )
            task.finish(record, facts.run, stays=True)
    done = task.facts(facts.run, height=facts.height, width=facts.width)
    return replace(done, loading_s=loading_s, windows=facts.windows, resumed_windows=facts.resumed_windows)


def _enlarge_large_fits(task: _Task) -> FileFacts:
    """Enlarge an image of a FITS file from disk to disk."""
    from srdesk.engine.scenes.fits_scene import check_fits, enlarge_fits
    from srdesk.imaging.fits.part_file import unfinished_fits_bytes
    from srdesk.imaging.fits.windows import open_windows

    check_disk_wishes(task.recipe, "an image of this size")
    with open_windows(task.source, task.recipe.part) as source:
        check_fits(source, task.output, SCALE)
        with claimed(task.output, may_replace=task.may_replace), task.told_what_is_kept(unfinished_fits_bytes):
            model, loading_s, record = task.begin()
            work, history = task.work(record), provenance.history(record)
            facts, losses = enlarge_fits(source, model, task.output, task.control, recipe=work, history=history)
            task.finish(record, facts.run, stays=True)
        task.tell_quantity(source.science)
    done = task.facts(facts.run, height=facts.height, width=facts.width)
    done = replace(done, loading_s=loading_s, losses=losses)
    return replace(done, windows=facts.windows, resumed_windows=facts.resumed_windows)


def _opened(recipe: FileRecipe) -> AnyUpscaler:
    from srdesk.engine.upscaler import BicubicUpscaler, Upscaler  # torch: seconds

    if recipe.weights is None:
        return BicubicUpscaler()
    return Upscaler.from_weights(
        recipe.weights, device=recipe.device, precision=recipe.precision, window_px=recipe.window_px
    )
