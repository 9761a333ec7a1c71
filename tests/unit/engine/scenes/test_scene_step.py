"""Steps of a scene that are made by others: the bytes of a run on one machine, in whatever order they were made."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from srdesk.engine.control import Control
from srdesk.engine.scenes import scene as scenes
from srdesk.engine.scenes.scene import SceneFacts, enlarge_scene
from srdesk.engine.scenes.scene_extract import SceneExtract
from srdesk.engine.scenes.scene_step import MadeStep, SceneOrder, SceneStep, make_step
from srdesk.engine.upscaler import Upscaler
from srdesk.errors import ClusterError, ImageReadError
from srdesk.imaging.image import Box
from srdesk.imaging.scene.bands import SceneBands
from srdesk.imaging.scene.geotiff import open_geotiff
from srdesk.imaging.scene.tile_press import TilePress

MakeGeoTiff = Callable[..., Path]
RNG = np.random.default_rng(5)


class Crew:
    """Makes the last step first, each from a copy of what it is told, as others would."""

    def __init__(self, upscaler: Upscaler, *, is_sent: bool = False, last: int | None = None) -> None:
        self.made: list[SceneStep] = []
        self._upscaler, self._is_sent, self._last = upscaler, is_sent, last

    def make(self, order: SceneOrder, steps: Sequence[SceneStep], control: Control) -> Iterator[MadeStep]:
        found = {}
        for step in reversed(steps):
            with open_geotiff(order.path) as scene:
                extract = SceneExtract.of(scene, step) if self._is_sent else None
                sent = pickle.loads(pickle.dumps((order, step, extract)))  # noqa: S301 - our own
                found[step] = self._one(*sent, scene)
        for number, step in enumerate(steps):
            if number == self._last:
                raise ClusterError("The scheduler of the cluster is lost.")
            self.made.append(step)
            yield found[step]

    def _one(self, order: SceneOrder, step: SceneStep, extract: SceneExtract | None, scene: Any) -> MadeStep:
        tiles: list[tuple[int, bytes]] = []
        with TilePress(order.layout, lambda number, tile: tiles.append((number, tile)), threads=0) as press:
            bands = SceneBands(extract or scene, step.one.bands, order.values[step.one])
            facts = make_step(step, bands, self._upscaler, press, Control())
            press.flush()
        return MadeStep(tiles, facts)


@pytest.fixture
def upscaler(srresnet: Any) -> Upscaler:
    return Upscaler(srresnet, "narrow", device="cpu", threads=1)


@pytest.fixture
def scene(make_geotiff: MakeGeoTiff, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Five bands of 16 bits with holes, a void window, and opacity; four windows of four passes."""
    monkeypatch.setattr(scenes, "_WINDOW_ROWS_PX", 128)
    monkeypatch.setattr(scenes, "_WINDOW_COLUMNS_PX", 128)
    numbers = RNG.integers(1, 3000, (5, 200, 180), np.uint16)
    numbers[:, 90:140, 40:150] = 0
    numbers[3, 128:, 128:] = 0
    return make_geotiff("a.tif", numbers, nodata=0, photometric="RGB", alpha="UNSPECIFIED", compress="deflate")


def enlarge(path: Path, output: Path, upscaler: Upscaler, crew: Crew | None = None) -> SceneFacts:
    with open_geotiff(path) as scene:
        return enlarge_scene(scene, upscaler, output, recipe="test", crew=crew)


@pytest.mark.parametrize("is_sent", [False, True])
def test_steps_of_others_make_the_same_file(scene: Path, tmp_path: Path, upscaler: Upscaler, is_sent: bool) -> None:
    enlarge(scene, tmp_path / "here.tif", upscaler)
    crew = Crew(upscaler, is_sent=is_sent)
    facts = enlarge(scene, tmp_path / "there.tif", upscaler, crew)
    assert (tmp_path / "there.tif").read_bytes() == (tmp_path / "here.tif").read_bytes()
    assert (len(crew.made), facts.windows, facts.run.model) == (12, 12, "narrow")


def test_what_a_lost_crew_had_made_is_kept_and_another_one_goes_on(
    scene: Path, tmp_path: Path, upscaler: Upscaler
) -> None:
    enlarge(scene, tmp_path / "here.tif", upscaler)
    output = tmp_path / "there.tif"
    with pytest.raises(ClusterError):
        enlarge(scene, output, upscaler, Crew(upscaler, last=5))
    assert not output.exists()
    crew = Crew(upscaler, last=4)
    with pytest.raises(ClusterError):
        enlarge(scene, output, upscaler, crew)
    facts = enlarge(scene, output, upscaler)  # and this machine does the rest
    assert facts.resumed_windows == 9
    assert output.read_bytes() == (tmp_path / "here.tif").read_bytes()


def test_an_extract_holds_no_more_than_a_step_can_need(make_geotiff: MakeGeoTiff) -> None:
    path = make_geotiff("a.tif", RNG.integers(0, 9, (2, 1500, 1400), np.uint8), nodata=3)
    with open_geotiff(path) as scene:
        step = SceneStep(Box(600, 500, 100, 100), scenes.plan_passes(scene, None)[1])
        extract = SceneExtract.of(scene, step)
        assert extract.numbers.shape[0] < 1000
        box = Box(590, 480, 120, 140)
        assert_array_equal(extract.read((2,), box), scene.read((2,), box))
        is_data = scene.data_mask((2,), box, scene.read((2,), box))
        assert_array_equal(extract.data_mask((2,), box, extract.read((2,), box)), is_data)
        for wrong in (Box(0, 500, 10, 10), Box(600, 1300, 10, 100)):
            with pytest.raises(AssertionError, match="other pixels"):
                extract.read((2,), wrong)
        with pytest.raises(AssertionError, match="other bands"):
            extract.read((1,), box)


def test_a_damaged_scene_leaves_nothing_over(scene: Path, tmp_path: Path, upscaler: Upscaler) -> None:
    class Failing(Crew):
        def make(self, order: SceneOrder, steps: Sequence[SceneStep], control: Control) -> Iterator[MadeStep]:
            raise ImageReadError(order.path, "it is damaged or cut off")
            yield

    with pytest.raises(ImageReadError):
        enlarge(scene, tmp_path / "out.tif", upscaler, Failing(upscaler))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.tif"]
