# SPDX-License-Identifier: Apache-2.0
"""How one visual token writes down a 3D box: the layout of a field vector, and both directions of the code.

A field vector belongs to one visual token of one frame. It states the box of the object the token lies on,
relative to the token's own place, so that a network never has to know where in the picture it is:

=============  =====  ==============================================================================
slot           width  meaning
=============  =====  ==============================================================================
offset         2      projected box centre minus token centre, in token strides (u, v)
depth          1      log of the virtual depth ``z * focal_virtual / f`` (as LLMI3D and Cube R-CNN do)
extents        3      log of (extents / the category's mean extents)
yaw            2      (cos 2a, sin 2a) of the allocentric yaw a: the axis of the object
front          1      logit that the front faces the camera (|a| < 90 degrees): which end of that axis
log_scale      4      log of the Laplace scale of offset, depth, extents, yaw: how far off they may be
category       C + 1  logits of the categories; the last is background
color          M      logits of the colours
=============  =====  ==============================================================================

The yaw is allocentric (measured from the viewing ray), because that is what an image patch shows; 2a with a
separate front bit keeps the target continuous for objects whose two ends look alike.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ide3d_ros.geometry.rotation import optical_from_level, wrap_angle, yaw_rotation


@dataclass(frozen=True)
class BoxCode:
    """Lay out a field vector for `categories` categories and `colors` colours.

    Args:
        categories: number of categories, background not counted.
        colors: number of colours.
        stride: side of a visual token in pixels of the network image.
        focal_virtual: focal length of the virtual camera, pixels of the network image; None where depths are
            coded as they are, without one.
    """

    categories: int
    colors: int
    stride: float
    focal_virtual: float | None

    offset = slice(0, 2)
    depth = 2
    extents = slice(3, 6)
    yaw = slice(6, 8)
    front = 8
    log_scale = slice(9, 13)

    @property
    def category(self) -> slice:
        """Slots of the category logits, background last."""
        return slice(13, 14 + self.categories)

    @property
    def color(self) -> slice:
        """Slots of the colour logits."""
        return slice(14 + self.categories, self.size)

    @property
    def size(self) -> int:
        """Length of a field vector."""
        return 14 + self.categories + self.colors

    def token_centers(self, rows: int, columns: int) -> np.ndarray:
        """Return the pixel centre of each token of a frame.

        Returns:
            (rows * columns, 2) float64, (u, v) in pixels of the network image, row by row.
        """
        v, u = np.mgrid[0:rows, 0:columns]
        return (np.stack([u, v], -1).reshape(-1, 2) + 0.5) * self.stride - 0.5


def coded_depth_scale(focal, focal_virtual: float | None):
    """Return what turns metric depth into the depth that is coded.

    Args:
        focal: focal length of the camera, pixels of the network image; a number, an array or a tensor.
        focal_virtual: of the virtual camera; None where depths are coded as they are.
    """
    return focal / focal if focal_virtual is None else focal_virtual / focal


def allocentric_yaw(rotation: np.ndarray, centers: np.ndarray, level: np.ndarray) -> np.ndarray:
    """Measure the yaw of upright boxes from the ray that looks at them.

    Args:
        rotation: (N, 3, 3) optical-from-box rotations.
        centers: (N, 3) box centres in the optical frame, metres.
        level: (3, 3) optical-from-level rotation of the camera.

    Returns:
        (N,) radians in (-pi, pi]; 0 when the box's x axis (its front) points at the camera.
    """
    heading = np.einsum("ji,nj->ni", level, rotation[:, :, 0])
    center = centers @ level
    return wrap_angle(
        np.arctan2(heading[:, 1], heading[:, 0]) - np.arctan2(center[:, 1], center[:, 0]) - np.pi
    )


def upright_rotations(yaw: np.ndarray, centers: np.ndarray, level: np.ndarray) -> np.ndarray:
    """Invert `allocentric_yaw`: build the rotations of upright boxes.

    Args:
        yaw: (N,) allocentric yaw, radians.
        centers: (N, 3) box centres in the optical frame, metres.
        level: (N, 3, 3) or (3, 3) optical-from-level rotation of each box's camera.

    Returns:
        (N, 3, 3) optical-from-box rotations.
    """
    center = np.einsum("...ji,...j->...i", level, centers)
    psi = yaw + np.arctan2(center[:, 1], center[:, 0]) + np.pi
    return level @ yaw_rotation(psi)


@dataclass(frozen=True)
class CodedBoxes:
    """Regression targets of N boxes, before they are made relative to a token.

    Attributes:
        pixels: (N, 2) projected centres, pixels of the network image.
        log_depth: (N,) log virtual depth.
        extents: (N, 3) log residuals to the category means.
        yaw: (N, 2) cos 2a, sin 2a.
        front: (N,) 1.0 where the front faces the camera, else 0.0.
    """

    pixels: np.ndarray
    log_depth: np.ndarray
    extents: np.ndarray
    yaw: np.ndarray
    front: np.ndarray


def encode_boxes(
    centers: np.ndarray,
    extents: np.ndarray,
    rotations: np.ndarray,
    mean_extents: np.ndarray,
    *,
    camera_matrix: np.ndarray,
    pitch: float,
    roll: float,
    focal_virtual: float | None,
) -> CodedBoxes:
    """Turn boxes of one frame into regression targets.

    Args:
        centers: (N, 3) optical frame, metres, in front of the camera.
        extents: (N, 3) full extents, metres.
        rotations: (N, 3, 3) optical-from-box.
        mean_extents: (N, 3) mean extents of each box's category, metres.
        camera_matrix: (3, 3) intrinsics of the network image.
        pitch: camera pitch, radians, positive looks down.
        roll: camera roll, radians.
        focal_virtual: focal length of the virtual camera, pixels; None for none.

    Raises:
        ValueError: if a centre is not in front of the camera.
    """
    if np.any(centers[:, 2] <= 0):
        raise ValueError("a box centre lies behind the camera; drop it before encoding")
    projected = centers @ camera_matrix.T
    focal = np.sqrt(camera_matrix[0, 0] * camera_matrix[1, 1])
    alpha = allocentric_yaw(rotations, centers, optical_from_level(pitch, roll))
    return CodedBoxes(
        pixels=projected[:, :2] / projected[:, 2:],
        log_depth=np.log(centers[:, 2] * coded_depth_scale(focal, focal_virtual)),
        extents=np.log(extents / mean_extents),
        yaw=np.stack([np.cos(2 * alpha), np.sin(2 * alpha)], -1),
        front=(np.cos(alpha) > 0).astype(np.float64),
    )


def decode_yaw(axis: np.ndarray, front: np.ndarray) -> np.ndarray:
    """Turn (cos 2a, sin 2a) and the front logit into the allocentric yaw.

    Args:
        axis: (N, 2) cos 2a, sin 2a, of any length.
        front: (N,) logit that the front faces the camera.

    Returns:
        (N,) radians in (-pi, pi].
    """
    half = 0.5 * np.arctan2(axis[:, 1], axis[:, 0])
    return wrap_angle(np.where(front >= 0, half, half + np.pi))


def decode_centers(
    pixels: np.ndarray, log_depth: np.ndarray, camera_matrix: np.ndarray, focal_virtual: float | None
) -> np.ndarray:
    """Lift projected centres and log virtual depths to metric points.

    Args:
        pixels: (N, 2) pixels of the network image.
        log_depth: (N,) log virtual depth.
        camera_matrix: (N, 3, 3) or (3, 3) intrinsics of the network image.
        focal_virtual: focal length of the virtual camera, pixels; None for none.

    Returns:
        (N, 3) optical frame, metres.
    """
    fx, fy = camera_matrix[..., 0, 0], camera_matrix[..., 1, 1]
    cx, cy = camera_matrix[..., 0, 2], camera_matrix[..., 1, 2]
    depth = np.exp(log_depth) / coded_depth_scale(np.sqrt(fx * fy), focal_virtual)
    centers = np.empty((len(pixels), 3))
    centers[:, 0] = (pixels[:, 0] - cx) / fx * depth
    centers[:, 1] = (pixels[:, 1] - cy) / fy * depth
    centers[:, 2] = depth
    return centers
