# SPDX-License-Identifier: Apache-2.0
"""Pictures, calibration, poses and depth of a folder are read, and what is wrong with them is named."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from recorded_corner import CAMERA, COLOR_FROM_DEPTH, DEPTH_CAMERA, NUMBERS, ROOM_FROM_COLOR, WALL

from ide3d_ros.recordings import FrameFolder, RecordingError


def test_frames_have_the_poses_of_the_colour_camera(recording: Path) -> None:
    folder = FrameFolder(recording)
    assert [frame.number for frame in folder.frames] == list(NUMBERS)
    for frame in folder.frames:
        np.testing.assert_allclose(frame.world_from_camera, ROOM_FROM_COLOR, atol=1e-12)


def test_both_cameras_are_known(recording: Path) -> None:
    folder = FrameFolder(recording)
    assert (folder.camera, folder.depth_camera) == (CAMERA, DEPTH_CAMERA)
    np.testing.assert_allclose(folder.color_from_depth, COLOR_FROM_DEPTH)


def test_depth_is_in_metres_and_zero_where_nothing_was_measured(recording: Path) -> None:
    folder = FrameFolder(recording)
    depth = folder.read_depth(folder.frames[0])
    assert depth.dtype == np.float32 and depth.shape == (CAMERA.height, CAMERA.width)
    assert depth[0, -1] == pytest.approx(WALL)
    assert not depth[-1].any()


def test_depth_pictures_are_no_frames_and_may_be_absent(recording: Path) -> None:
    (recording / "frames" / "frame-000000.depth.png").unlink()
    folder = FrameFolder(recording)
    assert len(folder.frames) == len(NUMBERS)
    assert folder.read_depth(folder.frames[0]) is None
    assert folder.read_depth(folder.frames[1]) is not None


def test_one_camera_serves_both_where_no_other_is_named(recording: Path) -> None:
    path = recording / "calibration.json"
    calibration = json.loads(path.read_text())
    del calibration["depth"], calibration["colour_from_depth"]
    path.write_text(json.dumps(calibration))
    folder = FrameFolder(recording)
    assert folder.depth_camera == folder.camera
    np.testing.assert_array_equal(folder.color_from_depth, np.eye(4))


@pytest.mark.parametrize(
    ("picture", "cause"),
    [
        (np.zeros((CAMERA.height, CAMERA.width), np.uint8), "uint8"),
        (np.zeros((CAMERA.height, CAMERA.width, 3), np.uint16), "not one channel"),
        (np.zeros((5, 5), np.uint16), "is 5x5, but calibration.json says 64x48"),
    ],
)
def test_depth_of_another_form_is_refused(recording: Path, picture: np.ndarray, cause: str) -> None:
    cv2.imwrite(str(recording / "frames" / "frame-000000.depth.png"), picture)
    folder = FrameFolder(recording)
    with pytest.raises(RecordingError, match=cause):
        folder.read_depth(folder.frames[0])


def test_depth_camera_without_focal_length_is_refused(recording: Path) -> None:
    path = recording / "calibration.json"
    calibration = json.loads(path.read_text())
    del calibration["depth"]["fx"]
    path.write_text(json.dumps(calibration))
    with pytest.raises(RecordingError, match="does not describe a camera: KeyError"):
        FrameFolder(recording)
