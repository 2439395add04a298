# SPDX-License-Identifier: Apache-2.0
"""Labels are read whole, and what is wrong with them is named."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ide3d_ros.recordings import Labels, RecordingError


def edit(path: Path, change) -> None:
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))


def test_everything_is_read(recording: Path) -> None:
    labels = Labels.read(recording)
    assert list(labels.objects) == ["chair_1", "crate_1"]
    assert labels.objects["chair_1"].captions == ("a red chair in an empty room",)
    assert labels.objects["chair_1"].visible_frames is None
    assert labels.objects["crate_1"].visible_frames == frozenset()
    assert [(e.text, e.target_ids, e.frame) for e in labels.expressions][:2] == [
        ("the red chair", ("chair_1",), 5),
        ("a zebra", (), 5),
    ]
    existence, distance = labels.questions
    assert (existence.answer, existence.accepted, existence.frames) == ("yes", ("yes", "Yes"), {0, 10})
    assert (existence.value_m, distance.value_m, distance.tolerance_m) == (None, 2.0, 0.1)


def test_captions_may_be_absent(recording: Path) -> None:
    (recording / "captions.json").unlink()
    assert Labels.read(recording).objects["chair_1"].captions == ()


@pytest.mark.parametrize("file", ["objects.json", "grounding.json", "qa.json"])
def test_missing_file_is_named(recording: Path, file: str) -> None:
    (recording / file).unlink()
    with pytest.raises(RecordingError, match=f"{file} cannot be read"):
        Labels.read(recording)


@pytest.mark.parametrize("file", ["objects.json", "grounding.json", "qa.json", "captions.json"])
def test_broken_file_is_named(recording: Path, file: str) -> None:
    (recording / file).write_text("{")
    with pytest.raises(RecordingError, match=f"{file} is no JSON"):
        Labels.read(recording)


def test_target_that_is_no_object_is_named(recording: Path) -> None:
    edit(recording / "grounding.json", lambda c: c[0]["target_ids"].append("sofa_7"))
    with pytest.raises(RecordingError, match="'the red chair' has the target 'sofa_7'"):
        Labels.read(recording)


def test_length_that_is_no_length_is_named(recording: Path) -> None:
    edit(recording / "qa.json", lambda c: c[1].update(value_m=0.0))
    with pytest.raises(RecordingError, match=r"value_m of 'how far is the chair' is 0\.0"):
        Labels.read(recording)


@pytest.mark.parametrize(("file", "content"), [("objects.json", []), ("qa.json", [{}]), ("captions.json", 3)])
def test_labels_of_another_form_are_refused(recording: Path, file: str, content: object) -> None:
    (recording / file).write_text(json.dumps(content))
    with pytest.raises(RecordingError, match="labels of another form"):
        Labels.read(recording)
