"""What processes that train together do with each other; `tests/process/test_train_torchrun.py` has several."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch
from torch import Tensor, distributed, nn

from srdesk.errors import ConfigError, DatasetError, TrainingError
from srdesk.training.config import TrainConfig
from srdesk.training.learning import parallel


@pytest.fixture
def company() -> Iterator[None]:
    """Make this process the only one of those that train together."""
    distributed.init_process_group("gloo", store=distributed.HashStore(), rank=0, world_size=1)
    yield
    distributed.destroy_process_group()


def learnt(norm: nn.Module, features: Tensor) -> list[Tensor]:
    """Return everything that one pass through a BatchNorm computes and changes."""
    features = features.clone().requires_grad_()
    out = norm(features)
    (out * torch.linspace(-1.0, 1.0, out.numel()).view(out.shape)).sum().backward()
    return [out, features.grad, norm.weight.grad, norm.bias.grad, norm.running_mean, norm.running_var]


def make_norm() -> nn.BatchNorm2d:
    norm = nn.BatchNorm2d(4)
    with torch.no_grad():
        norm.weight.copy_(torch.tensor([1.0, 2.0, -1.0, 0.5]))
        norm.bias.copy_(torch.tensor([0.0, 1.0, -1.0, 0.5]))
    return norm


@pytest.mark.parametrize("is_training", [True, False])
@pytest.mark.usefixtures("company")
def test_batch_norm_over_processes_is_batch_norm(is_training: bool) -> None:
    features = torch.randn(3, 4, 5, 6, generator=torch.Generator().manual_seed(0)) * 3 + 2
    usual, whole = make_norm(), nn.Sequential(make_norm())
    parallel.synchronise_batch_norm(whole)
    assert type(whole[0]) is not nn.BatchNorm2d
    assert whole[0].state_dict().keys() == usual.state_dict().keys()
    expected, actual = (learnt(norm.train(is_training), features) for norm in (usual, whole[0]))
    for one, other in zip(expected, actual, strict=True):
        torch.testing.assert_close(other, one, rtol=2e-5, atol=2e-5)
    assert whole[0].num_batches_tracked == usual.num_batches_tracked


@pytest.mark.usefixtures("company")
def test_averages_of_one_process_are_its_own() -> None:
    layer = nn.Conv2d(2, 3, 3).to(memory_format=torch.channels_last)
    layer(torch.ones(1, 2, 4, 4)).square().sum().backward()
    before = [parameter.grad.clone() for parameter in layer.parameters()]
    parallel.average_gradients(layer.parameters())
    assert all(torch.equal(parameter.grad, old) for parameter, old in zip(layer.parameters(), before, strict=True))
    assert parallel.average(torch.tensor(2.5)).item() == 2.5
    assert parallel.any_of(True, False) == (True, False)
    assert parallel.shared(b"content") == b"content"
    assert parallel.shared(b"") == b""
    tensors = [torch.tensor([1.0, 2.0]), torch.eye(2)]
    parallel.take_from_main(tensors)
    assert torch.equal(tensors[0], torch.tensor([1.0, 2.0]))
    assert torch.equal(tensors[1], torch.eye(2))
    assert (parallel.rank(), parallel.size(), parallel.is_main()) == (0, 1, True)


def test_a_process_alone_needs_nobody() -> None:
    norm = nn.Sequential(nn.BatchNorm2d(2))
    parallel.synchronise_batch_norm(norm)
    parallel.average_gradients(norm.parameters())
    assert type(norm[0]) is nn.BatchNorm2d
    assert parallel.any_of(False, True) == (False, True)
    assert parallel.shared(b"content") == b"content"
    assert (parallel.rank(), parallel.size(), parallel.is_main()) == (0, 1, True)


def test_a_batch_that_cannot_be_shared_out_evenly_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parallel, "size", lambda: 3)
    parallel.require_equal_shares(TrainConfig(batch_size=6))
    with pytest.raises(ConfigError, match="batch_size") as caught:
        parallel.require_equal_shares(TrainConfig(batch_size=16))
    assert "a multiple of 3" in caught.value.hint


def test_machines_with_different_pictures_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    config = TrainConfig(data=("pictures",))
    parallel.require_same_pictures(config, "digest")
    monkeypatch.setattr(parallel, "shared", lambda content: b"another")
    with pytest.raises(DatasetError, match="different pictures"):
        parallel.require_same_pictures(config, "digest")


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("[gloo/transport/tcp/pair.cc:553] Connection closed by peer [127.0.0.1]:4711"),
        RuntimeError("[gloo/transport/tcp/pair.cc:547] Read error [127.0.0.1]:4711: Connection reset by peer"),
        RuntimeError("[gloo/transport/tcp/unbound_buffer.cc:78] Timed out waiting 1800000ms for recv operation"),
        RuntimeError("Application timeout caused pair closure"),
        distributed.DistBackendError("NCCL error: remote process exited or there was a network error"),
        distributed.DistNetworkError("The client socket has failed to connect to 10.0.0.1:29500"),
        distributed.DistStoreError("wait timeout after 300000ms"),
    ],
)
@pytest.mark.usefixtures("company")
def test_a_process_that_is_gone_is_told_of_in_plain_words(monkeypatch: pytest.MonkeyPatch, error: RuntimeError) -> None:
    def broken(*_: object) -> None:
        raise error

    monkeypatch.setattr(distributed, "all_reduce", broken)
    with pytest.raises(TrainingError, match="Another of the processes that train together has ended"):
        parallel.any_of(True)


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB."),
        RuntimeError("[enforce fail at alloc_cpu.cpp:121] . DefaultCPUAllocator: can't allocate memory"),
        RuntimeError("ProcessGroupGloo::allreduce: invalid tensor size at index 0"),
        RuntimeError("The size of tensor a (3) must match the size of tensor b (4) at non-singleton dimension 0"),
    ],
)
@pytest.mark.usefixtures("company")
def test_what_goes_wrong_in_this_process_is_not_said_of_another(
    monkeypatch: pytest.MonkeyPatch, error: RuntimeError
) -> None:
    def broken(*_: object) -> None:
        raise error

    monkeypatch.setattr(distributed, "all_reduce", broken)
    with pytest.raises(RuntimeError) as caught:
        parallel.any_of(True)
    assert caught.value is error
