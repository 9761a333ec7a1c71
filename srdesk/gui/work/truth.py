"""Ground truth: the sharp picture that the open one was made from, read from a file or degraded on the desk."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING

from PySide6.QtCore import QCoreApplication

from srdesk.errors import SrDeskError
from srdesk.gui.compare.pyramid import DisplayImage
from srdesk.gui.work.ground_truth import Truth
from srdesk.gui.work.requests import Document
from srdesk.gui.work.truth_requests import DegradeRequest, OpenTruthRequest
from srdesk.imaging.image import Image, Metadata

if TYPE_CHECKING:
    from srdesk.imaging.decoder import Decoder

log = logging.getLogger(__name__)

SCALE = 4


def open_truth(request: OpenTruthRequest, decoder: Decoder) -> Truth:
    """Open a sharp picture, cropped to four times the open one where it is up to three pixels larger.

    Raises:
        Cancelled: the token of the request was raised.
        ImageError: it cannot be opened.
        SrDeskError: it does not go with the open picture.
    """
    from srdesk.engine.trust.findings import truth_of

    path, lr = request.path, request.image
    found = decoder.open(path, request.token)
    height, width = lr.height * SCALE, lr.width * SCALE
    if not (0 <= found.height - height < SCALE and 0 <= found.width - width < SCALE):
        sentence = _tr("“{}” has {} × {} pixels and is not four times the open picture of {} × {}.")
        raise SrDeskError(
            sentence.format(path.name, found.width, found.height, lr.width, lr.height),
            hint=_tr("Open a picture of {} × {} pixels as ground truth.").format(width, height),
        )
    image = _cropped(found, height, width)
    log.info("opened truth, %d × %d", width, height)
    pixels = truth_of(lr, image)
    pixels.flags.writeable = False
    return Truth(path.name, path, pixels, DisplayImage.build(image, SCALE, request.token))


def degraded_document(request: DegradeRequest) -> Document:
    """Make a sharp picture four times smaller, and return that with the sharp one as its truth.

    Raises:
        Cancelled: the token of the request was raised.
        ConfigError: it is too small for that.
    """
    from srdesk.engine.trust.honesty import degraded

    sharp, token = request.image, request.token
    hr, lr = degraded(sharp)
    is_photo = sharp.science is None and sharp.numbers is None
    profile = sharp.metadata.icc_profile if is_photo else None
    lr = replace(lr, metadata=Metadata(icc_profile=profile))
    hr.flags.writeable = False
    display = DisplayImage.build(Image(hr, None, lr.values, lr.metadata), SCALE, token)
    log.info("degraded to %d × %d", lr.width, lr.height)
    truth = Truth(request.truth_name, request.path, hr, display)
    return Document(request.name, None, lr, DisplayImage.build(lr, 1, token), truth=truth)


def _cropped(image: Image, height: int, width: int) -> Image:
    return replace(
        image,
        pixels=image.pixels[:height, :width],
        alpha=None if image.alpha is None else image.alpha[:height, :width],
        numbers=None if image.numbers is None else image.numbers[:height, :width],
    )


def _tr(text: str) -> str:
    return QCoreApplication.translate("Truth", text)
