"""Several processes that train one run together, each on its share of every batch (data parallelism).

`torchrun` starts them and tells each of them its number in the environment: RANK of WORLD_SIZE, MASTER_ADDR and
MASTER_PORT. Process 0 is the main one: it alone validates, saves, and tells what happens. All hold the same weights:
gradients are averaged after every backward pass, and BatchNorm sees the whole batch. Outside of `joined`, everything
here is as if there were one process.

Nothing of this asks who is there: the processes trust their network. On one machine they use its loopback only.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Iterator
from typing import Any

import psutil
import torch
from torch import Tensor, distributed, nn
from torch.distributed.distributed_c10d import PrefixStore
from torch.distributed.rendezvous import rendezvous

from srdesk.engine.device import is_out_of_memory
from srdesk.errors import ConfigError, DatasetError, TrainingError
from srdesk.training.config import TrainConfig

LOOPBACK_ADDRESS = "127.0.0.1"
"""Where the processes of one machine find each other."""

_GONE = ("connect", "timed out", "timeout", "socket closed", "broken pipe", "unreachable", "no route to host")
"""Words of gloo, whose errors have no type of their own, when it cannot reach another process."""


@contextlib.contextmanager
def joined() -> Iterator[None]:
    """Work together with the processes that the environment tells of: CPU tensors by gloo, those on CUDA by nccl."""
    backend = "gloo"
    if torch.cuda.is_available():
        torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", "0")) % torch.cuda.device_count())
        backend = "cpu:gloo,cuda:nccl"
    is_one_machine = os.environ.get("LOCAL_WORLD_SIZE") == os.environ["WORLD_SIZE"]
    if is_one_machine:
        _stay_on_this_machine()
    with _telling_who_is_gone():
        store, rank, size = next(rendezvous("env://"))
        if is_one_machine:
            # Without a rendezvous of its own, `torchrun` gives restarted processes the store with the old addresses.
            store = PrefixStore(os.environ.get("TORCHELASTIC_RESTART_COUNT", "0"), store)
        distributed.init_process_group(backend, store=store, rank=rank, world_size=size)
    try:
        yield
    finally:
        distributed.destroy_process_group()


def size() -> int:
    """Return how many processes there are."""
    return distributed.get_world_size() if _is_joined() else 1


def rank() -> int:
    """Return the number of this process, counted from 0."""
    return distributed.get_rank() if _is_joined() else 0


def is_main() -> bool:
    """Tell whether this is the process that validates, saves and tells."""
    return rank() == 0


def any_of(*flags: bool) -> tuple[bool, ...]:
    """Return for each flag whether it is raised in any process."""
    if not _is_joined():
        return flags
    raised = torch.tensor(flags, dtype=torch.int32)
    with _telling_who_is_gone():
        distributed.all_reduce(raised, distributed.ReduceOp.MAX)
    return tuple(bool(flag) for flag in raised.tolist())


def shared(content: bytes) -> bytes:
    """Return the bytes that the main process has."""
    if not _is_joined():
        return content
    length = torch.tensor(len(content))
    with _telling_who_is_gone():
        distributed.broadcast(length, src=0)
        data = torch.zeros(int(length), dtype=torch.uint8)
        if is_main() and content:
            data.copy_(torch.frombuffer(bytearray(content), dtype=torch.uint8))
        distributed.broadcast(data, src=0)
    return data.numpy().tobytes()


@torch.no_grad()
def take_from_main(tensors: Iterable[Tensor]) -> None:
    """Replace tensors, which every process has in the same shapes, by those of the main process."""
    if not _is_joined():
        return
    with _telling_who_is_gone():
        for tensor in tensors:
            distributed.broadcast(tensor, src=0)


def require_equal_shares(config: TrainConfig) -> None:
    """Make sure that every process has as many crops of a batch, so that the mean of means is the mean.

    Raises:
        ConfigError: it would not.
    """
    if config.batch_size % size():
        raise ConfigError("batch_size", config.batch_size, f"a multiple of {size()}, the number of processes")


def require_same_pictures(config: TrainConfig, digest: str) -> None:
    """Make sure that every process found the same pictures.

    Args:
        config: names the folders.
        digest: identity of what this process found.

    Raises:
        DatasetError: on one of the machines they are different.
    """
    if any(any_of(shared(digest.encode()) != digest.encode())):
        raise DatasetError(config.data[0], "the machines that train together hold different pictures")


def average(value: Tensor) -> Tensor:
    """Return the mean of a value over all processes, without its gradient."""
    return _sum(value.detach()) / size() if _is_joined() else value.detach()


@torch.no_grad()
def average_gradients(parameters: Iterable[nn.Parameter]) -> None:
    """Replace the gradients, each of which is that of a mean over this process's crops, by those of the whole batch."""
    if not _is_joined():
        return
    gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
    if not gradients:
        return
    # One long message takes far less time than one for each layer.
    together = _sum(torch.cat([gradient.reshape(-1) for gradient in gradients])) / size()
    parts = torch.split(together, [gradient.numel() for gradient in gradients])
    for gradient, averaged in zip(gradients, parts, strict=True):
        gradient.copy_(averaged.view(gradient.shape))


