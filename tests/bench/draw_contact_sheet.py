"""Draw parts of the sample pictures as each network enlarges them, one row for each part.

python tests/bench/draw_contact_sheet.py --models bicubic srresnet srgan -o sheet.webp
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

import PIL.Image
import PIL.ImageDraw

SAMPLES = Path(__file__).parents[2] / "resources" / "samples"
SCALE = 4
WIDTH_PX, HEIGHT_PX = 88, 66
"""Size of a part in the sample."""

PARTS = (
    ("portrait.png", 100, 20),
    ("portrait.png", 30, 150),
    ("satellite.png", 10, 30),
    ("satellite.png", 120, 150),
    ("astronomy.png", 60, 40),
    ("astronomy.png", 20, 140),
)
"""Sample, and where its part begins from the left and from the top."""

GAP_PX, HEAD_PX = 4, 24


def main() -> int:
    """Enlarge the samples, and draw their parts."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", nargs="+", default=["bicubic", "srresnet", "srgan"])
    parser.add_argument("-o", "--output", type=Path, required=True)
    options = parser.parse_args()
    step_x, step_y = SCALE * WIDTH_PX + GAP_PX, SCALE * HEIGHT_PX + GAP_PX
    size = (len(options.models) * step_x - GAP_PX, HEAD_PX + len(PARTS) * step_y - GAP_PX)
    sheet = PIL.Image.new("RGB", size, "white")
    with tempfile.TemporaryDirectory() as folder:
        for column, model in enumerate(options.models):
            PIL.ImageDraw.Draw(sheet).text((column * step_x + 6, 6), model, fill="black")
            for row, (name, left, top) in enumerate(PARTS):
                with PIL.Image.open(enlarged(SAMPLES / name, model, Path(folder))) as picture:
                    corners = (left, top, left + WIDTH_PX, top + HEIGHT_PX)
                    part = picture.convert("RGB").crop(tuple(SCALE * corner for corner in corners))
                sheet.paste(part, (column * step_x, HEAD_PX + row * step_y))
    sheet.save(options.output, quality=92)
    return 0


def enlarged(sample: Path, model: str, folder: Path) -> Path:
    """Return the file of a sample enlarged by a model, made by the whole program if it is not there yet."""
    output = folder / f"{sample.stem}_{Path(model).parent.name}{Path(model).stem}.png"
    if not output.exists():
        command = (sys.executable, "-m", "srdesk", "upscale", str(sample), "-o", str(output), "--model", model)
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return output


if __name__ == "__main__":
    sys.exit(main())
