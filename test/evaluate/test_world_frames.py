# SPDX-License-Identifier: Apache-2.0
"""Simulated rooms become posed frames, always the same ones."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ide3d_training.evaluate.lengths import length_in_metres
from ide3d_training.evaluate.traits import VISIBILITIES
from ide3d_training.evaluate.world_frames import EXPRESSIONS_PER_FRAME, QUESTIONS_PER_FRAME, world_frames


def test_rooms_are_posed_with_true_boxes_and_reproducibly():
    first, second = (list(world_frames(rooms=2, seed=700001, width=128, height=96)) for _ in range(2))
    assert [frame.group for frame in first] == [700001, 700002]
    for frame, again in zip(first, second, strict=True):
        assert frame.image.shape == (96, 128, 3) and frame.image.dtype == np.uint8
        assert (frame.camera.width, frame.camera.height) == (128, 96)
        assert np.array_equal(frame.image, again.image)
        assert [e.text for e in frame.expressions] == [e.text for e in again.expressions]
        assert frame.questions == again.questions
        assert 0 < len(frame.expressions) <= EXPRESSIONS_PER_FRAME
        assert 0 < len(frame.questions) <= QUESTIONS_PER_FRAME
        for expression in frame.expressions:
            assert {"zero": 0, "unique": 1}.get(expression.kind, len(expression.truths)) == len(
                expression.truths
            )
            assert all(box.center[2] > 0 for box in expression.truths)


def test_rooms_of_other_seeds_are_asked_other_things():
    one, other = world_frames(rooms=2, seed=700003, width=64, height=48)
    assert [e.text for e in one.expressions] != [e.text for e in other.expressions]


def test_targets_carry_the_traits_of_their_objects():
    (frame,) = world_frames(rooms=1, seed=700004, width=128, height=96)
    by_box = {item.box: item for item in frame.objects}
    for expression in frame.expressions:
        assert expression.traits["type"][:2] == {"zero": "zt", "unique": "st", "multi": "mt"}[expression.kind]
        if expression.kind != "unique":
            assert "size" not in expression.traits
            continue
        (box,) = expression.truths
        same = [one for one in frame.objects if one.category == by_box[box].category]
        assert expression.traits["uniqueness"] == ("unique" if len(same) == 1 else "multiple")
        assert expression.traits["visibility"] in VISIBILITIES


def test_objects_to_detect_are_those_in_view_with_captions_where_they_can_be_described():
    (frame,) = world_frames(rooms=1, seed=700005, width=128, height=96)
    visible = [item for item in frame.objects if item.visible]
    assert len(visible) >= 2
    assert all(item.captions for item in visible)
    assert all(not item.captions for item in frame.objects if not item.visible)


def test_lengths_have_their_value_and_tolerance():
    frames = world_frames(rooms=6, seed=700006, width=64, height=48)
    lengths = [q for frame in frames for q in frame.questions if q.value_m is not None]
    assert lengths
    for question in lengths:
        assert abs(length_in_metres(question.answers[0]) - question.value_m) <= 0.05 + 1e-9
        assert question.tolerance_m >= 0.1


def test_frame_redrawn_through_its_own_camera_is_the_same():
    for frame in world_frames(rooms=2, seed=700007, width=128, height=96):
        again = frame.redraw(frame.camera)
        assert np.array_equal(again.image, frame.image)
        assert again.expressions == tuple(range(len(frame.expressions)))
        assert again.questions == tuple(range(len(frame.questions)))


def test_longer_lens_magnifies_and_loses_what_leaves_the_frame():
    kept = asked = 0
    for frame in world_frames(rooms=4, seed=700010, width=128, height=96):
        camera = frame.camera
        again = frame.redraw(replace(camera, fx=2 * camera.fx, fy=2 * camera.fy))
        middle = frame.image[24:72, 32:96].repeat(2, axis=0).repeat(2, axis=1)
        difference = np.abs(again.image.astype(float) - middle).mean()
        assert difference < np.abs(again.image.astype(float) - frame.image).mean()
        kept, asked = kept + len(again.expressions), asked + len(frame.expressions)
        for i in again.expressions:
            for box in frame.expressions[i].truths:  # what is still spoken of is still in the frame
                pixels = box.projected(replace(camera, fx=2 * camera.fx, fy=2 * camera.fy))
                assert (pixels.max(0) > 0).all() and (pixels.min(0) < (128, 96)).all()
    assert 0 < kept < asked
