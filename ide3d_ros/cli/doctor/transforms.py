# SPDX-License-Identifier: Apache-2.0
"""Does TF lead from a camera to the frame that somebody wants boxes in."""

from __future__ import annotations

from collections.abc import Mapping

from ide3d_ros.cli.doctor.findings import Finding, fail, ok, skip, warn
from ide3d_ros.cli.doctor.observation import Observation

OLD_NS = 1_000_000_000
_LONGEST = 1000


def check_transform(seen: Observation, *, source: str, target: str) -> Finding:
    """Look whether TF connects a camera's frame with a target frame, and how old it is.

    Args:
        seen: what was heard.
        source: the camera's frame_id; empty when no image has arrived.
        target: the frame that boxes are wanted in.
    """
    check = f"tf {source or 'camera'} to {target}"
    if not source:
        return skip(check, "no image has arrived, so the camera's frame is not known")
    ways = [_way_up(frame, seen.parents) for frame in (source, target)]
    if ways[0][-1] != ways[1][-1]:
        known = set(seen.parents) | {parent for parent, _ in seen.parents.values()}
        missing = [frame for frame in (source, target) if frame not in known]
        if missing:
            return fail(
                check,
                f"TF knows no frame {' and no frame '.join(missing)} ({len(known)} frames are known)",
                "start robot_state_publisher or a static_transform_publisher for it, or correct the name",
            )
        return fail(
            check,
            f"two trees: {source} ends at {ways[0][-1]}, {target} at {ways[1][-1]}",
            f"publish a transform between {ways[1][-1]} and {ways[0][-1]}",
        )
    moving = [
        frame
        for way in ways
        for frame in way
        if frame not in set(ways[0]) & set(ways[1]) and frame in seen.transform_stamps
    ]
    ages = [(seen.now_ns - seen.transform_stamps[frame], frame) for frame in moving]
    age, oldest = max(ages, default=(0, ""))
    if age > OLD_NS:
        return warn(
            check,
            f"the newest transform of {oldest} is {age / 1e9:.1f} s old by {seen.clock}",
            "raise the rate of whoever publishes it, or synchronise the clocks",
        )
    return ok(check, f"{' -> '.join(_joined(*ways))}{f', {age / 1e6:.0f} ms old' if ages else ', static'}")


def _way_up(frame: str, parents: Mapping[str, tuple[str, bool]]) -> list[str]:
    """Follow parents to the root; a loop, which a broken tree can hold, ends where it closes."""
    way = [frame]
    while way[-1] in parents and len(way) < _LONGEST:
        parent = parents[way[-1]][0]
        if parent in way:
            break
        way.append(parent)
    return way


def _joined(up: list[str], down: list[str]) -> list[str]:
    """Join two ways at the frame where they meet."""
    meeting = next(frame for frame in up if frame in down)
    return up[: up.index(meeting) + 1] + down[: down.index(meeting)][::-1]
