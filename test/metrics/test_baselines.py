# SPDX-License-Identifier: Apache-2.0
"""The prior knows averages and nothing else."""

from __future__ import annotations

import numpy as np
import pytest

from ide3d_ros.geometry.box import Box3D
from ide3d_ros.geometry.camera import Camera
from ide3d_ros.geometry.rotation import gravity_angles
from ide3d_training.metrics.baselines import ANY_CATEGORY, Prior, PriorError
from ide3d_training.worlds.categories import CATEGORIES
from ide3d_training.worlds.language.questions import QUESTION_KINDS
from ide3d_training.worlds.scene_graph import ON, FrameGraph, SceneObject

CAMERA = Camera.from_fov(256, 192, np.deg2rad(65.0))
UPRIGHT = np.array([1.0, 0.0, 0.0, 0.0])


def seen(
    id: int, category: str, pixel: tuple[float, float], depth: float, side: float, pixels: int = 900
) -> SceneObject:
    center = CAMERA.unproject(np.array([pixel]), np.array([depth]))[0]
    box = Box3D(center, np.full(3, side), UPRIGHT)
    return SceneObject(id, category, "red", "wood", box, pixels, 0.9, None, ON, False)


def frame(*objects: SceneObject, pitch: float = 0.3) -> FrameGraph:
    return FrameGraph(1, "kitchen", 0, CAMERA, pitch, 0.0, 1.2, np.eye(4), objects)


@pytest.fixture
def prior() -> Prior:
    frames = [
        frame(seen(1, "chair", (100, 90), 2.0, 0.4), seen(2, "sofa", (10, 20), 5.0, 2.0), pitch=0.2),
        frame(seen(1, "chair", (120, 110), 4.0, 0.6), seen(2, "bed", (9, 9), 9.0, 9.0, pixels=3), pitch=0.4),
    ]
    return Prior.fit(frames, seed=0)


def test_box_has_the_means_of_the_named_category(prior):
    box = prior.box("where is the red chair?", CAMERA)
    assert box.center[2] == pytest.approx(3.0)
    assert box.extents == pytest.approx([0.5, 0.5, 0.5])
    assert CAMERA.project(box.center[None])[0] == pytest.approx(
        [110, 100], abs=0.05
    )  # rounded to 1e-4 of the image


def test_box_stands_upright_at_the_mean_pitch(prior):
    pitch, roll = gravity_angles(prior.box("the chair", CAMERA).rotation)
    assert (float(pitch), float(roll)) == pytest.approx((0.3, 0.0), abs=1e-6)


def test_mean_pixel_scales_with_the_image(prior):
    large = Camera.from_fov(512, 384, np.deg2rad(65.0))
    assert prior.box("the chair", large).center == pytest.approx(
        prior.box("the chair", CAMERA).center, abs=1e-3
    )


def test_plural_and_first_noun_name_the_category(prior):
    assert prior.box("all chairs", CAMERA) == prior.box("the chair", CAMERA)
    assert prior.box("the chair on the sofa", CAMERA) == prior.box("the chair", CAMERA)


def test_text_without_a_known_category_gets_the_mean_of_all_objects(prior):
    assert prior.box("the red thing", CAMERA).center[2] == pytest.approx((2 + 4 + 5) / 3, abs=1e-3)
    assert prior.box("the fridge", CAMERA) == prior.box("the red thing", CAMERA)


def test_objects_that_are_hardly_seen_do_not_count(prior):
    assert "bed" not in prior.boxes


def test_usual_answers_come_from_the_training_questions():
    chairs = [frame(*(seen(n, "chair", (60.0 * n, 90), 2.0, 0.4) for n in (1, 2))) for _ in range(20)]
    prior = Prior.fit(chairs, seed=0)
    assert prior.answer("existence") in ("yes", "no")
    assert prior.answer("count") in ("zero", "two")
    assert prior.answer("never asked") == ""


def test_saved_prior_is_read_back(prior, tmp_path):
    prior.save(tmp_path / "prior.json")
    assert Prior.load(tmp_path / "prior.json") == prior


def test_missing_or_broken_file_names_the_way_out(tmp_path):
    for text in (None, "{", '{"boxes": {"chair": {}}}', "[]"):
        file = tmp_path / "prior.json"
        if text is not None:
            file.write_text(text)
        with pytest.raises(PriorError, match="fit_prior"):
            Prior.load(file)


def test_no_referable_object_is_an_error():
    with pytest.raises(PriorError, match="render more rooms"):
        Prior.fit([frame()], seed=0)


def test_shipped_prior_covers_every_category():
    prior = Prior.load()
    assert set(prior.boxes) == {ANY_CATEGORY, *CATEGORIES}
    assert prior.frames >= 1000
    assert set(prior.answers) == set(QUESTION_KINDS)
