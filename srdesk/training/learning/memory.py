"""What the C library does with memory that a training step has freed."""

from __future__ import annotations

import contextlib
import ctypes
import sys
from collections.abc import Iterator

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
