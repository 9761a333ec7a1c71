"""Measure how the desk feels with a scene too large for memory. Prints one JSON object.

    python tests/bench/measure_scene_desk.py FOLDER [--side 20000] [--dtype uint8] [--bands 3] [--overviews]
    python tests/bench/measure_scene_desk.py FOLDER --scene SCENE.tif

As in measure_desk_latency.py, the delay is the lateness of a timer that should fire every 5 ms. It is measured while
the scene is opened, while it is panned and zoomed without a pause (its levels being built and previews computed behind
that), and while it is enlarged from disk to disk. ``busy`` is the time that the window's own thread computed between
two looks at its events, which other programs on the machine do not change. A generated scene of 20,000² pixels in three
bands takes about 1.1 GB in FOLDER.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from pathlib import Path

import psutil
from measure_desk_latency import Event, Measurement, Panning, summary
from measure_scene_memory import make_scene

PATIENCE_S = 600.0
BUSY_S = 0.0005
"""Shorter looks at events had nothing to do."""
ZOOMS_PERCENT = (0.0, 5.0, 25.0, 100.0, 400.0)
"""0 is all of the scene."""


class SceneMeasurement(Measurement):
    """A desk with a scene."""

    def run_scene(self, scene: Path, seconds: float) -> dict[str, object]:
        """Do what a person would do, and return what was measured."""
        desk, session = self._desk, self._desk.session
        self._timer.start()
        ready = Event(session.warmed_up)
        desk.window.show()
        desk.window.resize(1280, 800)
        self._until(ready)
        report: dict[str, object] = {"rss_before_mib": rss_mib()}
        opened = Event(session.opened)
        desk.open([scene])
        report["while_opening"] = self._until(opened)
        document, view = session.document, desk.window.view
        assert document is not None
        assert document.scene is not None, "this scene is held in memory"
        started_s = time.perf_counter()
        built = Built(document.scene.tiles, desk.window.scene_board)
        for percent in ZOOMS_PERCENT:
            view.zoom_to(percent) if percent else view.zoom_fit()
            pan = Panning(view)
            self._deed = pan.step
            report[f"while_panning_at_{percent:g}_percent"] = self._for(seconds) | {"rss_mib": rss_mib()}
            self._deed = lambda: None
        while not built.is_done and time.perf_counter() - started_s < PATIENCE_S:
            self._for(0.2)
        report["levels_are_there_after_s"] = round(time.perf_counter() - started_s, 1)
        view.zoom_fit()
        self._deed = Panning(view).step
        report["while_panning_with_all_levels"] = self._for(seconds) | {"rss_mib": rss_mib()}
        self._deed = lambda: None
        view.zoom_to(100)
        self._until_idle()
        order = self._order(scene)
        session.scenes.start(order)
        self._deed = Panning(view).step
        report["while_enlarging_and_panning"] = self._for(4 * seconds) | {"rss_mib": rss_mib()}
        self._deed = lambda: None
        self._timer.stop()
        run = session.scenes.run
        report["run"] = None if run is None or run.progress is None else round(run.progress.fraction, 4)
        desk.window.close_unasked()
        desk.window.questions.close_during_scene = lambda _name: True
        started_s = time.perf_counter()
        report["threads_ended"] = desk.shutdown()
        report["shutdown_s"] = round(time.perf_counter() - started_s, 3)
        report["peak_rss_mib"] = peak_mib()
        return report

    def _for(self, seconds: float) -> dict[str, float]:
        busy_s = []
        self._delays_s.clear()
        self._last_s = started_s = time.perf_counter()
        while time.perf_counter() - started_s < seconds:
            before_s = time.thread_time()
            self._application.processEvents()
            busy_s.append(time.thread_time() - before_s)
            time.sleep(0.0005)
        busy = summary([each for each in busy_s if each > BUSY_S] or [0.0])
        return summary(self._delays_s) | {f"busy_{name}": value for name, value in busy.items()}

    def _order(self, scene: Path) -> object:
        from srdesk.gui.work.scene_requests import SceneOrder

        recipe = self._desk.session.renderer.recipe("srresnet")
        return SceneOrder(pane="srresnet", source=scene, output=scene.with_name("result.tif"), recipe=recipe)


class Built:
    """Remembers that all levels are there."""

    def __init__(self, tiles: object, board: object) -> None:
        self.is_done = False
        board._news_came.connect(self._note)  # type: ignore[attr-defined]

    def _note(self, _pane: str, news: object) -> None:
        self.is_done = self.is_done or getattr(news, "built", None) == 1.0


def rss_mib() -> int:
    """Return the memory that this process holds."""
    return psutil.Process().memory_info().rss >> 20


def peak_mib() -> int:
    """Return the most that it ever held."""
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--scene", type=Path)
    parser.add_argument("--side", type=int, default=20_000)
    parser.add_argument("--dtype", default="uint8")
    parser.add_argument("--bands", type=int, default=3)
    parser.add_argument("--overviews", action="store_true")
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--platform", default="offscreen")
    options = parser.parse_args()
    os.environ.setdefault("QT_QPA_PLATFORM", options.platform)
    scene = options.scene
    if scene is None:
        scene = options.folder / "scene.tif"
        layout = {"dtype": options.dtype, "bands": options.bands, "with_overviews": options.overviews}
        make_scene(scene, options.side, compress="deflate", **layout)
    with tempfile.TemporaryDirectory(prefix="srdesk-scene-", dir=options.folder) as home:
        os.environ["SRDESK_HOME"] = home
        report = SceneMeasurement(Path(home)).run_scene(scene, options.seconds)
    sys.stdout.write(json.dumps(report, indent=2) + "\n")


if __name__ == "__main__":
    main()
