# SPDX-License-Identifier: Apache-2.0
"""Exact intersection over union of oriented 3D boxes, through the polyhedra of manifold3d where needed."""

from __future__ import annotations

from collections.abc import Sequence
from math import hypot
from typing import TYPE_CHECKING

import numpy as np

from ide3d_ros.geometry.box import MIN_EXTENT_M, Box3D
from ide3d_ros.geometry.rectangles import shared_area

if TYPE_CHECKING:
    from manifold3d import Manifold

# Cosines this close to 0 or 1 are those of the same axes; a turn this small changes no overlap that counts.
_ALIKE = 1e-12


def oriented_iou(first: Box3D, second: Box3D) -> float:
    """Measure how much two boxes overlap: volume of the intersection over volume of the union.

    Args:
        first: a box.
        second: another, stated in the same frame.

    Returns:
        0 (apart, touching, or either of them not valid) to 1 (the same).
    """
    if not (first.is_valid() and second.is_valid()):
        return 0.0
    apart = hypot(*(first.center - second.center).tolist())
    if apart >= hypot(*first.extents.tolist()) / 2 + hypot(*second.extents.tolist()) / 2:
        return 0.0
    shared = _shared_by_upright(first, second)
    if shared is None:
        origin = first.center
        shared = (_polyhedron(first, origin) ^ _polyhedron(second, origin)).volume()
    return _share(first, second, shared)


def iou_matrix(first: Sequence[Box3D], second: Sequence[Box3D]) -> np.ndarray:
    """Measure how much each box of one list overlaps each of another.

    Args:
        first: N boxes.
        second: M boxes, stated in the same frame.

    Returns:
        (N, M) float64, 0 to 1; a box that is not valid has 0 with everything.
    """
    overlaps = np.zeros((len(first), len(second)))
    rows, columns = np.nonzero(_may_meet(first, second))
    if not len(rows):
        return overlaps
    # Stated near the origin, polyhedra keep their digits however far from it the boxes are.
    origin = first[rows[0]].center
    left = {row: _polyhedron(first[row], origin) for row in set(rows.tolist())}
    right = {column: _polyhedron(second[column], origin) for column in set(columns.tolist())}
    for row, column in zip(rows.tolist(), columns.tolist(), strict=True):
        overlaps[row, column] = _share(first[row], second[column], (left[row] ^ right[column]).volume())
    return overlaps


def iou_bounds(
    boxes: Sequence[Box3D], first: np.ndarray, second: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Bound from above how much the boxes of pairs overlap, at a small part of what `iou_matrix` costs.

    The second box is put into the smallest box along the first one's axes that holds it.

    Args:
        boxes: N boxes, stated in the same frame.
        first, second: (P,) indices of the pairs.

    Returns:
        (P,) float64, not less than the pair's IoU by more than rounding, and 0 where a box is not valid; and
        (P,) bool, where the bound is the IoU itself, as it is for boxes whose axes run alike.
    """
    centers = np.array([box.center for box in boxes])
    extents = np.array([box.extents for box in boxes])
    halves = extents / 2
    rotations = np.array([box.rotation for box in boxes])
    finite = np.isfinite(centers).all(-1) & np.isfinite(extents).all(-1)
    valid = finite & (extents >= MIN_EXTENT_M).all(-1)
    inward = np.swapaxes(rotations[first], -1, -2)
    with np.errstate(invalid="ignore", over="ignore"):
        apart = np.abs((inward @ (centers[second] - centers[first])[..., None])[..., 0])
        turned = np.abs(inward @ rotations[second])
        reach = (turned @ halves[second][..., None])[..., 0]
        own = halves[first]
        shared = (np.minimum(own, apart + reach) - np.maximum(-own, apart - reach)).clip(0.0).prod(-1)
        volumes = 8 * halves.prod(-1)
        shared = np.minimum(shared, np.minimum(volumes[first], volumes[second]))
        bounds = shared / (volumes[first] + volumes[second] - shared)
    valid = valid[first] & valid[second]
    alike = np.minimum(turned, np.abs(1.0 - turned)).max((-2, -1)) < _ALIKE
    return np.where(valid, bounds * (1 + 1e-12), 0.0), alike | ~valid


def _may_meet(first: Sequence[Box3D], second: Sequence[Box3D]) -> np.ndarray:
    """Tell which pairs of valid boxes have bounding spheres that meet, as (N, M) bool."""
    valid = np.outer([box.is_valid() for box in first], [box.is_valid() for box in second]).astype(bool)
    if not valid.any():
        return valid
    centers = [np.array([box.center for box in boxes]) for boxes in (first, second)]
    radii = [np.linalg.norm([box.extents for box in boxes], axis=1) / 2 for boxes in (first, second)]
    with np.errstate(invalid="ignore"):
        distance = np.linalg.norm(centers[0][:, None] - centers[1][None], axis=-1)
        return valid & (distance < radii[0][:, None] + radii[1][None])


def _share(first: Box3D, second: Box3D, shared: float) -> float:
    """Return the IoU of two boxes that share a volume."""
    return min(max(shared / (first.volume + second.volume - shared), 0.0), 1.0)


def _shared_by_upright(first: Box3D, second: Box3D) -> float | None:
    """Return the volume that two boxes share whose z axes are parallel, as those on one floor are; else None.

    Their heights overlap by a length and their ground plans by an area: a tenth of the work of polyhedra.
    """
    inward = first.rotation.T
    (xx, xy, xz), (yx, yy, yz), _ = (inward @ second.rotation).tolist()
    if max(abs(xz), abs(yz)) >= _ALIKE:
        return None
    x, y, z = (inward @ (second.center - first.center)).tolist()
    (*plan, height), (length, width, other_height) = (
        (first.extents / 2).tolist(),
        (second.extents / 2).tolist(),
    )
    overlap = min(height, z + other_height) - max(-height, z - other_height)
    if overlap <= 0:
        return 0.0
    signs = ((1, 1), (-1, 1), (-1, -1), (1, -1))
    corners = [(x + i * length * xx + j * width * xy, y + i * length * yx + j * width * yy) for i, j in signs]
    return overlap * shared_area(tuple(plan), corners)


def _polyhedron(box: Box3D, origin: np.ndarray) -> Manifold:
    # Imported here because robots that only publish boxes never compare them.
    from manifold3d import Manifold

    pose = np.column_stack([box.rotation, box.center - origin])
    return Manifold.cube(box.extents, center=True).transform(pose)
