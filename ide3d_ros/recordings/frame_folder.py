# SPDX-License-Identifier: Apache-2.0
"""A folder of pictures with its calibration, and what may lie beside them: poses and depth.

A folder holds pictures (`*.jpg`, `*.jpeg`, `*.png`, in it or in its folder `frames`; of a picture with the
suffix `.color` or `.depth` only the colour one counts as a frame) and

- `calibration.json`: `image_size` [width, height] and `color` {fx, fy, cx, cy[, distortion]}; with a depth
  camera beside the colour one also `depth`, in the same form, and `colour_from_depth`, 4x4;
- `poses.json`, optional: frame number -> 4x4 camera-to-world; of the depth camera where `colour_from_depth`
  is given;
- `objects.json`, optional: its `room_from_world`, 4x4, makes the world upright.

Depth pictures are uint16 millimetres, named like the colour one with `.depth.png` in place of `.color.*`;
0 and 65535 mean that there is no measurement.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from ide3d_ros.geometry.camera import Camera, CameraError
from ide3d_ros.recordings.errors import RecordingError

_PICTURES = {".jpg", ".jpeg", ".png"}
_NO_MEASUREMENT = 65535


@dataclass(frozen=True)
class FolderFrame:
    """Name one picture of a folder.

    Attributes:
        number: the last number in its name; its place in the folder when there is none.
        path: the picture.
        world_from_camera: (4, 4), metres; None where the folder has no pose for it.
    """

    number: int
    path: Path
    world_from_camera: np.ndarray | None


class FrameFolder:
    """Know the pictures of a folder, and read them.

    Attributes:
        camera: of all pictures.
        depth_camera: of all depth pictures; the pictures' own camera where the calibration names no other.
        color_from_depth: (4, 4) from the depth camera's optical frame to the colour camera's.
        frames: in the order of their names.
    """

    def __init__(self, folder: Path) -> None:
        """Read what lies beside the pictures.

        Args:
            folder: see this module's docstring.

        Raises:
            RecordingError: if there are no pictures or no calibration, or a file is damaged.
        """
        path = folder / "calibration.json"
        calibration = _read_json(path)
        self.camera = _camera(calibration, "color", path)
        self.depth_camera = _camera(calibration, "depth", path) if "depth" in calibration else self.camera
        self.color_from_depth = np.eye(4)
        if "colour_from_depth" in calibration:
            self.color_from_depth = _matrix(calibration["colour_from_depth"], path)
        poses = _poses(folder, self.color_from_depth)
        inner = folder / "frames" if (folder / "frames").is_dir() else folder
        paths = sorted(
            path
            for path in inner.iterdir()
            if path.suffix.lower() in _PICTURES and not path.stem.endswith(".depth")
        )
        if not paths:
            raise RecordingError(f"{inner} holds no pictures ({', '.join(sorted(_PICTURES))})")
        self.frames = [
            FolderFrame(number, path, poses.get(number))
            for place, path in enumerate(paths)
            for number in [_number(path, place)]
        ]

    @property
    def depth_is_registered(self) -> bool:
        """Tell whether depth pictures are in the pixels of the colour pictures."""
        return self.depth_camera == self.camera and np.array_equal(self.color_from_depth, np.eye(4))

    def read(self, frame: FolderFrame) -> np.ndarray:
        """Read a picture.

        Returns:
            (H, W, 3) uint8 RGB.

        Raises:
            RecordingError: if it is damaged or not of the calibrated size.
        """
        picture = _read_picture(frame.path, cv2.IMREAD_COLOR, self.camera)
        return cv2.cvtColor(picture, cv2.COLOR_BGR2RGB)

    def depth_path(self, frame: FolderFrame) -> Path:
        """Name the depth picture of a frame, whether it is there or not."""
        return frame.path.with_name(f"{frame.path.stem.removesuffix('.color')}.depth.png")

    def read_depth(self, frame: FolderFrame) -> np.ndarray | None:
        """Read the depth picture of a frame.

        Returns:
            (H, W) float32 metres along the depth camera's axis, 0 where nothing was measured; None where the
            frame has no depth picture.

        Raises:
            RecordingError: if it is damaged, not of the calibrated size or not uint16.
        """
        path = self.depth_path(frame)
        if not path.exists():
            return None
        raw = _read_picture(path, cv2.IMREAD_UNCHANGED, self.depth_camera)
        if raw.dtype != np.uint16 or raw.ndim != 2:
            raise RecordingError(
                f"{path} holds {raw.dtype} {raw.shape}, not one channel of uint16 millimetres"
            )
        return np.where(raw == _NO_MEASUREMENT, 0, raw).astype(np.float32) / 1000.0


def _read_picture(path: Path, flags: int, camera: Camera) -> np.ndarray:
    picture = cv2.imread(str(path), flags)
    if picture is None:
        raise RecordingError(f"{path} cannot be read as a picture")
    if picture.shape[:2] != (camera.height, camera.width):
        raise RecordingError(
            f"{path} is {picture.shape[1]}x{picture.shape[0]}, but calibration.json says "
            f"{camera.width}x{camera.height}"
        )
    return picture


def _read_json(path: Path) -> dict:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise RecordingError(f"{path} is missing; a folder of pictures needs it") from None
    except ValueError as error:
        raise RecordingError(f"{path} is no JSON: {error}") from error
    if not isinstance(content, dict):
        raise RecordingError(f"{path} holds a {type(content).__name__}, not an object")
    return content


def _camera(calibration: dict, which: str, path: Path) -> Camera:
    try:
        width, height = calibration["image_size"]
        entry = calibration[which]
        numbers = [float(entry[name]) for name in ("fx", "fy", "cx", "cy")]
        return Camera(int(width), int(height), *numbers, tuple(entry.get("distortion", ())))
    except (KeyError, TypeError, ValueError, CameraError) as error:
        raise RecordingError(f"{path} does not describe a camera: {type(error).__name__}: {error}") from error


def _poses(folder: Path, color_from_depth: np.ndarray) -> dict[int, np.ndarray]:
    """Read poses of the colour camera in the upright world, by frame number."""
    path = folder / "poses.json"
    if not path.exists():
        return {}
    world = np.eye(4)
    if (folder / "objects.json").exists():
        world = _matrix(
            _read_json(folder / "objects.json").get("room_from_world", world), folder / "objects.json"
        )
    depth_from_color = np.linalg.inv(color_from_depth)
    return {
        int(number): world @ _matrix(pose, path) @ depth_from_color
        for number, pose in _read_json(path).items()
        if number.isdigit()
    }


def _matrix(values: object, path: Path) -> np.ndarray:
    try:
        matrix = np.asarray(values, np.float64)
    except (TypeError, ValueError) as error:
        raise RecordingError(f"{path} holds a transform that is no matrix: {error}") from error
    if matrix.shape != (4, 4) or not np.isfinite(matrix).all():
        raise RecordingError(
            f"{path} holds a transform that is not 4x4 and finite but of shape {matrix.shape}"
        )
    return matrix


def _number(path: Path, place: int) -> int:
    numbers = re.findall(r"\d+", path.name.split(".")[0])
    return int(numbers[-1]) if numbers else place
