# SPDX-License-Identifier: Apache-2.0
"""What visual tokens are asked to say must lead back to the boxes it came from."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ide3d_ros.bundle import Category
from ide3d_ros.geometry import Box3D, Camera, oriented_iou
from ide3d_ros.scene.box_decoding import decode_field
from ide3d_training.config import TrainConfig
from ide3d_training.datasets.augmentation import jitter_light, mirror_graph
from ide3d_training.datasets.frame_store import FrameStore
from ide3d_training.datasets.frame_targets import frame_targets, token_owners
from ide3d_training.run import network_config
from ide3d_training.worlds.scene_graph import ON, SceneObject

CONFIG = network_config(TrainConfig(), 300)


def thing(identity: int, pixels: int) -> SceneObject:
    box = Box3D.from_matrix(np.array([0.0, 0, 2]), np.ones(3), np.eye(3))
    return SceneObject(identity, "chair", "red", "wood", box, pixels, 1.0, None, ON, False)


def stated_fields(targets) -> np.ndarray:
    """Write the targets as a perfect network would say them."""
    code = CONFIG.box_code
    fields = np.zeros((CONFIG.tokens, code.size), np.float32)
    fields[:, code.offset], fields[:, code.depth] = targets.token_offset, targets.token_depth
    fields[:, code.extents], fields[:, code.yaw] = targets.token_extents, targets.token_yaw
    fields[:, code.front] = 2 * targets.token_front - 1
    background = len(CONFIG.categories)
    said = np.where(targets.token_weight > 0, targets.token_category, background)
    fields[np.arange(CONFIG.tokens), code.category.start + said] = 9.0
    return fields


@pytest.mark.parametrize("mirrored", [False, True])
def test_a_perfect_network_gives_the_true_boxes_back(rooms: Path, mirrored: bool):
    store = FrameStore(rooms)
    categories = [
        Category(name=n, extents=e) for n, e in zip(CONFIG.categories, CONFIG.mean_extents, strict=True)
    ]
    compared = 0
    for index in range(12):
        graph, ids = store.graph(index), store.ids(index)
        if mirrored:
            graph, ids = mirror_graph(graph), ids[:, ::-1]
        targets, rows = frame_targets(ids, graph, CONFIG)
        owners = {row: next(o for o in graph.objects if o.id == i) for i, row in rows.items()}
        boxes = decode_field(
            stated_fields(targets),
            targets.gravity,
            layout=CONFIG.box_code,
            camera=graph.camera,
            categories=categories,
            min_score=0.5,
        )
        tokens = np.flatnonzero(targets.token_weight > 0)
        for token in tokens:
            owner = owners[int(np.flatnonzero(targets.object_tokens[:, token])[0])]
            best = max(
                oriented_iou(found.box, owner.box) for found in boxes if found.category == owner.category
            )
            assert best > 0.99
            compared += 1
    assert compared > 200


def test_nearly_every_referable_object_owns_a_token(rooms: Path):
    store = FrameStore(rooms)
    owned = [
        o.id in frame_targets(store.ids(i), g, CONFIG)[1]
        for i in range(20)
        for g in [store.graph(i)]
        for o in g.referable
    ]
    assert np.mean(owned) > 0.97


def test_a_small_object_wins_the_token_it_shares_with_a_large_one():
    ids = np.full((32, 32), 1, np.uint8)
    ids[4:10, 4:10] = 2
    owners, covered = token_owners(ids, [thing(1, 988), thing(2, 36)], 16)
    assert owners.tolist() == [1, 0, 0, 0]
    assert covered.tolist() == [1.0, 1.0, 1.0, 1.0]


def test_a_sliver_of_a_large_object_does_not_own_a_token():
    ids = np.zeros((16, 48), np.uint8)
    ids[:, 15:] = 1
    assert token_owners(ids, [thing(1, 528)], 16)[0].tolist() == [-1, 0, 0]


def test_mirroring_twice_gives_the_frame_back(rooms: Path):
    graph = FrameStore(rooms).graph(0)
    twice = mirror_graph(mirror_graph(graph))
    assert twice.camera == graph.camera and twice.roll == graph.roll
    for before, after in zip(graph.objects, twice.objects, strict=True):
        np.testing.assert_allclose(after.box.corners(), before.box.corners(), atol=1e-9)


def test_a_mirrored_box_projects_onto_the_mirrored_pixels(rooms: Path):
    graph = FrameStore(rooms).graph(1)
    mirrored = mirror_graph(graph)
    width = graph.camera.width
    for before, after in zip(graph.objects, mirrored.objects, strict=True):
        if (before.box.corners()[:, 2] > 0.1).all():
            there = before.box.projected(graph.camera)
            here = after.box.projected(mirrored.camera)
            np.testing.assert_allclose(np.sort(width - 1 - there[:, 0]), np.sort(here[:, 0]), atol=1e-6)


def test_light_changes_pixels_but_not_their_shape_and_repeats_with_its_seed():
    image = np.random.default_rng(0).integers(0, 255, (8, 8, 3), np.uint8)
    once, again = (jitter_light(image, np.random.default_rng(3)) for _ in range(2))
    assert once.shape == image.shape and once.dtype == np.uint8
    assert (once == again).all() and (once != image).any()


def test_a_box_behind_the_camera_is_refused():
    from ide3d_ros.geometry.box_code import encode_boxes

    camera = Camera.from_fov(256, 192, 1.0)
    with pytest.raises(ValueError, match="behind the camera"):
        encode_boxes(
            np.array([[0, 0, -1.0]]), np.ones((1, 3)), np.eye(3)[None], np.ones((1, 3)),
            camera_matrix=camera.K, pitch=0.0, roll=0.0, focal_virtual=200.0,
        )  # fmt: skip
