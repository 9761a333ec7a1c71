"""Devices, number types, memory, threads."""

import pytest
import torch

from srdesk.engine import device as devices
from srdesk.engine.device import (
    compute_threads,
    free_memory_bytes,
    is_out_of_memory,
    precision_name,
    resolve_device,
    resolve_precision,
)
from srdesk.errors import ConfigError, DeviceUnavailableError

CPU, CUDA, MPS = torch.device("cpu"), torch.device("cuda"), torch.device("mps")


def pretend(monkeypatch: pytest.MonkeyPatch, *, has_cuda: bool, has_mps: bool) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: has_cuda)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: has_mps)


@pytest.mark.parametrize(
    ("has_cuda", "has_mps", "expected"), [(True, True, "cuda"), (False, True, "mps"), (False, False, "cpu")]
)
def test_auto_takes_the_fastest_device(
    monkeypatch: pytest.MonkeyPatch, has_cuda: bool, has_mps: bool, expected: str
) -> None:
    pretend(monkeypatch, has_cuda=has_cuda, has_mps=has_mps)
    assert resolve_device("auto").type == expected


def test_a_device_that_is_not_there_is_refused_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    pretend(monkeypatch, has_cuda=False, has_mps=False)
    with pytest.raises(DeviceUnavailableError, match="cuda"):
        resolve_device("cuda")


def test_an_unknown_device_is_refused() -> None:
    with pytest.raises(ConfigError):
        resolve_device("tpu")


@pytest.mark.parametrize(
    ("capabilities", "expected"),
    [
        ({"avx512_bf16": True}, "bf16"),
        ({"avx512_bf16": False, "amx_bf16": True}, "bf16"),
        ({"avx512_f": True}, "fp32"),
        ({}, "fp32"),
    ],
)
def test_automatic_precision_on_a_cpu_asks_what_it_computes_in_hardware(
    monkeypatch: pytest.MonkeyPatch, capabilities: dict[str, bool], expected: str
) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: capabilities)
    assert precision_name(resolve_precision("auto", CPU)) == expected


@pytest.mark.parametrize(("capability", "expected"), [((6, 1), "fp32"), ((7, 0), "fp16"), ((9, 0), "fp16")])
def test_automatic_precision_on_cuda_is_float16_from_the_first_tensor_cores_on(
    monkeypatch: pytest.MonkeyPatch, capability: tuple[int, int], expected: str
) -> None:
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda _: capability)
    assert precision_name(resolve_precision("auto", CUDA)) == expected


def test_automatic_precision_on_mps_is_float32() -> None:
    assert resolve_precision("auto", MPS) == torch.float32


def test_a_precision_that_is_asked_for_is_taken() -> None:
    assert resolve_precision("bf16", CPU) == torch.bfloat16
    assert resolve_precision("fp16", CUDA) == torch.float16


@pytest.mark.parametrize(("name", "device"), [("fp16", CPU), ("int8", CUDA)])
def test_a_precision_that_cannot_be_is_refused(name: str, device: torch.device) -> None:
    with pytest.raises(ConfigError):
        resolve_precision(name, device)


def test_free_memory_of_the_cpu_is_less_than_all_of_it() -> None:
    assert 0 < free_memory_bytes(CPU) < devices.psutil.virtual_memory().total


def test_what_the_cpu_allocator_raises_is_recognised() -> None:
    with pytest.raises(RuntimeError) as caught:
        torch.empty(1 << 60)
    assert is_out_of_memory(caught.value)


def test_other_failures_are_not_taken_for_memory() -> None:
    with pytest.raises(RuntimeError) as caught:
        torch.zeros(2) @ torch.zeros(3)
    assert not is_out_of_memory(caught.value)
    assert not is_out_of_memory(ValueError("DefaultCPUAllocator"))
    assert is_out_of_memory(MemoryError())
    assert is_out_of_memory(torch.OutOfMemoryError())


def test_the_number_of_threads_is_put_back() -> None:
    before = torch.get_num_threads()
    with compute_threads(before + 1):
        assert torch.get_num_threads() == before + 1
    assert torch.get_num_threads() == before
    with compute_threads(None):
        assert torch.get_num_threads() == before
