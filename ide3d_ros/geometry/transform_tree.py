# SPDX-License-Identifier: Apache-2.0
"""A tree of frames that move against one another, asked for a motion at a given time.

The rules are those of ROS's tf2: every frame has one parent; between two samples of a moving frame its
position is interpolated linearly and its rotation at an even pace; before the oldest and after the newest
sample nothing is guessed.

It stands in for tf2 where that is not installed. pytransform3d is no substitute: its time series cannot grow,
it moves along screws between samples, which gives other positions than tf2, and it brings matplotlib along.
"""

from __future__ import annotations

import bisect
from dataclasses import dataclass, field

import numpy as np

from ide3d_ros.geometry import transform
from ide3d_ros.geometry.rotation import interpolate_quaternions, matrix_to_quaternion, quaternion_to_matrix

MAX_FRAMES = 4096
MAX_SAMPLES = 20_000
_SECOND_NS = 1_000_000_000


class TransformLookupError(ValueError):
    """The motion between two frames is not known at a time.

    Attributes:
        may_come: whether a sample that has not arrived yet would give it.
    """

    def __init__(self, text: str, *, may_come: bool = False) -> None:
        """Make an error with its sentence."""
        super().__init__(text)
        self.may_come = may_come


@dataclass
class _Edge:
    """Hold how one frame lies in its parent.

    Attributes:
        parent: the parent frame's name.
        is_static: whether its only sample holds at all times.
        stamps_ns: ascending.
        positions: (3,) each, metres in the parent.
        quaternions: (4,) each, w x y z, parent_from_child.
    """

    parent: str
    is_static: bool
    stamps_ns: list[int] = field(default_factory=list)
    positions: list[np.ndarray] = field(default_factory=list)
    quaternions: list[np.ndarray] = field(default_factory=list)

    def clear(self) -> None:
        for column in (self.stamps_ns, self.positions, self.quaternions):
            column.clear()

    def forget_before(self, stamp_ns: int) -> None:
        count = max(bisect.bisect_left(self.stamps_ns, stamp_ns), len(self.stamps_ns) - MAX_SAMPLES)
        for column in (self.stamps_ns, self.positions, self.quaternions):
            del column[: max(0, count)]


