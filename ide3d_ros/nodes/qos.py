# SPDX-License-Identifier: Apache-2.0
"""Quality of service of the nodes' topics, each of which a parameter file can override.

Images come best effort and only the newest counts, so that one setting takes both kinds of publisher. What
the nodes publish is reliable: it is small, and a reliable publisher serves both kinds of subscriber.
"""

from __future__ import annotations

from rclpy.qos import DurabilityPolicy, HistoryPolicy, QoSProfile, ReliabilityPolicy
from rclpy.qos_overriding_options import QoSOverridingOptions

SENSOR_INPUT = QoSProfile(history=HistoryPolicy.KEEP_LAST, depth=1, reliability=ReliabilityPolicy.BEST_EFFORT)
RESULT = QoSProfile(history=HistoryPolicy.KEEP_LAST, depth=10, reliability=ReliabilityPolicy.RELIABLE)
NEWEST_RESULT = QoSProfile(history=HistoryPolicy.KEEP_LAST, depth=1, reliability=ReliabilityPolicy.RELIABLE)
LATCHED = QoSProfile(
    history=HistoryPolicy.KEEP_LAST,
    depth=1,
    reliability=ReliabilityPolicy.RELIABLE,
    durability=DurabilityPolicy.TRANSIENT_LOCAL,
)
STATIC_TRANSFORMS = LATCHED
STATIC_TRANSFORMS_INPUT = QoSProfile(  # several nodes publish one each
    history=HistoryPolicy.KEEP_LAST,
    depth=100,
    reliability=ReliabilityPolicy.RELIABLE,
    durability=DurabilityPolicy.TRANSIENT_LOCAL,
)
TRANSFORMS = QoSProfile(history=HistoryPolicy.KEEP_LAST, depth=100, reliability=ReliabilityPolicy.RELIABLE)


def sensor_output(reliability: str) -> QoSProfile:
    """Make the profile of a camera topic.

    Args:
        reliability: "reliable" or "best_effort".
    """
    policies = {"reliable": ReliabilityPolicy.RELIABLE, "best_effort": ReliabilityPolicy.BEST_EFFORT}
    return QoSProfile(history=HistoryPolicy.KEEP_LAST, depth=5, reliability=policies[reliability])


def overridable() -> QoSOverridingOptions:
    """Let `qos_overrides.<topic>.<subscription|publisher>.{reliability,depth,history}` change a profile."""
    return QoSOverridingOptions.with_default_policies()
