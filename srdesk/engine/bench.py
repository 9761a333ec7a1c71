"""How fast the engine is, beside plain ways of running the same network: all in one run, in interleaved rounds."""

from __future__ import annotations

import copy
import functools
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from srdesk.engine.control import Control
from srdesk.engine.device import compute_threads, precision_name, resolve_device, resolve_precision
from srdesk.engine.evaluate import Pair, evaluate
from srdesk.engine.streaming.plan import plan_bands, window_around
from srdesk.engine.streaming.stream import streamed
from srdesk.engine.upscaler import Upscaler
from srdesk.engine.weights import load_model
from srdesk.imaging.image import Box, FloatArray, Image, ImageSink

WINDOW_PX = 256
"""Side of the windows that the engine is compared with."""

_SEED = 0

PLAIN = "plain network, whole picture"
"""Name of the first rival: the model as it was trained, one call."""

WINDOWS = f"folded network, {WINDOW_PX}-px windows"
"""Name of the second rival: BatchNorm folded, channels-last, square windows with halo."""

ENGINE = "engine"
"""Name of ours."""


@dataclass(frozen=True, slots=True)
class Timing:
    """One way of running the network."""

    way: str
    """What was run."""
    precision: str
    """Number type: fp32, bf16 or fp16."""
    seconds: float
    """Median over the rounds."""
    useful_gflops_per_second: float
    """Work of the plain network for the picture, whatever was really computed, per second."""
    times_plain: float
    """How many times as fast as the plain network."""


@dataclass(frozen=True, slots=True)
class BenchReport:
    """What `run_bench` measured."""

    model: str
    """Name of the weights."""
    device: str
    """Where it ran."""
    threads: int
    """CPU threads."""
    size_px: int
    """Side of the LR picture."""
    rounds: int
    """Interleaved rounds; every way ran once in each."""
    timings: list[Timing]
    """One entry for each way."""
    times_plain: float
    """Engine in automatic precision against the plain float32 network on the whole picture."""
    times_bf16_windows: float
    """Engine in automatic precision against the folded bfloat16 network in windows."""
    bf16_loss_db: float | None
    """PSNR-Y of float32 minus that of bfloat16 on the pictures that were given; None without pictures."""


def run_bench(
    weights: Path,
    control: Control | None = None,
    *,
    rounds: int = 5,
    size_px: int = 512,
    device: str = "auto",
    threads: int | None = None,
    pairs: Sequence[Pair] = (),
    open_image: Callable[[Path], Image] | None = None,
) -> BenchReport:
    """Time the engine against plain ways of running the same network on a synthetic picture.

    Args:
        weights: weights file.
        control: how to stop and where to report; progress counts runs.
        rounds: interleaved rounds, of which medians are told.
        size_px: side of the LR picture.
        device: one of `srdesk.engine.device.DEVICES`.
        threads: CPU threads; None for torch's own choice.
        pairs: pictures to measure the loss of bfloat16 on.
        open_image: reads a picture of ``pairs``.

    Raises:
        WeightsError: the weights cannot be used.
        DeviceUnavailableError: the device is not in this machine.
        ImageError: a picture cannot be read.
        Cancelled: the token was raised.
    """
    control = control or Control()
    model, card = load_model(weights)
    chosen = resolve_device(device)
    lr = synthetic_picture(size_px)
    with torch.inference_mode(), compute_threads(threads):
        ways = _ways(model, card.name, chosen, lr, control)
        seconds = _time(list(ways.values()), rounds, control)
        used_threads = torch.get_num_threads()
    gflops = flops_per_lr_pixel(model) * size_px**2 / 1e9
    by_way = dict(zip(ways, seconds, strict=True))
    plain_s = by_way[PLAIN, "fp32"]
    auto = precision_name(resolve_precision("auto", chosen))
    loss_db = None
    if pairs and open_image is not None:
        loss_db = _bf16_loss_db(model, device, pairs, open_image, control)
    return BenchReport(
        model=card.name,
        device=chosen.type,
        threads=used_threads,
        size_px=size_px,
        rounds=rounds,
        timings=[Timing(way, precision, s, gflops / s, plain_s / s) for (way, precision), s in by_way.items()],
        times_plain=plain_s / by_way[ENGINE, auto],
        times_bf16_windows=by_way[WINDOWS, "bf16"] / by_way[ENGINE, auto],
        bf16_loss_db=loss_db,
    )


def synthetic_picture(size_px: int) -> Image:
    """Return a square picture of smooth colours, edges and noise, the same every time."""
    y, x = np.mgrid[:size_px, :size_px] / np.float32(size_px)
    waves = np.stack([np.sin(40 * x * y), np.cos(25 * x + 9 * y), np.sign(np.sin(30 * (x - y)))], axis=2)
    noise = np.random.default_rng(_SEED).normal(scale=0.02, size=waves.shape)
    pixels: FloatArray = np.clip(0.5 + 0.4 * waves + noise, 0.0, 1.0).astype(np.float32)
    return Image(pixels)


