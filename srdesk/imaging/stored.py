"""A whole picture held as the numbers that its file holds, a quarter of the memory of floats or less."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from srdesk.imaging.image import Box, FloatArray, Image, Metadata
from srdesk.imaging.science import SceneOrigin, Science
from srdesk.imaging.values import ValueMap, opacity_map

Numbers = NDArray[np.generic]


@dataclass(frozen=True, slots=True, eq=False)
class StoredImage:
    """A picture as file numbers: a `Sink` that quantises, and a `Source` of floats.

    While it is being filled it belongs to one thread; `freeze` it before it is handed on.
    """

    numbers: Numbers
    """Colour or grey, ``(H, W, 1 or 3)`` of the type that ``values`` names."""
    values: ValueMap = field(default_factory=ValueMap)
    """How the numbers map to ``[0, 1]``."""
    alpha_numbers: Numbers | None = None
    """Opacity, ``(H, W)`` of the same type, or None."""
    metadata: Metadata = field(default_factory=Metadata)
    """What travels with the pixels."""
    science: Science | None = None
    """For measurements: what the numbers mean, and which of them say nothing."""

    def __post_init__(self) -> None:
        if self.numbers.ndim != 3 or self.numbers.shape[2] not in (1, 3) or self.numbers.dtype != self.values.dtype:
            shape, dtype = self.numbers.shape, self.numbers.dtype
            raise ValueError(f"numbers must be (H, W, 1 or 3) {self.values.dtype}, not {shape} {dtype}")
        alpha = self.alpha_numbers
        if alpha is not None and (alpha.shape != self.numbers.shape[:2] or alpha.dtype != self.numbers.dtype):
            raise ValueError(f"alpha must be {self.numbers.shape[:2]} {self.values.dtype}")

    @classmethod
    def empty(
        cls,
        height: int,
        width: int,
        channels: int,
        values: ValueMap,
        metadata: Metadata,
        *,
        with_alpha: bool = False,
    ) -> StoredImage:
        """Return a picture to be written to; its pixels are undefined until then.

        Args:
            height: rows.
            width: columns.
            channels: 1 for grey, 3 for RGB.
            values: how the pixels will be quantised.
            metadata: what travels with them.
            with_alpha: whether it has an opacity of its own.
        """
        dtype = np.dtype(values.dtype)
        alpha = np.empty((height, width), dtype) if with_alpha else None
        return cls(np.empty((height, width, channels), dtype), values, alpha, metadata)

    @classmethod
    def from_image(cls, image: Image) -> StoredImage:
        """Return ``image`` quantised by its own value map."""
        stored = cls.empty(
            image.height, image.width, image.channels, image.values, image.metadata, with_alpha=image.alpha is not None
        )
        for box in _strips(image.height, image.width):
            stored.write(box, image.read(box))
            if image.alpha is not None:
                stored.write_alpha(box, image.alpha[box.top : box.bottom])
        stored.freeze()
        return stored

    @classmethod
    def of_numbers(cls, image: Image) -> StoredImage:
        """Return ``image``, which was measured or is of a scene, as the numbers that it holds; nothing is copied.

        Raises:
            ValueError: it is a photo.
        """
        if image.numbers is None:
            raise ValueError("this picture holds no numbers")
        alpha = None if image.alpha is None else opacity_map(image.values.dtype).from_unit(image.alpha)
        return cls(image.numbers, image.values, alpha, image.metadata, image.science)

    @property
    def height(self) -> int:
        """Rows."""
        return int(self.numbers.shape[0])

    @property
    def width(self) -> int:
        """Columns."""
        return int(self.numbers.shape[1])

    @property
    def channels(self) -> int:
        """1 for grey, 3 for RGB."""
        return int(self.numbers.shape[2])

    @property
    def has_alpha(self) -> bool:
        """Whether the picture has an opacity."""
        return self.alpha_numbers is not None

    def read(self, box: Box) -> FloatArray:
        """Return the pixels of ``box``, which lies inside the picture, in ``[0, 1]`` (`Source`)."""
        return self.values.to_unit(self.numbers[box.top : box.bottom, box.left : box.right])

    def write(self, box: Box, pixels: FloatArray) -> None:
        """Quantise ``pixels`` to their place (`Sink`)."""
        self.numbers[box.top : box.bottom, box.left : box.right] = self.values.from_unit(pixels)

    def read_alpha(self, box: Box) -> FloatArray:
        """Return the opacity of ``box``, ``(height, width)`` in ``[0, 1]``; 1 where the picture has none."""
        if self.alpha_numbers is None:
            return np.ones((box.height, box.width), np.float32)
        return opacity_map(self.values.dtype).to_unit(self.alpha_numbers[box.top : box.bottom, box.left : box.right])

    def write_alpha(self, box: Box, alpha: FloatArray) -> None:
        """Quantise ``(box.height, box.width)`` opacities to their place.

        Raises:
            ValueError: the picture has no opacity.
        """
        if self.alpha_numbers is None:
            raise ValueError("this picture has no alpha")
        self.alpha_numbers[box.top : box.bottom, box.left : box.right] = opacity_map(self.values.dtype).from_unit(alpha)

    def freeze(self) -> None:
        """Make the numbers read-only, so that the picture can be handed to another thread."""
        self.numbers.flags.writeable = False
        if self.alpha_numbers is not None:
            self.alpha_numbers.flags.writeable = False

    def to_image(self) -> Image:
        """Return the picture as floats."""
        whole = Box(0, 0, self.height, self.width)
        if self.science is not None:
            return self._to_measured_image(self.science)
        if self.metadata.scene is not None:
            return self._to_scene_image(self.metadata.scene)
        alpha = self.read_alpha(whole) if self.has_alpha else None
        return Image(self.read(whole), alpha, self.values, self.metadata)

    def _to_measured_image(self, science: Science) -> Image:
        pixels = self.values.to_unit(self.numbers)
        np.clip(pixels, 0.0, 1.0, out=pixels)
        pixels[science.is_unusable(self.numbers)] = 0.0
        return Image(pixels, None, self.values, self.metadata, science, self.numbers)

    def _to_scene_image(self, origin: SceneOrigin) -> Image:
        is_data = self.data_mask(origin)
        pixels = self.values.to_unit(np.where(is_data, self.numbers, self.numbers.dtype.type(0)))
        np.clip(pixels, 0.0, 1.0, out=pixels)
        pixels[~is_data] = 0.0
        everywhere = is_data.all(axis=2)
        alpha = None if everywhere.all() else np.asarray(everywhere, np.float32)
        return Image(pixels, alpha, self.values, self.metadata, None, self.numbers)

    def data_mask(self, origin: SceneOrigin, box: Box | None = None) -> NDArray[np.bool_]:
        """Tell which numbers of a scene, in ``box`` or everywhere, are data, ``(H, W, C)``.

        Where it is transparent, none of them is, unless a band without data there is the reason.
        """
        box = box or Box(0, 0, self.height, self.width)
        place = (slice(box.top, box.bottom), slice(box.left, box.right))
        numbers = self.numbers[place]
        is_data: NDArray[np.bool_] = np.isfinite(numbers) if numbers.dtype.kind == "f" else np.ones(numbers.shape, bool)
        for channel, nodata in enumerate(origin.nodata):
            if nodata is not None:
                is_data[:, :, channel] &= numbers[:, :, channel] != nodata
        if self.alpha_numbers is not None:
            is_masked = (self.alpha_numbers[place] == 0) & is_data.all(axis=2)
            is_data &= ~is_masked[:, :, None]
        return is_data

    def with_metadata(self, metadata: Metadata) -> StoredImage:
        """Return the same picture, its numbers shared, with other metadata."""
        return replace(self, metadata=metadata)


def _strips(height: int, width: int) -> list[Box]:
    """Return full-width boxes of about a megapixel, so that the floats in between stay small."""
    rows = max(1, 2**20 // max(width, 1))
    return [Box(top, 0, min(rows, height - top), width) for top in range(0, height, rows)]
