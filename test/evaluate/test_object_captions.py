# SPDX-License-Identifier: Apache-2.0
"""Captions count where their box lies on the object, and say why where there is no figure."""

from __future__ import annotations

import pytest

from ide3d_training.evaluate.object_captions import NO_REFERENCES, caption_figures
from ide3d_training.evaluate.posed import Found, PosedObject
from ide3d_training.evaluate.scoring import DetectionScore


def seen(box, caption: str, at: float, truth: float = 0.0, visible: bool = True) -> DetectionScore:
    item = PosedObject("1", "chair", box(truth), visible, ("a red chair by the wall", "a red chair"))
    return DetectionScore(0, (Found(box(at), 0.9, "chair", caption),), (item,))


def test_caption_of_the_overlapping_box_is_compared(box):
    figures = caption_figures([seen(box, "a red chair", 0.0)])
    assert (figures["objects"], figures["described"]) == (1, 1)
    assert figures["rouge_l"] == pytest.approx(100.0)


def test_caption_of_a_box_elsewhere_counts_as_nothing(box):
    figures = caption_figures([seen(box, "a red chair", 0.6)])  # IoU a quarter
    assert (figures["objects"], figures["described"], figures["rouge_l"]) == (1, 0, 0.0)
    assert figures["wrapped"]["rouge_l"] > 0  # the benchmark's own words match even then


def test_object_without_detections_is_counted_as_not_described(box):
    item = PosedObject("1", "chair", box(0), True, ("a red chair",))
    assert caption_figures([DetectionScore(0, (), (item,))])["described"] == 0


def test_same_object_of_two_frames_counts_twice(box):
    first, second = seen(box, "a red chair", 0.0), seen(box, "a chair", 0.0)
    second = DetectionScore(5, second.found, second.objects)
    assert caption_figures([first, second])["objects"] == 2


def test_frames_without_captions_say_so(box):
    assert caption_figures([seen(box, "a chair", 0.0, visible=False)]) == {"reason": NO_REFERENCES}
    assert caption_figures([]) == {"reason": NO_REFERENCES}


def test_missing_java_is_a_reason_and_no_figure(box, monkeypatch):
    monkeypatch.setenv("PATH", "")
    assert "java" in caption_figures([seen(box, "a red chair", 0.0)])["meteor"]
