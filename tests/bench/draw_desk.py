"""Draw the desk's pictures in the README anew: the real desk with the weights that ship, and the sample pictures.

    python tests/bench/draw_desk.py -o resources/screenshots [--only honesty …]

To be run when the weights or the windows have changed, while nothing else uses the processor: the status line tells how
fast it is. `astronomy-session` opens a FITS cube and `scene-session` a GeoTIFF that are made of the samples.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from srdesk.gui.app import Desk
    from srdesk.gui.compare.canvas import Canvas

SAMPLES = Path(__file__).parents[2] / "resources" / "samples"
SETTLE_S = 1.0
"""How long nothing may happen before a picture is taken."""
PATIENCE_S = 600.0
WEBP_QUALITY = 90

PIXEL_DEG = 6.7e-5
"""Side of a pixel of the astronomy sample, roughly; the place in the sky is that of the Hubble eXtreme Deep Field."""
SKY_CENTRE_DEG = (53.1625, -27.7914)
GROUND_CORNER_M, GROUND_PIXEL_M, GROUND_SYSTEM = (446_700.0, 4_462_820.0), 10.0, "EPSG:32613"
"""Upper left corner and pixels of the satellite sample, roughly."""


class Stage:
    """A desk in this process, that a person seems to use."""

    def __init__(self, folder: Path, output: Path) -> None:
        from srdesk.gui import app

        app.prepare_process()
        self.application = app.make_application()
        self.folder, self.output = folder, output

    def desk(self, theme: str, panes: tuple[str, ...] = ("lr", "bicubic", "srcnn", "srresnet", "srgan")) -> Desk:
        """Open a new window."""
        from srdesk.gui import app

        desk = app.Desk(self.application)
        desk.preferences.change(theme=theme, visible_panes=panes, automatic_run_s=600)
        desk.window.desk_actions.themes[theme].trigger()
        desk.window.resize(1200, 760)
        is_warm: list[object] = []
        desk.session.warmed_up.connect(is_warm.append)
        desk.window.show()
        self.wait(lambda: bool(is_warm))
        return desk

    def wait(self, is_done: Callable[[], bool] = lambda: True) -> None:
        """Let the desk work until something is so, and then has been so for a while.

        Raises:
            TimeoutError: it does not come.
        """
        started_s = so_since_s = time.monotonic()
        while time.monotonic() - so_since_s < SETTLE_S:
            self.application.processEvents()
            time.sleep(0.005)
            if not is_done():
                so_since_s = time.monotonic()
            if time.monotonic() - started_s > PATIENCE_S:
                raise TimeoutError("the desk has not finished")

    def open(self, desk: Desk, picture: Path) -> None:
        """Open a picture and wait for all of its panes."""
        desk.open([picture])
        self.wait_for_panes(desk)

    def wait_for_panes(self, desk: Desk) -> None:
        """Wait until every pane that is seen is computed as a whole."""
        networks = [pane for pane in desk.preferences.settings.visible_panes if pane != "lr"]
        renderer = desk.session.renderer
        self.wait(lambda: not renderer.is_working and all(renderer.result(pane) is not None for pane in networks))

    def point_at(self, desk: Desk, right: float, down: float) -> None:
        """Put the mouse over a place of the first pane, in parts of its width and height."""
        from PySide6.QtCore import QPoint
        from PySide6.QtTest import QTest

        canvas = _canvases(desk)[0]
        QTest.mouseMove(canvas, QPoint(round(canvas.width() * right), round(canvas.height() * down)))
        self.wait()

    def drag(self, desk: Desk, down_px: int) -> None:
        """Drag the picture of the first pane down, in as many goes as it takes."""
        from PySide6.QtCore import QPoint, Qt
        from PySide6.QtTest import QTest

        canvas = _canvases(desk)[0]
        middle, reach = canvas.width() // 2, canvas.height() - 20
        while down_px > 0:
            step = min(down_px, reach)
            QTest.mousePress(canvas, Qt.MouseButton.LeftButton, pos=QPoint(middle, 10))
            for moved in (step // 2, step):
                QTest.mouseMove(canvas, QPoint(middle, 10 + moved))
                self.application.processEvents()
            QTest.mouseRelease(canvas, Qt.MouseButton.LeftButton, pos=QPoint(middle, 10 + step))
            down_px -= step
        self.wait()

    def take(self, desk: Desk, name: str) -> None:
        """Write what the window looks like, and close it."""
        self.wait(lambda: all(canvas.is_sharp for canvas in _canvases(desk)))
        desk.window.grab().save(str(self.output / f"{name}.webp"), "WEBP", WEBP_QUALITY)
        sys.stdout.write(f"{self.output / name}.webp\n")
        desk.window.close_unasked()
        assert desk.shutdown(), "a thread did not end"


def _canvases(desk: Desk) -> list[Canvas]:
    from srdesk.gui.compare.canvas import Canvas

    return [canvas for canvas in desk.window.findChildren(Canvas) if canvas.isVisible()]


def welcome(stage: Stage) -> None:
    """The desk before a picture is open."""
    stage.take(stage.desk("light"), "welcome")


def grid(stage: Stage, name: str, sample: str, theme: str, drag_px: int = 0) -> None:
    """Five panes of a sample."""
    desk = stage.desk(theme)
    stage.open(desk, SAMPLES / sample)
    desk.window.view.zoom_to(100)
    stage.drag(desk, drag_px)
    stage.point_at(desk, 0.5, 0.5)
    stage.take(desk, name)


def two_compared(stage: Stage, name: str, sample: str, theme: str, mode: str, drag_px: int = 0) -> None:
    """Bicubic and SRResNet of a sample, at 100 % if it is to be dragged and as a whole if not."""
    desk = stage.desk(theme)
    stage.open(desk, SAMPLES / sample)
    desk.window.desk_actions.modes[mode].trigger()
    desk.window.view.set_compared("bicubic", "srresnet")
    if drag_px:
        desk.window.view.zoom_to(100)
        stage.drag(desk, drag_px)
    stage.take(desk, name)


def honesty(stage: Stage) -> None:
    """A scene that was degraded, compared with the original, back-projected, and where detail is invented."""
    desk = stage.desk("dark", ("lr", "bicubic", "srresnet", "srgan"))
    desk.window.resize(1280, 800)
    stage.open(desk, SAMPLES / "satellite.png")
    actions, appraiser = desk.window.desk_actions, desk.honesty.appraiser
    actions.degrade.trigger()
    stage.wait(lambda: appraiser.truth is not None)
    stage.wait_for_panes(desk)
    desk.window.view.activate("srgan")
    actions.spread_map.trigger()
    stage.wait(lambda: desk.window.tools.maps.shown is not None)
    actions.back_projection.trigger()
    desk.honesty.projector.set_strength("srgan", 0.3)
    stage.wait(lambda: desk.honesty.projector.strength("srgan") > 0)
    stage.wait(lambda: all(appraiser.found(pane) is not None for pane in ("bicubic", "srresnet", "srgan")))
    desk.window.view.zoom_fit()
    stage.point_at(desk, 0.55, 0.55)
    stage.take(desk, "honesty")


def astronomy_session(stage: Stage) -> None:
    """A FITS cube as colours."""
    desk = stage.desk("dark", ("lr", "bicubic", "srresnet", "srgan"))
    desk.window.resize(1280, 800)
    stage.open(desk, make_cube(stage.folder / "XDF.fits"))
    desk.window.view.zoom_to(100)
    stage.point_at(desk, 0.55, 0.65)
    stage.take(desk, "astronomy-session")


def scene_session(stage: Stage) -> None:
    """Three bands of a scene."""
    desk = stage.desk("light", ("lr", "bicubic", "srresnet", "srgan"))
    desk.window.resize(1280, 800)
    stage.open(desk, make_scene(stage.folder / "scene.tif"))
    desk.window.view.zoom_to(100)
    stage.point_at(desk, 0.45, 0.6)
    stage.take(desk, "scene-session")


def make_cube(path: Path) -> Path:
    """Write the astronomy sample as a FITS cube of three filters in electrons, with a place in the sky."""
    import numpy as np
    import PIL.Image
    from astropy.io import fits

    pixels = np.asarray(PIL.Image.open(SAMPLES / "astronomy.png").convert("RGB"), np.float32)[::-1]
    card = fits.ImageHDU(np.moveaxis((pixels / 255) ** 2.2 * 1000, -1, 0).copy(), name="XDF")
    height, width = pixels.shape[:2]
    for axis, (kind, value, size, sign) in enumerate(
        zip(("RA---TAN", "DEC--TAN"), SKY_CENTRE_DEG, (width, height), (-1, 1), strict=True), start=1
    ):
        card.header.update({f"CTYPE{axis}": kind, f"CRVAL{axis}": value, f"CRPIX{axis}": (size + 1) / 2})
        card.header.update({f"CDELT{axis}": sign * PIXEL_DEG, f"CUNIT{axis}": "deg"})
    card.header.update({"BUNIT": "electron", "RADESYS": "ICRS", "CTYPE3": "RGB"})
    fits.HDUList([fits.PrimaryHDU(), card]).writeto(path)
    return path


def make_scene(path: Path) -> Path:
    """Write the satellite sample as a GeoTIFF of reflectances in 16 bits, with a place on Earth."""
    import numpy as np
    import PIL.Image
    import rasterio.enums
    from rasterio.transform import from_origin

    pixels = np.asarray(PIL.Image.open(SAMPLES / "satellite.png").convert("RGB"), np.float32)
    numbers = np.rint(500 + pixels * 28).astype(np.uint16)[:, :, ::-1]  # blue, green, red as of many satellites
    how = {"count": 3, "dtype": "uint16", "height": numbers.shape[0], "width": numbers.shape[1]}
    where = {"crs": GROUND_SYSTEM, "transform": from_origin(*GROUND_CORNER_M, GROUND_PIXEL_M, GROUND_PIXEL_M)}
    with rasterio.open(path, "w", driver="GTiff", **how, **where) as scene:
        scene.write(np.moveaxis(numbers, -1, 0))
        scene.descriptions = ("Blue", "Green", "Red")
        scene.scales = (1e-4,) * 3
        scene.colorinterp = [rasterio.enums.ColorInterp[name] for name in ("blue", "green", "red")]
    return path


PICTURES = {
    "welcome": welcome,
    "portrait-light": partial(grid, name="portrait-light", sample="portrait.png", theme="light", drag_px=350),
    "slider-light": partial(
        two_compared, name="slider-light", sample="portrait.png", theme="light", mode="slider", drag_px=300
    ),
    "satellite-dark": partial(grid, name="satellite-dark", sample="satellite.png", theme="dark"),
    "difference-dark": partial(
        two_compared, name="difference-dark", sample="satellite.png", theme="dark", mode="difference"
    ),
    "honesty": honesty,
    "astronomy-session": astronomy_session,
    "scene-session": scene_session,
}


def main() -> int:
    """Draw the pictures that are asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--only", nargs="+", choices=PICTURES, default=list(PICTURES))
    options = parser.parse_args()
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    with tempfile.TemporaryDirectory(prefix="srdesk-pictures-") as folder:
        os.environ["SRDESK_HOME"] = str(Path(folder, "home"))
        stage = Stage(Path(folder), options.output)
        for name in options.only:
            PICTURES[name](stage)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
