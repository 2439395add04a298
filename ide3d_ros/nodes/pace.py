# SPDX-License-Identifier: Apache-2.0
"""How the inference worker shares its time between frames and requests. Knows nothing of ROS."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Pace:
    """Say how the worker shares its time.

    Attributes:
        rate_hz: detections a second and camera at most; 0 detects nothing and encodes a frame only for a
            request.
        freshness_s: a request is answered on the frame encoded last unless that is older than this and a
            newer one waits.
        max_frame_age_s: a request is STALE when no frame has arrived for this long.
        queue_size: requests that may wait.
        patience_s: how late a detection may be before it goes ahead of requests.
    """

    rate_hz: float = 5.0
    freshness_s: float = 0.2
    max_frame_age_s: float = 2.0
    queue_size: int = 16
    patience_s: float = 1.0

    @property
    def period_s(self) -> float:
        """Return the time between two detections; 0 when none are made."""
        return 1.0 / self.rate_hz if self.rate_hz > 0 else 0.0
