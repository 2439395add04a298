# SPDX-License-Identifier: Apache-2.0
"""Labels of a recording, brought into the frame that a reply is about."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from demo_samples import LOOKING_DOWN, MOMENT

from ide3d_ros.cli.exchanges import Prompt
from ide3d_ros.cli.moments import Moment
from ide3d_ros.cli.recorded_tour import RecordedTour
from ide3d_ros.recordings import RecordingError

CHAIR = Prompt("locate", "the red chair", "unique")
ZEBRA = Prompt("locate", "a zebra", "zero")
FAR = Prompt("ask", "how far is the chair", "distance")


def moment_of(number: int) -> Moment:
    return replace(MOMENT, world_from_camera=LOOKING_DOWN + np.eye(4, k=3) * 0.0001 * number)


def test_frame_is_known_by_its_pose(labelled_recording: Path) -> None:
    tour = RecordedTour(labelled_recording)
    assert [tour.number(moment_of(number)) for number in (0, 5, 15)] == [0, 5, 15]
    assert tour.number(moment_of(2)) is None


def test_box_is_stated_in_the_frame_that_was_answered(labelled_recording: Path) -> None:
    tour = RecordedTour(labelled_recording)
    truth = tour.truth(CHAIR, moment_of(5))
    (box,) = truth.boxes
    in_room = box.transformed(moment_of(5).world_from_camera)
    objects = json.loads((labelled_recording / "objects.json").read_text())["objects"]
    np.testing.assert_allclose(in_room.center, objects[0]["center"], atol=1e-9)
    np.testing.assert_allclose(box.extents, objects[0]["size"])
    # Upright in the room means pitched in a camera that looks down.
    np.testing.assert_allclose(box.rotation[:, 2], [0.0, -np.cos(0.2), -np.sin(0.2)], atol=1e-6)
    assert truth.shown.startswith("chair at 2.")


def test_prompt_waits_for_a_frame_that_it_is_labelled_in(labelled_recording: Path) -> None:
    tour = RecordedTour(labelled_recording)
    assert [tour.suits(CHAIR, number) for number in (0, 5, 10, None)] == [False, True, False, False]
    assert tour.truth(CHAIR, moment_of(0)) is None
    assert tour.truth(CHAIR, moment_of(2)) is None
    assert tour.place(moment_of(5)) == ("frame 5", 0)


def test_answers_and_lengths_are_those_of_the_label(labelled_recording: Path) -> None:
    tour = RecordedTour(labelled_recording)
    truth = tour.truth(FAR, moment_of(5))
    assert (truth.length_m, truth.tolerance_m, truth.answers) == (2.0, 0.1, ("2.0 m",))


def test_nothing_is_the_truth_of_an_expression_without_targets(labelled_recording: Path) -> None:
    truth = RecordedTour(labelled_recording).truth(ZEBRA, moment_of(0))
    assert (truth.boxes, truth.shown) == ((), "nothing")


@pytest.mark.parametrize("file", ["poses.json", "objects.json", "grounding.json", "qa.json"])
def test_missing_labels_are_named(labelled_recording: Path, file: str) -> None:
    (labelled_recording / file).unlink()
    with pytest.raises(RecordingError, match=file):
        RecordedTour(labelled_recording)


def test_labels_of_another_form_are_refused(labelled_recording: Path) -> None:
    (labelled_recording / "grounding.json").write_text('[{"text": "the chair"}]')
    with pytest.raises(RecordingError, match="KeyError 'target_ids'"):
        RecordedTour(labelled_recording)
    (labelled_recording / "grounding.json").write_text("{")
    with pytest.raises(RecordingError, match=r"grounding\.json"):
        RecordedTour(labelled_recording)


def test_missing_folder_and_file_are_told_apart(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match="there is no folder"):
        RecordedTour(tmp_path / "nowhere")
    (tmp_path / "demo.mcap").touch()
    with pytest.raises(RecordingError, match="ide3d_replay"):
        RecordedTour(tmp_path / "demo.mcap")
