"""A whole picture enlarged: its colours by a model, its alpha on its own, and then reduced to the size asked for."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import psutil

from srdesk.engine.control import CancelToken, Control
from srdesk.engine.held_scene import enlarge_held
from srdesk.engine.measured import enlarge_measured
from srdesk.errors import ConfigError, OutOfMemoryError
from srdesk.imaging.image import Box, FloatArray, Image, Source
from srdesk.imaging.resample import resize_bicubic_box
from srdesk.imaging.scene.holes import fill_holes_from_afar
from srdesk.imaging.stored import StoredImage

if TYPE_CHECKING:
    from srdesk.engine.upscaler import UpscaleFacts
    from srdesk.engine.upscaling import AnyUpscaler

SCALE = 4
"""Scale of every model."""

_STRIP_PX = 256
"""Rows that are resampled between two looks at the token."""

_LUMA_WEIGHTS = np.array([0.299, 0.587, 0.114], np.float32)
"""Shares of R, G and B in luma (ITU-R BT.601-7, section 2.5.1)."""


@dataclass(frozen=True, slots=True)
class TargetSize:
    """A size of the result: a factor of the input's, or exact pixels."""

    scale: int | None = None
    """2, 3 or 4 times the input; None for exact pixels."""
    height: int = 0
    """Rows, if there is no factor."""
    width: int = 0
    """Columns, if there is no factor."""

    @classmethod
    def parse(cls, text: str) -> TargetSize:
        """Read ``4x``, ``3x``, ``2x`` or ``WIDTHxHEIGHT``.

        Raises:
            ConfigError: it is none of these.
        """
        if factor := re.fullmatch(r"([234])[x×]", text.strip().lower(), re.ASCII):
            return cls(scale=int(factor[1]))
        if exact := re.fullmatch(r"([1-9]\d{0,6})[x×]([1-9]\d{0,6})", text.strip().lower(), re.ASCII):
            return cls(width=int(exact[1]), height=int(exact[2]))
        raise ConfigError("size", text, "4x, 3x, 2x or WIDTHxHEIGHT in pixels, such as 1920x1080")

    def resolve(self, lr_height: int, lr_width: int) -> tuple[int, int]:
        """Return height and width of the result for an input of ``lr_height`` × ``lr_width`` pixels.

        Raises:
            ConfigError: a side is longer than four times the input's.
        """
        if self.scale is not None:
            return lr_height * self.scale, lr_width * self.scale
        if self.height > lr_height * SCALE or self.width > lr_width * SCALE:
            largest = f"{lr_width * SCALE}x{lr_height * SCALE}"
            raise ConfigError("size", f"{self.width}x{self.height}", f"at most {largest}, four times the picture")
        return self.height, self.width


