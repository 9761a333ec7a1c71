"""Memory of a training: what the C library does with what a step has freed, and what is said where there is no more."""

from __future__ import annotations

import contextlib
import ctypes
import sys
from collections.abc import Iterator

from srdesk.errors import OutOfMemoryError

# Numbers of <malloc.h>.
_TRIM_THRESHOLD = -1
_MMAP_MAX = -4

_USUAL_TRIM_THRESHOLD_BYTES = 64 * 1024**2
_USUAL_MMAP_MAX = 65_536

_NEVER = -1


@contextlib.contextmanager
def kept_memory() -> Iterator[None]:
    """Keep freed memory for the next step inside the block, instead of giving it back to the system.

    Every step frees what it had taken and takes the same again. By default glibc gives large pieces back and the system
    hands out new pages, each zeroed when it is first touched: 65,000 page faults a step of 16 crops of 24 pixels, about
    a tenth of its time. Nothing changes where the C library is not glibc.
    """
    library = ctypes.CDLL(None) if sys.platform == "linux" else None
    if library is None or not hasattr(library, "gnu_get_libc_version"):
        yield
        return
    library.mallopt(_MMAP_MAX, 0)
    library.mallopt(_TRIM_THRESHOLD, _NEVER)
    try:
        yield
    finally:
        library.mallopt(_TRIM_THRESHOLD, _USUAL_TRIM_THRESHOLD_BYTES)
        library.mallopt(_MMAP_MAX, _USUAL_MMAP_MAX)


@contextlib.contextmanager
def told_where_it_ends() -> Iterator[None]:
    """Say what helps a training if memory runs out inside the block.

    Raises:
        OutOfMemoryError: it did, on the CPU or on another device; what a run has saved is intact.
    """
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        from srdesk.engine.device import is_out_of_memory  # needs torch, for which who mistypes an option need not wait

        if not is_out_of_memory(error):
            raise
        raise OutOfMemoryError(
            "Memory ran out while training.",
            hint="Begin a new run with a smaller batch size or smaller crops, "
            "or close other programs and resume this one.",
        ) from error
