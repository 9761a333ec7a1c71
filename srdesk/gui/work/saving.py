"""From a result to a file: in the size that was chosen, and telling how it was made as on the command line."""

from __future__ import annotations

import logging
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QCoreApplication

from srdesk.engine.control import CancelToken
from srdesk.engine.files.file_stamp import file_stamp
from srdesk.gui.work.requests import SaveJob

if TYPE_CHECKING:
    from srdesk.engine.trust.provenance import Provenance
    from srdesk.imaging.stored import StoredImage

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Origins:
    """What a result was made from, as far as it is still there; a file that has changed is not."""

    source: Path | None
    weights: Path | None
    remarks: tuple[str, ...] = ()
    """A sentence for each that is gone."""
    is_whole: bool = True
    """Whether the result can be made again from them."""


def save(job: SaveJob, token: CancelToken) -> tuple[str, ...]:
    """Write a result, and the record beside it if there is to be one.

    Returns:
        A sentence for everything that the file has no room for, or that could not be told.

    Raises:
        Cancelled: the token was raised.
        ImageError: it cannot be written, and nothing is left of it; or it replaced an older file and stays, but its
            record cannot be written.
    """
    order = job.order
    stored, origins = _as_saved(job, token), _origins(job)
    record = _record(job, origins, token)
    token.check()
    is_replaced = os.path.lexists(order.path)
    losses = _written(job, stored, record, token)
    log.info("saved %s, %d × %d", order.path.suffix, stored.width, stored.height)
    remarks = (*losses, *origins.remarks)
    if not order.has_sidecar:
        return remarks
    if origins.source is None or not origins.is_whole:
        none = _tr("There is no record beside “{}”, since it could not be made again from one.")
        return (*remarks, none.format(order.path.name))
    from srdesk.engine.trust import sidecar

    sidecar.tell_beside(record, origins.source, order.path, job.result.facts, token.check, stays=is_replaced)
    return remarks


def _written(job: SaveJob, stored: StoredImage, record: Provenance, token: CancelToken) -> tuple[str, ...]:
    """Write a result that tells how it was made; return a sentence for each thing that is not in the file."""
    from srdesk.engine.trust import provenance
    from srdesk.imaging.formats import format_for, save_image

    path = job.order.path
    if stored.metadata.scene is not None:
        from srdesk.engine.held_file import save_held

        return save_held(path, stored, token, notes=provenance.as_text(record))
    format_name = format_for(path)
    assert format_name is not None
    stored, untold = provenance.embedded(stored, record, format_name)
    return (*save_image(path, stored, quality=job.order.quality), *untold)


def _record(job: SaveJob, origins: _Origins, token: CancelToken) -> Provenance:
    from srdesk.engine.trust import provenance

    order, bands = job.order, job.document.shown_bands
    return provenance.record(
        origins.source,
        model=order.model or order.pane,
        weights=origins.weights,
        part=job.document.part,
        bands=(bands[0], bands[1], bands[2]) if len(bands) == 3 else None,
        options=provenance.Options(
            size=order.size,
            background=order.background,
            jpeg_quality=order.quality,
            back_projection=job.result.back_projection,
            window_px=job.result.recipe.window_px,
        ),
        check=token.check,
    )


def _origins(job: SaveJob) -> _Origins:
    document, weights = job.document, job.result.recipe.weights
    source, remarks = document.path, []
    if source is not None and (document.stamp is None or file_stamp(source) != document.stamp):
        changed = _tr("“{}” has changed since it was opened, so the result does not say which file it was made from.")
        remarks.append(changed.format(source.name))
        source = None
    if weights is not None and not weights.is_file():
        gone = _tr("The weights “{}” are gone, so the result does not say their checksum.")
        remarks.append(gone.format(weights.name))
        weights = None
    elif weights is not None and file_stamp(weights) != job.result.recipe.weights_stamp:
        changed = _tr("The weights “{}” have changed since they were used, so the result does not say their checksum.")
        remarks.append(changed.format(weights.name))
        weights = None
    is_whole = weights == job.result.recipe.weights and job.result.stored.metadata.scene is None
    return _Origins(source, weights, tuple(remarks), is_whole)


def _as_saved(job: SaveJob, token: CancelToken) -> StoredImage:
    """Return the result in the size that was chosen, without transparency if it has to go."""
    from srdesk.engine.enlarge import SCALE, TargetSize, flatten, reduce

    stored, order = job.result.stored, job.order
    height, width = TargetSize.parse(order.size).resolve(stored.height // SCALE, stored.width // SCALE)
    if (height, width) != (stored.height, stored.width):
        stored = reduce(stored, height, width, token=token)
    if order.background is not None:
        stored = flatten(stored, order.background, token)
    return stored


def _tr(text: str) -> str:
    return QCoreApplication.translate("Saving", text)