def enlarge(
    image: Image,
    upscaler: AnyUpscaler,
    control: Control | None = None,
    *,
    size: TargetSize | None = None,
    region: Box | None = None,
    saving_bytes_per_px: int = 0,
) -> tuple[StoredImage, UpscaleFacts]:
    """Enlarge a picture, transparency included, into the number type of its file.

    What was measured is conserved, see `srdesk.engine.measured`.

    The colour of visible pixels is bled under transparent ones first, so that no hidden colour shines through at
    edges. Alpha is enlarged by the bicubic. A size below four times is the stored result at four times, reduced with
    antialiasing: to the last bit what the desk makes of a result that it already has.

    Args:
        image: LR picture.
        upscaler: the model.
        control: how to stop the call and where to report; progress counts LR pixels of the model.
        size: size of the result, of the whole picture; four times when None.
        region: LR rectangle inside the picture that alone is enlarged, four times.
        saving_bytes_per_px: memory that is needed beside the result when it is saved.

    Returns:
        The result (of the region only, if one is given) and the facts of the whole call: its time and its pixels.

    Raises:
        ConfigError: the size is larger than four times the picture, or other than that for a measured picture.
        OutOfMemoryError: this machine cannot hold the result; or memory ran out on the way.
        DeviceError: the model cannot be run.
        Cancelled: someone asked to stop.
    """
    control = control or Control()
    started_s = time.perf_counter()
    height, width = (size or TargetSize(SCALE)).resolve(image.height, image.width)
    is_reduced = (height, width) != (image.height * SCALE, image.width * SCALE)
    if is_reduced and region is not None:
        raise ValueError("a region is enlarged four times only")
    part = region or Box(0, 0, image.height, image.width)

    box = part.scaled(SCALE)
    if image.science is not None:
        if is_reduced:
            raise _measured_size_error(height, width)
        _check_memory(box, image.channels * (np.dtype(image.values.dtype).itemsize + 4))
        return _timed(*enlarge_measured(image, upscaler, control, region=part, fill=bleed_colour), started_s)
    result_bytes_per_px = (image.channels + (image.alpha is not None)) * np.dtype(image.values.dtype).itemsize
    _check_memory(box, result_bytes_per_px, height * width * saving_bytes_per_px)
    if image.metadata.scene is not None and image.numbers is not None:
        if is_reduced:
            raise _measured_size_error(height, width)
        return _timed(*enlarge_held(image, upscaler, control, region=part), started_s)
    stored, facts = _enlarged_photo(image, upscaler, control, region)
    if is_reduced:
        stored = reduce(stored, height, width, control.token)
    return _timed(stored, facts, started_s)


def _enlarged_photo(
    image: Image, upscaler: AnyUpscaler, control: Control, region: Box | None
) -> tuple[StoredImage, UpscaleFacts]:
    """Enlarge a picture that shows colours, four times, transparency included."""
    box = (region or Box(0, 0, image.height, image.width)).scaled(SCALE)
    stored = StoredImage.empty(
        box.height, box.width, image.channels, image.values, image.metadata, with_alpha=image.alpha is not None
    )
    pixels = image.pixels
    if image.alpha is not None and not image.metadata.is_opacity_unsaid:
        pixels = bleed_colour(pixels, image.alpha)
    source = image if image.alpha is None else image.with_pixels(pixels, None)
    facts = upscaler.upscale(source, _Shifted(stored, box), control, region=region)
    if image.alpha is not None:
        whole = (image.height * SCALE, image.width * SCALE)
        for strip, alpha in _resized_strips(Image(image.alpha[:, :, None]), box, whole, control.token):
            stored.write_alpha(_moved(strip, box), alpha[:, :, 0])
    return stored, facts


def _measured_size_error(height: int, width: int) -> ConfigError:
    return ConfigError("size", f"{width}x{height}", "4x, the scale at which measured values are conserved")


def _timed(stored: StoredImage, facts: UpscaleFacts, started_s: float) -> tuple[StoredImage, UpscaleFacts]:
    """Return a finished result, read-only, with the time that all of it took."""
    stored.freeze()
    seconds = time.perf_counter() - started_s
    megapixels = stored.height * stored.width / 1e6
    return stored, replace(facts, seconds=seconds, megapixels_per_second=megapixels / max(seconds, 1e-9))


def reduce(stored: StoredImage, height: int, width: int, token: CancelToken | None = None) -> StoredImage:
    """Make a picture smaller with the antialiased bicubic, alpha included, strip by strip.

    Args:
        stored: the picture; not modified.
        height: rows of the result.
        width: columns of the result.
        token: looked at between strips.

    Raises:
        ConfigError: the picture was measured.
        Cancelled: someone asked to stop.
    """
    if stored.science is not None:
        raise _measured_size_error(height, width)
    token = token or CancelToken()
    reduced = StoredImage.empty(
        height, width, stored.channels, stored.values, stored.metadata, with_alpha=stored.has_alpha
    )
    whole = Box(0, 0, height, width)
    for strip, pixels in _resized_strips(stored, whole, (height, width), token):
        reduced.write(strip, pixels)
    if stored.has_alpha:
        for strip, alpha in _resized_strips(_Opacity(stored), whole, (height, width), token):
            reduced.write_alpha(strip, alpha[:, :, 0])
    reduced.freeze()
    return reduced


