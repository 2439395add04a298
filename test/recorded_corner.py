# SPDX-License-Identifier: Apache-2.0
"""A small labelled recording of what the hand-built bundle takes for a red chair, with depth."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
from fake_bundle import HEIGHT, WIDTH, picture

from ide3d_ros.bundle import Bundle
from ide3d_ros.geometry.box import Box3D
from ide3d_ros.geometry.camera import Camera
from ide3d_ros.geometry.rotation import optical_from_level
from ide3d_ros.geometry.transform import apply, from_rotation_translation, inverse
from ide3d_ros.scene import Scene

CAMERA = Camera(WIDTH, HEIGHT, 50.0, 50.0, WIDTH / 2 - 0.5, HEIGHT / 2 - 0.5)
DEPTH_CAMERA = Camera(WIDTH, HEIGHT, 45.0, 45.0, WIDTH / 2 - 0.5, HEIGHT / 2 - 0.5)
COLOR_FROM_DEPTH = from_rotation_translation(np.eye(3), np.array([0.03, 0.0, 0.0]))
ROOM_FROM_COLOR = from_rotation_translation(optical_from_level(0.2, 0.0).T, np.array([1.0, 0.5, 1.2]))
NUMBERS = (0, 5, 10, 15)
WALL = 6.0


def write_recording(folder: Path, bundle: Bundle) -> Path:
    """Write a recording of four frames that all show the chair; a crate stands where nothing is to be seen.

    Args:
        folder: exists and is empty.
        bundle: the hand-built one.
    """
    image = picture(("red", 1, 0))
    scene = Scene.open(bundle.folder)
    scene.add_frame(image, CAMERA, stamp_ns=1, frame_id="eye")
    chair = scene.locate("the red chair")[0].box
    (folder / "frames").mkdir()
    depth = _depth_of(chair.transformed(inverse(COLOR_FROM_DEPTH)))
    for number in NUMBERS:
        stem = folder / "frames" / f"frame-{number:06d}"
        cv2.imwrite(f"{stem}.color.png", image[..., ::-1])
        cv2.imwrite(f"{stem}.depth.png", depth)
    crate = from_rotation_translation(np.eye(3), np.array([0.0, 0.0, 9.0]))  # behind the wall
    objects = [
        {"id": "chair_1", "label": "chair", **_place(chair.transformed(ROOM_FROM_COLOR))},
        {
            "id": "crate_1",
            "label": "wooden crate",
            **_place(Box3D(apply(crate, np.zeros(3)), np.ones(3), [1, 0, 0, 0]).transformed(ROOM_FROM_COLOR)),
            "visible_frames": [],
        },
    ]
    pose = ROOM_FROM_COLOR @ COLOR_FROM_DEPTH
    files = {
        "calibration.json": {
            "image_size": [WIDTH, HEIGHT],
            "color": _intrinsics(CAMERA),
            "depth": _intrinsics(DEPTH_CAMERA),
            "colour_from_depth": COLOR_FROM_DEPTH.tolist(),
        },
        "poses.json": {str(number): pose.tolist() for number in NUMBERS},
        "objects.json": {"room_from_world": np.eye(4).tolist(), "objects": objects},
        "grounding.json": [
            {"text": "the red chair", "target_ids": ["chair_1"], "frame": 5, "kind": "unique"},
            {"text": "a zebra", "target_ids": [], "frame": 5, "kind": "zero"},
            {"text": "the green chair", "target_ids": [], "frame": 10, "kind": "zero"},
        ],
        "qa.json": [
            {
                "question": "is there a red chair",
                "answer": "yes",
                "accepted": ["yes", "Yes"],
                "frames": [0, 10],
                "kind": "existence",
            },
            {
                "question": "how far is the chair",
                "answer": "2.0 m",
                "accepted": ["2.0 m"],
                "frames": [5],
                "kind": "distance",
                "value_m": 2.0,
                "tolerance_m": 0.1,
            },
        ],
        "captions.json": {"chair_1": ["a red chair in an empty room"]},
    }
    for name, content in files.items():
        (folder / name).write_text(json.dumps(content), encoding="utf-8")
    return folder


def _depth_of(box: Box3D) -> np.ndarray:
    """Draw the box's middle plane before a wall, (H, W) uint16 millimetres; the last row measured nothing."""
    depth = np.full((HEIGHT, WIDTH), 1000 * WALL, np.uint16)
    corners = box.projected(DEPTH_CAMERA).round().astype(int)
    (left, top), (right, bottom) = corners.min(0).clip(0), corners.max(0)
    depth[top : bottom + 1, left : right + 1] = round(1000 * box.center[2])
    depth[-1] = 65535
    return depth


def _intrinsics(camera: Camera) -> dict[str, float]:
    return {"fx": camera.fx, "fy": camera.fy, "cx": camera.cx, "cy": camera.cy}


def _place(box: Box3D) -> dict:
    return {
        "center": box.center.tolist(),
        "size": box.extents.tolist(),
        "yaw": float(np.arctan2(box.rotation[1, 0], box.rotation[0, 0])),
    }
