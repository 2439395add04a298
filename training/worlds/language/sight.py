# SPDX-License-Identifier: Apache-2.0
"""Spatial facts about pairs and triples of objects, one at a time: the checker's own geometry.

`layout` computes the same facts for whole frames; the two share nothing but the zones of `margins`. Verdicts are
True, False, or None where people would disagree.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ide3d_ros.geometry.rotation import optical_from_level
from ide3d_training.worlds.scene_graph import IN, FrameGraph, SceneObject

from . import margins

_Point = tuple[float, float]


@dataclass(frozen=True)
class _Solid:
    """Hold an object in the level frame: centre, underside, top, and its footprint's axes and half sides."""

    center: _Point
    bottom: float
    top: float
    ahead: _Point
    half: _Point

    @property
    def corners(self) -> list[_Point]:
        """The four corners of the footprint, in turn."""
        (x, y), (c, s), (a, b) = self.center, self.ahead, self.half
        return [
            (x + c * i * a - s * j * b, y + s * i * a + c * j * b)
            for i, j in ((1, 1), (-1, 1), (-1, -1), (1, -1))
        ]

    def inside_by(self, point: _Point) -> float:
        """Return how far a point lies inside the footprint, metres; outside it is negative."""
        dx, dy = point[0] - self.center[0], point[1] - self.center[1]
        along = abs(dx * self.ahead[0] + dy * self.ahead[1]) - self.half[0]
        across = abs(dy * self.ahead[0] - dx * self.ahead[1]) - self.half[1]
        outside = math.hypot(max(along, 0.0), max(across, 0.0))
        return -outside if outside > 0 else min(-along, -across)

    def reach(self, direction: _Point) -> float:
        """Return how far the footprint extends from its centre in a direction of unit length."""
        return max(
            (x - self.center[0]) * direction[0] + (y - self.center[1]) * direction[1] for x, y in self.corners
        )


