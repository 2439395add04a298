# SPDX-License-Identifier: Apache-2.0
"""Builds that end in each way in which a build can end; another process imports this by its name."""

from __future__ import annotations

import ctypes
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

from ide3d_ros.engine.errors import UnsupportedOperatorError

Watch = Callable[[str, int, int], None]


def succeed(watch: Watch, size: int) -> bytes:
    watch("Building engine", 1, 2)
    watch("Building engine", 2, 2)
    return b"p" * size


def meet_an_unknown_operator(_watch: Watch) -> bytes:
    raise UnsupportedOperatorError("step", Path("step.onnx"), "TensorRT 10.7", "operator Warp (node 3)")


def break_unexpectedly(_watch: Watch) -> bytes:
    raise ZeroDivisionError("division by zero")


def crash(_watch: Watch) -> bytes:
    return ctypes.string_at(0)


def be_killed(_watch: Watch) -> bytes:
    os.kill(os.getpid(), signal.SIGKILL)
    return b""


def build_for_ever(watch: Watch, file: str) -> bytes:
    Path(file).write_text(str(os.getpid()))
    while True:
        watch("Tactic timing", 1, 1000)
        time.sleep(0.01)
