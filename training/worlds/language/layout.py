# SPDX-License-Identifier: Apache-2.0
"""Spatial facts about all pairs of a frame's objects at once: the generators' geometry.

Verdicts are HOLDS, HOLDS_NOT, or DOUBTFUL where people would disagree; the zones are those of `margins`.
"""

from __future__ import annotations

from functools import cached_property

import numpy as np

from ide3d_ros.geometry.rotation import optical_from_level, wrap_angle
from ide3d_training.worlds.scene_graph import IN, FrameGraph, SceneObject

from . import margins

HOLDS, DOUBTFUL, HOLDS_NOT = 1, 0, -1


class Layout:
    """Measure N objects of a frame.

    Args:
        frame: the graph of one rendered frame.
        objects: some of its objects; every array follows their order.

    Attributes:
        centers: (N, 3) of the boxes in the camera's level frame, metres.
        extents: (N, 3) of the boxes, metres.
        distances: (N,) from the camera to the boxes' centres, metres.
    """

    def __init__(self, frame: FrameGraph, objects: tuple[SceneObject, ...]) -> None:
        self._frame, self._objects = frame, objects
        level_from_optical = optical_from_level(frame.pitch, frame.roll).T
        self._optical = np.array([item.box.center for item in objects]).reshape(-1, 3)
        self.centers = self._optical @ level_from_optical.T
        self.extents = np.array([item.box.extents for item in objects]).reshape(-1, 3)
        self.distances = np.linalg.norm(self.centers, axis=1)
        w, x, y, z = np.array([item.box.quaternion for item in objects]).reshape(-1, 4).T
        fronts = np.stack([1 - 2 * (y * y + z * z), 2 * (x * y + w * z), 2 * (x * z - w * y)], -1)
        fronts = (fronts @ level_from_optical.T)[:, :2]
        length = np.linalg.norm(fronts, axis=1, keepdims=True)
        self._fronts = np.divide(fronts, length, out=np.tile([1.0, 0.0], (len(objects), 1)), where=length > 0)

    @cached_property
    def columns(self) -> np.ndarray:
        """(N,) columns of the projected centres, pixels; nan behind the camera."""
        if not self._objects:
            return np.empty(0)
        return self._frame.camera.project(self._optical)[:, 0]

    @cached_property
    def separations(self) -> np.ndarray:
        """(N, N) distances between the boxes' centres, metres."""
        return np.linalg.norm(self.centers[:, None] - self.centers, axis=-1)

    @cached_property
    def volumes(self) -> np.ndarray:
        """(N,) cubic metres."""
        return self.extents.prod(1)

    @cached_property
    def azimuths(self) -> np.ndarray:
        """(N,) directions of the centres from the camera's heading, radians, positive to the left."""
        return np.arctan2(self.centers[:, 1], self.centers[:, 0])

    @cached_property
    def carried(self) -> np.ndarray:
        """(N, N) bool: column's object carries row's object, directly or not."""
        number = {item.id: k for k, item in enumerate(self._objects)}
        supports = {item.id: item.support for item in self._frame.objects}
        found = np.zeros((len(self._objects),) * 2, bool)
        for k, item in enumerate(self._objects):
            below = item.support
            while below is not None:
                if below in number:
                    found[k, number[below]] = True
                below = supports.get(below)
        return found

    def verdicts(self, relation: str) -> np.ndarray:
        """Judge a relation with one anchor.

        Args:
            relation: one of `phrases.RELATIONS` but "between" and ANCHORED_DISTANCES.

        Returns:
            (N, N) int8: row's object stands in the relation to column's object; no object to itself.
        """
        if relation not in self._verdicts:
            if relation in ("on", "in"):
                found = self._carried_verdicts(relation)
            elif relation == "under":
                found = self._under
            else:
                judged = {
                    "next_to": lambda: self._next_to,
                    "left_of": lambda: self._beside(1.0),
                    "right_of": lambda: self._beside(-1.0),
                    "behind": lambda: self._in_line(1.0),
                    "in_front_of": lambda: self._in_line(-1.0),
                }[relation]()
                found = np.where(self.carried | self.carried.T, DOUBTFUL, judged)
            found = found.astype(np.int8)
            np.fill_diagonal(found, HOLDS_NOT)
            self._verdicts[relation] = found
        return self._verdicts[relation]

    def between(self, pairs: np.ndarray) -> np.ndarray:
        """Judge what is between two anchors.

        Args:
            pairs: (P, 2) indices of anchors, different from one another.

        Returns:
            (N, P) int8; an anchor is not between itself and another.
        """
        starts, ends = self.centers[pairs[:, 0], :2], self.centers[pairs[:, 1], :2]
        way = ends - starts
        length = np.linalg.norm(way, axis=1)
        with np.errstate(divide="ignore", invalid="ignore"):
            offset = self.centers[:, None, :2] - starts
            along = (offset * way).sum(-1) / length**2
            aside = np.abs(offset[..., 1] * way[:, 0] - offset[..., 0] * way[:, 1]) / length**2
        inner = np.minimum(along, 1 - along)
        holds = (inner >= margins.BETWEEN_ALONG[0]) & (aside <= margins.BETWEEN_ASIDE[0])
        outside = (inner <= margins.BETWEEN_ALONG[1]) | (aside >= margins.BETWEEN_ASIDE[1])
        found = np.where(outside, HOLDS_NOT, np.where(holds, HOLDS, DOUBTFUL))
        kin = self.carried | self.carried.T
        found[kin[:, pairs[:, 0]] | kin[:, pairs[:, 1]]] = DOUBTFUL
        found[:, (length < margins.BETWEEN_APART) | kin[pairs[:, 0], pairs[:, 1]]] = DOUBTFUL
        found[pairs.T, np.arange(len(pairs))] = HOLDS_NOT
        return found.astype(np.int8)

    def bearings(self, place: int, faced: int | None) -> tuple[np.ndarray, np.ndarray]:
        """Return where everything is for someone at an object.

        Args:
            place: index of the object they are at.
            faced: index of what they look at; None looks where the place's front points.

        Returns:
            (N,) angles from their heading, radians, positive to the left, and (N,) horizontal distances, metres.
        """
        offset = self.centers[:, :2] - self.centers[place, :2]
        heading = self._fronts[place] if faced is None else offset[faced]
        angles = np.arctan2(offset[:, 1], offset[:, 0]) - np.arctan2(heading[1], heading[0])
        return wrap_angle(angles), np.linalg.norm(offset, axis=1)

    @cached_property
    def _verdicts(self) -> dict[str, np.ndarray]:
        return {}

    @cached_property
    def _bottoms(self) -> np.ndarray:
        return self.centers[:, 2] - self.extents[:, 2] / 2

    @cached_property
    def _corners(self) -> np.ndarray:
        """(N, 4, 2) of the footprints."""
        signs = np.array([[1, 1], [1, -1], [-1, 1], [-1, -1]]) / 2
        own = signs * self.extents[:, None, :2]
        lefts = np.stack([-self._fronts[:, 1], self._fronts[:, 0]], -1)
        return (
            self.centers[:, None, :2] + own[..., :1] * self._fronts[:, None] + own[..., 1:] * lefts[:, None]
        )

    def _excess(self, points: np.ndarray) -> np.ndarray:
        """Return (..., N, 2): how far (..., 2) points lie beyond the sides of each footprint; inside negative."""
        offset = points[..., None, :] - self.centers[:, :2]
        along = (offset * self._fronts).sum(-1)
        across = offset[..., 1] * self._fronts[:, 0] - offset[..., 0] * self._fronts[:, 1]
        return np.abs(np.stack([along, across], -1)) - self.extents[:, :2] / 2

    def _carried_verdicts(self, relation: str) -> np.ndarray:
        direct = np.array([[i.support == h.id for h in self._objects] for i in self._objects], bool)
        inside = np.array([item.relation == IN for item in self._objects], bool)[:, None]
        holds = direct & (inside if relation == "in" else ~inside)
        return np.where(holds, HOLDS, np.where(self.carried, DOUBTFUL, HOLDS_NOT))

    @property
    def _under(self) -> np.ndarray:
        excess = self._excess(self.centers[:, :2])
        outside = np.linalg.norm(np.maximum(excess, 0), axis=-1)
        tops = self.centers[:, 2] + self.extents[:, 2] / 2
        clear = tops[:, None] <= tops - margins.UNDER_TOP
        clear &= self._bottoms[:, None] <= self._bottoms + margins.SAME_LEVEL
        holds = clear & (excess.max(-1) <= -margins.UNDER_INSIDE)
        never = (outside >= margins.UNDER_OUTSIDE) | self.carried | self.carried.T
        return np.where(never, HOLDS_NOT, np.where(holds, HOLDS, DOUBTFUL))

    @property
    def _next_to(self) -> np.ndarray:
        excess = self._excess(self._corners)  # (N, 4, N, 2): corner of row, footprint of column
        gaps = np.linalg.norm(np.maximum(excess, 0), axis=-1).min(1)
        gaps = np.minimum(gaps, gaps.T)
        longest = self.extents[:, :2].max(1)
        near = margins.NEXT_BASE + margins.NEXT_SHARE * np.maximum(longest[:, None], longest)
        near = np.minimum(near, margins.NEXT_MOST)
        level = np.abs(self._bottoms[:, None] - self._bottoms) <= margins.SAME_LEVEL
        close = np.where((gaps <= near) & level, HOLDS, DOUBTFUL)
        return np.where(gaps >= near + margins.NEXT_DOUBT, HOLDS_NOT, close)

    def _beside(self, sign: float) -> np.ndarray:
        turn = sign * wrap_angle(self.azimuths[:, None] - self.azimuths)
        corners = np.arctan2(self._corners[..., 1], self._corners[..., 0])
        edges = (sign * wrap_angle(corners - self.azimuths[:, None])).max(1)
        holds = (turn >= margins.BESIDE_ANGLE) & (turn >= edges)
        return np.where(turn <= 0, HOLDS_NOT, np.where(holds, HOLDS, DOUBTFUL))

    def _in_line(self, sign: float) -> np.ndarray:
        away = np.linalg.norm(self.centers[:, :2], axis=1, keepdims=True)
        sights = sign * self.centers[:, :2] / np.maximum(away, 1e-9)
        offset = self.centers[:, None, :2] - self.centers[:, :2]
        along = (offset * sights).sum(-1)
        aside = np.abs(offset[..., 1] * sights[:, 0] - offset[..., 0] * sights[:, 1])
        reach = ((self._corners - self.centers[:, None, :2]) * sights[:, None]).sum(-1).max(1)
        holds = (aside <= margins.CONE_INSIDE * along) & (along >= reach + margins.CONE_GAP)
        never = (along <= 0) | (aside >= margins.CONE_OUTSIDE * along)
        return np.where(never, HOLDS_NOT, np.where(holds, HOLDS, DOUBTFUL))
