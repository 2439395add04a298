# SPDX-License-Identifier: Apache-2.0
"""Perturbed frames show what they say, keep what still holds, and are compared with just that."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ide3d_training.evaluate.perturbations import FOCAL_FACTORS, SUITE, Perturbation, PerturbedFrame
from ide3d_training.evaluate.posed import Redrawn, Responses
from ide3d_training.evaluate.robustness import Robustness
from ide3d_training.evaluate.scoring import score_frame

BY_NAME = {one.name: one for one in SUITE}
PIXELS = ("blur", "noise", "low light", "jpeg")


@pytest.fixture
def frame(posed):
    """One frame with a textured image; through any other lens its first expression alone still holds."""
    rng = np.random.default_rng(0)
    image = rng.integers(40, 216, (192, 256, 3)).astype(np.uint8)
    asked = posed(7)
    cameras = []

    def redraw(camera):
        cameras.append(camera)
        return Redrawn(np.full_like(image, 99), (0,), (1,))

    return replace(asked, image=image, redraw=redraw), cameras


@pytest.mark.parametrize("factor", FOCAL_FACTORS)
def test_other_lens_is_told_or_not(frame, factor):
    original, drawn = frame
    for name, seen in ((f"focal x{factor:g}", factor), (f"focal x{factor:g}, untold", 1.0)):
        perturbed = BY_NAME[name].apply(original)
        assert drawn[-1].fx == pytest.approx(factor * original.camera.fx)
        assert drawn[-1].cx == original.camera.cx
        assert perturbed.frame.camera.fx == pytest.approx(seen * original.camera.fx)
        assert (perturbed.frame.image == 99).all()


def test_queries_that_no_longer_hold_are_left_out(frame):
    original, _ = frame
    perturbed = BY_NAME["focal x2"].apply(original)
    assert [e.text for e in perturbed.frame.expressions] == [original.expressions[0].text]
    assert [q.text for q in perturbed.frame.questions] == [original.questions[1].text]
    assert (perturbed.expressions, perturbed.questions) == ((0,), (1,))


def test_crop_keeps_pixels_and_their_rays(frame):
    original, drawn = frame
    perturbed = BY_NAME["crop"].apply(original).frame
    height, width = perturbed.image.shape[:2]
    assert (perturbed.camera.width, perturbed.camera.height) == (width, height)
    assert width == round(0.7 * 256) and height == round(0.7 * 192)
    left = original.camera.cx - perturbed.camera.cx
    top = original.camera.cy - perturbed.camera.cy
    assert 0 < left != (256 - width) / 2
    part = original.image[int(top) : int(top) + height, int(left) : int(left) + width]
    assert np.array_equal(perturbed.image, part)
    # What holds is judged through the same rays at full size.
    assert (drawn[-1].width, drawn[-1].height) == (256, 192)
    corner = perturbed.camera.rays(np.array([[-0.5, -0.5]]))
    np.testing.assert_allclose(drawn[-1].rays(np.array([[-0.5, -0.5]])), corner)


@pytest.mark.parametrize("name", PIXELS)
def test_change_of_pixels_keeps_camera_queries_and_is_repeatable(frame, name):
    original, drawn = frame
    first, second = (BY_NAME[name].apply(original).frame for _ in range(2))
    assert first.camera == original.camera and not drawn
    assert first.expressions == original.expressions and first.questions == original.questions
    assert first.image.dtype == np.uint8 and first.image.shape == original.image.shape
    assert np.array_equal(first.image, second.image)
    assert not np.array_equal(first.image, original.image)


def test_each_change_of_pixels_does_what_it_is_called(frame):
    original, _ = frame

    def contrast(image):
        return float(image.astype(float).std())

    images = {name: BY_NAME[name].apply(original).frame.image for name in PIXELS}
    assert contrast(images["blur"]) < 0.5 * contrast(original.image)
    assert images["low light"].mean() < 0.5 * original.image.mean()
    error = images["noise"].astype(float) - original.image
    assert 8 < error.std() < 14 and abs(error.mean()) < 1


def test_what_cannot_be_done_gives_its_reason(posed):
    assert "cannot be drawn" in BY_NAME["focal x2"].obstacle(posed(0))
    assert "cannot be drawn" in BY_NAME["crop"].obstacle(posed(0))
    assert "1 frame" in BY_NAME["dropped frames"].obstacle(posed(0))
    assert BY_NAME["blur"].obstacle(posed(0)) == ""


class BlindToWhite:
    """Answer rightly, but see nothing in a white image."""

    def __init__(self, right: Responses, silent: Responses) -> None:
        self._right, self._silent = right, silent

    def respond(self, frame):
        return self._silent if frame.image.all() else self._right


def test_drop_is_taken_on_the_queries_that_still_hold(posed, box):
    frame = posed(0)
    right = Responses(((box(0),), (box(-1.5), box(1.5)), ()), ("yes", "two"))

    def whiten(original):
        kept = replace(
            original,
            image=np.full_like(original.image, 255),
            expressions=original.expressions[:1],
            questions=original.questions[:1],
        )
        return PerturbedFrame(kept, (0,), (0,))

    robustness = Robustness((Perturbation("white", whiten), SUITE[-1]))
    responder = BlindToWhite(right, Responses(((),), ("no",)))
    for _ in range(2):
        robustness.add(frame, score_frame(frame, responder.respond(frame)), responder)
    figures = robustness.figures()
    assert figures["white"]["n"] == 4
    assert figures["white"]["acc@0.25"] == {
        "before": 100.0,
        "after": 0.0,
        "drop": 100.0,
        "interval": [100.0, 100.0],
    }
    assert figures["white"]["em"]["drop"] == 100.0
    assert figures["white"]["f1@0.25"]["drop"] is None  # no such expression was kept
    assert figures["dropped frames"] == {"reason": SUITE[-1].reason}


def test_recorded_frame_is_not_put_through_other_lenses(posed, scripted, box):
    frame = posed(0)
    responder = scripted([[box(0)], [box(-1.5), box(1.5)], []], ["yes", "two"])
    robustness = Robustness()
    robustness.add(frame, score_frame(frame, responder.respond(frame)), responder)
    figures = robustness.figures()
    assert {name for name, row in figures.items() if "reason" not in row} == set(PIXELS)
    assert figures["blur"]["acc@0.50"]["drop"] == 0.0


def test_depth_goes_with_the_image_that_it_belongs_to(frame):
    original, _ = frame
    depth = np.random.default_rng(0).uniform(1, 4, (192, 256)).astype(np.float32)
    drawn = replace(original.redraw(original.camera), depth=depth + 1)
    seen = replace(original, depth=depth, redraw=lambda _: drawn)
    assert BY_NAME["focal x2"].apply(seen).frame.depth is drawn.depth
    assert BY_NAME["blur"].apply(seen).frame.depth is depth
    part = BY_NAME["crop"].apply(seen).frame
    left, top = round(original.camera.cx - part.camera.cx), round(original.camera.cy - part.camera.cy)
    rows, columns = part.depth.shape
    np.testing.assert_array_equal(part.depth, depth[top : top + rows, left : left + columns])
