# SPDX-License-Identifier: Apache-2.0
"""Where a box goes wrong: pointing, depth or the rest, told apart by putting in what is true."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ide3d_ros.geometry.box import Box3D
from ide3d_ros.geometry.camera import Camera
from ide3d_ros.geometry.iou import oriented_iou

RIGHT_PIXEL_RADIUS = 16.0
"""Pixels from the target's projected centre within which a prediction points at the right thing."""


@dataclass(frozen=True)
class PlacementError:
    """Compare one predicted box with the true one.

    Attributes:
        pixel: distance between the projected centres, pixels; infinite where one lies behind the camera.
        depth_m: absolute error of the centre's depth, metres.
        log_depth: absolute error of the natural logarithm of depth; infinite for a depth below zero.
        true_depth_iou: IoU after sliding the predicted centre along its ray to the true depth.
        true_pixel_iou: IoU after moving the centre to the true ray, keeping the predicted depth.
        true_center_iou: IoU with the true centre, keeping the predicted extents and rotation.
    """

    pixel: float
    depth_m: float
    log_depth: float
    true_depth_iou: float
    true_pixel_iou: float
    true_center_iou: float

    @property
    def right_pixel(self) -> bool:
        """Tell whether the prediction points at the right thing, however far away it puts it."""
        return self.pixel <= RIGHT_PIXEL_RADIUS


def placement_error(prediction: Box3D, truth: Box3D, camera: Camera) -> PlacementError:
    """Take a prediction apart.

    Args:
        prediction: in the camera's optical frame.
        truth: the target's box, in the same frame.
        camera: the camera that both are seen by.

    Returns:
        The errors, and the IoU that each true part would have brought.
    """
    depth, true_depth = float(prediction.center[2]), float(truth.center[2])
    pixels = camera.project(np.stack([prediction.center, truth.center]))
    pixel = float(np.linalg.norm(pixels[0] - pixels[1]))
    both_in_front = depth > 0 and true_depth > 0

    def iou_at(center: np.ndarray) -> float:
        return oriented_iou(replace(prediction, center=center), truth)

    return PlacementError(
        pixel=pixel if np.isfinite(pixel) else float("inf"),
        depth_m=abs(depth - true_depth),
        log_depth=abs(float(np.log(depth / true_depth))) if both_in_front else float("inf"),
        true_depth_iou=iou_at(prediction.center * (true_depth / depth)) if both_in_front else 0.0,
        true_pixel_iou=iou_at(truth.center * (depth / true_depth)) if both_in_front else 0.0,
        true_center_iou=iou_at(truth.center),
    )
