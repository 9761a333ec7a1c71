"""Where and how a network computes: device, number type, memory head-room, threads."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import psutil
import torch

from srdesk.errors import ConfigError, DeviceUnavailableError

DEVICES = ("auto", "cpu", "cuda", "mps")
"""Names of devices on the command line and in the desk."""

PRECISIONS = ("auto", "fp32", "bf16", "fp16")
"""Names of number types on the command line and in the desk."""

_DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}

_TENSOR_CORES_SINCE = (7, 0)
"""Compute capability from which float16 convolutions are faster than float32 (Volta)."""


def available_devices() -> list[str]:
    """Return the devices of this machine that torch can use, the fastest first."""
    devices = ["cuda"] if torch.cuda.is_available() else []
    if torch.backends.mps.is_available():
        devices.append("mps")
    return [*devices, "cpu"]


def resolve_device(name: str) -> torch.device:
    """Return the device called ``name``; "auto" is the fastest there is: CUDA, then MPS, then the CPU.

    Raises:
        ConfigError: no such name.
        DeviceUnavailableError: the device is not in this machine, or torch cannot use it.
    """
    if name not in DEVICES:
        raise ConfigError("device", name, ", ".join(DEVICES))
    available = available_devices()
    if name == "auto":
        return torch.device(available[0])
    if name not in available:
        raise DeviceUnavailableError(f"The device “{name}” is not available on this machine.")
    return torch.device(name)


def resolve_precision(name: str, device: torch.device) -> torch.dtype:
    """Return the number type called ``name``; "auto" is the fastest one that keeps the quality on ``device``.

    On CUDA that is float16: as fast as bfloat16 on tensor cores and eight times finer; features of these networks stay
    far below its limit of 65,504, and every strip is checked to be finite. On a CPU it is bfloat16 where the processor
    multiplies it in hardware (elsewhere it is emulated, five times slower than float32). MPS stays in float32.

    Raises:
        ConfigError: no such name, or a number type that the device does not compute with.
    """
    if name not in PRECISIONS:
        raise ConfigError("precision", name, ", ".join(PRECISIONS))
    if name == "auto":
        return _DTYPES[_fastest_precision(device)]
    if name == "fp16" and device.type == "cpu":
        raise ConfigError("precision", name, "auto, fp32 or bf16 on the device “cpu”")
    return _DTYPES[name]


def precision_name(dtype: torch.dtype) -> str:
    """Return the name of a number type: fp32, bf16 or fp16."""
    return next(name for name, known in _DTYPES.items() if known == dtype)


def has_fast_bfloat16() -> bool:
    """Whether this CPU multiplies bfloat16 in hardware."""
    capabilities = torch.cpu.get_capabilities()
    return bool(capabilities.get("avx512_bf16") or capabilities.get("amx_bf16") or capabilities.get("bf16"))


def free_memory_bytes(device: torch.device) -> int:
    """Return how much memory a run may still take on ``device``."""
    if device.type == "cuda":
        free_bytes, _ = torch.cuda.mem_get_info(device)
        # What torch holds in its cache, but does not use, is free to a run as well.
        return int(free_bytes) + torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
    if device.type == "mps":
        return max(0, torch.mps.recommended_max_memory() - torch.mps.current_allocated_memory())
    return int(psutil.virtual_memory().available)


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an exception says that memory ran out.

    Matched by type, with the one exception that torch leaves no choice about: its CPU allocator (alloc_cpu.cpp) and
    that of MPS raise a plain RuntimeError, which only the allocator's name in the text tells from other failures. Runs
    are therefore fitted into the free memory before they begin, and this is the second line of defence.
    """
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    return type(error) is RuntimeError and any(name in str(error) for name in _ALLOCATORS)


_ALLOCATORS = ("DefaultCPUAllocator", "MPS backend out of memory")


def release_memory(device: torch.device) -> None:
    """Give memory that torch caches for ``device`` back, so that pieces of another size fit in."""
    if device.type == "cuda":
        torch.cuda.empty_cache()
    elif device.type == "mps":
        torch.mps.empty_cache()


@contextlib.contextmanager
def exact_convolutions(device: torch.device) -> Iterator[None]:
    """Keep float32 convolutions inside the block float32: by default CUDA computes them with 10-bit TF32 mantissas."""
    if device.type != "cuda":
        yield
        return
    # No benchmark mode: it would time every kernel anew for each of the strip heights at the start and the end.
    with torch.backends.cudnn.flags(enabled=True, benchmark=False, deterministic=False, allow_tf32=False):
        yield


@contextlib.contextmanager
def compute_threads(threads: int | None) -> Iterator[None]:
    """Compute with ``threads`` CPU threads inside the block; None keeps torch's own number.

    While the desk is up it asks for one thread less than there are cores: a compute thread that has to share its core
    with the window makes all others wait for it at every layer.
    """
    before = torch.get_num_threads()
    try:
        if threads is not None:
            torch.set_num_threads(max(1, threads))
        yield
    finally:
        torch.set_num_threads(before)


def _fastest_precision(device: torch.device) -> str:
    if device.type == "cuda":
        return "fp16" if torch.cuda.get_device_capability(device) >= _TENSOR_CORES_SINCE else "fp32"
    if device.type == "cpu" and has_fast_bfloat16():
        return "bf16"
    return "fp32"
