"""Turn FITS frames into 8-bit pictures that `srdesk evaluate --hr` can measure networks on.

    python tests/bench/stretch_frames.py FOLDER_OF_FITS FOLDER_OF_PNG
    srdesk evaluate --hr FOLDER_OF_PNG --models srresnet,srresnet_astronomy_x4

The first image of each file is stretched with asinh between its 0.5th and its 99.8th percentile, and cut to a multiple
of four and at most 1,024 pixels a side.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
from astropy.io import fits
from numpy.typing import NDArray
from PIL import Image

PERCENTILES = (0.5, 99.8)
SOFTENING = 0.1
MOST_PX = 1024


def first_image(path: Path) -> NDArray[np.float64]:
    """Return the first plane of the first image in a file, its gaps filled with the median."""
    with fits.open(path) as hdus:
        pixels = next(np.asarray(hdu.data, float) for hdu in hdus if hdu.data is not None and hdu.data.ndim >= 2)
    plane = pixels.reshape(-1, *pixels.shape[-2:])[0]
    return np.where(np.isfinite(plane), plane, np.nanmedian(plane))


def stretched(plane: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Return `(H, W)` bytes."""
    lowest, highest = np.percentile(plane, PERCENTILES)
    unit = np.clip((plane - lowest) / (highest - lowest), 0.0, 1.0)
    shown = np.arcsinh(unit / SOFTENING) / np.arcsinh(1.0 / SOFTENING)
    height, width = (min(side // 4 * 4, MOST_PX) for side in shown.shape)
    return np.rint(shown[:height, :width] * 255.0).astype(np.uint8)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("frames", type=Path)
    parser.add_argument("pictures", type=Path)
    options = parser.parse_args()
    options.pictures.mkdir(parents=True, exist_ok=True)
    for path in sorted(file for file in options.frames.iterdir() if ".fit" in file.name):
        picture = Image.fromarray(stretched(first_image(path))).convert("RGB")
        picture.save(options.pictures / f"{path.name.split('.')[0]}.png")
    return 0


if __name__ == "__main__":
    sys.exit(main())
