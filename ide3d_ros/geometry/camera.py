# SPDX-License-Identifier: Apache-2.0
"""Pinhole cameras: intrinsics that follow every resize, crop and letterbox of their image."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ide3d_ros.geometry.distortion import distort, undistort


class CameraError(ValueError):
    """Numbers do not describe a calibrated pinhole camera, or do not fit one."""


@dataclass(frozen=True)
class Camera:
    """Describe the camera that took an image of `width` x `height` pixels.

    The optical frame is x right, y down, z forward. (0, 0) is the centre of the top-left pixel.

    Attributes:
        width, height: of the image, pixels.
        fx, fy: focal lengths, pixels.
        cx, cy: principal point, pixels.
        distortion: OpenCV's plumb_bob k1 k2 p1 p2 [k3]; () means none, and so do zeros.

    Raises:
        CameraError: if a number is not finite, the image has no size, or a focal length is not positive, as a
            driver without a calibration file reports it.
    """

    width: int
    height: int
    fx: float
    fy: float
    cx: float
    cy: float
    distortion: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        if not all(float(side).is_integer() and side >= 1 for side in (self.width, self.height)):
            raise CameraError(
                f"an image of {self.width}x{self.height} pixels: both must be whole and positive"
            )
        numbers = (self.fx, self.fy, self.cx, self.cy, *self.distortion)
        if not np.isfinite(numbers).all():
            raise CameraError(f"fx fy cx cy and distortion must be finite, not {[float(n) for n in numbers]}")
        if min(self.fx, self.fy) <= 0:
            raise CameraError(f"focal lengths are ({self.fx:g}, {self.fy:g}) pixels: calibrate the camera")
        if len(self.distortion) not in (0, 4, 5):
            raise CameraError(f"plumb_bob distortion has 4 or 5 coefficients, not {len(self.distortion)}")
        for name in ("width", "height"):
            object.__setattr__(self, name, int(getattr(self, name)))
        for name in ("fx", "fy", "cx", "cy"):
            object.__setattr__(self, name, float(getattr(self, name)))
        bent = tuple(float(value) for value in self.distortion)
        object.__setattr__(self, "distortion", bent if any(bent) else ())

    @classmethod
    def from_matrix(
        cls, K: np.ndarray, width: int, height: int, distortion: tuple[float, ...] = ()
    ) -> Camera:
        """Read an intrinsic matrix.

        Args:
            K: (3, 3) [[fx, 0, cx], [0, fy, cy], [0, 0, 1]], pixels.
            width, height: of the image, pixels.
            distortion: plumb_bob coefficients; () for none.

        Raises:
            CameraError: if the matrix has another form or the camera is not calibrated.
        """
        K = np.asarray(K, np.float64)
        if K.shape != (3, 3):
            raise CameraError(f"an intrinsic matrix is 3x3, not of shape {K.shape}")
        if not np.array_equal(K[(0, 1, 2, 2), (1, 0, 0, 1)], np.zeros(4)) or K[2, 2] != 1:
            raise CameraError(
                f"an intrinsic matrix without skew is [[fx 0 cx] [0 fy cy] [0 0 1]], not {K.tolist()}"
            )
        return cls(width, height, K[0, 0], K[1, 1], K[0, 2], K[1, 2], tuple(distortion))

    @classmethod
    def from_fov(cls, width: int, height: int, horizontal_fov: float) -> Camera:
        """Make an ideal camera with square pixels and the principal point in the middle.

        Args:
            width, height: of the image, pixels.
            horizontal_fov: from the left edge of the image to the right one, radians.

        Raises:
            CameraError: if the angle is not between 0 and pi.
        """
        if not 0 < horizontal_fov < np.pi:
            raise CameraError(f"a pinhole camera sees between 0 and pi radians, not {horizontal_fov:g}")
        focal = width / 2 / np.tan(horizontal_fov / 2)
        return cls(width, height, focal, focal, (width - 1) / 2, (height - 1) / 2)

    @property
    def K(self) -> np.ndarray:
        """(3, 3) float64 intrinsic matrix, pixels."""
        return np.array([[self.fx, 0.0, self.cx], [0.0, self.fy, self.cy], [0.0, 0.0, 1.0]])

    @property
    def focal(self) -> float:
        """Geometric mean of the two focal lengths, pixels."""
        return float(np.sqrt(self.fx * self.fy))

    def virtual_depth_scale(self, focal_virtual: float) -> float:
        """Return what turns depth into virtual depth: `z_virtual = z * focal_virtual / focal`.

        An object has the same virtual depth in every camera that shows it at the same size in pixels, so one
        network serves all of them.

        Args:
            focal_virtual: focal length of the virtual camera, pixels.
        """
        return focal_virtual / self.focal

    def project(self, points: np.ndarray) -> np.ndarray:
        """Project points into the image, distortion included.

        Args:
            points: (N, 3) metres, in the optical frame.

        Returns:
            (N, 2) float64, (u, v) in pixels, also outside the image. NaN for points that are not in front of
            the camera, and for those so far aside that the distortion polynomial no longer holds.
        """
        points = _rows(points, 3, "points")
        in_front = points[:, 2] > 0
        depth = np.where(in_front, points[:, 2], np.nan)[:, None]
        plane = points[:, :2] / depth
        if self.distortion:
            plane = distort(plane, self.distortion)
        return plane * (self.fx, self.fy) + (self.cx, self.cy)

    def rays(self, pixels: np.ndarray) -> np.ndarray:
        """Find the viewing rays of pixels, distortion removed.

        Args:
            pixels: (N, 2) float, (u, v) in pixels.

        Returns:
            (N, 3) float64 directions with z = 1, optical frame; NaN where the distortion lets no ray through.
        """
        plane = (_rows(pixels, 2, "pixels") - (self.cx, self.cy)) / (self.fx, self.fy)
        if self.distortion:
            plane = undistort(plane, self.distortion)
        return np.column_stack([plane, np.ones(len(plane))])

    def unproject(self, pixels: np.ndarray, depth: np.ndarray) -> np.ndarray:
        """Lift pixels to 3D points in the camera's optical frame.

        Args:
            pixels: (N, 2) float, (u, v) in pixels.
            depth: (N,) float, metres along the optical axis (not along the ray).

        Returns:
            (N, 3) float64 points, metres; NaN where the distortion lets no ray through.

        Raises:
            CameraError: if the two lengths differ or a depth is not positive.
        """
        depth = np.asarray(depth, np.float64)
        if depth.shape != (len(pixels),):
            raise CameraError(f"{len(pixels)} pixels need as many depths, not shape {depth.shape}")
        if not (depth > 0).all():
            raise CameraError("a depth is not positive; leave pixels without depth out")
        return self.rays(pixels) * depth[:, None]

    def contains(self, pixels: np.ndarray) -> np.ndarray:
        """Tell which pixels lie in the image, whose edges run half a pixel outside the outer pixel centres.

        Args:
            pixels: (N, 2) float, (u, v); NaN lies nowhere.

        Returns:
            (N,) bool.
        """
        pixels = _rows(pixels, 2, "pixels")
        return ((pixels >= -0.5) & (pixels < np.array([self.width, self.height]) - 0.5)).all(-1)

    def resized(self, width: int, height: int) -> Camera:
        """Follow a resize of the image.

        Args:
            width, height: of the result, pixels; the two axes may be scaled differently.
        """
        return replace(
            self,
            width=width,
            height=height,
            fx=self.fx * width / self.width,
            fy=self.fy * height / self.height,
            cx=(self.cx + 0.5) * width / self.width - 0.5,
            cy=(self.cy + 0.5) * height / self.height - 0.5,
        )

    def cropped(self, left: int, top: int, width: int, height: int) -> Camera:
        """Follow a crop of the image.

        Args:
            left, top: the pixel that becomes the first one; negative values pad the image.
            width, height: of the result, pixels.
        """
        return replace(self, width=width, height=height, cx=self.cx - left, cy=self.cy - top)

    def letterboxed(self, width: int, height: int) -> Letterbox:
        """Fit the whole image into another size without changing its shape, bars around it.

        Args:
            width, height: of the result, pixels.

        Returns:
            Where the image lies in the result, and the camera of the whole.
        """
        scale = min(width / self.width, height / self.height)
        inner = max(1, round(self.width * scale)), max(1, round(self.height * scale))
        left, top = (width - inner[0]) // 2, (height - inner[1]) // 2
        camera = self.resized(*inner).cropped(-left, -top, width, height)
        return Letterbox(camera, scale, left, top, *inner)

    def undistorted(self) -> Camera:
        """Return the camera of the image that `undistortion_map` makes: the same matrix, no distortion."""
        return replace(self, distortion=())

    def undistortion_map(self) -> tuple[np.ndarray, np.ndarray]:
        """Say, for each pixel of the undistorted image, where it lies in this camera's image.

        Returns:
            (H, W) float32 u and (H, W) float32 v, as cv2.remap takes them; -1 where the lens shows nothing.
        """
        v, u = np.mgrid[0 : self.height, 0 : self.width]
        pixels = self.project(self.undistorted().rays(np.column_stack([u.ravel(), v.ravel()])))
        pixels = np.where(self.contains(pixels)[:, None], pixels, -1.0).astype(np.float32)
        return pixels[:, 0].reshape(u.shape), pixels[:, 1].reshape(v.shape)


@dataclass(frozen=True)
class Letterbox:
    """Say how an image lies inside a larger one of fixed size.

    Attributes:
        camera: the camera of the whole letterboxed image.
        scale: letterboxed pixels for each original pixel, before rounding to whole pixels.
        left, top: where the image begins, pixels.
        width, height: of the image inside the bars, pixels.
    """

    camera: Camera
    scale: float
    left: int
    top: int
    width: int
    height: int


def _rows(values: np.ndarray, columns: int, name: str) -> np.ndarray:
    array = np.asarray(values, np.float64)
    if array.ndim != 2 or array.shape[1] != columns:
        raise CameraError(f"{name} are (N, {columns}), not of shape {array.shape}")
    return array
