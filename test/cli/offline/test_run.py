# SPDX-License-Identifier: Apache-2.0
"""`ide3d offline` as a person types it: the same bytes twice, and one clear line for what cannot be."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import cv2
import pytest

from ide3d_ros.bundle import Bundle

Command = tuple[list[str], dict[str, str]]
QUESTIONS = """
questions:
  - {locate: the red chair, every_frames: 2}
  - {ask: is there a chair, at_s: 0.25}
  - {describe: true, at_s: 0.5}
"""


def run(command: Command, *words: object) -> subprocess.CompletedProcess[str]:
    start, environment = command
    return subprocess.run(
        [*start, "offline", *map(str, words)], env=environment, capture_output=True, text=True, timeout=120
    )


def test_two_runs_write_the_same_bytes(
    ide3d_command: Command,
    fake_bundle: Bundle,
    record: Callable[..., Path],
    questions: Callable[[str], Path],
    tmp_path: Path,
) -> None:
    bag, asked = record(), questions(QUESTIONS)
    written = []
    for name in ("first", "second"):
        folder = tmp_path / name
        done = run(
            ide3d_command,
            *(bag, asked, "--output", folder / "answers.json", "--bundle", fake_bundle.folder),
            *("--pictures", folder / "pictures", "--timings", folder / "times.json"),
        )
        assert done.returncode == 0, done.stderr
        assert "5 answers from 6 frames, 0 refused" in done.stdout
        files = [path for path in sorted(folder.rglob("*")) if path.is_file() and path.name != "times.json"]
        written.append({path.relative_to(folder): path.read_bytes() for path in files})
    assert written[0] == written[1]
    assert len(written[0]) == 6  # five pictures and the answers


def test_answers_say_what_was_asked_where_and_what_was_found(
    ide3d_command: Command,
    fake_bundle: Bundle,
    record: Callable[..., Path],
    questions: Callable[[str], Path],
    tmp_path: Path,
) -> None:
    output, pictures, times = tmp_path / "answers.json", tmp_path / "pictures", tmp_path / "times.json"
    done = run(
        ide3d_command,
        *(record(), questions(QUESTIONS), "--output", output, "--bundle", fake_bundle.folder),
        *("--pictures", pictures, "--timings", times),
    )
    assert done.returncode == 0, done.stderr
    report = json.loads(output.read_text())
    assert report["bag"]["image_topic"] == "/front/image"
    assert report["bundle"]["name"] == "fake"
    first = report["answers"][0]
    assert (first["question"], first["kind"], first["prompt"]) == (1, "locate", "the red chair")
    assert first["frame"] == {
        "number": 0,
        "stamp_ns": 5_000_000_000,
        "frame_id": "front_camera_optical_frame",
    }
    (box,) = first["boxes"]
    assert box["extents_m"] == [0.5, 0.5, 1.0] and box["category"] == "chair"
    assert report["answers"][2]["text"].strip() == "yes"
    assert "_ms" not in output.read_text()  # times are in their own file
    spent = json.loads(times.read_text())["milliseconds"]
    assert len(spent) == len(report["answers"]) and all(one["total"] > 0 for one in spent)
    assert cv2.imread(str(pictures / first["picture"])).shape == (48, 64, 3)


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (("{bag}", "{questions}"), 2, "--output"),
        (("{bag}", "{questions}", "--output", "{out}", "--window", "0"), 2, "--window must be at least 1"),
        (("{bag}", "{questions}", "--output", "{out}", "--window", "9"), 1, "--window cannot be used"),
        (("{none}", "{questions}", "--output", "{out}"), 1, "there is no bag at"),
        (("{questions}", "{questions}", "--output", "{out}"), 1, "is not a whole MCAP bag"),
        (("{bag}", "{none}", "--output", "{out}"), 1, "cannot be read"),
        (("{bag}", "{questions}", "--output", "/dev/null/x"), 1, "cannot be made"),
        (("{bag}", "{questions}", "--output", "{out}", "--bundle", "giga"), 1, "no bundle is called 'giga'"),
    ],
)
def test_what_cannot_be_answered_is_said_in_one_line(
    ide3d_command: Command,
    fake_bundle: Bundle,
    record: Callable[..., Path],
    questions: Callable[[str], Path],
    tmp_path: Path,
    words: tuple[str, ...],
    status: int,
    said: str,
) -> None:
    places = {
        "bag": record(),
        "questions": questions(QUESTIONS),
        "none": tmp_path / "none",
        "out": tmp_path / "out.json",
    }
    given = [word.format(**places) for word in words]
    if "--bundle" not in given:
        given += ["--bundle", str(fake_bundle.folder)]
    done = run(ide3d_command, *given)
    assert done.returncode == status, done.stderr
    (line,) = done.stderr.strip().splitlines()
    assert line.startswith("ide3d: ") and said in line
    assert not places["out"].exists()


def test_topic_that_the_bag_lacks_is_named_with_those_it_has(
    ide3d_command: Command,
    fake_bundle: Bundle,
    record: Callable[..., Path],
    questions: Callable[[str], Path],
    tmp_path: Path,
) -> None:
    asked = questions("image_topic: /rear/image\n" + QUESTIONS)
    done = run(
        ide3d_command, record(), asked, "--output", tmp_path / "out.json", "--bundle", fake_bundle.folder
    )
    assert done.returncode == 1
    assert "has no image topic /rear/image; it has /front/camera_info" in done.stderr