def synchronise_batch_norm(module: nn.Module) -> None:
    """Let every BatchNorm of a module that is being trained normalise by the statistics of the whole batch."""
    if not _is_joined():
        return
    for part in module.modules():
        if type(part) is nn.BatchNorm2d:
            part.__class__ = _WholeBatchNorm2d  # holds nothing of its own


class _WholeBatchNorm2d(nn.BatchNorm2d):
    """BatchNorm over the crops of all processes; torch's own `SyncBatchNorm` works on CUDA only."""

    def forward(self, features: Tensor) -> Tensor:
        """Return normalised `(N, C, H, W)` features."""
        if not self.training:
            return super().forward(features)
        exact = features.float()
        mean = _total(exact.mean((0, 2, 3))) / size()
        centred = exact - mean[:, None, None]
        variance = _total(centred.square().mean((0, 2, 3))) / size()
        self._remember(mean, variance, features.numel() // features.shape[1] * size())
        scale = self.weight * (variance + self.eps).rsqrt()
        return (centred * scale[:, None, None] + self.bias[:, None, None]).to(features.dtype)

    @torch.no_grad()
    def _remember(self, mean: Tensor, variance: Tensor, count: int) -> None:
        assert self.running_mean is not None
        assert self.running_var is not None
        assert self.num_batches_tracked is not None
        assert self.momentum is not None
        self.num_batches_tracked += 1
        self.running_mean.lerp_(mean, self.momentum)
        self.running_var.lerp_(variance * (count / (count - 1)), self.momentum)


class _Total(torch.autograd.Function):
    """Sum over all processes; the gradient of what every process made of the sum comes back to each of them."""

    @staticmethod
    def forward(ctx: Any, values: Tensor) -> Tensor:
        return _sum(values)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        return _sum(gradients[0])


def _total(values: Tensor) -> Tensor:
    total: Tensor = _Total.apply(values)  # type: ignore[no-untyped-call]
    return total


def _sum(values: Tensor) -> Tensor:
    total = values.clone()
    with _telling_who_is_gone():
        distributed.all_reduce(total)
    return total


@contextlib.contextmanager
def _telling_who_is_gone() -> Iterator[None]:
    """Say in plain words that the processes can no longer reach each other; any other error passes.

    Raises:
        TrainingError: that.
    """
    try:
        yield
    except RuntimeError as error:
        if is_out_of_memory(error) or not _is_of_another(error):
            raise
        raise TrainingError(
            "Another of the processes that train together has ended, or cannot be reached.",
            hint="See what it said; `torchrun --max-restarts 3` goes on from the last checkpoint by itself.",
        ) from error


def _is_of_another(error: RuntimeError) -> bool:
    """Tell whether an error says that another process is gone: by its type, or by its words if it is one of gloo."""
    if isinstance(error, distributed.DistError):
        return True
    return any(words in str(error).lower() for words in _GONE)


def _is_joined() -> bool:
    return distributed.is_available() and distributed.is_initialized()


def _stay_on_this_machine() -> None:
    """Name the loopback interface to gloo and nccl, which otherwise take that of the host's name."""
    for name, addresses in psutil.net_if_addrs().items():
        if any(address.address == LOOPBACK_ADDRESS for address in addresses):
            os.environ.setdefault("GLOO_SOCKET_IFNAME", name)
            os.environ.setdefault("NCCL_SOCKET_IFNAME", name)
