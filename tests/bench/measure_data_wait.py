"""Measure how long training waits for its pictures. Prints one JSON object.

    python tests/bench/measure_data_wait.py [--pictures 500] [--megapixels 2] [--archive] [--steps 60] [--cores 2]
        [--model srresnet] [--hr-scales 1.0 0.75]

So many JPEG photos are made in a temporary folder, or with --archive in a zip file, and trained on with the given
number of cores; what the step events say is the answer. The first steps find nothing in memory; the later ones find
most pictures decoded, as far as they fit. `batches_per_second_alone` is what one thread supplies without any training.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
import zipfile
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pictures", type=int, default=500)
    parser.add_argument("--megapixels", type=float, default=2.0)
    parser.add_argument("--archive", action="store_true")
    parser.add_argument("--steps", type=int, default=60)
    parser.add_argument("--cores", type=int, default=2)
    parser.add_argument("--model", default="srresnet")
    parser.add_argument("--hr-scales", type=float, nargs="+", default=[1.0])
    parser.add_argument("--selection", choices=("uniform", "detail"), default="uniform")
    options = parser.parse_args()
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[-options.cores :])
    with tempfile.TemporaryDirectory(prefix="srdesk-data-wait-") as folder:
        data = make_pictures(Path(folder), options.pictures, options.megapixels, is_archive=options.archive)
        sys.stdout.write(json.dumps(measured(options, data, Path(folder, "run")), indent=2) + "\n")


def make_pictures(folder: Path, count: int, megapixels: float, *, is_archive: bool) -> Path:
    """Save photos with detail of every size; return what to train on."""
    height = round((megapixels * 1e6 * 0.75) ** 0.5)
    width = round(height / 0.75)
    jobs = [(folder / "pictures" / f"{seed:05}.jpg", seed, height, width) for seed in range(count)]
    (folder / "pictures").mkdir()
    with ProcessPoolExecutor() as pool:
        list(pool.map(make_picture, jobs, chunksize=8))
    if not is_archive:
        return folder / "pictures"
    with zipfile.ZipFile(folder / "pictures.zip", "w") as archive:
        for path, *_ in jobs:
            archive.write(path, f"pictures/{path.name}")
    return folder / "pictures.zip"


def make_picture(job: tuple[Path, int, int, int]) -> None:
    import numpy as np
    import PIL.Image

    path, seed, height, width = job
    random = np.random.default_rng(seed)
    total = np.full((height, width, 3), 128, np.float32)
    for step_px in (256, 64, 16, 4, 1):
        noise = random.integers(0, 256, (height // step_px + 2, width // step_px + 2, 3), dtype=np.uint8)
        layer = PIL.Image.fromarray(noise).resize((width, height), PIL.Image.Resampling.BICUBIC)
        total += (np.asarray(layer, np.float32) - 128) * (0.6 * (step_px / 256) ** 0.4)
    PIL.Image.fromarray(total.clip(0, 255).astype(np.uint8)).save(path, quality=92)


def measured(options: argparse.Namespace, data: Path, run: Path) -> dict[str, object]:
    """Train, and return what the events say."""
    from srdesk.engine.control import CancelToken
    from srdesk.training import events
    from srdesk.training.config import TrainConfig
    from srdesk.training.data.dataset import CropSampler
    from srdesk.training.data.pictures import find_pictures
    from srdesk.training.trainer import train

    config = TrainConfig(
        model=options.model,
        data=(str(data),),
        steps=options.steps,
        threads=options.cores,
        hr_scales=tuple(options.hr_scales),
        crop_selection=options.selection,
        report_every_steps=10,
        validate_every_steps=10**6,
        checkpoint_every_steps=10**6,
        validation_pictures=1,
        tensorboard=False,
    )
    since_s = time.perf_counter()
    split = find_pictures(config)
    listing_s = time.perf_counter() - since_s
    steps = [event for event in train(config, run, CancelToken()) if isinstance(event, events.Step)]
    sampler = CropSampler(split.training, config)
    since_s = time.perf_counter()
    for step in range(20):
        sampler.batch(step)
    alone_s = time.perf_counter() - since_s
    return {
        "listing_s": round(listing_s, 2),
        "steps_per_second": [round(event.steps_per_second, 2) for event in steps],
        "data_wait_share": [round(event.data_wait_share, 4) for event in steps],
        "data_wait_share_mean": round(sum(event.data_wait_share for event in steps) / len(steps), 4),
        "batches_per_second_alone": round(20 / alone_s, 2),
        "memory_bytes": steps[-1].memory_bytes,
    }


if __name__ == "__main__":
    main()
