# SPDX-License-Identifier: Apache-2.0
"""Wait for the inference worker inside a ROS callback without holding up the executor."""

from __future__ import annotations

from rclpy.node import Node
from rclpy.task import Future

from ide3d_ros.nodes.requests import Outcome, Request


async def outcome_of(node: Node, request: Request) -> Outcome:
    """Wait until a request has ended, while the executor runs other callbacks.

    The callback that awaits this must be in a reentrant callback group: rclpy counts a waiting callback as
    running.

    Args:
        node: the node whose executor runs the callback.
        request: a request that was submitted.
    """
    executor = node.executor
    future = Future(executor=executor)

    def ended(outcome: Outcome) -> None:
        future.set_result(outcome)
        # The executor polls waiting callbacks when something wakes it, and this comes from another thread.
        executor.wake()

    request.on_end(ended)
    return await future
