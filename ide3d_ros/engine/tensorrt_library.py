# SPDX-License-Identifier: Apache-2.0
"""Find TensorRT: version 10 or 11, or TensorRT-RTX. They share one Python interface but for their names."""

from __future__ import annotations

import importlib
import re
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

from ide3d_ros.engine.errors import LibraryInterfaceError, MissingRuntimeError

LIBRARIES = ("tensorrt", "tensorrt_rtx")
"""Modules in the order in which they are tried: the one made for this GPU model before the portable one."""
OLDEST_TENSORRT = (10, 1)  # the first whose contexts may be lent memory of a known size
INSTALL = (
    "sudo apt install python3-libnvinfer (on a Jetson), python3 -m pip install tensorrt, or python3 -m pip "
    "install tensorrt-rtx (GeForce and RTX GPUs)"
)
_KEPT_MESSAGES = 16


@dataclass(frozen=True, eq=False)
class TensorRt:
    """Hold the TensorRT of this process.

    Attributes:
        module: what `import` gave.
        name: of the module.
        version: of the library, in full.
        logger: an `ILogger` for builders and runtimes; it keeps the newest complaints in `complaints`.
        complaints: what the library complained about, oldest first.
    """

    module: ModuleType | Any
    name: str
    version: str
    logger: Any
    complaints: deque[str] = field(default_factory=deque)

    @property
    def is_portable(self) -> bool:
        """Whether plans run on several models of GPU, and can be built where there is none."""
        return self.name == "tensorrt_rtx"

    def take_complaints(self) -> str:
        """Return what the library complained about since the last call, in one line."""
        text = "; ".join(self.complaints)
        self.complaints.clear()
        return text

    @contextmanager
    def translating(self) -> Iterator[None]:
        """Turn what the Python binding raises into a LibraryInterfaceError."""
        try:
            yield
        except (AttributeError, TypeError, RuntimeError) as error:
            cause = f"{type(error).__name__}: {' '.join(str(error).split())}"
            raise LibraryInterfaceError(str(self), cause) from error

    def __str__(self) -> str:
        return f"{'TensorRT-RTX' if self.is_portable else 'TensorRT'} {self.version}"


_loaded: dict[str, TensorRt] = {}  # the library itself keeps the first logger that it is given, for good


def load_tensorrt(load: Callable[[str], Any] = importlib.import_module) -> TensorRt:
    """Import the first TensorRT that is present.

    Args:
        load: imports a module by its name.

    Raises:
        MissingRuntimeError: if none loads here, or only one that is too old.
    """
    causes = []
    for name in LIBRARIES:
        try:
            module = load(name)
            version = str(module.__version__)
            logger_class = module.ILogger
        except Exception as error:  # without its libraries or driver it raises more than ImportError
            causes.append(f"{name}: {' '.join(str(error).split()) or type(error).__name__}")
            continue
        if name == "tensorrt" and _numbers(version) < OLDEST_TENSORRT:
            oldest = ".".join(map(str, OLDEST_TENSORRT))
            causes.append(f"{name}: version {version} is older than {oldest}")
            continue
        known = _loaded.get(name)
        if known is None or known.module is not module:
            complaints: deque[str] = deque(maxlen=_KEPT_MESSAGES)
            known = TensorRt(module, name, version, _make_logger(logger_class, complaints), complaints)
            _loaded[name] = known
        return known
    raise MissingRuntimeError("tensorrt", " or ".join(LIBRARIES), "; ".join(causes), INSTALL)


def _make_logger(base: Any, complaints: deque[str]) -> Any:
    """Make a logger that keeps errors for our own, and writes nothing to the terminal."""

    class Complaints(base):
        def __init__(self) -> None:
            base.__init__(self)  # pybind wants the base's own initialiser, not super()'s

        def log(self, severity: Any, message: str) -> None:
            if severity in (base.Severity.INTERNAL_ERROR, base.Severity.ERROR):
                complaints.append(" ".join(str(message).split()))

    return Complaints()


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version)[:2])