@torch.inference_mode()
def flops_per_lr_pixel(model: nn.Module, probe_px: int = 16) -> float:
    """Return multiplications and additions of the plain network's convolutions for each LR pixel."""
    total = 0

    def count(layer: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        nonlocal total
        if isinstance(layer, nn.Conv2d):
            total += 2 * layer.weight[0].numel() * output.numel()

    hooks = [layer.register_forward_hook(count) for layer in model.modules()]
    model(torch.zeros(1, 3, probe_px, probe_px))
    for hook in hooks:
        hook.remove()
    return total / probe_px**2


def folded_copy(model: nn.Module) -> nn.Module:
    """Return a copy of a model whose BatchNorm layers are folded into the convolutions before them."""
    folded = copy.deepcopy(model)
    for parts in list(folded.modules()):
        if not isinstance(parts, nn.Sequential):
            continue
        for index in range(1, len(parts)):
            conv, norm = parts[index - 1], parts[index]
            if isinstance(conv, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d):
                parts[index - 1], parts[index] = fuse_conv_bn_eval(conv, norm), nn.Identity()
    return folded


def _ways(
    model: nn.Module, name: str, device: torch.device, lr: Image, control: Control
) -> dict[tuple[str, str], Callable[[], object]]:
    """Return the ways to be timed by name and precision; each computes the whole picture."""
    plain = copy.deepcopy(model).to(device)
    pixels = torch.from_numpy(lr.pixels.copy()).permute(2, 0, 1)[None].contiguous()
    quiet = Control(token=control.token)
    auto = precision_name(resolve_precision("auto", device))
    ways: dict[tuple[str, str], Callable[[], object]] = {(PLAIN, "fp32"): lambda: plain(pixels.to(device)).cpu()}
    for precision in dict.fromkeys(("bf16", auto)):
        ways[WINDOWS, precision] = _windows_way(model, device, precision, lr, control)
    for precision in dict.fromkeys((auto, "fp32")):
        upscaler = Upscaler(model, name, device=device.type, precision=precision)
        sink = ImageSink(lr.height * upscaler.scale, lr.width * upscaler.scale, lr.channels)
        ways[ENGINE, precision] = functools.partial(upscaler.upscale, lr, sink, quiet)
    return ways


def _windows_way(
    model: nn.Module, device: torch.device, precision: str, lr: Image, control: Control
) -> Callable[[], object]:
    dtype = resolve_precision(precision, device)
    streamed_network = streamed(model, torch.device("cpu"), torch.float32)
    halo_px, scale = streamed_network.halo_px, streamed_network.scale
    network = folded_copy(model).to(device, dtype)
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # missing in torch's stubs
    rows = [Box(top, 0, min(WINDOW_PX, lr.height - top), lr.width) for top in range(0, lr.height, WINDOW_PX)]
    windows = [window_around(box, lr.height, lr.width, halo_px) for row in rows for box in plan_bands(row, WINDOW_PX)]
    result = np.empty((lr.height * scale, lr.width * scale, lr.channels), np.float32)

    def run() -> None:
        for window in windows:
            control.token.check()
            pixels = torch.from_numpy(lr.read(window.read).copy()).permute(2, 0, 1)[None]
            sr = network(pixels.to(device, dtype, memory_format=torch.channels_last))[0].permute(1, 2, 0)
            box = window.write.scaled(scale)
            top, left = box.top - window.read.top * scale, box.left - window.read.left * scale
            cropped = sr[top : top + box.height, left : left + box.width].float().cpu()
            result[box.top : box.bottom, box.left : box.right] = cropped.numpy()

    return run


def _time(ways: Sequence[Callable[[], object]], rounds: int, control: Control) -> list[float]:
    """Return the median seconds of each way over ``rounds`` rounds in which every way runs once."""
    control.start()
    seconds: list[list[float]] = [[] for _ in ways]
    done = 0
    for _ in range(rounds):
        for way, measured in zip(ways, seconds, strict=True):
            control.token.check()
            started_s = time.perf_counter()
            way()
            measured.append(time.perf_counter() - started_s)
            done += 1
            control.report(done, rounds * len(ways))
    return [statistics.median(measured) for measured in seconds]


def _bf16_loss_db(
    model: nn.Module,
    device: str,
    pairs: Sequence[Pair],
    open_image: Callable[[Path], Image],
    control: Control,
) -> float:
    upscalers = {name: Upscaler(model, name, device=device, precision=name) for name in ("fp32", "bf16")}
    fp32, bf16 = evaluate(pairs, upscalers, open_image, Control(token=control.token))
    return fp32.psnr_y_db - bf16.psnr_y_db
