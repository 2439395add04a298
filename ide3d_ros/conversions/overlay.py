# SPDX-License-Identifier: Apache-2.0
"""Draw detections into the picture they were seen in: projected boxes with labels."""

from __future__ import annotations

from collections.abc import Iterable

import cv2
import numpy as np

from ide3d_ros.conversions.markers import label_color
from ide3d_ros.geometry.box import EDGES, Box3D
from ide3d_ros.geometry.camera import Camera
from ide3d_ros.scene.results import Detection

_NEAR_M = 0.05
_EDGE_SAMPLES = 12


def draw_detections(image: np.ndarray, detections: Iterable[Detection], camera: Camera) -> np.ndarray:
    """Draw boxes, the farthest first, so that near ones lie on top.

    Args:
        image: (H, W, 3) uint8 RGB of the camera; it is not changed.
        detections: in the optical frame of this very image.
        camera: of the image's size; its distortion bends the edges as it bends the picture.

    Returns:
        (H, W, 3) uint8 RGB, a new array.
    """
    canvas = np.array(image, copy=True, order="C")
    thickness = max(1, round(min(canvas.shape[:2]) / 240))
    for detection in sorted(detections, key=lambda one: -float(one.box.center[2])):
        color = tuple(int(round(255 * value)) for value in label_color(detection.label))
        lines = box_polylines(detection.box, camera)
        cv2.polylines(canvas, lines, False, color, thickness, cv2.LINE_AA)
        if lines:
            _draw_label(canvas, f"{detection.label} {detection.score:.2f}", lines, color)
    return canvas


def box_polylines(box: Box3D, camera: Camera) -> list[np.ndarray]:
    """Project a box's edges, cut off in front of the camera.

    Args:
        box: metres, in the camera's optical frame.
        camera: the camera that looks at it.

    Returns:
        For each edge in front of the camera (N, 2) int32 pixels along it.
    """
    corners = box.corners()
    along = np.linspace(0.0, 1.0, _EDGE_SAMPLES)[:, None]
    # Far outside its picture a distortion polynomial folds back, so a point may only count where it is nearly
    # in view.
    limit = 2 * max(camera.width, camera.height)
    lines = []
    for start, end in EDGES:
        segment = _in_front(corners[start], corners[end])
        if segment is None:
            continue
        pixels = camera.project(segment[0] * (1 - along) + segment[1] * along)
        usable = np.isfinite(pixels).all(1) & (np.abs(pixels) < limit).all(1)
        if usable.sum() >= 2:
            lines.append(np.round(pixels[usable]).astype(np.int32))
    return lines


def _in_front(start: np.ndarray, end: np.ndarray) -> tuple[np.ndarray, np.ndarray] | None:
    if start[2] < _NEAR_M and end[2] < _NEAR_M:
        return None
    if start[2] < _NEAR_M:
        start = end + (start - end) * ((end[2] - _NEAR_M) / (end[2] - start[2]))
    elif end[2] < _NEAR_M:
        end = start + (end - start) * ((start[2] - _NEAR_M) / (start[2] - end[2]))
    return start, end


def _draw_label(canvas: np.ndarray, text: str, lines: list[np.ndarray], color: tuple[int, int, int]) -> None:
    height, width = canvas.shape[:2]
    scale = max(0.35, min(height, width) / 900)
    # cv2's font is ASCII alone; other letters would each print as question marks of their bytes.
    text = text.encode("ascii", "replace").decode("ascii")
    (text_width, text_height), base = cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, scale, 1)
    points = np.concatenate(lines)
    left = int(np.clip(points[:, 0].min(), 0, max(0, width - text_width - 2)))
    bottom = int(np.clip(points[:, 1].min() - 2, text_height + base, height - 1))
    cv2.rectangle(
        canvas, (left, bottom - text_height - base), (left + text_width + 2, bottom), color, cv2.FILLED
    )
    ink = (0, 0, 0) if sum(color) > 380 else (255, 255, 255)
    cv2.putText(
        canvas, text, (left + 1, bottom - base // 2 - 1), cv2.FONT_HERSHEY_SIMPLEX, scale, ink, 1, cv2.LINE_AA
    )
