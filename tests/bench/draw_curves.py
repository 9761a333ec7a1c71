r"""Draw the courses of the runs behind the weights that come with the program.

    cd weights/recipes
    QT_QPA_PLATFORM=offscreen python ../../tests/bench/draw_curves.py -o ../../curves.webp \
        srcnn_x4-first.curve.jsonl srcnn_x4.curve.jsonl \
        srresnet_x4-{first,second,third,fourth}.curve.jsonl srresnet_x4.curve.jsonl \
        srgan_x4-first.curve.jsonl srgan_x4.curve.jsonl

One panel for each network: PSNR of the held-out pictures over machine hours, its runs end to end in the order given, in
colours of their own, and where bicubic interpolation is, which the recipe beside the last curve names.
"""

from __future__ import annotations

import argparse
import itertools
import re
import sys
from pathlib import Path

import pyqtgraph as pg
from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QFont, QImage, QPainter
from PySide6.QtWidgets import QApplication

from srdesk.training.recipe import CurvePoint, read_curve

SIZE = QSize(1280, 420)
INKS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7")
"""Okabe and Ito."""

CURVE_SUFFIX = ".curve.jsonl"
BICUBIC = re.compile(r"bicubic ([\d.]+) dB")


def bicubic_db(curve_file: Path) -> float:
    """Return what the recipe of the same name says of bicubic interpolation."""
    recipe = curve_file.with_name(curve_file.name.removesuffix(CURVE_SUFFIX) + ".toml")
    found = BICUBIC.search(recipe.read_text())
    if found is None:
        raise SystemExit(f"{recipe} does not tell the PSNR of bicubic interpolation.")
    return float(found[1])


def network(curve_file: Path) -> str:
    """Return whose weights a run made: those of “srresnet_x4-first.curve.jsonl” became those of “srresnet_x4”."""
    return curve_file.name.removesuffix(CURVE_SUFFIX).partition("-")[0]


def add_panel(canvas: pg.GraphicsLayout, title: str, curves: list[list[CurvePoint]], level_db: float) -> None:
    """Draw the runs behind one network's weights, end to end."""
    psnrs_db = [point.psnr_y_db for curve in curves for point in curve]
    plot = canvas.addPlot(title=f"{title}: {max(psnrs_db):.2f} dB, bicubic {level_db:.2f} dB")
    plot.showGrid(x=True, y=True, alpha=0.2)
    plot.setLabel("bottom", "machine hours")
    plot.setLabel("left", "PSNR of held-out pictures [dB]")
    for axis in ("bottom", "left"):
        plot.getAxis(axis).enableAutoSIPrefix(False)
        plot.getAxis(axis).setTextPen("#303030")
    before_h = 0.0
    for curve, ink in zip(curves, itertools.cycle(INKS)):
        hours = [before_h + point.hours for point in curve]
        plot.plot(hours, [point.psnr_y_db for point in curve], pen=pg.mkPen(ink, width=2))
        before_h = hours[-1]
    plot.addLine(y=level_db, pen=pg.mkPen("#808080", width=1.5, style=Qt.PenStyle.DashLine))
    plot.setYRange(min(level_db, sorted(psnrs_db)[len(psnrs_db) // 10]), max(psnrs_db), padding=0.05)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("curves", nargs="+", type=Path)
    parser.add_argument("-o", "--output", type=Path, required=True)
    options = parser.parse_args()
    application = QApplication(sys.argv[:1])
    application.setFont(QFont("sans-serif", 10))
    pg.setConfigOptions(background="w", foreground="#303030", antialias=True)
    view = pg.GraphicsView(background="w")
    canvas = pg.GraphicsLayout()
    view.setCentralItem(canvas)
    view.resize(SIZE)
    for name, files in itertools.groupby(options.curves, network):
        runs = list(files)
        add_panel(canvas, name, [read_curve(file) for file in runs], bicubic_db(runs[-1]))
    view.show()
    application.processEvents()
    image = QImage(SIZE, QImage.Format.Format_RGB32)
    image.fill("white")
    painter = QPainter(image)
    view.render(painter)
    painter.end()
    if not image.save(str(options.output), quality=90):
        raise SystemExit(f"{options.output} cannot be written.")


if __name__ == "__main__":
    main()
