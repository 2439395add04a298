# SPDX-License-Identifier: Apache-2.0
"""ROS times and headers to integer nanoseconds and back."""

from __future__ import annotations

from builtin_interfaces.msg import Time
from std_msgs.msg import Header

NANOSECONDS = 1_000_000_000
_LAST_SECOND = 2**31 - 1


def nanoseconds_from_time(time: Time) -> int:
    """Read a ROS time as nanoseconds since its clock's epoch."""
    return time.sec * NANOSECONDS + time.nanosec


def time_from_nanoseconds(stamp_ns: int) -> Time:
    """Write nanoseconds as a ROS time.

    Args:
        stamp_ns: nanoseconds since the clock's epoch.

    Raises:
        ValueError: if the stamp is negative or does not fit a ROS time (the year 2038 ends it).
    """
    seconds, nanoseconds = divmod(int(stamp_ns), NANOSECONDS)
    if not 0 <= seconds <= _LAST_SECOND:
        raise ValueError(f"stamp {stamp_ns} ns does not fit a ROS time, which holds 0 to {_LAST_SECOND} s")
    return Time(sec=seconds, nanosec=nanoseconds)


def header(frame_id: str, stamp_ns: int) -> Header:
    """Make a header for data in the TF frame `frame_id`, taken at `stamp_ns` nanoseconds."""
    return Header(frame_id=frame_id, stamp=time_from_nanoseconds(stamp_ns))
