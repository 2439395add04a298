# SPDX-License-Identifier: Apache-2.0
"""Draw detections into the picture they were seen in: projected boxes with labels."""

from __future__ import annotations

from collections.abc import Iterable

import cv2
import numpy as np

from ide3d_ros.conversions.markers import label_color
from ide3d_ros.geometry.camera import Camera
from ide3d_ros.geometry.wireframe import box_polylines
from ide3d_ros.scene.results import Detection


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
