# SPDX-License-Identifier: Apache-2.0
"""Build a plan in a process of its own.

TensorRT may crash, and the system may end a process that takes all memory. Either is then an error with a
name, and Ctrl-C ends a build at once.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any

from ide3d_ros.bundle import open_bundle
from ide3d_ros.engine import errors
from ide3d_ros.engine.errors import BuildCrashError, EngineError, EngineMemoryError
from ide3d_ros.engine.tensorrt_building import Watch, build_plan
from ide3d_ros.engine.tensorrt_library import load_tensorrt

_STEP, _PLAN, _FAULT = "step", "plan", "fault"


def build_graph(watch: Watch, bundle: str, graph: str, capabilities: tuple[str, ...]) -> bytes:
    """Build the plan of a graph with the TensorRT of this machine; see `build_plan`."""
    return build_plan(
        load_tensorrt(), open_bundle(bundle), graph, compute_capabilities=capabilities, watch=watch
    )


def build_apart(work: Callable[..., bytes], arguments: tuple[Any, ...], graph: str, watch: Watch) -> bytes:
    """Let another process build.

    Args:
        work: a function of a module; it is called with something to report progress to, and the arguments.
        arguments: that can be pickled.
        graph: what is built, for the text of an error.
        watch: is told how far the build is.

    Returns:
        What `work` returned.

    Raises:
        EngineError: that `work` has raised.
        EngineMemoryError: if the system has ended the process.
        BuildCrashError: if the process has crashed.
    """
    context = multiprocessing.get_context("spawn")  # a forked process could not use the GPU
    receiving, sending = context.Pipe(duplex=False)
    process = context.Process(
        target=_serve, args=(sending, work, arguments), name=f"build-{graph}", daemon=True
    )
    process.start()
    sending.close()  # this process's copy, so that the end of the other one ends the pipe
    try:
        while True:
            kind, *content = receiving.recv()
            if kind == _STEP:
                watch(*content)
            elif kind == _PLAN:
                return receiving.recv_bytes()
            else:
                raise _revived(graph, *content)
    except EOFError:
        process.join()
        raise _ending(graph, process.exitcode) from None
    finally:
        process.terminate()
        process.join()
        receiving.close()


def _serve(sending: Connection, work: Callable[..., bytes], arguments: tuple[Any, ...]) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the parent too, which ends this process

    def report(*step: object) -> None:
        try:
            sending.send((_STEP, *step))
        except OSError:
            os._exit(1)  # the parent is gone, and nobody waits for the plan

    try:
        plan = work(report, *arguments)
    except Exception as error:
        sending.send((_FAULT, type(error).__name__, str(error)))
    else:
        sending.send((_PLAN,))
        sending.send_bytes(plan)


def _revived(graph: str, kind: str, text: str) -> EngineError:
    """Make an error of the other process's again; its own sentence is whole already."""
    found = getattr(errors, kind, None)
    if not (isinstance(found, type) and issubclass(found, EngineError)):
        return BuildCrashError(graph, f"{kind}: {text}")
    error = found.__new__(found)
    error.args = (text,)
    return error


def _ending(graph: str, exit_code: int | None) -> EngineError:
    if exit_code == -signal.SIGKILL:
        return EngineMemoryError(
            f"building the plan of graph {graph}", "the system has ended the process (see dmesg)"
        )
    if exit_code is not None and exit_code < 0:
        return BuildCrashError(graph, f"its process has crashed ({signal.Signals(-exit_code).name})")
    return BuildCrashError(graph, f"its process has ended with status {exit_code}")
