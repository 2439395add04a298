# SPDX-License-Identifier: Apache-2.0
"""Images with labels in the Omni3D format teach what rendered rooms teach, and nothing that is not known."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from ide3d_ros.geometry import Box3D, optical_from_level, yaw_rotation
from ide3d_ros.geometry.camera import Camera
from ide3d_ros.scene.preprocessing import prepare_image
from ide3d_training.config import TrainConfig
from ide3d_training.datasets.augmentation import mirror_camera
from ide3d_training.datasets.frame_store import FrameStore
from ide3d_training.datasets.frame_targets import frame_targets
from ide3d_training.datasets.omni3d import Omni3DError, Omni3DImage, Omni3DLabels, Omni3DObject, Omni3DRegion
from ide3d_training.datasets.omni3d_absent import absent_references
from ide3d_training.datasets.omni3d_dataset import Omni3DDataset, draw_references, read_picture
from ide3d_training.datasets.omni3d_frames import UNKNOWN, frame_graph, mirror_image
from ide3d_training.datasets.omni3d_referring import describe_image
from ide3d_training.datasets.packing import IGNORED, Sample, collate
from ide3d_training.datasets.tokenizer import fit_tokenizer
from ide3d_training.objectives.boxes import field_losses, gravity_loss
from ide3d_training.run import network_config

CONFIG = network_config(TrainConfig(), 300)
BACKGROUND = len(CONFIG.categories)
FIELDS = ("token_offset", "token_depth", "token_extents", "token_yaw", "token_front")
CAMERA = Camera(CONFIG.width, CONFIG.height, 200.0, 200.0, 127.5, 95.5)
EXPRESSIONS = 6


@pytest.fixture(scope="module")
def images(labelled: Path) -> list[Omni3DImage]:
    return Omni3DLabels(labelled).images


def targets_of(image: Omni3DImage):
    return frame_targets(*frame_graph(image, image.camera), CONFIG)[0]


def standing(identity: int, category: str, x: float, z: float, size: float = 0.8) -> Omni3DObject:
    rotation = optical_from_level(0.1, 0.0) @ yaw_rotation(0.4)
    return Omni3DObject(identity, category, Box3D.from_matrix([x, 0.1, z], [size] * 3, rotation), None, None)


def image_of(*objects: Omni3DObject, regions: tuple[Omni3DRegion, ...] = (), labelled=()) -> Omni3DImage:
    return Omni3DImage(1, "image.png", CAMERA, objects, regions, frozenset(labelled))


def test_tokens_are_told_of_their_objects_what_rendered_rooms_tell_them(images, rooms: Path):
    store = FrameStore(rooms)
    both = same = empty = truly_empty = known = 0
    for index, image in enumerate(images):
        ours, truth = targets_of(image), frame_targets(store.ids(index), store.graph(index), CONFIG)[0]
        asked = (ours.token_weight > 0) & (truth.token_weight > 0)
        # Without masks a token at an edge may be given to a neighbour; those of one object must agree.
        agree = asked & (ours.token_category == truth.token_category)
        agree &= np.abs(ours.token_depth - truth.token_depth) < 1e-3
        both, same = both + asked.sum(), same + agree.sum()
        if ours.gravity_known:
            known += 1
            np.testing.assert_allclose(ours.gravity, truth.gravity, atol=1e-6)
            for name in FIELDS:
                np.testing.assert_allclose(getattr(ours, name)[agree], getattr(truth, name)[agree], atol=1e-5)
        nothing = ours.token_category == BACKGROUND
        empty += nothing.sum()
        truly_empty += (nothing & (truth.token_category == BACKGROUND)).sum()
    assert both > 1000 and same > 0.88 * both
    assert empty > 1000 and truly_empty > 0.99 * empty
    assert known > len(images) / 2


def test_a_larger_image_of_the_same_scene_has_the_same_targets(images):
    for image in images[:6]:

        def twice(rectangle):
            return None if rectangle is None else 2 * (rectangle + 0.5) - 0.5

        large = replace(
            image,
            camera=image.camera.resized(2 * image.camera.width, 2 * image.camera.height),
            objects=tuple(replace(one, tight=twice(one.tight)) for one in image.objects),
            regions=tuple(replace(one, rectangle=twice(one.rectangle)) for one in image.regions),
        )
        picture = np.zeros((large.camera.height, large.camera.width, 3), np.uint8)
        prepared = prepare_image(picture, large.camera, CONFIG.width, CONFIG.height)
        np.testing.assert_allclose(prepared.camera.K, image.camera.K, atol=1e-9)
        assert (frame_graph(large, prepared.camera)[0] == frame_graph(image, image.camera)[0]).mean() > 0.999


@pytest.mark.parametrize("size", [(256, 192), (640, 480), (730, 530), (1242, 375), (480, 640)])
@pytest.mark.parametrize("epoch", range(4))
def test_a_dot_at_a_box_is_seen_where_the_samples_intrinsics_project_it(size, epoch: int, tmp_path: Path):
    width, height = size
    camera = Camera(width, height, 0.8 * width, 0.8 * width, 0.47 * width, 0.52 * height)
    one = replace(standing(7, "chair", 0.3, 3.0), tight=None)
    other = standing(8, "table", -1.2, 4.0)
    u, v = camera.project(one.box.center[None])[0]
    picture = np.zeros((height, width, 3), np.uint8)
    rows, columns = np.mgrid[:height, :width]
    spot = np.exp(-((rows - v) ** 2 + (columns - u) ** 2) / (2 * (width / 64) ** 2))
    picture[..., :] = (255 * spot)[..., None].astype(np.uint8)
    cv2.imwrite(str(tmp_path / "image.png"), picture)
    data = dataset_of([Omni3DImage(1, "image.png", camera, (one, other))], tmp_path)
    (sample,) = data[epoch, 0]
    (box,) = (box for box in sample.targets.object_boxes if abs(box[2] - one.box.center[2]) < 1e-4)
    seen = sample.intrinsics @ box[:3]
    bright = sample.image.astype(float).sum(-1)
    bright[bright < 0.75 * bright.max()] = 0.0
    rows, columns = np.mgrid[: CONFIG.height, : CONFIG.width]
    found = (columns * bright).sum() / bright.sum(), (rows * bright).sum() / bright.sum()
    np.testing.assert_allclose(found, seen[:2] / seen[2], atol=0.35)


def dataset_of(images: list[Omni3DImage], folder: Path, absent: float = 0.2) -> Omni3DDataset:
    tokenizer = fit_tokenizer(["the leftmost chair", "the nearest table"], 300)
    return Omni3DDataset(images, folder, CONFIG, tokenizer, 0, expressions=EXPRESSIONS, absent=absent)


def test_mirrored_labels_lie_on_the_mirrored_pixels_and_swap_left_and_right(images):
    for image in images[:8]:
        ids, graph = frame_graph(image, image.camera)
        mirrored, other = frame_graph(mirror_image(image), mirror_camera(image.camera))
        assert (mirrored == ids[:, ::-1]).mean() > 0.999
        if np.isfinite(graph.roll):
            assert (other.pitch, other.roll) == pytest.approx((graph.pitch, -graph.roll), abs=1e-9)
    chairs = image_of(standing(1, "chair", -1.0, 4.0), standing(2, "chair", 1.0, 4.0))
    texts = {"the leftmost chair", "the chair furthest to the left"}
    for image, wanted in ((chairs, 1), (mirror_image(chairs), 2)):
        said = [one for seed in range(8) for one in describe_image(image, np.random.default_rng(seed), 9)]
        assert {one.target_id for one in said if one.text in texts} == {wanted}


def test_what_is_to_be_ignored_is_neither_an_object_nor_background():
    chair, table = standing(1, "chair", -0.8, 3.0), standing(2, "table", 0.9, 3.0)
    plain = targets_of(image_of(chair, table))
    region = Omni3DRegion("table", table.box)
    ours = targets_of(image_of(chair, regions=(region,)))
    was_table = plain.token_category == CONFIG.categories.index("table")
    assert was_table.sum() > 4 and len(ours.object_tokens) == 1
    assert (ours.token_category[was_table] == -1).all() and (ours.token_weight[was_table] == 0).all()
    assert (ours.token_category == BACKGROUND).sum() > 20
    rectangle = Omni3DRegion("table", None, np.array([160.0, 40.0, 220.0, 150.0]))
    ids, _ = frame_graph(image_of(chair, regions=(rectangle,)), CAMERA)
    assert (ids[40:151, 160:221] == UNKNOWN).all() and (ids[:40] != UNKNOWN).all()
    nowhere = targets_of(image_of(chair, regions=(Omni3DRegion("table"),)))
    assert not (nowhere.token_category == BACKGROUND).any() and nowhere.object_tokens.any()


def test_an_object_is_not_seen_outside_its_tight_rectangle_nor_behind_a_nearer_one():
    far, near = standing(1, "table", 0.0, 5.0, 2.0), standing(2, "chair", 0.0, 3.0, 0.6)
    ids, graph = frame_graph(image_of(far, near), CAMERA)
    assert [one.category for one in graph.objects] == ["chair", "table"]
    assert ids[96, 128] == 1 and (ids == 2).sum() > 500
    rectangle = np.array([100.0, 60.0, 150.0, 120.0])
    ids, _ = frame_graph(image_of(replace(far, tight=rectangle)), CAMERA)
    rows, columns = np.nonzero(ids == 1)
    assert rows.min() >= 60 and rows.max() <= 120 and columns.min() >= 100 and columns.max() <= 150


def test_colour_gravity_and_yaw_that_are_not_known_are_not_learned():
    two, one = (
        image_of(standing(1, "chair", -0.8, 3.0), standing(2, "table", 0.9, 3.0)),
        standing(1, "chair", 0, 3),
    )
    leaning = replace(one, id=2, box=Box3D.from_matrix(one.box.center + [1, 0, 1], [1, 1, 1], np.eye(3)))
    flagged = replace(two, flagged=True)
    for image, known in (
        (two, True),
        (image_of(one), False),
        (image_of(one, leaning), False),
        (flagged, False),
    ):
        targets = targets_of(image)
        assert bool(targets.gravity_known) == known and np.isfinite(targets.token_yaw).all()
        picture = np.zeros((CONFIG.height, CONFIG.width, 3), np.uint8)
        sample = Sample(picture, CAMERA.K.astype(np.float32), (), targets)
        batch = collate([sample], CONFIG.box_queries)
        fields = torch.randn(1, CONFIG.tokens, CONFIG.box_code.size, requires_grad=True)
        gravity = torch.randn(1, 2, requires_grad=True)
        terms = field_losses(fields, batch, CONFIG.box_code) | gravity_loss(gravity, batch)
        assert all(torch.isfinite(term) for term in terms.values()) and terms["depth"] > 0
        sum(terms.values()).backward()
        code = CONFIG.box_code
        slots = [fields.grad[..., code.yaw], fields.grad[..., code.front], fields.grad[..., 12], gravity.grad]
        assert [bool(slot.abs().sum() > 0) for slot in slots] == [known] * 4
        assert fields.grad[..., code.color].abs().sum() == 0 == terms["color"]


def test_only_what_the_labels_could_have_named_is_said_to_be_absent():
    objects = standing(1, "chair", -0.8, 3.0), standing(2, "table", 0.9, 3.0)
    image = image_of(
        *objects, regions=(Omni3DRegion("sofa"),), labelled=("chair", "table", "sofa", "bed", "bin")
    )

    def said(image: Omni3DImage) -> set[str]:
        found = [absent_references(image, np.random.default_rng(seed), 8) for seed in range(20)]
        assert all(one.target_id is None and one.form == "absent" for few in found for one in few)
        return {one.text for few in found for one in few}

    assert said(image) == {
        "the bed",
        "the bin",
        "the chair right of the table",
        "the chair to the right of the table",
        "the table left of the chair",
        "the table to the left of the chair",
    }
    assert said(replace(image, regions=(Omni3DRegion("dontcare"),))) == set()


def test_a_share_of_expressions_fits_nothing_but_never_most_of_them(images):
    rng = np.random.default_rng(0)
    drawn = [draw_references(image, rng, EXPRESSIONS, 0.5) for image in images for _ in range(4)]
    nothing = [sum(one.target_id is None for one in few) for few in drawn]
    assert 0.2 < sum(nothing) / sum(map(len, drawn)) < 0.5
    assert all(count <= max(len(few) - count, 1) for count, few in zip(nothing, drawn, strict=True))
    without = [draw_references(image, rng, EXPRESSIONS, 0.0) for image in images]
    assert all(one.target_id is not None for few in without for one in few)


def test_samples_name_what_they_point_at_and_say_none_of_what_is_not_there(images, labelled: Path):
    data = dataset_of(images, labelled.parent, absent=0.4)
    targets = nothing = 0
    for index, image in enumerate(images):
        for epoch in range(2):
            (sample,) = data[epoch, index]
            assert (sample.targets.token_color[sample.targets.token_weight > 0] == IGNORED).all()
            for prompt in sample.prompts:
                assert len(prompt.objects) < 2 and not prompt.answer
                nothing += not prompt.objects
                for row in prompt.objects:
                    box = sample.targets.object_boxes[row]
                    away = [abs(one.box.center[2] - box[2]) for one in image.objects]
                    assert np.isnan(box).all() or min(away) < 1e-4
                    targets += 1
    assert targets > 100 and nothing > 20
    again = dataset_of(images, labelled.parent, absent=0.4)[1, 3][0]
    (sample,) = data[1, 3]
    assert (again.image == sample.image).all() and again.prompts == sample.prompts


def test_files_that_cannot_be_read_are_named_and_replaced(images, tmp_path: Path):
    few = [replace(image, file_path=f"{index}.jpg") for index, image in enumerate(images[:4])]
    picture = np.full((few[0].camera.height, few[0].camera.width, 3), 90, np.uint8)
    written = cv2.imencode(".jpg", picture)[1].tobytes()
    (tmp_path / "0.jpg").write_bytes(written[: len(written) // 2])  # cut off
    (tmp_path / "1.jpg").write_bytes(cv2.imencode(".jpg", picture[:-1])[1].tobytes())  # of another size
    (tmp_path / "2.jpg").write_bytes(b"")
    (tmp_path / "3.jpg").write_bytes(written)
    reasons = "cannot be read as a picture", "but its labels say", "cannot be read as a picture"
    for index, why in enumerate(reasons):
        with pytest.raises(Omni3DError, match=f"{index}.jpg .*{why}"):
            read_picture(tmp_path / f"{index}.jpg", few[index])
    (sample,) = dataset_of(few, tmp_path)[0, 0]
    assert len(sample.unreadable) == 3 and np.abs(sample.image.astype(int) - 90).max() < 60
    assert collate([sample, sample], CONFIG.box_queries).unreadable == 2 * sample.unreadable
    with pytest.raises(Omni3DError, match="3 images in a row cannot be read"):
        dataset_of(few[:3], tmp_path)[0, 0]
