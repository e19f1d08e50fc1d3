"""Two folders change places, in one step where the system has one."""

from __future__ import annotations

import ctypes
import os
import sys
from pathlib import Path

_AT_FDCWD = -100
_LINUX_EXCHANGE = 2  # renameat2's RENAME_EXCHANGE
_MACOS_SWAP = 2  # renamex_np's RENAME_SWAP


def swap(first: Path, second: Path) -> bool:
    """Whether the two have changed places; False where neither the system nor the file system can do that at once.

    Source: renameat2(2), renamex_np(2).
    """
    library = ctypes.CDLL(None, use_errno=True)
    names = os.fsencode(first), os.fsencode(second)
    if sys.platform == "linux" and hasattr(library, "renameat2"):
        return bool(library.renameat2(_AT_FDCWD, names[0], _AT_FDCWD, names[1], _LINUX_EXCHANGE) == 0)
    if sys.platform == "darwin" and hasattr(library, "renamex_np"):
        return bool(library.renamex_np(*names, _MACOS_SWAP) == 0)
    return False
