# SPDX-License-Identifier: Apache-2.0
"""Choose and start the engine that runs a bundle on this machine."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ide3d_ros.bundle import Bundle
from ide3d_ros.engine.errors import (
    AbsentEngineError,
    EngineError,
    MissingRuntimeError,
    NetworkOnlyError,
    UnknownEngineError,
)
from ide3d_ros.engine.protocol import Engine

AUTO = "auto"


@dataclass(frozen=True, eq=False)
class Selection:
    """Hold a started engine and why it was chosen.

    Attributes:
        engine: ready to run.
        reason: one sentence for a log line.
        is_fallback: whether `auto` has passed over a better engine that this machine has the parts for.
    """

    engine: Engine
    reason: str
    is_fallback: bool = False


def select_engine(bundle: Bundle, name: str = AUTO, *, threads: int | None = None) -> Selection:
    """Start the engine of a given name, or the best one present.

    `auto` passes over what does not start, and says so in the reason. Log that once: as a warning where it is
    a fallback, as information otherwise.

    Args:
        bundle: an opened bundle.
        name: "auto" or the name of an engine.
        threads: CPU threads of one pass; None = one for each core this process may use.

    Raises:
        UnknownEngineError: if no engine has that name.
        NetworkOnlyError: if the engine runs no bundles.
        MissingRuntimeError: if the engine's library does not load here.
        EngineError: if the engine does not start.
    """
    if name == "torch":
        raise NetworkOnlyError(name)
    if name != AUTO and name not in _STARTERS:
        raise UnknownEngineError(name, ENGINE_NAMES)
    if name != AUTO:
        engine = _STARTERS[name](bundle, threads)
        return _selected(engine, "asked for by name", {})
    passed_over: dict[str, EngineError] = {}
    for candidate in _AUTO_ORDER:
        try:
            engine = _STARTERS[candidate](bundle, threads)
        except EngineError as error:
            passed_over[candidate] = error
            continue
        return _selected(engine, "chosen by 'auto'", passed_over)
    raise passed_over[_AUTO_ORDER[-1]]


def why_not(bundle: Bundle) -> dict[str, EngineError | None]:
    """Start every engine in turn and say what keeps it from running a bundle.

    Args:
        bundle: an opened bundle.

    Returns:
        The error that each engine ends with, or None where it runs; the best engine first.
    """
    found: dict[str, EngineError | None] = {}
    for name, start in _STARTERS.items():
        try:
            start(bundle, 1)
        except EngineError as error:
            found[name] = error
        else:
            found[name] = None
    return found


def _selected(engine: Engine, why: str, passed_over: dict[str, EngineError]) -> Selection:
    causes = [
        f"{name} does not run here: {error.cause if isinstance(error, AbsentEngineError) else error}"
        for name, error in passed_over.items()
    ]
    reason = f"engine {engine.describe()}: {why}" + (f", as {'; '.join(causes)}" if causes else "")
    is_fallback = any(not isinstance(error, AbsentEngineError) for error in passed_over.values())
    return Selection(engine, reason, is_fallback)


def _start_tensorrt(bundle: Bundle, _threads: int | None) -> Engine:
    from ide3d_ros.engine.tensorrt_engine import start_tensorrt

    return start_tensorrt(bundle)


def _start_onnx(bundle: Bundle, threads: int | None) -> Engine:
    try:
        from ide3d_ros.engine.onnx_engine import OnnxEngine
    except ImportError as error:
        raise MissingRuntimeError("onnx", "onnxruntime", str(error)) from error
    return OnnxEngine(bundle, threads=threads)


_STARTERS: dict[str, Callable[[Bundle, int | None], Engine]] = {
    "tensorrt": _start_tensorrt,
    "onnx": _start_onnx,
}
"""Engines by name, the best first."""

ENGINE_NAMES = (AUTO, *_STARTERS)
"""What may be asked for."""

_AUTO_ORDER = ("tensorrt", "onnx")
"""Engines that `auto` tries; it ends with the error of the last one, which runs anywhere."""
