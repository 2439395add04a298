# SPDX-License-Identifier: Apache-2.0
"""A labelled recording becomes posed frames with real visibility."""

from __future__ import annotations

import json

import numpy as np
import pytest
from recorded_corner import CAMERA

from ide3d_ros.recordings import RecordingError
from ide3d_training.evaluate.recording_frames import RecordedFrames
from ide3d_training.evaluate.responders import SceneResponder
from ide3d_training.evaluate.scoring import score_frame


def edit(path, change) -> None:
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))


def test_everything_is_posed_on_the_frames_that_show_it(recording):
    frames = {frame.group: frame for frame in RecordedFrames(recording)}
    assert list(frames) == [0, 5, 10]  # frame 15 is asked nothing, and frame 0 alone is searched
    assert [e.text for e in frames[5].expressions] == ["the red chair", "a zebra"]
    assert [q.text for q in frames[10].questions] == ["is there a red chair"]
    assert [bool(frame.objects) for frame in frames.values()] == [True, False, False]
    assert frames[0].camera == CAMERA and frames[0].image.shape == (48, 64, 3)
    assert frames[0].redraw is None


def test_truth_is_stated_in_the_colour_cameras_frame(recording, fake_bundle):
    from ide3d_ros.scene import Scene

    frame = next(frame for frame in RecordedFrames(recording) if frame.group == 5)
    responses = SceneResponder(Scene.open(fake_bundle.folder)).respond(frame)
    unique, zero = score_frame(frame, responses).expressions
    assert unique.iou == pytest.approx(1.0, abs=1e-6)
    assert (zero.kind, zero.detected) == ("zero", False)


def test_visibility_comes_from_depth(recording):
    frames = list(RecordedFrames(recording))
    assert [(item.category, item.visible) for item in frames[0].objects] == [("chair", True)]
    assert frames[0].objects[0].captions == ("a red chair in an empty room",)
    assert frames[0].vocabulary == ("chair", "wooden crate")
    traits = frames[1].expressions[0].traits
    assert (traits["visibility"], traits["uniqueness"]) == ("above 0.9", "unique")


def test_labels_are_believed_where_there_is_no_depth(recording):
    for path in (recording / "frames").glob("*.depth.png"):
        path.unlink()
    (first, *_) = RecordedFrames(recording)
    assert [(item.category, item.visible) for item in first.objects] == [("chair", True)]
    edit(recording / "objects.json", lambda c: c["objects"][1].pop("visible_frames"))
    (first, *_) = RecordedFrames(recording)
    assert {item.category for item in first.objects} == {"chair", "wooden crate"}


def test_absent_thing_of_a_known_kind_has_distractors(recording):
    kinds = {e.text: e.traits["type"] for frame in RecordedFrames(recording) for e in frame.expressions}
    assert kinds == {"the red chair": "st_wo_d", "a zebra": "zt_wo_d", "the green chair": "zt_w_d"}


def test_lengths_keep_their_tolerance(recording):
    (question,) = next(frame for frame in RecordedFrames(recording) if frame.group == 5).questions
    assert (question.value_m, question.tolerance_m) == (2.0, 0.1)


def test_pictures_that_labels_speak_of_must_be_there(recording):
    (recording / "frames" / "frame-000005.color.png").unlink()
    with pytest.raises(RecordingError, match="labels for frame 5, of which it has no picture with a pose"):
        RecordedFrames(recording)


def test_recording_without_poses_or_folder_is_refused(recording, tmp_path):
    (recording / "poses.json").unlink()
    with pytest.raises(RecordingError, match="poses.json"):
        RecordedFrames(recording)
    with pytest.raises(RecordingError, match="there is no folder"):
        RecordedFrames(tmp_path / "nowhere")


def test_frames_are_read_one_at_a_time(recording):
    frames = RecordedFrames(recording)
    (recording / "frames" / "frame-000010.color.png").write_bytes(b"broken")
    read = iter(frames)
    assert np.asarray(next(read).image).any()
    next(read)
    with pytest.raises(RecordingError, match="cannot be read"):
        next(read)
