# SPDX-License-Identifier: Apache-2.0
"""Parts of a frame meet by stamp, whatever order their topics come in."""

from __future__ import annotations

import numpy as np

from ide3d_ros.cli.moments import KEPT, Moments
from ide3d_ros.geometry.camera import Camera

CAMERA = Camera(64, 48, 50.0, 50.0, 31.5, 23.5)
RGB = np.zeros((48, 64, 3), np.uint8)


def test_moment_is_found_once_all_its_parts_are_here() -> None:
    moments = Moments()
    for parts in ({"labels": "{}"}, {"camera": CAMERA}):
        moments.update(5, **parts)
        assert moments.at(5) is None and moments.newest() is None
    moments.update(5, rgb=RGB)
    assert moments.at(5) is moments.newest()
    assert moments.at(5).camera is CAMERA


def test_newest_is_by_stamp_and_not_by_arrival() -> None:
    moments = Moments()
    for stamp_ns in (30, 10, 20):
        moments.update(stamp_ns, rgb=RGB, camera=CAMERA, world_from_camera=np.eye(4))
    moments.update(40, rgb=RGB)
    assert moments.newest().stamp_ns == 30


def test_old_moments_are_forgotten() -> None:
    moments = Moments()
    for stamp_ns in range(1, KEPT + 2):
        moments.update(stamp_ns, rgb=RGB, camera=CAMERA, labels="{}")
    assert moments.at(1) is None
    assert moments.at(2) is not None
