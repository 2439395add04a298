# SPDX-License-Identifier: Apache-2.0
"""`ide3d run`: several nodes in one process, as `ros2 launch` would run them where it is installed."""

from __future__ import annotations

import importlib
import threading
from collections.abc import Sequence

import rclpy
from rclpy.context import Context
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor
from rclpy.node import Node
from rclpy.signals import SignalHandlerOptions
from rclpy.task import Future
from rich.console import Console

from ide3d_ros.bundle import BundleError, open_bundle
from ide3d_ros.cli.node_plans import NodePlan
from ide3d_ros.nodes.memory import keep_image_memory
from ide3d_ros.nodes.ros_environment import prepare_ros_environment

_CLASSES = {"perception": "PerceptionNode", "sim_camera": "SimCameraNode", "replay": "ReplayNode"}
_LOOK_S = 0.2
_PATIENCE_S = 15.0


class RunError(RuntimeError):
    """A node cannot start, or has ended by itself; the sentence names it and says why."""


def run_nodes(plans: Sequence[NodePlan], console: Console) -> None:
    """Run nodes until the process is interrupted.

    Each has an executor on a thread of its own, so that none waits for another, and is made on that thread,
    as a renderer can be used on no other one.

    Args:
        plans: at least one.
        console: where the names of running nodes go.

    Raises:
        RunError: if a node cannot start or ends; the others are ended first.
    """
    prepare_ros_environment()
    keep_image_memory()
    context = Context()
    rclpy.init(args=[], context=context, signal_handler_options=SignalHandlerOptions.NO)
    changed = threading.Event()
    threads = [_NodeThread(plan, context, changed) for plan in plans]
    told = False
    try:
        for thread in threads:
            thread.start()
        while True:
            changed.wait(_LOOK_S)  # not without end: an interrupt is taken between two waits
            changed.clear()
            for thread in threads:
                if thread.failure:
                    raise RunError(thread.failure)
            if not told and all(thread.is_ready for thread in threads):
                told = True
                names = ", ".join(thread.plan.full_name for thread in threads)
                console.print(f"running {names}; Ctrl-C ends {'it' if len(threads) == 1 else 'them'}")
    except KeyboardInterrupt:
        console.print("ending")
    finally:
        for thread in threads:
            thread.stop()
        for thread in threads:
            thread.join(_PATIENCE_S)
        context.try_shutdown()


class _NodeThread(threading.Thread):
    """Make a node, spin it, destroy it.

    Attributes:
        is_ready: the node has been made.
        failure: why there is no node any more; empty while there is one.
    """

    def __init__(self, plan: NodePlan, context: Context, changed: threading.Event) -> None:
        super().__init__(name=f"ide3d-{plan.kind}", daemon=True)
        self.plan = plan
        self.is_ready = False
        self.failure = ""
        self._context = context
        self._changed = changed
        self._end = Future()
        self._executor = SingleThreadedExecutor(context=context)

    def stop(self) -> None:
        """Let the node end."""
        self._end.set_result(None)

    def run(self) -> None:
        """Live from start to end."""
        node: Node | None = None
        try:
            node = _make_node(self.plan, self._context)
            self._executor.add_node(node)
            self.is_ready = True
            self._changed.set()
            self._executor.spin_until_future_complete(self._end)
        except ExternalShutdownException:
            pass
        except (
            ValueError,
            BundleError,
        ) as error:  # parameters and data are refused with sentences of their own
            self.failure = f"{self.plan.full_name}: {error}"
        except Exception as error:
            self.failure = f"{self.plan.full_name} ended: {type(error).__name__}: {error}"
        finally:
            self._executor.shutdown()
            if node is not None:
                node.destroy_node()
            self._changed.set()


def _make_node(plan: NodePlan, context: Context) -> Node:
    module = importlib.import_module(f"ide3d_ros.nodes.{plan.kind}")
    node = getattr(module, _CLASSES[plan.kind])(context=context, cli_args=plan.ros_arguments)
    if plan.kind == "perception":
        # The node opens its bundle later and lives on without one; who starts it by hand wants to know now.
        try:
            open_bundle(node.parameters["model.bundle"])
        except Exception:
            node.destroy_node()
            raise
    return node
