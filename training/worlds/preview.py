# SPDX-License-Identifier: Apache-2.0
"""Sheets of many frames: with boxes, to see at a glance that labels and pixels agree, or without."""

from __future__ import annotations

import cv2
import numpy as np

from ide3d_ros.geometry.box import EDGES
from ide3d_training.worlds.categories import COLORS
from ide3d_training.worlds.renderer import Rendered, RoomRenderer, render_frame

_LINE = (255, 220, 60)
_FRONT = (255, 80, 220)
_GAP = 6  # between frames, pixels


def annotate(frame: Rendered) -> np.ndarray:
    """Draw the boxes of the referable objects into a frame: edges, an arrow out of the front, a name tag.

    Args:
        frame: a rendered frame.

    Returns:
        (H, W, 3) uint8 RGB, a new array.
    """
    image = np.ascontiguousarray(frame.rgb.copy())
    graph = frame.graph
    for obj in graph.referable:
        pixels = obj.box.projected(graph.camera)
        if not np.all(np.isfinite(pixels)):
            continue  # a corner lies behind the camera
        tone = tuple(int(255 * channel) for channel in COLORS[obj.color])
        for a, b in EDGES:
            _line(image, pixels[a], pixels[b], (20, 20, 20), 2)
            _line(image, pixels[a], pixels[b], _LINE, 1)
        front = obj.box.center + obj.box.rotation[:, 0] * obj.box.extents[0] / 2
        tip = graph.camera.project(np.stack([obj.box.center, front]))
        if np.all(np.isfinite(tip)):
            cv2.arrowedLine(image, _pixel(tip[0]), _pixel(tip[1]), _FRONT, 1, cv2.LINE_AA, tipLength=0.25)
        text = f"{obj.color} {obj.category} {obj.visible_fraction:.2f}"
        scale = graph.camera.width / 1500
        (width, height), _ = cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, scale, 1)
        x = int(np.clip(pixels[:, 0].min(), 0, graph.camera.width - width))
        y = int(np.clip(pixels[:, 1].min() - 2, height + 1, graph.camera.height - 2))
        cv2.rectangle(image, (x - 1, y - height - 1), (x + width + 1, y + 2), (20, 20, 20), -1)
        cv2.rectangle(image, (x - 4, y - height - 1), (x - 2, y + 2), tone, -1)
        cv2.putText(image, text, (x, y), cv2.FONT_HERSHEY_SIMPLEX, scale, (255, 255, 255), 1, cv2.LINE_AA)
    return image


def contact_sheet(
    seed: int, rooms: int = 4, views: int = 3, width: int = 480, height: int = 360
) -> np.ndarray:
    """Draw a row of annotated views for each of several rooms.

    Args:
        seed: of the first room.
        rooms: number of rows.
        views: number of columns.
        width, height: of one frame, pixels.

    Returns:
        uint8 RGB with thin white gaps between the frames.
    """
    with RoomRenderer(width, height) as renderer:
        frames = [
            annotate(render_frame(seed + room, renderer, view))
            for room in range(rooms)
            for view in range(views)
        ]
    return _tiled(frames, views)


def plain_sheet(
    seed: int, rooms: int = 16, columns: int = 4, width: int = 480, height: int = 360, sensor: str = "clean"
) -> np.ndarray:
    """Draw one frame of each of many rooms with nothing added, to see whether they look like rooms.

    Args:
        seed: of the first room.
        rooms: number of frames.
        columns: frames in a row.
        width, height: of one frame, pixels.
        sensor: kind of camera, one of ``sensor.SENSORS``.

    Returns:
        uint8 RGB with thin white gaps between the frames.
    """
    with RoomRenderer(width, height) as renderer:
        frames = [render_frame(seed + room, renderer, sensor=sensor).rgb for room in range(rooms)]
    return _tiled(frames, columns)


def _tiled(frames: list[np.ndarray], columns: int) -> np.ndarray:
    columns = min(columns, len(frames))
    rows, (height, width) = -(-len(frames) // columns), frames[0].shape[:2]
    sheet = np.full((rows * (height + _GAP) - _GAP, columns * (width + _GAP) - _GAP, 3), 255, np.uint8)
    for i, frame in enumerate(frames):
        top, left = i // columns * (height + _GAP), i % columns * (width + _GAP)
        sheet[top : top + height, left : left + width] = frame
    return sheet


def _pixel(point: np.ndarray) -> tuple[int, int]:
    return int(round(float(point[0]))), int(round(float(point[1])))


def _line(image: np.ndarray, a: np.ndarray, b: np.ndarray, color, thickness: int) -> None:
    cv2.line(image, _pixel(a), _pixel(b), color, thickness, cv2.LINE_AA)
