"""What crosses a thread about scenes that are too large for memory: parts of them, and runs from disk to disk."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from srdesk.engine.control import PauseToken
from srdesk.engine.files.file_recipe import FileRecipe
from srdesk.gui.work.requests import Answer, Recipe, Request
from srdesk.imaging.image import Box

if TYPE_CHECKING:
    from srdesk.engine.files.file_job import FileFacts
    from srdesk.engine.scenes.scene_forecast import SceneForecast
    from srdesk.gui.compare.shading import Shading
    from srdesk.gui.scene.opened import OpenedScene
    from srdesk.gui.scene.pyramid import ScenePyramid


@dataclass(frozen=True, slots=True, kw_only=True)
class SceneRenderRequest(Request):
    """Compute a part of a scene for one pane; `Previewed` is the answer."""

    pane: str
    """Key of the pane."""
    scene: OpenedScene
    shading: Shading
    """How the scene is seen."""
    recipe: Recipe
    region: Box
    """Part to compute, in LR pixels."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SceneOrder:
    """A wish to have a scene enlarged from disk to disk."""

    pane: str
    """Key of the pane."""
    source: Path
    output: Path
    recipe: Recipe
    colours: tuple[int, int, int] | None = None
    """Numbers of the red, the green and the blue band; those that the file names if None."""
    size: str = "4x"
    """Only four times is possible; anything else is refused."""

    @property
    def file_recipe(self) -> FileRecipe:
        """The same recipe in the words of the engine."""
        recipe = self.recipe
        return FileRecipe(
            model=recipe.model,
            weights=recipe.weights,
            device=recipe.device,
            precision=recipe.precision,
            window_px=recipe.window_px,
            size=self.size,
            bands=self.colours,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenResultRequest(Request):
    """Open a finished result as a scene."""

    order: SceneOrder
    like: ScenePyramid
    """The LR scene that it was made of."""


@dataclass(frozen=True, slots=True)
class ResultOpened(Answer):
    """A finished result is ready to be shown."""

    order: SceneOrder
    like: ScenePyramid
    pyramid: ScenePyramid


@dataclass(frozen=True, slots=True, kw_only=True)
class ForecastRequest(Request):
    """Find out what an order will take."""

    order: SceneOrder


@dataclass(frozen=True, slots=True)
class Foreseen(Answer):
    """What an order will take."""

    order: SceneOrder
    forecast: SceneForecast


@dataclass(frozen=True, slots=True, kw_only=True)
class UnfinishedRequest(Request):
    """Find runs of a scene that were broken off."""

    source: Path


@dataclass(frozen=True, slots=True)
class UnfinishedFound(Answer):
    """Runs that were broken off, each with what is left to do."""

    runs: tuple[Foreseen, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ClearCacheRequest(Request):
    """Remove the levels that were built of scenes."""


@dataclass(frozen=True, slots=True)
class CacheCleared(Answer):
    """The levels that were built of scenes are gone."""

    size_bytes: int
    """Room on the disk that is free now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SceneRunRequest(Request):
    """Carry out an order, or go on with one that was begun."""

    order: SceneOrder
    token: PauseToken = field(default_factory=PauseToken, compare=False)


@dataclass(frozen=True, slots=True)
class SceneEnlarged(Answer):
    """A scene is enlarged, and its result on the disk."""

    order: SceneOrder
    facts: FileFacts
