"""What everything that enlarges pictures looks like, be it a network, the bicubic, or one of them and more."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from srdesk.engine.control import Control
    from srdesk.engine.library import WeightsCard
    from srdesk.engine.upscaler import UpscaleFacts
    from srdesk.imaging.image import Box, Sink, Source


class AnyUpscaler(Protocol):
    """A model that is ready to enlarge, as `srdesk.engine.upscaler.Upscaler` is."""

    @property
    def name(self) -> str:
        """Name of the model."""

    @property
    def card(self) -> WeightsCard | None:
        """What its weights say about themselves; None where it has none."""

    @property
    def scale(self) -> int:
        """How many times as long the sides become."""

    def upscale(
        self, source: Source, sink: Sink, control: Control | None = None, *, region: Box | None = None
    ) -> UpscaleFacts:
        """Enlarge ``source``, or its ``region``, into ``sink``; as `srdesk.engine.upscaler.Upscaler.upscale`."""
