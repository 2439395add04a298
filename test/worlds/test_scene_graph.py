# SPDX-License-Identifier: Apache-2.0
"""Labels survive being written, and know what may be spoken of."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from ide3d_ros.geometry.box import Box3D
from ide3d_ros.geometry.camera import Camera
from ide3d_training.worlds.scene_graph import ON, FrameGraph, SceneObject


def _graph(visible_pixels: int, visible_fraction: float, width: int = 256, height: int = 192) -> FrameGraph:
    box = Box3D(np.array([0.1, 0.2, 3.0]), np.array([0.5, 0.4, 0.9]), np.array([0.9, 0.1, -0.3, 0.2]))
    obj = SceneObject(7, "chair", "red", "wood", box, visible_pixels, visible_fraction, None, ON, False)
    carried = dataclasses.replace(obj, id=8, category="mug", support=7)
    camera = Camera.from_fov(width, height, 1.1)
    return FrameGraph(3, "kitchen", 1, camera, 0.2, -0.01, 1.3, np.eye(4), (obj, carried))


def test_labels_survive_json(frames):
    for frame in frames[:10]:
        line = frame.graph.to_json()
        assert "\n" not in line
        again = FrameGraph.from_json(line)
        _assert_same(again, frame.graph)


def _assert_same(one: FrameGraph, other: FrameGraph) -> None:
    """Compare all but the last bits of the quaternions, which are made unit again when read."""
    plain = ("seed", "index", "camera", "pitch", "roll", "camera_height")
    assert [getattr(one, name) for name in plain] == [getattr(other, name) for name in plain]
    np.testing.assert_array_equal(one.world_from_camera, other.world_from_camera)
    for a, b in zip(one.objects, other.objects, strict=True):
        assert dataclasses.replace(a, box=b.box) == b
        np.testing.assert_array_equal(a.box.center, b.box.center)
        np.testing.assert_array_equal(a.box.extents, b.box.extents)
        np.testing.assert_allclose(a.box.quaternion, b.box.quaternion, rtol=0, atol=1e-14)


def test_the_support_is_kept():
    again = FrameGraph.from_json(_graph(100, 0.5).to_json())
    assert [obj.support for obj in again.objects] == [None, 7]


@pytest.mark.parametrize(
    ("pixels", "fraction", "referable", "unseen"),
    [
        (59, 0.35, True, False),
        (58, 0.9, False, False),
        (59, 0.34, False, False),
        (15, 0.9, False, False),
        (14, 0.9, False, True),
    ],
)
def test_what_shows_too_little_is_not_spoken_of(pixels, fraction, referable, unseen):
    graph = _graph(pixels, fraction)
    assert graph.is_referable(graph.objects[0]) is referable
    assert graph.is_unseen(graph.objects[0]) is unseen
    assert (graph.objects[0] in graph.referable) is referable


def test_larger_frames_ask_for_more_pixels():
    graph = _graph(200, 0.5, 640, 480)
    assert not graph.is_referable(graph.objects[0])
    graph = _graph(400, 0.5, 640, 480)
    assert graph.is_referable(graph.objects[0])