class TransformTree:
    """Remember how frames lay in one another. One thread at a time."""

    def __init__(self, memory_s: float = 10.0) -> None:
        """Make an empty tree.

        Args:
            memory_s: how long a sample is kept after a newer one of its frame has come, seconds.
        """
        self._memory_ns = round(memory_s * _SECOND_NS)
        self._edges: dict[str, _Edge] = {}

    def add(self, child: str, parent: str, parent_from_child: np.ndarray, stamp_ns: int) -> None:
        """Add a sample of a moving frame.

        A sample that is older than everything that is remembered means that the time has jumped back (a
        recording begins again), and what is remembered of the frame is forgotten.

        Args:
            child: the frame that moves.
            parent: the frame that it moves in; another one than before replaces it.
            parent_from_child: (4, 4), metres.
            stamp_ns: when it holds, nanoseconds.

        Raises:
            TransformError: if the matrix is not a rigid motion.
            ValueError: if a name is empty or both are the same, or the tree is full.
        """
        edge = self._edge(child, parent, is_static=False)
        matrix = transform.checked(parent_from_child)
        if edge.stamps_ns and stamp_ns < edge.stamps_ns[-1] - self._memory_ns:
            edge.clear()
        place = bisect.bisect_left(edge.stamps_ns, stamp_ns)
        if place < len(edge.stamps_ns) and edge.stamps_ns[place] == stamp_ns:
            for column in (edge.stamps_ns, edge.positions, edge.quaternions):
                del column[place]
        edge.stamps_ns.insert(place, stamp_ns)
        edge.positions.insert(place, matrix[:3, 3])
        edge.quaternions.insert(place, matrix_to_quaternion(matrix[:3, :3]))
        edge.forget_before(edge.stamps_ns[-1] - self._memory_ns)

    def add_static(self, child: str, parent: str, parent_from_child: np.ndarray) -> None:
        """State how a frame lies in its parent at all times; arguments and errors as in `add`."""
        matrix = transform.checked(parent_from_child)
        edge = self._edge(child, parent, is_static=True)
        edge.clear()
        edge.stamps_ns.append(0)
        edge.positions.append(matrix[:3, 3])
        edge.quaternions.append(matrix_to_quaternion(matrix[:3, :3]))

    def lookup(self, target: str, source: str, stamp_ns: int) -> np.ndarray:
        """Return how to take points from one frame to another.

        Args:
            target: the frame that points are taken to.
            source: the frame that they are stated in.
            stamp_ns: at which time, nanoseconds.

        Returns:
            (4, 4) float64 target_from_source, metres.

        Raises:
            TransformLookupError: if a frame is unknown, the two are not connected, or the time is outside of
                what is remembered of a frame between them.
        """
        if target == source:
            return np.eye(4)
        up_from_source, up_from_target = self._ancestors(source), self._ancestors(target)
        for name, ancestors in ((source, up_from_source), (target, up_from_target)):
            if len(ancestors) == 1 and not any(edge.parent == name for edge in self._edges.values()):
                raise TransformLookupError(f"frame {name!r} is not in TF")
        shared = next((frame for frame in up_from_source if frame in set(up_from_target)), None)
        if shared is None:
            raise TransformLookupError(f"frames {source!r} and {target!r} are in separate trees of TF")
        return transform.inverse(self._climb(up_from_target, shared, stamp_ns)) @ self._climb(
            up_from_source, shared, stamp_ns
        )

    def _edge(self, child: str, parent: str, *, is_static: bool) -> _Edge:
        if not child or not parent or child == parent:
            raise ValueError(f"a transform from {child[:80]!r} to {parent[:80]!r} joins no two frames")
        edge = self._edges.get(child)
        if edge is None and len(self._edges) >= MAX_FRAMES:
            raise ValueError(f"TF has more than {MAX_FRAMES} frames; {child[:80]!r} is left out")
        if edge is None or edge.parent != parent or edge.is_static != is_static:
            edge = self._edges[child] = _Edge(parent, is_static)
        return edge

    def _ancestors(self, frame: str) -> list[str]:
        """Return a frame and those above it, to the root; a loop ends where it closes."""
        found = {frame: None}
        while (edge := self._edges.get(frame)) is not None and edge.parent not in found:
            frame = edge.parent
            found[frame] = None
        return list(found)

    def _climb(self, ancestors: list[str], shared: str, stamp_ns: int) -> np.ndarray:
        """Return shared_from_first along a chain of ancestors."""
        matrix = np.eye(4)
        for frame in ancestors[: ancestors.index(shared)]:
            matrix = self._at(frame, stamp_ns) @ matrix
        return matrix

    def _at(self, child: str, stamp_ns: int) -> np.ndarray:
        edge = self._edges[child]
        stamps = edge.stamps_ns
        place = 0 if edge.is_static else bisect.bisect_left(stamps, stamp_ns)
        if place == len(stamps):
            raise TransformLookupError(
                f"the newest transform of {child!r} in {edge.parent!r} is "
                f"{(stamp_ns - stamps[-1]) / _SECOND_NS:.3f} s older than the frame",
                may_come=True,
            )
        if edge.is_static or stamps[place] == stamp_ns:
            return _matrix(edge.positions[place], edge.quaternions[place])
        if place == 0:
            raise TransformLookupError(
                f"the oldest transform of {child!r} in {edge.parent!r} is "
                f"{(stamps[0] - stamp_ns) / _SECOND_NS:.3f} s newer than the frame"
            )
        share = (stamp_ns - stamps[place - 1]) / (stamps[place] - stamps[place - 1])
        position = edge.positions[place - 1] * (1 - share) + edge.positions[place] * share
        turned = interpolate_quaternions(edge.quaternions[place - 1], edge.quaternions[place], share)
        return _matrix(position, turned)


def _matrix(position: np.ndarray, quaternion: np.ndarray) -> np.ndarray:
    matrix = np.eye(4)
    matrix[:3, :3] = quaternion_to_matrix(quaternion)
    matrix[:3, 3] = position
    return matrix
