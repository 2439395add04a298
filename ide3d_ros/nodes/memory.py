# SPDX-License-Identifier: Apache-2.0
"""Let a process keep the memory of one image for the next.

The GNU C library takes large blocks from the kernel one by one and gives them back as soon as they are free.
Every image passes through several, and the kernel clears each page of each of them again: for 640x480 RGB
that takes three times as long as copying the pixels.
"""

from __future__ import annotations

import ctypes
import os

_MIB = 1 << 20
# From malloc.h, with the values that a node wants.
_OPTIONS = {
    -3: 32 * _MIB,  # M_MMAP_THRESHOLD: blocks up to here, its maximum, come out of memory that is kept
    -1: 64 * _MIB,  # M_TRIM_THRESHOLD: what is free beyond this goes back to the kernel
}
_VARIABLES = ("MALLOC_MMAP_THRESHOLD_", "MALLOC_TRIM_THRESHOLD_")


def keep_image_memory() -> bool:
    """Tell the C library to keep freed memory, unless the environment says how it manages its own.

    Returns:
        Whether it was told: another C library than GNU's has no such options, and wants none.
    """
    tunables = os.environ.get("GLIBC_TUNABLES", "")
    if any(name in os.environ for name in _VARIABLES) or "glibc.malloc." in tunables:
        return False
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    return mallopt is not None and all([mallopt(option, value) for option, value in _OPTIONS.items()])
