# SPDX-License-Identifier: Apache-2.0
"""How much of a labelled box a depth picture shows: what hides it, what leaves the frame."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ide3d_ros.geometry.box import Box3D
from ide3d_ros.geometry.camera import Camera

TOLERANCE_M = 0.08
"""How far a surface may lie outside its box: labels and depth are right within a few centimetres."""
_STEPS = 16
_NEAR_M = 0.05
_LEAST_MEASURED = 0.25  # of the part inside the frame; with less the depth picture says nothing


@dataclass(frozen=True)
class Visibility:
    """Say how much of an object can be seen: its share, 0..1, and its area in the depth picture, pixels."""

    fraction: float
    pixels: float


def box_visibility(box: Box3D, depth: np.ndarray, camera: Camera) -> Visibility | None:
    """Compare a box with measured depth.

    The faces that look at the camera are sampled. A ray through a sample is hidden where something was
    measured before the box, shows the object where the measurement lies in the box, and says nothing about it
    where it ends behind the box (no object fills its box) or where nothing was measured.

    Args:
        box: in the depth camera's optical frame.
        depth: (H, W) float32 metres along the optical axis, 0 where nothing was measured.
        camera: the depth camera.

    Returns:
        None where too little was measured to tell.
    """
    points, areas = _facing_samples(box, camera)
    pixels = camera.project(points)
    inside = camera.contains(pixels)
    outside_area = float(areas[~inside].sum())
    if not inside.any():
        return Visibility(0.0, 0.0)
    column, line = pixels[inside].round().astype(int).T
    measured = depth[line.clip(0, camera.height - 1), column.clip(0, camera.width - 1)]
    entry, areas = points[inside, 2], areas[inside]
    leave = _exit_depths(box, points[inside])
    known = measured > 0
    if areas[known].sum() < _LEAST_MEASURED * areas.sum():
        return None
    before = known & (measured < entry - TOLERANCE_M)
    behind = known & (measured > leave + TOLERANCE_M)
    shown = float(areas[known & ~before & ~behind].sum())
    if not shown:
        return Visibility(0.0, 0.0)
    # The hidden part and the part outside the frame are as full of object as the part that shows it.
    fill = shown / (shown + float(areas[behind].sum()))
    missing = fill * (float(areas[before].sum()) + outside_area)
    return Visibility(shown / (shown + missing), shown)


def _facing_samples(box: Box3D, camera: Camera) -> tuple[np.ndarray, np.ndarray]:
    """Sample the faces that look at the camera.

    Returns:
        (N, 3) points in the optical frame and (N,) the pixels that each stands for: a patch dA with normal n
        at p covers fx fy |n . p| / z^3 dA of the image.
    """
    steps = (np.arange(_STEPS) + 0.5) / _STEPS - 0.5
    first, second = (grid.ravel() for grid in np.meshgrid(steps, steps))
    points, areas = [], []
    for axis in range(3):
        others = [other for other in range(3) if other != axis]
        for sign in (-0.5, 0.5):
            own = np.empty((len(first), 3))
            own[:, axis] = sign
            own[:, others] = np.column_stack([first, second])
            at = (own * box.extents) @ box.rotation.T + box.center
            normal = box.rotation[:, axis] * np.sign(sign)
            facing = -(at @ normal)
            seen = (facing > 0) & (at[:, 2] > _NEAR_M)
            patch = float(np.prod(box.extents[others])) / len(first)
            points.append(at[seen])
            areas.append(camera.fx * camera.fy * facing[seen] / at[seen, 2] ** 3 * patch)
    return np.concatenate(points), np.concatenate(areas)


def _exit_depths(box: Box3D, points: np.ndarray) -> np.ndarray:
    """Return the depths at which the rays from the camera through points of a box leave it, (N,) metres."""
    rays = (points / points[:, 2:]) @ box.rotation
    origin = -box.center @ box.rotation
    with np.errstate(divide="ignore", invalid="ignore"):
        far = np.maximum((-box.extents / 2 - origin) / rays, (box.extents / 2 - origin) / rays)
    return np.where(np.abs(rays) < 1e-12, np.inf, far).min(axis=1)
