# SPDX-License-Identifier: Apache-2.0
"""How a request ended: the one list of outcomes, shared with ide3d_msgs/msg/Status."""

from __future__ import annotations

from enum import IntEnum


class Status(IntEnum):
    """Name how a request ended; the numbers equal the constants of ide3d_msgs/msg/Status."""

    OK = 0
    """The result holds what was asked for."""
    NO_TARGET = 1
    """The frames were searched and nothing in them matches: a valid answer, not a failure."""
    AMBIGUOUS = 2
    """Several things match where one was wanted."""
    NO_FRAMES = 3
    """No frame has arrived yet, so nothing could be looked at."""
    STALE = 4
    """The newest frame is older than the caller allows."""
    NO_TRANSFORM = 5
    """Boxes were found but could not be carried into the frame that the caller asked for."""
    CANCELED = 6
    """The caller withdrew the request; what had been generated until then is in the result."""
    TIMEOUT = 7
    """The request took longer than the caller allows."""
    INVALID_REQUEST = 8
    """The request itself is malformed; the message names the rule that it breaks."""
    ENGINE_ERROR = 9
    """The engine failed while it ran; the message carries its words."""
    INACTIVE = 10
    """The node that was asked is not active; the message says which transition it needs."""
