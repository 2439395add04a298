# SPDX-License-Identifier: Apache-2.0
"""Detections to convert, drawn by hypothesis or written down."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import strategies as st

from ide3d_ros.geometry.box import Box3D
from ide3d_ros.geometry.camera import Camera
from ide3d_ros.scene.results import Detection, Frame

CAMERA = Camera(320, 240, 280.0, 280.0, 159.5, 119.5)
FRAME = Frame("eye_optical_frame", 1_700_000_000_123_456_789, CAMERA)

UNIT_QUATERNIONS = (
    st.tuples(*[st.floats(-1, 1)] * 4)
    .filter(lambda q: math.hypot(*q) > 0.1)
    .map(lambda q: np.array(q) / math.hypot(*q))
)
BOXES = st.builds(
    Box3D,
    center=st.tuples(st.floats(-4, 4), st.floats(-3, 3), st.floats(0.5, 9)).map(np.array),
    extents=st.tuples(*[st.floats(0.01, 3)] * 3).map(np.array),
    quaternion=UNIT_QUATERNIONS,
)
DETECTIONS = st.builds(
    Detection,
    label=st.text(st.characters(codec="utf-8"), max_size=30),
    score=st.floats(0, 1),
    box=BOXES,
    frame=st.just(FRAME),
    covariance=st.lists(st.floats(-1, 1), min_size=36, max_size=36).map(lambda v: np.array(v).reshape(6, 6)),
)


def detection(
    label: str = "red chair", score: float = 0.9, center: tuple[float, ...] = (0.2, 0.1, 2.5)
) -> Detection:
    """Make a chair-sized detection that stands upright before a level camera and faces it."""
    upright = np.array([[0.0, 1.0, 0.0], [0.0, 0.0, -1.0], [-1.0, 0.0, 0.0]])
    box = Box3D.from_matrix(np.array(center), np.array([0.5, 0.6, 0.9]), upright)
    return Detection(label, score, box, FRAME, np.diag([0.01, 0.01, 0.04, 1.0, 1.0, 0.1]))
