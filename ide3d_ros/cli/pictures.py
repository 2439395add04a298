# SPDX-License-Identifier: Apache-2.0
"""Pictures of exchanges: the frame that was answered about with the true and the predicted boxes in it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from ide3d_ros.cli.exchanges import Exchange
from ide3d_ros.cli.report import got_text, question_text
from ide3d_ros.geometry.box import Box3D
from ide3d_ros.geometry.camera import Camera
from ide3d_ros.geometry.wireframe import box_polylines

WIDTH = 960
_TRUE_COLOR = (40, 220, 90)  # RGB
_PREDICTED_COLOR = (255, 120, 30)
_PAPER, _INK, _QUIET = (24, 26, 30), (245, 245, 245), (170, 174, 180)
_FONT = cv2.FONT_HERSHEY_DUPLEX
_MARGIN, _LINE = 16, 34


def draw(exchange: Exchange) -> np.ndarray:
    """Draw the frame of an exchange, with the question and the answer below it.

    Args:
        exchange: any.

    Returns:
        (H, WIDTH, 3) uint8 RGB.
    """
    camera = exchange.moment.camera
    height = round(WIDTH * camera.height / camera.width)
    canvas = cv2.resize(exchange.moment.rgb, (WIDTH, height), interpolation=cv2.INTER_CUBIC)
    scaled = camera.resized(WIDTH, height)
    for box in exchange.truth.boxes:
        _draw_box(canvas, box, scaled, _TRUE_COLOR)
    for detection in exchange.detections:
        _draw_box(canvas, detection.box, scaled, _PREDICTED_COLOR)
    return np.vstack([canvas, _caption(exchange)])


def write_png(picture: np.ndarray, path: Path) -> None:
    """Write an RGB picture."""
    path.write_bytes(_encoded(picture, ".png"))


def write_sheet(pictures: Sequence[np.ndarray], path: Path, *, columns: int = 2, width: int = 1280) -> None:
    """Write several pictures side by side as one JPEG.

    Args:
        pictures: of the same width.
        path: ends in .jpg.
        columns: side by side.
        width: of the sheet, pixels.
    """
    tallest = max(picture.shape[0] for picture in pictures)
    cells = [
        np.vstack([one, np.full((tallest - one.shape[0], WIDTH, 3), _PAPER, np.uint8)]) for one in pictures
    ]
    while len(cells) % columns:
        cells.append(np.full_like(cells[0], _PAPER))
    rows = [np.hstack(cells[at : at + columns]) for at in range(0, len(cells), columns)]
    sheet = np.vstack(rows)
    scale = width / sheet.shape[1]
    small = cv2.resize(sheet, (width, round(sheet.shape[0] * scale)), interpolation=cv2.INTER_AREA)
    path.write_bytes(_encoded(small, ".jpg", cv2.IMWRITE_JPEG_QUALITY, 85))


def _draw_box(canvas: np.ndarray, box: Box3D, camera: Camera, color: tuple[int, int, int]) -> None:
    lines = box_polylines(box, camera)
    cv2.polylines(canvas, lines, False, (0, 0, 0), 5, cv2.LINE_AA)  # a dark rim, to be seen on any ground
    cv2.polylines(canvas, lines, False, color, 2, cv2.LINE_AA)


def _caption(exchange: Exchange) -> np.ndarray:
    verdict = {True: "right", False: "wrong", None: "not judged"}[exchange.right]
    rows = [
        (question_text(exchange), 0.85, _INK),
        (f"truth: {exchange.truth.shown}", 0.65, _TRUE_COLOR),
        (f"model: {got_text(exchange)}", 0.65, _PREDICTED_COLOR),
        (f"{verdict}, {exchange.place}, {exchange.round_trip_ms:.0f} ms", 0.6, _QUIET),
    ]
    lines = [(line, scale, color) for text, scale, color in rows for line in _folded(text, scale)]
    paper = np.full((2 * _MARGIN + _LINE * len(lines), WIDTH, 3), _PAPER, np.uint8)
    for place, (line, scale, color) in enumerate(lines):
        at = (_MARGIN, _MARGIN + _LINE * place + 24)
        cv2.putText(paper, line, at, _FONT, scale, color, 1, cv2.LINE_AA)
    return paper


def _folded(text: str, scale: float) -> list[str]:
    """Break a text into lines that fit the width; letters outside ASCII, which the font lacks, become "?"."""
    lines = [""]
    for word in text.encode("ascii", "replace").decode("ascii").split():
        longer = f"{lines[-1]} {word}".strip()
        (length, _), _ = cv2.getTextSize(longer, _FONT, scale, 1)
        if length > WIDTH - 2 * _MARGIN and lines[-1]:
            lines.append(word)
        else:
            lines[-1] = longer
    return lines


def _encoded(picture: np.ndarray, suffix: str, *options: int) -> bytes:
    written, data = cv2.imencode(suffix, cv2.cvtColor(picture, cv2.COLOR_RGB2BGR), list(options))
    if not written:
        raise RuntimeError(f"a picture of shape {picture.shape} could not be written as {suffix}")
    return data.tobytes()
