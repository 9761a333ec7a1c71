"""What a run says, once more as files for TensorBoard, where that package is installed.

Without the package nothing is written and nothing is said: the desk shows the same curves. No torch until a run begins.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from srdesk.errors import ImageError
from srdesk.training import events
from srdesk.training.data.pictures import read_rgb8

_LAYOUT = {
    "Validation": {
        "PSNR-Y in dB": ["Multiline", ["validation/psnr_y_db", "validation/bicubic_psnr_y_db"]],
        "SSIM-Y": ["Multiline", ["validation/ssim_y", "validation/bicubic_ssim_y"]],
    },
    "Discriminator": {"Probability": ["Multiline", ["discriminator/real", "discriminator/fake"]]},
}
"""Curves that belong into one chart."""


class TensorBoardLog:
    """Passes events on to TensorBoard's writer."""

    def __init__(self, folder: Path) -> None:
        """Write nothing yet.

        Args:
            folder: for the files of all sessions of a run; made when the run begins.
        """
        self._folder = folder
        self._writer: Any = None  # the package may be missing, and has no types
        self._started: events.Started | None = None

    def tell(self, event: events.AnyEvent) -> events.Notice | None:
        """Write what the event tells.

        Returns:
            What went wrong, the first time that it does; from then on nothing is written.
        """
        try:
            self._write(event)
        except (OSError, ImageError) as error:
            with contextlib.suppress(OSError):
                self.close()
            return events.Notice(message=f"The TensorBoard log ends here, since it cannot be written: {error}")
        return None

    def close(self) -> None:
        """Write what is left and end the writer's thread."""
        if self._writer is not None:
            writer, self._writer = self._writer, None
            writer.close()

    def _write(self, event: events.AnyEvent) -> None:
        match event:
            case events.Started():
                self._started = event
                self._open(void_from_step=event.first_step + 1 if event.first_step else 0)
            case events.RolledBack() if self._writer is not None:
                self._open(void_from_step=event.to_step + 1)
            case events.Step() | events.Validated() if self._writer is not None:
                for tag, value in self._scalars(event):
                    self._writer.add_scalar(tag, value, event.step)
            case events.Pictured() if self._writer is not None:
                for path in _new_pictures(event):
                    number, _, kind = path.stem.partition("_")
                    tag = f"{number}/{'now' if kind.startswith('step') else kind}"
                    self._writer.add_image(tag, read_rgb8(path), event.step, dataformats="HWC")
                self._writer.flush()
            case _:
                pass

    def _open(self, *, void_from_step: int) -> None:
        """Go on in a new file, which declares void what earlier ones say of later steps."""
        self.close()
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError:
            return
        self._folder.mkdir(exist_ok=True)  # the writer would make a run folder that is gone again
        self._writer = SummaryWriter(str(self._folder), purge_step=void_from_step)
        self._writer.add_custom_scalars(_LAYOUT)

    def _scalars(self, event: events.Step | events.Validated) -> Iterator[tuple[str, float]]:
        match event:
            case events.Step():
                yield "loss/all", event.loss
                for term, value in event.terms.items():
                    yield f"loss/{term}", value
                yield "training/learning_rate", event.learning_rate
                yield "training/gradient_norm", event.gradient_norm
                yield "training/steps_per_second", event.steps_per_second
                for tag, figure in (
                    ("discriminator/loss", event.discriminator_loss),
                    ("discriminator/real", event.real_probability),
                    ("discriminator/fake", event.fake_probability),
                ):
                    if figure is not None:
                        yield tag, figure
            case events.Validated():
                yield "validation/psnr_y_db", event.psnr_y_db
                yield "validation/ssim_y", event.ssim_y
                if event.feature_distance is not None:
                    yield "validation/feature_distance", event.feature_distance
                if self._started is not None:
                    yield "validation/bicubic_psnr_y_db", self._started.bicubic_psnr_y_db
                    yield "validation/bicubic_ssim_y", self._started.bicubic_ssim_y


def _new_pictures(event: events.Pictured) -> list[Path]:
    folder = Path(event.folder)
    pictures = sorted(folder.glob(f"*_step-{event.step:08}.png"))
    if event.step == 0:
        pictures += [path for kind in ("lr", "bicubic", "hr") for path in sorted(folder.glob(f"*_{kind}.png"))]
    return pictures
