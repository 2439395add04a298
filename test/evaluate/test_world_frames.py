# SPDX-License-Identifier: Apache-2.0
"""Simulated rooms become posed frames, always the same ones."""

from __future__ import annotations

import numpy as np

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
