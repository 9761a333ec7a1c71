"""Measure how the desk feels: start-up, event-loop delay while it is busy, and cancelling. Prints one JSON object.

    python tests/bench/measure_desk_latency.py [--seconds 10] [--cancels 30] [--starts 5] [--platform offscreen]

The delay is the lateness of a timer that should fire every 5 ms: what a person's next click would have to wait. It is
measured while a 24-megapixel picture is opened, while torch loads, and while SRResNet runs and the picture is
panned and zoomed without a pause. Weights that ship with the program are used, random ones of full size without them.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

PERIOD_S = 0.005
WIDTH_PX, HEIGHT_PX = 6000, 4000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--cancels", type=int, default=30)
    parser.add_argument("--starts", type=int, default=5)
    parser.add_argument("--platform", default="offscreen")
    arguments = parser.parse_args()
    os.environ.setdefault("QT_QPA_PLATFORM", arguments.platform)
    with tempfile.TemporaryDirectory(prefix="srdesk-latency-") as home:
        os.environ["SRDESK_HOME"] = home
        report: dict[str, object] = {"first_paint_s": first_paints(arguments.starts)}
        report |= Measurement(Path(home)).run(arguments.seconds, arguments.cancels)
    sys.stdout.write(json.dumps(report, indent=2) + "\n")


def first_paints(starts: int) -> list[float]:
    """Start the desk as a process, as often as asked, and read from its log when it was first painted."""
    seconds = []
    for _ in range(starts):
        with tempfile.TemporaryDirectory() as home:
            environment = os.environ | {"SRDESK_HOME": home}
            desk = subprocess.Popen([sys.executable, "-m", "srdesk"], env=environment)
            log = Path(home, "log", "desk.log")
            while not (found := re.search(r"first paint after ([\d.]+) s", log.read_text() if log.exists() else "")):
                time.sleep(0.02)
            desk.terminate()
            desk.wait()
            seconds.append(float(found[1]))
    return seconds


class Measurement:
    """A desk in this process, and a timer that notices when it is late."""

    def __init__(self, home: Path) -> None:
        from PySide6.QtCore import Qt, QTimer

        from srdesk.gui import app

        app.prepare_process()
        self._application = app.make_application()
        self._picture = make_picture(home)
        self._delays_s: list[float] = []
        self._last_s = time.perf_counter()
        self._timer = QTimer(timerType=Qt.TimerType.PreciseTimer, interval=round(PERIOD_S * 1000))
        self._timer.timeout.connect(self._tick)
        self._desk = app.Desk(self._application)
        self._deed: Callable[[], None] = lambda: None

    def _tick(self) -> None:
        now_s = time.perf_counter()
        self._delays_s.append(max(0.0, now_s - self._last_s - PERIOD_S))
        self._deed()
        self._last_s = time.perf_counter()

    def run(self, seconds: float, cancels: int) -> dict[str, object]:
        """Do what a person would do, and return what was measured."""
        desk, session = self._desk, self._desk.session
        desk.preferences.change(automatic_run_s=0)
        self._timer.start()
        ready = Event(session.warmed_up)
        desk.window.show()
        report: dict[str, object] = {"while_torch_loads": self._until(ready)}
        make_random_weights()
        opened = Event(session.opened)
        desk.open([self._picture])
        report["while_opening_24_mpix"] = self._until(opened)

        view = desk.window.view
        view.zoom_to(100)
        session.renderer.run(("srresnet",))
        pan = Panning(view)
        self._deed = pan.step
        report["while_inferring_and_panning"] = self._for(seconds)
        self._deed = lambda: None
        session.cancel()
        self._until_idle()

        view.zoom_to(100)
        latencies_s = []
        rng = random.Random(1)
        for _ in range(cancels):
            session.renderer.run(("srresnet",))
            self._for(rng.uniform(0.1, 0.8))
            started_s = time.perf_counter()
            session.cancel()
            self._until_idle()
            latencies_s.append(time.perf_counter() - started_s)
        report["cancel"] = summary(latencies_s)
        report["threads"] = os.cpu_count()
        self._timer.stop()
        desk.window.close_unasked()
        started_s = time.perf_counter()
        report["threads_ended"] = desk.shutdown()
        report["shutdown_s"] = round(time.perf_counter() - started_s, 3)
        return report

    def _until(self, event: Event) -> dict[str, float]:
        self._delays_s.clear()
        self._last_s = started_s = time.perf_counter()
        while not event.has_happened:
            self._application.processEvents()
            time.sleep(0.0005)
        return {"took_s": round(time.perf_counter() - started_s, 2)} | summary(self._delays_s)

    def _for(self, seconds: float) -> dict[str, float]:
        self._delays_s.clear()
        self._last_s = started_s = time.perf_counter()
        while time.perf_counter() - started_s < seconds:
            self._application.processEvents()
            time.sleep(0.0005)
        return summary(self._delays_s)

    def _until_idle(self) -> None:
        while self._desk.session.renderer.is_working:
            self._application.processEvents()
            time.sleep(0.0005)


class Event:
    """Remembers that a signal was emitted."""

    def __init__(self, signal: object) -> None:
        self.has_happened = False
        signal.connect(self._note)  # type: ignore[attr-defined]

    def _note(self, *_: object) -> None:
        self.has_happened = True


class Panning:
    """Moves and zooms the view as a restless hand would."""

    def __init__(self, view: object) -> None:
        from srdesk.gui.compare.canvas import Canvas

        self._navigator = view.findChild(Canvas)._navigator  # type: ignore[attr-defined]
        self._view = view
        self._count = 0

    def step(self) -> None:
        self._count += 1
        if self._count % 3 == 0:
            self._navigator.pan(-7 if self._count % 900 < 450 else 7, 5 if self._count % 600 < 300 else -5)
        if self._count % 200 == 0:
            self._view.zoom_by(1 if self._count % 400 else -1)  # type: ignore[attr-defined]


def summary(delays_s: list[float]) -> dict[str, float]:
    """Return median, p95, p99 and maximum in milliseconds."""
    ordered = sorted(delays_s)
    return {
        "count": len(ordered),
        "median_ms": round(statistics.median(ordered) * 1000, 1),
        "p95_ms": round(ordered[int(len(ordered) * 0.95)] * 1000, 1),
        "p99_ms": round(ordered[int(len(ordered) * 0.99)] * 1000, 1),
        "max_ms": round(ordered[-1] * 1000, 1),
    }


def make_picture(home: Path) -> Path:
    """Write a 24-megapixel JPEG with edges, gradients and noise."""
    import numpy as np
    import PIL.Image

    rng = np.random.default_rng(1)
    coarse = PIL.Image.fromarray(rng.integers(0, 256, (HEIGHT_PX // 16, WIDTH_PX // 16, 3), np.uint8))
    path = home / "photo.jpg"
    coarse.resize((WIDTH_PX, HEIGHT_PX), PIL.Image.Resampling.BICUBIC).save(path, quality=92)
    return path


def make_random_weights() -> None:
    """Put an SRResNet of full size into the user's folder, unless one ships with the program."""
    import msgspec

    from srdesk import paths
    from srdesk.engine.library import WeightsCard, WeightsLibrary
    from srdesk.engine.weights import save_weights
    from srdesk.models.srresnet import SRResNet, SRResNetConfig

    if WeightsLibrary(paths.weights_folders()).find("srresnet") is not None:
        return
    folder = paths.user_weights_folder()
    folder.mkdir(parents=True)
    config = SRResNetConfig()
    card = WeightsCard(name="srresnet", architecture="srresnet", config=msgspec.to_builtins(config))
    save_weights(folder / "srresnet_x4.safetensors", SRResNet(config), card)


if __name__ == "__main__":
    main()
