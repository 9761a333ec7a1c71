"""The request that computes a pane: of a picture in memory, or of a part of a scene on the disk."""

from __future__ import annotations

from srdesk.gui.scene.pyramid import ScenePyramid
from srdesk.gui.work.agenda import Task
from srdesk.gui.work.requests import Recipe, RenderRequest
from srdesk.gui.work.scene_requests import SceneRenderRequest
from srdesk.imaging.image import Image

Subject = Image | ScenePyramid
"""What panes are computed of."""

PaneRequest = RenderRequest | SceneRenderRequest


def pane_request(image: Subject, task: Task, recipe: Recipe) -> PaneRequest:
    """Return the request for a task.

    Raises:
        ValueError: it is all of a scene, which is no work for memory.
    """
    if isinstance(image, Image):
        return RenderRequest(pane=task.pane, image=image, recipe=recipe, region=task.region)
    if task.region is None:
        raise ValueError("only parts of a scene are computed into memory")
    return SceneRenderRequest(
        pane=task.pane, scene=image.scene, shading=image.shading, recipe=recipe, region=task.region
    )
