"""Networks whose small operations are fused by torch.compile.

J. Ansel et al., "PyTorch 2: Faster Machine Learning Through Dynamic Python Bytecode Transformation and Graph
Compilation", ASPLOS 2024. Convolutions stay those of the library; what lies between them (BatchNorm, PReLU, sums,
shuffles) becomes one loop where it was several walks through all features.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable

import torch
from torch import Tensor, nn

from srdesk.errors import ConfigError


def compiled(model: nn.Module, device: torch.device) -> Callable[..., Tensor]:
    """Return what computes as the model does, with its parameters, forwards and backwards.

    The first call compiles, which takes about a minute. Results differ in rounding from those of the model itself.

    Raises:
        ConfigError: this machine has no compiler that torch can use.
    """
    _require_compiler(device)
    # The index that it means is the same at every call.
    warnings.filterwarnings("ignore", message="Dynamo detected a call to a `functools.lru_cache`")
    return torch.compile(model, dynamic=False)


def _require_compiler(device: torch.device) -> None:
    """Compile one addition, since torch does not tell beforehand whether it can."""
    try:
        torch.compile(lambda value: value + 1, dynamic=False)(torch.zeros(2, device=device))
    except Exception as error:
        # Each stage of torch has exceptions of its own for a tool that is missing or does not work.
        needed = "a C++ compiler (Debian: g++)" if device.type == "cpu" else "Triton and a C compiler"
        reason = next(iter(str(error).splitlines()), type(error).__name__)
        raise ConfigError(
            "compile", True, "false", hint=f"Install {needed}, or leave it out (torch says: {reason})."
        ) from error