def flatten(stored: StoredImage, background: tuple[int, int, int], token: CancelToken | None = None) -> StoredImage:
    """Put a colour behind a picture, which then has no alpha.

    Args:
        stored: the picture; not modified.
        background: 8-bit RGB; a grey picture gets its luma, so that it stays grey.
        token: looked at between strips.

    Raises:
        Cancelled: someone asked to stop.
    """
    if not stored.has_alpha:
        return stored
    token = token or CancelToken()
    colour = np.array(background, np.float32) / np.float32(255)
    if stored.channels == 1:
        colour = colour @ _LUMA_WEIGHTS[:, None]
    flat = StoredImage.empty(stored.height, stored.width, stored.channels, stored.values, stored.metadata)
    for top in range(0, stored.height, _STRIP_PX):
        token.check()
        strip = Box(top, 0, min(_STRIP_PX, stored.height - top), stored.width)
        alpha = stored.read_alpha(strip)[:, :, None]
        flat.write(strip, stored.read(strip) * alpha + colour * (1 - alpha))
    flat.freeze()
    return flat


def bleed_colour(pixels: FloatArray, alpha: FloatArray) -> FloatArray:
    """Fill fully transparent pixels with the colours of the visible ones around them.

    Args:
        pixels: `(H, W, C)` float32; not modified.
        alpha: `(H, W)`, 0 where a pixel is transparent.

    Returns:
        `(H, W, C)` float32, equal to ``pixels`` where alpha is above 0; ``pixels`` itself if there is nothing to fill.
    """
    is_visible = alpha > 0
    if is_visible.all() or not is_visible.any():
        return pixels
    return fill_holes_from_afar(pixels, is_visible[:, :, None])


class _Shifted:
    """A sink for one box of a larger picture."""

    def __init__(self, stored: StoredImage, box: Box) -> None:
        self._stored = stored
        self._box = box

    def write(self, box: Box, pixels: FloatArray) -> None:
        self._stored.write(_moved(box, self._box), pixels)


class _Opacity:
    """The alpha of a picture as a grey picture."""

    channels = 1

    def __init__(self, stored: StoredImage) -> None:
        self.height, self.width = stored.height, stored.width
        self._stored = stored

    def read(self, box: Box) -> FloatArray:
        return self._stored.read_alpha(box)[:, :, None]


def _moved(box: Box, origin: Box) -> Box:
    """Return ``box`` in coordinates that begin at the corner of ``origin``."""
    return Box(box.top - origin.top, box.left - origin.left, box.height, box.width)


def _check_memory(box: Box, bytes_per_pixel: int, more_bytes: int = 0) -> None:
    """Refuse a result that would be killed for its size after minutes of computing, or when it is saved.

    Raises:
        OutOfMemoryError: the result is larger than the free memory.
    """
    needed_bytes = box.height * box.width * bytes_per_pixel + more_bytes
    free_bytes = psutil.virtual_memory().available + psutil.swap_memory().free
    if needed_bytes > free_bytes:
        raise OutOfMemoryError(
            f"The result of {box.width} × {box.height} pixels needs {needed_bytes / 1e9:.1f} GB of memory, "
            f"and {free_bytes / 1e9:.1f} GB are free.",
            hint="Close other programs, or enlarge a smaller picture.",
        )


def _resized_strips(
    source: Source, box: Box, size: tuple[int, int], token: CancelToken
) -> Iterator[tuple[Box, FloatArray]]:
    """Yield ``box`` of the source resized to ``size`` (height, width) in strips, clipped to `[0, 1]`."""
    height, width = size
    for top in range(box.top, box.bottom, _STRIP_PX):
        token.check()
        strip = Box(top, box.left, min(_STRIP_PX, box.bottom - top), box.width)
        yield strip, resize_bicubic_box(source, strip, height=height, width=width).clip(0, 1)
