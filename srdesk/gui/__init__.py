"""The desk: the only room that imports PySide6."""

import ctypes
import sys

if sys.version_info < (3, 12):
    # PySide6 6.12.0 gives away one reference to None with every call that returns nothing, which is right only where
    # None is immortal (Python 3.12). Before that the interpreter aborts with "none_dealloc: deallocating None" after
    # some 5,000 calls. So None gets more references than a desk can lose in a century.
    ctypes.c_ssize_t.from_address(id(None)).value += 1 << 60
