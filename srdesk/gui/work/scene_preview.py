"""Parts of scenes that are too large for memory, enlarged from the disk: what the panes show of them at first."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import numpy as np

from srdesk.errors import ImageReadError
from srdesk.gui.compare.pyramid import DisplayImage
from srdesk.gui.work.requests import Previewed
from srdesk.gui.work.scene_requests import SceneRenderRequest
from srdesk.imaging.image import Box, FloatArray, Metadata
from srdesk.imaging.stored import Numbers, StoredImage
from srdesk.imaging.values import ValueMap, opacity_map

if TYPE_CHECKING:
    from srdesk.engine.control import Control
    from srdesk.engine.scenes.scene_step import ScenePass
    from srdesk.engine.upscaling import AnyUpscaler
    from srdesk.gui.scene.opened import OpenedScene
    from srdesk.imaging.scene.geotiff import GeoTiff

log = logging.getLogger(__name__)


class ScenePreviews:
    """Enlarges parts of scenes to the numbers that the whole run gives them. For one thread.

    Networks see numbers within the range of the whole scene. It is measured once, and remembered for the latest scene.
    """

    def __init__(self) -> None:
        self._measured: tuple[object, ValueMap] | None = None

    def preview(self, request: SceneRenderRequest, upscaler: AnyUpscaler, control: Control) -> Previewed:
        """Compute the region of a request.

        Raises:
            Cancelled: the token of the request was raised, or nobody looks at the scene any more.
            ImageError: the file is damaged, changed or gone.
            DeviceError: the model cannot be run.
        """
        from srdesk.engine.enlarge import SCALE
        from srdesk.engine.scenes.scene_region import enlarge_region, pass_of
        from srdesk.imaging.scene.geotiff import open_geotiff

        shown, region = request.scene, request.region
        with open_geotiff(shown.path) as scene:
            _refuse_changed(shown)
            values = self._values(scene, shown, pass_of(scene, shown.bands))
            control.token.check()
            numbers, facts = enlarge_region(scene, upscaler, region, shown.bands, values, control)
            opacity = _opacity(scene, shown, region, SCALE)
        # The range of the LR scene, so that equal numbers look equal.
        stored = StoredImage(numbers, shown.values, opacity, Metadata(format="TIFF", scene=shown.origin))
        display = DisplayImage.build(stored, SCALE, request.token).shaded(request.shading)
        log.info("%s preview of a scene: %s in %.2f s", request.pane, numbers.shape, facts.seconds)
        return Previewed(request.id, request.pane, region, stored, display, facts)

    def _values(self, scene: GeoTiff, shown: OpenedScene, one: ScenePass) -> ValueMap:
        """Return the range of the whole scene; a view that moves on meanwhile is no reason to read it again."""
        from srdesk.engine.scenes.scene_region import values_of

        key = (shown.path, shown.origin.size_bytes, shown.origin.modified_ns, one)
        if self._measured is None or self._measured[0] != key:
            self._measured = (key, values_of(scene, one, shown.closed.check))
        return self._measured[1]


def _refuse_changed(shown: OpenedScene) -> None:
    """Make sure that the file is still the one that was opened.

    Raises:
        ImageReadError: it is another one by now, or gone.
    """
    try:
        status = shown.path.stat()
    except OSError as error:
        raise ImageReadError(shown.path, "it is gone") from error
    if (status.st_size, status.st_mtime_ns) != (shown.origin.size_bytes, shown.origin.modified_ns):
        raise ImageReadError(shown.path, "it was changed since it was opened")


def _opacity(scene: GeoTiff, shown: OpenedScene, region: Box, scale: int) -> Numbers | None:
    """Return which pixels of the result have data, as opacity; None if all of them have."""
    numbers = scene.read(shown.bands, region)
    is_data = scene.data_mask(shown.bands, region, numbers).all(axis=2)
    if is_data.all():
        return None
    large: FloatArray = is_data.repeat(scale, axis=0).repeat(scale, axis=1).astype(np.float32)
    return opacity_map(scene.dtype).from_unit(large)
