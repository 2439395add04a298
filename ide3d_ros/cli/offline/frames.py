# SPDX-License-Identifier: Apache-2.0
"""The usable frames of a bag, each with the camera that was calibrated when it was taken."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from sensor_msgs.msg import CameraInfo, CompressedImage, Image

from ide3d_ros.cli.offline.completing import CompletedFrames, ExtraSources
from ide3d_ros.conversions.cameras import CameraInfoError, camera_from_info, rectified_camera_from_info
from ide3d_ros.conversions.images import ImageError, rgb_from_compressed, rgb_from_image
from ide3d_ros.conversions.stamps import nanoseconds_from_time
from ide3d_ros.geometry.camera import Camera
from ide3d_ros.nodes.frames import FrameInput
from ide3d_ros.nodes.recordings import Bag, RecordingError

_NAMED_REFUSALS = 20


@dataclass(frozen=True, eq=False)
class BagFrame:
    """Hold one frame.

    Attributes:
        number: counts the usable frames of the bag from 0.
        stamp_ns: of the image, nanoseconds.
        frame_id: of the image.
        camera: of the same size.
        rgb: (H, W, 3) uint8 RGB.
        depth: (H, W) float32 metres in its pixels, nan where unknown; None for a bundle that reads none.
        world_from_camera: (4, 4) pose of the optical frame, metres; None for a bundle that reads none.
    """

    number: int
    stamp_ns: int
    frame_id: str
    camera: Camera
    rgb: np.ndarray
    depth: np.ndarray | None = None
    world_from_camera: np.ndarray | None = None


@dataclass
class Refusals:
    """Count the images that could not be used.

    Attributes:
        count: how many.
        first: stamp in nanoseconds and reason of the first few.
    """

    count: int = 0
    first: list[tuple[int, str]] = field(default_factory=list)

    def add(self, stamp_ns: int, reason: str) -> None:
        """Note one image."""
        self.count += 1
        if len(self.first) < _NAMED_REFUSALS:
            self.first.append((stamp_ns, reason))


class BagFrames:
    """Read a bag's frames in the order in which they were recorded.

    An image belongs to the newest calibration that is not newer than itself, and to the first one where it is
    older than all; so the result does not hang on which of the two messages was recorded first.

    Attributes:
        refused: filled while frames are read.
    """

    def __init__(self, bag: Bag, images: str, sources: ExtraSources | None = None) -> None:
        """Read the calibrations.

        Args:
            bag: an opened bag.
            images: "raw" or "rectified".
            sources: where depth and poses are; None for a bundle that reads neither.

        Raises:
            RecordingError: if the bag is damaged or holds no camera_info.
        """
        self.refused = Refusals()
        self._bag = bag
        self._sources = sources
        self._read_camera = {"raw": camera_from_info, "rectified": rectified_camera_from_info}[images]
        self._stamps: list[int] = []
        self._calibrations: list[_Calibration] = []
        found = sorted(self._changes(), key=lambda one: one[0])
        if not found:
            raise RecordingError(f"{bag.info_topic} holds no message; a frame without a camera has no metres")
        self._stamps = [stamp_ns for stamp_ns, _ in found]
        self._calibrations = [calibration for _, calibration in found]

    def __iter__(self) -> Iterator[BagFrame]:
        self.refused = Refusals()
        number = 0
        for frame in self._inputs():
            try:
                depth = None if frame.depth is None else frame.depth()
            except ImageError as error:
                self.refused.add(frame.stamp_ns, str(error))
                continue
            yield BagFrame(
                number,
                frame.stamp_ns,
                frame.frame_id,
                frame.camera,
                frame.read(),
                depth,
                frame.world_from_camera,
            )
            number += 1

    def _inputs(self) -> Iterator[FrameInput]:
        if self._sources is None:
            return (frame for message in self._bag.images() if (frame := self._read(message)) is not None)
        return iter(CompletedFrames(self._bag, self._sources, self._read, self.refused.add))

    def _read(self, message: Image | CompressedImage) -> FrameInput | None:
        """Read an image; None, and a refusal, where it cannot be used."""
        stamp_ns, frame_id = nanoseconds_from_time(message.header.stamp), message.header.frame_id
        try:
            camera = self._camera_at(stamp_ns, frame_id)
            compressed = not isinstance(message, Image)
            rgb = rgb_from_compressed(message) if compressed else rgb_from_image(message)
            if rgb.shape[:2] != (camera.height, camera.width):
                raise _Unusable(
                    f"the image is {rgb.shape[1]}x{rgb.shape[0]}, "
                    f"camera_info says {camera.width}x{camera.height}"
                )
        except (ImageError, CameraInfoError, _Unusable) as error:
            self.refused.add(stamp_ns, str(error))
            return None
        return FrameInput(lambda: rgb, camera, stamp_ns, frame_id, received_s=0.0)

    def _changes(self) -> Iterator[tuple[int, _Calibration]]:
        """Read the camera_info messages that differ from the one before."""
        before = None
        for info in self._bag.infos():
            stamp_ns = nanoseconds_from_time(info.header.stamp)
            now = _numbers(info)
            if now != before:
                yield stamp_ns, _Calibration(info.header.frame_id, info)
                before = now

    def _camera_at(self, stamp_ns: int, frame_id: str) -> Camera:
        if stamp_ns <= 0:
            raise _Unusable("the image's stamp is zero")
        if not frame_id:
            raise _Unusable("the image has no frame_id")
        place = max(0, bisect_right(self._stamps, stamp_ns) - 1)
        calibration = self._calibrations[place]
        if calibration.frame_id != frame_id:
            raise _Unusable(f"the image is in {frame_id!r}, camera_info in {calibration.frame_id!r}")
        return self._read_camera(calibration.info)


class _Unusable(ValueError):
    """An image cannot become a frame."""


@dataclass(frozen=True, eq=False)
class _Calibration:
    frame_id: str
    info: CameraInfo


def _numbers(info: CameraInfo) -> tuple:
    return (
        info.header.frame_id,
        (info.width, info.height, info.binning_x, info.binning_y),
        (info.roi.x_offset, info.roi.y_offset, info.roi.width, info.roi.height),
        (info.distortion_model, tuple(info.d), tuple(info.k), tuple(info.p)),
    )
