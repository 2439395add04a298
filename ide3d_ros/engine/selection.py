# SPDX-License-Identifier: Apache-2.0
"""Choose and start the engine that runs a bundle on this machine."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ide3d_ros.bundle import Bundle
from ide3d_ros.engine.errors import MissingRuntimeError, NetworkOnlyError, UnknownEngineError
from ide3d_ros.engine.protocol import Engine

AUTO = "auto"


@dataclass(frozen=True, eq=False)
class Selection:
    """Hold a started engine and why it was chosen.

    Attributes:
        engine: ready to run.
        reason: one sentence for a log line.
    """

    engine: Engine
    reason: str


def select_engine(bundle: Bundle, name: str = AUTO, *, threads: int | None = None) -> Selection:
    """Start the engine of a given name, or the best one present.

    Args:
        bundle: an opened bundle.
        name: "auto" or the name of an engine.
        threads: CPU threads of one pass; None = one for each core this process may use.

    Raises:
        UnknownEngineError: if no engine has that name.
        NetworkOnlyError: if the engine runs no bundles.
        MissingRuntimeError: if the engine's library does not load here.
        EngineError: if the bundle's graphs do not load.
    """
    if name == "torch":
        raise NetworkOnlyError(name)
    if name != AUTO and name not in _STARTERS:
        raise UnknownEngineError(name, (AUTO, *_STARTERS))
    chosen = next(iter(_STARTERS)) if name == AUTO else name
    engine = _STARTERS[chosen](bundle, threads)
    why = (
        "asked for by name"
        if name != AUTO
        else "chosen by 'auto', the only kind of engine that runs bundles yet"
    )
    return Selection(engine, f"engine {engine.describe()}: {why}")


def _start_onnx(bundle: Bundle, threads: int | None) -> Engine:
    try:
        from ide3d_ros.engine.onnx_engine import OnnxEngine
    except ImportError as error:
        raise MissingRuntimeError("onnx", "onnxruntime", str(error)) from error
    return OnnxEngine(bundle, threads=threads)


_STARTERS: dict[str, Callable[[Bundle, int | None], Engine]] = {"onnx": _start_onnx}
"""Engines by name, the best first: `auto` takes the first one."""
