"""The desk: the only room that imports PySide6."""

import ctypes
import sys

if sys.version_info < (3, 12):
    # PySide6 6.12.0 gives away a reference to None, True or False whenever it returns one of them, which is right only
    # where they are immortal (Python 3.12). Before that the interpreter aborts with "none_dealloc: deallocating None"
    # after some 5,000 calls. (6.11.3 does not.) So they get more references than a desk can lose in a century.
    for _constant in (None, True, False):
        ctypes.c_ssize_t.from_address(id(_constant)).value += 1 << 60
