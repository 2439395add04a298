# SPDX-License-Identifier: Apache-2.0
"""What a real camera adds to an ideal frame: its lens, its exposure, its noise.

========= ===========================================================================
clean     as drawn: an ideal pinhole camera in perfect light
varied    exposure, white balance, shot and read noise, motion blur, JPEG blocks
distorted the same behind a lens with plumb_bob distortion
========= ===========================================================================

Labels stay true: exposure and noise touch the colours alone; a lens bends colours, depth and ids alike, and
its coefficients stand in the labels' camera. Blur smears evenly to both sides, so nothing moves.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np

from ide3d_ros.geometry.camera import Camera
from ide3d_ros.geometry.distortion import distort

SENSORS = ("clean", "varied", "distorted")

_STREAM = 16  # of a room's seed; the streams of ``room`` count from 0
_GAMMA = 2.2
_LINEAR = (np.arange(256) / 255.0).astype(np.float32) ** np.float32(_GAMMA)
_CODES = 4096  # steps of linear light that are told apart
_ENCODED = np.round(255.0 * (np.arange(_CODES) / (_CODES - 1)) ** (1.0 / _GAMMA)).astype(np.uint8)
_EXPOSURE_LIMIT = 1.2  # photographic stops
_BLUR_LIMIT = 0.012  # of the image's width


@dataclass(frozen=True)
class Sensor:
    """One camera's optics and electronics.

    Attributes:
        gain: (3,) factors on linear red, green and blue: exposure and white balance.
        shot: variance of the noise for each unit of linear light, at full scale 1.
        read: standard deviation of the noise in the dark, at full scale 1.
        blur: (2,) length of the motion blur along x and y, in widths of the image.
        jpeg: quality 1..100; None leaves the image as it is.
        bend: share by which the lens moves the corners outwards (negative: inwards, as most lenses do).
        shape: how the radial terms share that: k2 takes so much of it against k1.
        tangential: (2,) p1 and p2.
    """

    gain: tuple[float, float, float] = (1.0, 1.0, 1.0)
    shot: float = 0.0
    read: float = 0.0
    blur: tuple[float, float] = (0.0, 0.0)
    jpeg: int | None = None
    bend: float = 0.0
    shape: float = 0.0
    tangential: tuple[float, float] = (0.0, 0.0)

    @classmethod
    def drawn(cls, kind: str, seed: int, view: int = 0) -> Sensor:
        """Draw a camera.

        Args:
            kind: one of SENSORS.
            seed: of the room.
            view: number of the view; the frames of a sequence share the camera of view 0.

        Raises:
            ValueError: if the kind is unknown.
        """
        if kind not in SENSORS:
            raise ValueError(f"sensor must be one of {', '.join(SENSORS)}, not {kind!r}")
        if kind == "clean":
            return cls()
        rng = np.random.default_rng((seed, _STREAM, view))
        stops = np.clip(rng.normal(0.0, 0.45), -_EXPOSURE_LIMIT, _EXPOSURE_LIMIT)
        warmth, tint = rng.normal(0.0, 0.06), rng.normal(0.0, 0.025)
        balance = np.exp([warmth, tint, -warmth])
        amplification = 2.0 ** rng.uniform(0.0, 5.0)  # as of ISO 100 to 3200
        length = max(0.0, rng.uniform(-_BLUR_LIMIT, _BLUR_LIMIT))  # half of all frames are still
        bearing = rng.uniform(0.0, np.pi)
        jpeg = int(rng.integers(55, 96)) if rng.random() < 0.5 else None
        electronics = cls(
            gain=tuple(float(factor) for factor in 2.0**stops * balance),
            shot=float(6e-5 * amplification),
            read=float(1.2e-3 * np.sqrt(amplification)),
            blur=(float(length * np.cos(bearing)), float(length * np.sin(bearing))),
            jpeg=jpeg,
        )
        if kind == "varied":
            return electronics
        return replace(
            electronics,
            bend=float(rng.uniform(-0.17, 0.05)),
            shape=float(rng.uniform(0.0, 0.3)),
            tangential=tuple(float(value) for value in rng.uniform(-0.0015, 0.0015, 2)),
        )

    def camera(self, width: int, height: int, horizontal_fov: float) -> Camera:
        """Make the intrinsics of this camera's images.

        Args:
            width, height: of the image, pixels.
            horizontal_fov: from the left edge of the image to the right one, through the lens, radians.
        """
        ideal = Camera.from_fov(width, height, horizontal_fov)
        if self.bend == 0.0:
            return ideal
        # At the ideal frame's corner, k1 r^2 + k2 r^4 is the wanted bend.
        corner = (width**2 + height**2) / 4 / ideal.fx**2
        k1 = self.bend * (1 + self.shape) / corner
        k2 = -self.bend * self.shape / corner**2
        coefficients = (k1, k2, *self.tangential, 0.0)
        edge = distort(np.array([[np.tan(horizontal_fov / 2), 0.0]]), (k1, k2, 0.0, 0.0))[0, 0]
        focal = width / 2 / edge
        return Camera(width, height, focal, focal, ideal.cx, ideal.cy, coefficients)

    def exposed(self, rgb: np.ndarray, seed: int, index: int) -> np.ndarray:
        """Take the picture.

        Args:
            rgb: (H, W, 3) uint8, what came through the lens.
            seed: of the room.
            index: number of the frame; every frame has its own noise.

        Returns:
            (H, W, 3) uint8, a new array unless this sensor is clean.
        """
        if self == Sensor():
            return rgb
        rng = np.random.default_rng((seed, _STREAM, index, 1))
        light = cv2.LUT(rgb, _LINEAR)
        if any(self.blur):
            kernel = _streak(np.array(self.blur) * rgb.shape[1])
            light = cv2.filter2D(light, -1, kernel, borderType=cv2.BORDER_REPLICATE)
        light = light * np.array(self.gain, np.float32)
        spread = np.sqrt(self.shot * light + self.read**2)
        light += spread * rng.standard_normal(light.shape, np.float32)
        codes = np.clip(light * (_CODES - 1) + 0.5, 0, _CODES - 1).astype(np.uint16)
        image = _ENCODED[codes]
        if self.jpeg is None:
            return image
        _, data = cv2.imencode(".jpg", image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, self.jpeg])
        return cv2.imdecode(data, cv2.IMREAD_COLOR)[..., ::-1].copy()


def _streak(length: np.ndarray) -> np.ndarray:
    """Return the kernel of a straight smear of (2,) pixels, its middle in the middle, its sum 1."""
    half = int(np.ceil(np.abs(length).max() / 2)) + 1
    kernel = np.zeros((2 * half + 1, 2 * half + 1), np.float32)
    for share in np.linspace(-0.5, 0.5, 16 * half + 1):
        x, y = length * share + half
        left, top = int(x), int(y)
        across, down = np.array([1 - x + left, x - left]), np.array([1 - y + top, y - top])
        kernel[top : top + 2, left : left + 2] += np.outer(down, across)
    return kernel / kernel.sum()
