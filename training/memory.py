# SPDX-License-Identifier: Apache-2.0
"""Keep the memory that a training step frees for the next step."""

from __future__ import annotations

import ctypes

# Of <malloc.h>
_TRIM_THRESHOLD, _TOP_PAD, _MMAP_MAX = -1, -2, -4
_MOST = 2**31 - 1


def keep_freed_memory() -> bool:
    """Have the C library hold on to freed blocks instead of returning them to the kernel.

    glibc maps every large block anew and unmaps it when it is freed, so each step of a training run on the CPU
    has the kernel fault in and clear gigabytes page by page, which took up to a third of nano's CPU time. The
    process keeps its largest size from then on.

    Returns:
        Whether the C library took the settings; others than glibc know none.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError):
        return False
    wanted = {_MMAP_MAX: 0, _TRIM_THRESHOLD: _MOST, _TOP_PAD: 64 << 20}
    return all(mallopt(name, value) for name, value in wanted.items())
