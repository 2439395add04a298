# SPDX-License-Identifier: Apache-2.0
"""Say why nothing arrives: which topic is silent, who publishes it and with what quality of service."""

from __future__ import annotations

from rclpy.node import Node

from ide3d_ros.nodes.reporting import Reporter


class SilenceWatch:
    """Watch one topic's message count and name its publishers when it stands still."""

    def __init__(self, node: Node, topic: str, report: Reporter) -> None:
        """Make a watch.

        Args:
            node: whose graph is asked.
            topic: full name.
            report: where the complaint goes.
        """
        self._node = node
        self._topic = topic
        self._report = report
        self._count = -1
        self._since_s = 0.0

    def look(self, count: int, now_s: float, limit_s: float) -> None:
        """Compare with the last look.

        Args:
            count: messages received since the start.
            now_s: monotonic seconds.
            limit_s: seconds without a message that are too long.
        """
        if count != self._count:
            self._count, self._since_s = count, now_s
        elif now_s - self._since_s >= limit_s:
            self._report.warn(f"{self._topic}:silence", self._text(now_s - self._since_s))

    def _text(self, silent_s: float) -> str:
        publishers = self._node.get_publishers_info_by_topic(self._topic)
        if not publishers:
            return (
                f"{self._topic}: no messages for {silent_s:.0f} s and nobody publishes it; "
                "remap it to the camera"
            )
        known = ", ".join(
            f"{one.node_namespace.rstrip('/')}/{one.node_name} "
            f"({one.topic_type}, {one.qos_profile.reliability.name})"
            for one in publishers[:5]
        )
        return (
            f"{self._topic}: no messages for {silent_s:.0f} s although published by {known}; check the type, "
            f"the camera, or qos_overrides.{self._topic}.subscription.reliability"
        )
