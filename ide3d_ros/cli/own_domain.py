# SPDX-License-Identifier: Apache-2.0
"""A ROS domain for a command that starts nodes of its own, so that no robot nearby hears them."""

from __future__ import annotations

import os

from ide3d_ros.nodes.ros_environment import prepare_ros_environment

_ROBOT_DOMAINS = range(1, 102)  # those whose ports no other program is given
_LAST_DOMAIN = 232


class DomainError(ValueError):
    """ROS_DOMAIN_ID is not the number of a domain."""


def keep_to_own_domain() -> int:
    """Keep to this machine and to a domain of our own, unless the user has chosen one; return it.

    What is set holds for this process and those that it starts; call it before `rclpy.init`.

    Raises:
        DomainError: if the user has chosen one that does not exist.
    """
    prepare_ros_environment()
    if "ROS_DOMAIN_ID" not in os.environ:
        os.environ["ROS_DOMAIN_ID"] = str(_ROBOT_DOMAINS[os.getpid() % len(_ROBOT_DOMAINS)])
        os.environ.setdefault("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST")
    domain = os.environ["ROS_DOMAIN_ID"]
    if not domain.isdecimal() or int(domain) > _LAST_DOMAIN:  # Fast DDS would tell of port numbers, and wait
        raise DomainError(f"ROS_DOMAIN_ID is {domain!r}; it must be a number from 0 to {_LAST_DOMAIN}")
    return int(domain)
