# SPDX-License-Identifier: Apache-2.0
"""Frames of a camera with a distorting lens, made from a larger frame that a pinhole camera sees.

OpenGL draws pinhole cameras only. So a pinhole frame is drawn that covers all rays of the lens, at a higher
resolution, and the lens picks its pixels from it. Colours are interpolated. Ids are those of the nearest
pixel, and so are depths at edges; on smooth surfaces inverse depth is interpolated, exactly for planes.
"""

from __future__ import annotations

import cv2
import numpy as np

from ide3d_ros.geometry.camera import Camera, CameraError

OVERSAMPLING = 1.5  # pixels of a fine frame for each of the frame that is made from it, on each axis
_SMOOTH = 1e-3  # relative second difference of inverse depths, below which a pixel lies within a surface


class Lens:
    """Where each pixel of a distorted camera lies in a pinhole camera's frame.

    Attributes:
        source: the pinhole camera to draw; its frame is OVERSAMPLING times as large.
        covered: (H', W') bool, the pixels of the source's frame that the lens shows.
    """

    def __init__(self, camera: Camera) -> None:
        """Find the pinhole camera that sees all that the lens sees.

        Args:
            camera: with plumb_bob distortion.

        Raises:
            CameraError: if no rays lead to a part of the frame.
        """
        width, height = fine_size(camera.width, camera.height)
        border = camera.rays(_border(camera.width, camera.height))
        v, u = np.mgrid[0 : camera.height, 0 : camera.width]
        rays = camera.rays(np.column_stack([u.ravel(), v.ravel()]).astype(np.float64))
        if not (np.isfinite(border).all() and np.isfinite(rays).all()):
            raise CameraError(
                f"distortion {camera.distortion} bends too much: no light gets to a part of the frame"
            )
        low, high = border[:, :2].min(axis=0), border[:, :2].max(axis=0)
        focal = np.array([width, height]) / (high - low)
        center = -low * focal - 0.5
        self.source = Camera(width, height, *focal, *center)
        pixels = self.source.project(rays).reshape(camera.height, camera.width, 2)
        self._map = pixels.astype(np.float32)
        self._nearest = np.clip(np.round(pixels), 0, (width - 1, height - 1)).astype(np.intp)
        outline = np.round(self.source.project(border)).astype(np.int32)
        covered = np.zeros((height, width), np.uint8)
        cv2.fillPoly(covered, [outline], 1)
        self.covered = covered.astype(bool)

    def bent(self, rgb: np.ndarray, depth: np.ndarray, ids: np.ndarray) -> tuple[np.ndarray, ...]:
        """Return what the lens makes of the source's frame.

        Args:
            rgb: (H', W', 3) uint8.
            depth: (H', W') metres along the optical axis, which the two cameras share.
            ids: (H', W') uint8.

        Returns:
            The same three of the distorted camera, (H, W).
        """
        columns, rows = self._nearest[..., 0], self._nearest[..., 1]
        colors = cv2.remap(rgb, self._map, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        return colors, self._bent_depth(depth, ids), ids[rows, columns]

    def _bent_depth(self, depth: np.ndarray, ids: np.ndarray) -> np.ndarray:
        rows, columns = self._nearest[..., 1], self._nearest[..., 0]
        limit = np.array(depth.shape[::-1]) - 2
        left, top = np.moveaxis(np.clip(np.floor(self._map), 0, limit).astype(np.intp), -1, 0)
        x, y = self._map[..., 0] - left, self._map[..., 1] - top
        around = [(top, left), (top, left + 1), (top + 1, left), (top + 1, left + 1)]
        with np.errstate(divide="ignore", invalid="ignore"):
            inverse = 1.0 / depth
            inner = _within_surfaces(inverse)
            a, b, c, d = (inverse[place] for place in around)
            smooth = 1.0 / ((1 - y) * ((1 - x) * a + x * b) + y * ((1 - x) * c + x * d))
        own = ids[rows, columns]
        flat = np.all([inner[place] & (ids[place] == own) for place in around], axis=0)
        return np.where(flat, smooth, depth[rows, columns]).astype(np.float32)


def _within_surfaces(inverse: np.ndarray) -> np.ndarray:
    """Tell which pixels (H, W) lie in one smooth surface with the neighbours on all four sides."""
    inner = np.zeros(inverse.shape, bool)
    middle = inverse[1:-1, 1:-1]
    across = inverse[1:-1, :-2] + inverse[1:-1, 2:] - 2 * middle
    down = inverse[:-2, 1:-1] + inverse[2:, 1:-1] - 2 * middle
    inner[1:-1, 1:-1] = np.maximum(np.abs(across), np.abs(down)) < _SMOOTH * middle
    return inner


def fine_size(width: int, height: int) -> tuple[int, int]:
    """Return the size of the fine frame that a frame of this size is made from, pixels."""
    return int(np.ceil(OVERSAMPLING * width)), int(np.ceil(OVERSAMPLING * height))


def _border(width: int, height: int) -> np.ndarray:
    """Return points (N, 2) along the outer edges of the outer pixels, in order around the frame."""
    u, v = np.arange(width) - 0.5, np.arange(height) - 0.5
    right, bottom = width - 0.5, height - 0.5
    return np.concatenate(
        [
            np.column_stack([u, np.full(width, -0.5)]),
            np.column_stack([np.full(height, right), v]),
            np.column_stack([width - 1 - u, np.full(width, bottom)]),
            np.column_stack([np.full(height, -0.5), height - 1 - v]),
        ]
    )