class Sight:
    """Judge spatial relations in one frame, as its camera sees them.

    Args:
        frame: the graph of one rendered frame.
    """

    def __init__(self, frame: FrameGraph) -> None:
        self._by_id = {item.id: item for item in frame.objects}
        self._level_from_optical = optical_from_level(frame.pitch, frame.roll).T
        self._solids: dict[int, _Solid] = {}

    def holds(self, name: str, item: SceneObject, anchors: tuple[SceneObject, ...]) -> bool | None:
        """Say whether an object stands in a relation to one anchor, or two.

        Args:
            name: one of `phrases.RELATIONS` but ANCHORED_DISTANCES.
            item: what is spoken of.
            anchors: none of them is the item.
        """
        if name in ("on", "in"):
            return self._carried(name, item, anchors[0])
        if name == "under":
            return self._under(item, anchors[0])
        if any(self._carries(anchor, item) or self._carries(item, anchor) for anchor in anchors):
            return None
        if name == "next_to":
            return self._next_to(item, anchors[0])
        if name in ("left_of", "right_of"):
            return self._beside(item, anchors[0], 1.0 if name == "left_of" else -1.0)
        if name in ("behind", "in_front_of"):
            return self._in_line(item, anchors[0], 1.0 if name == "behind" else -1.0)
        return self._between(item, *anchors)

    def separation(self, first: SceneObject, second: SceneObject) -> float:
        """Return the distance between two boxes' centres, metres."""
        return math.dist(first.box.center.tolist(), second.box.center.tolist())

    def bearing(
        self, item: SceneObject, place: SceneObject | None = None, faced: SceneObject | None = None
    ) -> float:
        """Return where an object is, as an angle from a heading: positive to the left, in (-pi, pi].

        Args:
            item: the object.
            place: where one is; None is the camera, heading along its optical axis.
            faced: what one faces; None faces where the front of `place` does.
        """
        x, y = self._solid(item).center
        if place is None:
            return math.atan2(y, x)
        here = self._solid(place)
        heading = here.ahead
        if faced is not None:
            there = self._solid(faced).center
            heading = there[0] - here.center[0], there[1] - here.center[1]
        dx, dy = x - here.center[0], y - here.center[1]
        return math.atan2(heading[0] * dy - heading[1] * dx, heading[0] * dx + heading[1] * dy)

    def steps(self, first: SceneObject, second: SceneObject) -> float:
        """Return the horizontal distance between two centres, metres."""
        return math.dist(self._solid(first).center, self._solid(second).center)

    def _carries(self, holder: SceneObject, item: SceneObject) -> bool:
        below = item.support
        while below is not None:
            if below == holder.id:
                return True
            below = self._by_id[below].support if below in self._by_id else None
        return False

    def _carried(self, name: str, item: SceneObject, holder: SceneObject) -> bool | None:
        if item.support == holder.id:
            return True if (item.relation == IN) == (name == "in") else None
        return None if self._carries(holder, item) else False

    def _under(self, item: SceneObject, above: SceneObject) -> bool | None:
        low, high = self._solid(item), self._solid(above)
        inside = high.inside_by(low.center)
        if inside <= -margins.UNDER_OUTSIDE:
            return False
        if self._carries(above, item) or self._carries(item, above):
            return False
        clear = low.top <= high.top - margins.UNDER_TOP and low.bottom <= high.bottom + margins.SAME_LEVEL
        return True if clear and inside >= margins.UNDER_INSIDE else None

    def _next_to(self, item: SceneObject, other: SceneObject) -> bool | None:
        one, two = self._solid(item), self._solid(other)
        corners = [two.inside_by(c) for c in one.corners] + [one.inside_by(c) for c in two.corners]
        gap = max(0.0, -max(corners))
        longest = 2 * max(*one.half, *two.half)
        near = min(margins.NEXT_BASE + margins.NEXT_SHARE * longest, margins.NEXT_MOST)
        if gap >= near + margins.NEXT_DOUBT:
            return False
        return True if gap <= near and abs(one.bottom - two.bottom) <= margins.SAME_LEVEL else None

    def _beside(self, item: SceneObject, anchor: SceneObject, sign: float) -> bool | None:
        """Judge "left of" (sign 1) and "right of" (sign -1)."""
        x, y = self._solid(item).center
        other = self._solid(anchor)

        def beyond(point: _Point) -> float:
            """Angle from the ray through the point to the ray through the item's centre, to the side asked."""
            return sign * math.atan2(point[0] * y - point[1] * x, point[0] * x + point[1] * y)

        ahead_of_center = beyond(other.center)
        if ahead_of_center <= 0:
            return False
        outside = min(beyond(corner) for corner in other.corners) >= 0
        return True if outside and ahead_of_center >= margins.BESIDE_ANGLE else None

    def _in_line(self, item: SceneObject, anchor: SceneObject, sign: float) -> bool | None:
        """Judge "behind" (sign 1) and "in front of" (sign -1)."""
        x, y = self._solid(item).center
        other = self._solid(anchor)
        away = math.hypot(*other.center)
        if away == 0:
            return None
        sight = sign * other.center[0] / away, sign * other.center[1] / away
        dx, dy = x - other.center[0], y - other.center[1]
        along, aside = dx * sight[0] + dy * sight[1], abs(dy * sight[0] - dx * sight[1])
        if along <= 0 or aside >= margins.CONE_OUTSIDE * along:
            return False
        clear = aside <= margins.CONE_INSIDE * along and along >= other.reach(sight) + margins.CONE_GAP
        return True if clear else None

    def _between(self, item: SceneObject, first: SceneObject, second: SceneObject) -> bool | None:
        start, end, at = (self._solid(one).center for one in (first, second, item))
        length = math.dist(start, end)
        if length < margins.BETWEEN_APART or self._carries(first, second) or self._carries(second, first):
            return None
        way = (end[0] - start[0]) / length, (end[1] - start[1]) / length
        dx, dy = at[0] - start[0], at[1] - start[1]
        along, aside = (dx * way[0] + dy * way[1]) / length, abs(dy * way[0] - dx * way[1]) / length
        from_end = min(along, 1 - along)
        if from_end <= margins.BETWEEN_ALONG[1] or aside >= margins.BETWEEN_ASIDE[1]:
            return False
        return True if from_end >= margins.BETWEEN_ALONG[0] and aside <= margins.BETWEEN_ASIDE[0] else None

    def _solid(self, item: SceneObject) -> _Solid:
        if item.id not in self._solids:
            x, y, z = (self._level_from_optical @ item.box.center).tolist()
            front = self._level_from_optical @ item.box.rotation[:, 0]
            length = float(np.hypot(front[0], front[1]))
            ahead = (float(front[0]) / length, float(front[1]) / length) if length > 0 else (1.0, 0.0)
            depth, width, height = (item.box.extents / 2).tolist()
            self._solids[item.id] = _Solid((x, y), z - height, z + height, ahead, (depth, width))
        return self._solids[item.id]
