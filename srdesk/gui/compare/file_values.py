"""The numbers of a file behind what panes show of it: what the read-out says."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from srdesk.imaging.image import Box, Image
from srdesk.imaging.science import Science
from srdesk.imaging.stored import StoredImage
from srdesk.imaging.values import opacity_map

FileValues = tuple[int | float, ...]
ValueReader = Callable[[int, int], FileValues]
"""From row and column to the values of the file, alpha last; what was measured where the file says what that is; not a
number where measurements and scenes have none."""


def value_reader(picture: Image | StoredImage) -> ValueReader:
    """Return the reader of a picture."""
    if isinstance(picture, Image):
        return _of_image(picture)
    if picture.science is not None:
        return _of_measured(picture, picture.science)
    return _of_scene(picture) if picture.metadata.scene is not None else _of_stored(picture)


def _of_image(image: Image) -> ValueReader:
    def read(row: int, column: int) -> FileValues:
        place = (slice(row, row + 1), slice(column, column + 1))
        values = image.values.from_unit(image.pixels[place]).ravel().tolist()
        if image.alpha is not None:
            values += opacity_map(image.values.dtype).from_unit(image.alpha[place]).ravel().tolist()
        return tuple(values)

    return read


def _of_stored(stored: StoredImage) -> ValueReader:
    numbers, alpha = stored.numbers, stored.alpha_numbers

    def read(row: int, column: int) -> FileValues:
        opacity = [] if alpha is None else [alpha[row, column].item()]
        return tuple(numbers[row, column].tolist() + opacity)

    return read


def _of_measured(stored: StoredImage, science: Science) -> ValueReader:
    def read(row: int, column: int) -> FileValues:
        numbers = stored.numbers[row, column]
        measured = science.measured(numbers)
        measured[science.is_blank(numbers)] = np.nan
        return tuple(measured.tolist())

    return read


def _of_scene(stored: StoredImage) -> ValueReader:
    origin = stored.metadata.scene
    assert origin is not None

    def read(row: int, column: int) -> FileValues:
        is_data = stored.data_mask(origin, Box(row, column, 1, 1))[0, 0]
        numbers = stored.numbers[row, column].tolist()
        return tuple(number if known else math.nan for number, known in zip(numbers, is_data, strict=True))

    return read
