# SPDX-License-Identifier: Apache-2.0
"""Labels in the Omni3D format, written from rendered rooms, lead back to the rooms' boxes and pixels."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from ide3d_ros.geometry import Box3D, Camera, optical_from_level, yaw_rotation
from ide3d_training.datasets.frame_store import FrameStore
from ide3d_training.datasets.omni3d import (
    HIDDEN,
    NEAREST,
    Omni3DError,
    Omni3DImage,
    Omni3DLabels,
    Omni3DObject,
    Omni3DRegion,
    box_from_annotation,
)
from ide3d_training.datasets.omni3d_cli import app, main
from ide3d_training.datasets.omni3d_frames import frame_graph
from ide3d_training.datasets.omni3d_referring import describe_image, referring_set
from ide3d_training.datasets.omni3d_writing import write_omni3d
from ide3d_training.worlds.scene_graph import SceneObject

ROOMS = 6


@pytest.fixture(scope="module")
def store(rooms: Path) -> FrameStore:
    return FrameStore(rooms)


@pytest.fixture(scope="module")
def dataset(store: FrameStore, tmp_path_factory) -> Path:
    """Write the first rooms as an Omni3D data set of this test's own."""
    folder = tmp_path_factory.mktemp("omni3d")
    write_omni3d(store, ROOMS, folder, "ROOMS_test")
    return folder


@pytest.fixture(scope="module")
def labels(dataset: Path) -> Omni3DLabels:
    return Omni3DLabels(dataset / "ROOMS_test.json")


def is_taught(item: SceneObject) -> bool:
    """Say whether an object of a room is one that the format does not have ignored."""
    seen = item.visible_pixels > 0 and item.visible_fraction > HIDDEN
    return seen and item.box.center[2] >= NEAREST and bool((item.box.corners()[:, 2] > 0).all())


def test_boxes_and_cameras_are_those_of_the_rooms(labels, store):
    assert len(labels.images) == ROOMS
    for index, image in enumerate(labels.images):
        graph = store.graph(index)
        seen = [item for item in graph.objects if is_taught(item)]
        assert image.camera == graph.camera
        assert len(image.regions) == sum(item.visible_pixels > 0 for item in graph.objects) - len(seen)
        for found, item in zip(image.objects, seen, strict=True):
            assert found.category == item.category
            np.testing.assert_allclose(found.box.corners(), item.box.corners(), atol=1e-9)
            pixels = found.box.projected(image.camera)
            np.testing.assert_allclose(pixels, item.box.projected(graph.camera), atol=1e-6)


def test_a_car_as_the_format_states_it_has_its_front_along_its_length():
    # Straight ahead at 10 m, length across the image, no rotation: front to the right, top up.
    box = box_from_annotation(
        {"center_cam": [0, 1, 10], "dimensions": [1.8, 1.5, 4.2], "R_cam": np.eye(3).tolist()}
    )
    np.testing.assert_allclose(box.extents, [4.2, 1.8, 1.5])
    np.testing.assert_allclose(box.rotation[:, 0], [1, 0, 0], atol=1e-12)
    np.testing.assert_allclose(box.rotation[:, 2], [0, -1, 0], atol=1e-12)


def test_frames_hang_as_the_rooms_cameras_do_and_pixels_lie_on_their_objects(labels, store):
    told = 0
    for index, image in enumerate(labels.images):
        ids, graph = frame_graph(image, image.camera)
        truth = store.graph(index)
        assert np.isfinite([graph.pitch, graph.roll]).all() == (len(image.objects) > 1)
        if len(image.objects) > 1:
            assert (graph.pitch, graph.roll) == pytest.approx((truth.pitch, truth.roll), abs=1e-6)
            told += 1
        depths = [item.box.center[2] for item in graph.objects]
        assert depths == sorted(depths)
        rendered = store.ids(index)
        by_id = {item.id: item for item in truth.objects}
        for item in graph.objects:
            original = min(by_id.values(), key=lambda o, at=item.box.center: np.abs(o.box.center - at).sum())
            own = rendered == original.id
            if own.sum() > 200 and original.visible_fraction > 0.9:  # nobody stands in front of it
                assert (ids[own] == item.id).mean() > 0.6
    assert told > ROOMS // 2


