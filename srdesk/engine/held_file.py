"""Bands that were enlarged in memory written to a GeoTIFF, with everything that their scene says of them."""

from __future__ import annotations

import os
import uuid
from pathlib import Path

from srdesk.engine.control import CancelToken, Control
from srdesk.engine.enlarge import SCALE
from srdesk.engine.scenes.scene import check_free, expected_bytes, plan_windows
from srdesk.engine.scenes.scene_step import ScenePass, SceneStep, make_step
from srdesk.engine.upscaler import BicubicUpscaler
from srdesk.errors import ImageWriteError
from srdesk.imaging.scene.bands import SceneBands
from srdesk.imaging.scene.chosen import only_bands
from srdesk.imaging.scene.geotiff import BandKind, open_geotiff
from srdesk.imaging.scene.tile_file import TileFile
from srdesk.imaging.scene.writer import ScenePlan, SceneWriter
from srdesk.imaging.science import SceneOrigin
from srdesk.imaging.stored import StoredImage
from srdesk.imaging.values import opacity_map

HISTORY_TAG = "SRDESK_HISTORY"
"""Tag that says how the result was made."""


def save_held(
    path: Path, stored: StoredImage, token: CancelToken, *, notes: tuple[tuple[str, str], ...] = ()
) -> tuple[str, ...]:
    """Write bands of a scene that were enlarged four times, and its opacity, which is enlarged by the bicubic.

    Args:
        path: the file; an existing one is replaced when the new one is complete on the disk.
        stored: the result of `srdesk.engine.held_scene.enlarge_held` for the whole picture.
        token: how to stop.
        notes: tags (name, text) that say how the result was made.

    Returns:
        A sentence if the scene has other bands, which are not in the file.

    Raises:
        ImageReadError: the scene is gone.
        ImageWriteError: the scene is another one by now, or the file cannot be written; then nothing is left over.
        Cancelled: someone asked to stop.
    """
    origin = stored.metadata.scene
    if origin is None:
        raise ValueError("this picture is no scene")
    source = Path(os.fsdecode(origin.path))
    with open_geotiff(source) as whole:
        _check_unchanged(source, origin, path)
        opacity = tuple(band.number for band in whole.bands if band.kind is BandKind.OPACITY)
        hidden = tuple(number for number in opacity if number not in origin.bands)
        scene = only_bands(whole, (*origin.bands, *hidden))
        if stored.metadata.history:
            notes += ((HISTORY_TAG, "; ".join(stored.metadata.history)),)
        plan = ScenePlan(scene, SCALE, is_interleaved=scene.is_interleaved and not hidden, notes=notes)
        check_free(path, expected_bytes(plan))
        # A key of its own: what an earlier run left unfinished is not gone on with.
        with TileFile.opened(path, key=uuid.uuid4().hex, tiles=plan.tiles, largest_bytes=plan.largest_bytes) as file:
            try:
                _write(plan, file, stored, origin, token)
            except BaseException:
                file.discard()
                raise
        others = len(whole.bands) - len({*origin.bands, *opacity})
    if not others:
        return ()
    shown = f"band{'s' * (len(origin.bands) > 1)} {', '.join(str(number) for number in origin.bands)}"
    left_out = "the other band is" if others == 1 else f"the {others} other bands are"
    return (f"“{path.name}” holds what was shown, {shown}; {left_out} not in it.",)


def _write(plan: ScenePlan, file: TileFile, stored: StoredImage, origin: SceneOrigin, token: CancelToken) -> None:
    shown = tuple(range(1, len(origin.bands) + 1))
    values = {} if origin.is_copied else dict.fromkeys(shown, stored.values)
    hidden = [
        (SceneBands(plan.scene, (band.number,), opacity_map(plan.scene.dtype)), ScenePass((band.number,), band.kind))
        for band in plan.scene.bands[len(shown) :]
    ]
    bicubic = BicubicUpscaler()
    with SceneWriter(plan, file, values) as writer:
        for window in plan_windows(plan.scene.height, plan.scene.width, SCALE):
            token.check()
            box = window.scaled(SCALE)
            writer.write(shown, box, stored.numbers[box.top : box.bottom, box.left : box.right])
            for bands, one in hidden:
                make_step(SceneStep(window, one), bands, bicubic, writer, Control(token))
            writer.finish_step()
        writer.finish(token.check)


def _check_unchanged(source: Path, origin: SceneOrigin, path: Path) -> None:
    """Make sure that a scene is the one that a result was made of.

    Raises:
        ImageWriteError: it is another one.
    """
    status = source.stat()
    if (status.st_size, status.st_mtime_ns) != (origin.size_bytes, origin.modified_ns):
        hint = "Open it again, and save the result of that."
        raise ImageWriteError(path, f"“{source.name}”, which it was made of, has changed since", hint=hint)
