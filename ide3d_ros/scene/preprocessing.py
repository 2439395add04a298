# SPDX-License-Identifier: Apache-2.0
"""Turn a camera image into the network image, and carry its camera along."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np

from ide3d_ros.geometry.camera import Camera

MAX_STRETCH = 1.1
"""Largest ratio of aspect ratios that is stretched away; beyond it the image is letterboxed."""

MAX_LINEAR = 1.3
"""Largest shrinking for which the nearest four pixels will do in place of the mean of all."""

_BAR = (127, 127, 127)  # mid-grey: close to zero once the network has normalised it


class FrameError(ValueError):
    """Report an image, camera, stamp or frame_id that cannot become a frame."""


@dataclass(frozen=True, eq=False)
class NetworkImage:
    """Hold an image of the network's size with the pinhole camera that belongs to it.

    Attributes:
        pixels: (height, width, 3) uint8 RGB.
        camera: pinhole camera of that size, in the same optical frame as the original.
    """

    pixels: np.ndarray
    camera: Camera


def prepare_image(image: np.ndarray, camera: Camera, width: int, height: int) -> NetworkImage:
    """Undistort an image and bring it to the network's size.

    Aspect ratios up to 10 % apart are stretched (the intrinsics follow, so geometry stays exact); beyond
    that the image keeps its shape between grey bars.

    Args:
        image: (H, W, 3) uint8 RGB.
        camera: of the same height and width.
        width, height: the network's size, pixels.

    Raises:
        FrameError: if the image is not RGB uint8 or its size is not the camera's.
    """
    _check_image(image, camera)
    if camera.distortion:
        # At full size, where resampling costs the least sharpness.
        maps = _undistortion_maps(camera)
        image = cv2.remap(image, *maps, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT, borderValue=_BAR)
        camera = camera.undistorted()
    if _is_stretched(camera, width, height):
        return NetworkImage(_resize(image, width, height), camera.resized(width, height))
    box = camera.letterboxed(width, height)
    pixels = np.full((height, width, 3), _BAR[0], np.uint8)
    pixels[box.top : box.top + box.height, box.left : box.left + box.width] = _resize(
        image, box.width, box.height
    )
    return NetworkImage(pixels, box.camera)


def prepare_depth(depth: np.ndarray, camera: Camera, width: int, height: int) -> np.ndarray:
    """Bring a depth image to the network's size, pixel for pixel as `prepare_image` does its colours.

    Depths of two surfaces do not mix, so every pixel takes the nearest one.

    Args:
        depth: (H, W) floating, metres along the optical axis, in the pixels of the colour image; 0 or not
            finite where unknown.
        camera: of the colour image, of the same height and width.
        width, height: the network's size, pixels.

    Returns:
        (height, width) float32 metres; 0 where unknown, and in bars and beyond the lens.

    Raises:
        FrameError: if depth is not floating or its size is not the camera's.
    """
    if not isinstance(depth, np.ndarray) or depth.dtype.kind != "f" or depth.ndim != 2:
        found = f"{depth.dtype} {depth.shape}" if isinstance(depth, np.ndarray) else type(depth).__name__
        raise FrameError(f"the depth is {found}; give a (height, width) floating array in metres")
    if depth.shape != (camera.height, camera.width):
        raise FrameError(
            f"the depth is {depth.shape[1]}x{depth.shape[0]} but its camera is "
            f"{camera.width}x{camera.height}; register depth to the colour image first"
        )
    depth = depth.astype(np.float32)
    depth = np.where(np.isfinite(depth) & (depth > 0), depth, np.float32(0))
    if camera.distortion:
        maps = _nearest_maps(camera)
        depth = cv2.remap(depth, *maps, cv2.INTER_NEAREST, borderMode=cv2.BORDER_CONSTANT, borderValue=0)
        camera = camera.undistorted()
    if _is_stretched(camera, width, height):
        return _nearest(depth, width, height)
    box = camera.letterboxed(width, height)
    whole = np.zeros((height, width), np.float32)
    whole[box.top : box.top + box.height, box.left : box.left + box.width] = _nearest(
        depth, box.width, box.height
    )
    return whole


def _is_stretched(camera: Camera, width: int, height: int) -> bool:
    stretch = camera.width * height / (camera.height * width)
    return 1 / MAX_STRETCH <= stretch <= MAX_STRETCH


def _check_image(image: np.ndarray, camera: Camera) -> None:
    if not isinstance(image, np.ndarray) or image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
        found = f"{image.dtype} {image.shape}" if isinstance(image, np.ndarray) else type(image).__name__
        raise FrameError(f"the image is {found}; give a (height, width, 3) uint8 RGB array")
    if not isinstance(camera, Camera):
        raise FrameError(f"the camera is a {type(camera).__name__}; give an ide3d_ros.geometry Camera")
    if image.shape[:2] != (camera.height, camera.width):
        raise FrameError(
            f"the image is {image.shape[1]}x{image.shape[0]} but its camera is "
            f"{camera.width}x{camera.height}; give the camera of this image (Camera.resized follows a resize)"
        )


def _resize(image: np.ndarray, width: int, height: int) -> np.ndarray:
    if image.shape[:2] == (height, width):
        return np.ascontiguousarray(image)
    if width > image.shape[1] or height > image.shape[0]:  # the mean of areas would turn into blocks
        return cv2.resize(image, (width, height), interpolation=cv2.INTER_LINEAR)
    image = _halve(image, width, height)
    left = max(image.shape[1] / width, image.shape[0] / height)
    interpolation = cv2.INTER_AREA if left > MAX_LINEAR else cv2.INTER_LINEAR
    return cv2.resize(image, (width, height), interpolation=interpolation)


def _halve(image: np.ndarray, width: int, height: int) -> np.ndarray:
    """Halve an image as often as it stays no smaller than asked: a tenth of what other ratios cost."""
    while not (image.shape[0] % 2 or image.shape[1] % 2):
        half = image.shape[1] // 2, image.shape[0] // 2
        if half[0] < width or half[1] < height:
            break
        image = cv2.resize(image, half, interpolation=cv2.INTER_AREA)
    return image


def _nearest(depth: np.ndarray, width: int, height: int) -> np.ndarray:
    return np.ascontiguousarray(cv2.resize(depth, (width, height), interpolation=cv2.INTER_NEAREST_EXACT))


@lru_cache(maxsize=8)
def _nearest_maps(camera: Camera) -> tuple[np.ndarray, np.ndarray]:
    """Return the camera's undistortion map as it is: the fixed-point form rounds down, not to the nearest."""
    return camera.undistortion_map()


@lru_cache(maxsize=8)  # one entry a camera; building the maps costs more than using them
def _undistortion_maps(camera: Camera) -> tuple[np.ndarray, np.ndarray]:
    """Return the camera's undistortion map in OpenCV's fixed-point form, which samples faster."""
    return cv2.convertMaps(*camera.undistortion_map(), cv2.CV_16SC2)