def test_annotations_that_cannot_be_used_are_counted_and_make_their_category_doubtful(dataset, tmp_path):
    content = json.loads((dataset / "ROOMS_test.json").read_text())
    content["annotations"] = usable = [
        one | {"visibility": 1.0, "behind_camera": False} for one in content["annotations"]
    ]
    reasons = {
        "regions whose things are not labelled": {"category_name": "DontCare"},
        "annotations without a 3D box": {"valid3D": False},
        "boxes that their own bbox3D_cam contradicts": {"dimensions": [9.0, 9.0, 9.0]},
        "boxes without a size or not in front of the camera": {
            "center_cam": [0.0, 0.0, -1.0],
            "bbox3D_cam": (Box3D([0, 0, -1], [1, 1, 1], [1, 0, 0, 0]).corners()).tolist(),
            "dimensions": [1.0, 1.0, 1.0],
            "R_cam": np.eye(3).tolist(),
        },
        "annotations whose R_cam is no rotation": {"R_cam": [[1, 1, 0], [0, 1, 0], [0, 0, 1]]},
        "boxes that reach behind the camera": {"behind_camera": True},
    }
    ignored = [
        {"visibility": 0.25},
        {"truncation": 0.75},
        {"lidar_pts": 0},
        {"segmentation_pts": 0},
        {"depth_error": 0.6},
    ]
    changed = [*reasons.values(), *ignored]
    for annotation, change in zip(usable, changed, strict=False):
        annotation.update(change)
    usable[-1]["image_id"] = 999
    reasons["annotations of images that the file does not have"] = {}
    (tmp_path / "BROKEN_train.json").write_text(json.dumps(content))
    labels = Omni3DLabels(tmp_path / "BROKEN_train.json")
    wanted = dict.fromkeys(reasons, 1) | {"boxes that the labels have ignored": len(ignored)}
    assert {why: labels.skipped[why] for why in wanted} == wanted
    assert "dontcare" not in labels.categories
    doubtful = {one["category_name"].lower() for one in usable[: len(changed)] if one["image_id"] == 0}
    assert labels.images[0].others >= doubtful
    said = describe_image(labels.images[0], np.random.default_rng(0), 100)
    by_id = {one.id: one for one in labels.images[0].objects}
    assert not {by_id[one.target_id].category for one in said} & doubtful


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        (None, "there is no"),
        ("[", "is no JSON"),
        ("[]", "holds a list"),
        ('{"images": []}', "not in the Omni3D format: KeyError: 'annotations'"),
        ('{"annotations": [{"image_id": 1, "category_name": 7}]}', "Omni3D format: AttributeError"),
    ],
)
def test_a_file_of_another_form_is_refused_by_name(tmp_path, text, cause):
    path = tmp_path / "labels.json"
    if text is not None:
        path.write_text(text)
    with pytest.raises(Omni3DError, match=cause):
        Omni3DLabels(path)


CAMERA = Camera(640, 480, 500.0, 500.0, 319.5, 239.5)


def upright(x: float, z: float, size: float, identity: int, category: str = "chair") -> Omni3DObject:
    rotation = optical_from_level(0.0, 0.0) @ yaw_rotation(0.3)
    box = Box3D.from_matrix([x, 0.2, z], np.full(3, size), rotation)
    return Omni3DObject(identity, category, box, None, None)


def said_of(*objects: Omni3DObject, others: tuple[str, ...] = ()) -> dict[str, int]:
    image = Omni3DImage(1, "image.jpg", CAMERA, objects, tuple(Omni3DRegion(name) for name in others))
    found = [describe_image(image, np.random.default_rng(seed), 100) for seed in range(12)]
    return {one.text: one.target_id for references in found for one in references}


def test_ranks_and_sides_name_the_right_thing():
    chairs = upright(-1.0, 3.0, 0.5, 1), upright(0.1, 4.5, 0.8, 2), upright(2.0, 6.5, 1.1, 3)
    said = said_of(*chairs, upright(0.55, 4.0, 0.4, 4, "table"))
    assert {
        "the table": 4,
        "the leftmost chair": 1,
        "the chair furthest to the right": 3,
        "the smallest chair": 1,
        "the biggest chair": 3,
        "the second largest chair": 2,
        "the nearest chair": 1,
        "the farthest chair": 3,
        "the second nearest chair": 2,
        "the chair to the right of the table": 3,
    }.items() <= said.items()
    assert not any("left of the table" in text for text in said)  # two chairs are


def test_what_cannot_be_told_apart_by_a_margin_is_not_said():
    said = said_of(upright(-1.0, 4.0, 0.5, 1), upright(1.0, 4.05, 0.51, 2))
    assert {text for text in said if "left" not in text and "right" not in text} == set()
    assert said_of(upright(0.0, 4.0, 0.5, 1), upright(0.05, 4.05, 0.51, 2)) == {}


def test_a_category_with_a_hidden_or_unplaced_member_is_left_out():
    hidden = replace(upright(1.0, 5.0, 0.5, 2), visibility=0.1)
    assert said_of(upright(-1.0, 4.0, 0.5, 1), hidden) == {}
    assert said_of(upright(-1.0, 4.0, 0.5, 1), others=("chair",)) == {}


def test_the_referring_set_is_written_with_its_boxes_and_is_the_same_again(
    dataset, labels, tmp_path, monkeypatch, capsys
):
    target = tmp_path / "set.json"
    words = ["refer", "--labels", str(dataset / "ROOMS_test.json"), "--output", str(target), "--seed", "3"]
    answer = CliRunner().invoke(app, words)
    assert answer.exit_code == 0 and "descriptions by category" in answer.output
    found = json.loads(target.read_text())
    assert found == referring_set(labels, 3, 8)
    assert found["name"] == "omni3d-templates" and found["labels"] == "ROOMS_test"
    assert sum(found["forms"].values()) == len(found["expressions"]) > ROOMS
    boxes = {one.id: one for image in labels.images for one in image.objects}
    for one in found["expressions"]:
        item = boxes[one["target_ids"][0]]
        assert item.category == one["category"] and item.category in one["text"]
        stated = Box3D(one["center"], one["extents"], one["quaternion"])
        np.testing.assert_allclose(stated.corners(), item.box.corners(), atol=1e-9)
    monkeypatch.setattr(sys, "argv", ["", "refer", "--labels", "none.json", "--output", str(target)])
    with pytest.raises(SystemExit) as stop:
        main()
    assert stop.value.code == 2 and "ide3d-omni3d: there is no none.json" in capsys.readouterr().err
