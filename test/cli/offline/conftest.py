# SPDX-License-Identifier: Apache-2.0
"""A recorded drive past what the hand-built bundle takes for chairs and tables."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from camera_stand_in import CAMERA, FRAME_ID, picture

from ide3d_ros.cli.bag import Bag
from ide3d_ros.conversions.cameras import info_from_camera
from ide3d_ros.conversions.images import image_from_rgb
from ide3d_ros.geometry.camera import Camera

START_NS, STEP_NS = 5_000_000_000, 100_000_000
DRIVE = [
    picture(red=(1, 0)),
    picture(red=(1, 0), green=(1, 3)),
    picture(green=(1, 3)),
    picture(),
    picture(red=(1, 1)),
    picture(red=(1, 2)),
]


@pytest.fixture
def record(tmp_path: Path) -> Callable[..., Path]:
    """Write a bag of frames."""

    def make(
        pictures: Sequence[np.ndarray] = DRIVE,
        *,
        name: str = "drive.mcap",
        infos_last: bool = False,
        cameras: dict[int, Camera] | None = None,
        change: Callable[[int, object], None] = lambda number, image: None,
    ) -> Path:
        path = tmp_path / name
        messages = []
        for number, pixels in enumerate(pictures):
            stamp_ns = START_NS + number * STEP_NS
            camera = (cameras or {}).get(number, CAMERA)
            info = info_from_camera(camera, stamp_ns=stamp_ns, frame_id=FRAME_ID)
            image = image_from_rgb(pixels, stamp_ns=stamp_ns, frame_id=FRAME_ID)
            change(number, image)
            pair = [("/front/camera_info", info), ("/front/image", image)]
            messages += [(stamp_ns + k, *one) for k, one in enumerate(pair[::-1] if infos_last else pair)]
        with Bag(path) as bag:
            for log_ns, topic, message in messages:
                bag.write(topic, message, stamp_ns=log_ns)
        return path

    return make


@pytest.fixture
def questions(tmp_path: Path) -> Callable[[str], Path]:
    """Write a questions file."""

    def write(text: str) -> Path:
        path = tmp_path / "questions.yaml"
        path.write_text(text, encoding="utf-8")
        return path

    return write
