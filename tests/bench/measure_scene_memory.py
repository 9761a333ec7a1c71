"""Measure the peak memory of `srdesk upscale` on scenes of several sizes, with the real I/O path.

    python tests/bench/measure_scene_memory.py FOLDER --sides 5000 20000 --dtype uint16
    python tests/bench/measure_scene_memory.py FOLDER --sides 6000 20000 --fits

Each scene is made, enlarged four times by a process of its own, and removed again with its result. A scene of 20,000²
16-bit pixels needs 14 GB in FOLDER. The bounds (reliability.md, R9): 1.5 GiB, and 10 % between the sizes.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

from srdesk.imaging.scene.gdal_session import gdal_session

LIMIT_MIB = 1536
TOLERANCE = 0.10
TILE_PX = 512

CHILD = """
import json, resource, sys
from srdesk.__main__ import main
status = main(sys.argv[1:])
print(json.dumps(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024), file=sys.stderr)
sys.exit(status)
"""
"""A run of the command line that says its own peak in MiB at the end."""


def make_scene(path: Path, side_px: int, *, dtype: str, bands: int, compress: str, with_overviews: bool) -> None:
    """Write a tiled scene of soft noise, tile by tile."""
    rng = np.random.default_rng(side_px)
    top = 250 if dtype == "uint8" else 4000
    layout = {"tiled": True, "blockxsize": TILE_PX, "blockysize": TILE_PX, "interleave": "pixel", "compress": compress}
    shape = {"width": side_px, "height": side_px, "count": bands, "dtype": dtype}
    colours = {"photometric": "RGB"} if bands == 3 else {}
    with gdal_session() as rasterio:
        where = {"crs": "EPSG:32633", "transform": rasterio.Affine(10, 0, 5e5, 0, -10, 5e6)}
        with rasterio.open(path, "w", driver="GTiff", **shape, **layout, **where, **colours) as dataset:
            for _, window in dataset.block_windows(1):
                coarse = rng.integers(0, top, (bands, TILE_PX // 8, TILE_PX // 8))
                fine = coarse.repeat(8, axis=1).repeat(8, axis=2) + rng.integers(0, 5, (bands, TILE_PX, TILE_PX))
                dataset.write(fine[:, : window.height, : window.width].astype(dtype), window=window)
            if with_overviews:
                dataset.build_overviews([2, 4])


def make_fits(path: Path, side_px: int, *, dtype: str) -> None:
    """Write a FITS image of noise with stars far above it, row by row."""
    from astropy.io import fits

    rng = np.random.default_rng(side_px)
    header = fits.PrimaryHDU(np.zeros((1, 1), dtype)).header
    header.update(NAXIS1=side_px, NAXIS2=side_px, BUNIT="adu")
    offset = int(header.get("BZERO", 0))
    with path.open("wb") as stream:
        stream.write(header.tostring().encode("ascii"))
        for _ in range(side_px):
            row = rng.normal(120, 9, side_px)
            row[rng.random(side_px) < 1e-4] = 250 if dtype == "uint8" else 30_000
            stream.write((row - offset).astype("u1" if dtype == "uint8" else ">i2").tobytes())
        stream.write(bytes(-stream.tell() % 2880))


def measure(folder: Path, side_px: int, options: argparse.Namespace) -> int:
    """Enlarge one scene; print what it took, and return its peak in MiB."""
    suffix = ".fits" if options.fits else ".tif"
    scene, result = folder / f"scene-{side_px}{suffix}", folder / f"result-{side_px}{suffix}"
    try:
        if options.fits:
            make_fits(scene, side_px, dtype=options.dtype)
        else:
            make_scene(
                scene,
                side_px,
                dtype=options.dtype,
                bands=options.bands,
                compress=options.compress,
                with_overviews=options.overviews,
            )
        words = ["upscale", str(scene), "-o", str(result), "--model", options.model, "--on-collision", "overwrite"]
        started_s = time.monotonic()
        child = subprocess.run([sys.executable, "-c", CHILD, *words, "--json"], capture_output=True, text=True)
        seconds = time.monotonic() - started_s
        if child.returncode:
            raise SystemExit(child.stderr)
        peak_mib = int(json.loads(child.stderr.strip().splitlines()[-1]))
        size_gb = result.stat().st_size / 1e9
        sys.stdout.write(
            f"{side_px:,}² × {options.bands} {options.dtype} by {options.model}: peak {peak_mib} MiB, "
            f"{seconds:.0f} s, {16e-6 * side_px**2 / seconds:.1f} megapixels/s, result {size_gb:.2f} GB\n"
        )
        sys.stdout.flush()
        return peak_mib
    finally:
        scene.unlink(missing_ok=True)
        for path in folder.glob(f"{result.name}*"):
            path.unlink()


def main() -> int:
    """Measure all sizes; the status says whether they are within the bounds."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--sides", type=int, nargs="+", default=[5000, 20_000])
    parser.add_argument("--dtype", choices=("uint8", "uint16"), default="uint16")
    parser.add_argument("--bands", type=int, default=1)
    parser.add_argument("--compress", default="lzw")
    parser.add_argument("--overviews", action="store_true")
    parser.add_argument("--fits", action="store_true", help="FITS images of one plane instead of GeoTIFFs")
    parser.add_argument("--model", default="bicubic")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    peaks = [measure(options.folder, side_px, options) for side_px in options.sides]
    spread = max(peaks) / min(peaks) - 1
    verdict = f"largest peak {max(peaks)} MiB of {LIMIT_MIB} allowed"
    sys.stdout.write(f"{verdict}; sizes differ by {spread:.1%} of {TOLERANCE:.0%} allowed\n")
    return 0 if max(peaks) <= LIMIT_MIB and spread <= TOLERANCE else 1


if __name__ == "__main__":
    sys.exit(main())
