# SPDX-License-Identifier: Apache-2.0
"""From a bag and a questions file to answers.json, and to pictures and times where they are wanted."""

from __future__ import annotations

import hashlib
import json
import math
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn

from ide3d_ros.bundle.opening import hash_file
from ide3d_ros.cli.offline.answering import OfflineAnswer, answers
from ide3d_ros.cli.offline.completing import ExtraSources
from ide3d_ros.cli.offline.frames import BagFrame, BagFrames
from ide3d_ros.cli.offline.questions import Questions, read_questions
from ide3d_ros.cli.pictures import write_png
from ide3d_ros.conversions.overlay import draw_detections
from ide3d_ros.nodes.recordings import Bag
from ide3d_ros.nodes.ros_environment import prepare_ros_environment
from ide3d_ros.scene import Scene
from ide3d_ros.scene.results import Detection

MAX_ANSWERS = 100_000
_DIGITS = 6  # micrometres


class OfflineError(RuntimeError):
    """The answers cannot be made or written; the sentence says why."""


@dataclass(frozen=True)
class OfflineSettings:
    """Say what to answer from what.

    Attributes:
        bag: an .mcap file.
        questions: the questions file.
        output: JSON file for the answers.
        bundle: name of an embedded bundle, or path of a bundle folder.
        window: newest frames that a question is asked about.
        threads: CPU threads of the engine; with another number sums may be rounded otherwise.
        pictures: folder for a picture of each answer; None draws none.
        timings: JSON file for the times, which differ from run to run; None writes none.
    """

    bag: Path
    questions: Path
    output: Path
    bundle: str = "nano"
    window: int = 1
    threads: int = 1
    pictures: Path | None = None
    timings: Path | None = None


def run_offline(settings: OfflineSettings, console: Console) -> None:
    """Answer all questions and write the answers.

    Args:
        settings: what to answer from what.
        console: where progress and a summary go.

    Raises:
        YamlFileError, QuestionsError: if the questions cannot be used.
        RecordingError: if the bag cannot be used, or is damaged somewhere.
        BundleError, EngineError: if the bundle cannot be used.
        OfflineError: if it does not allow this window or reads what the questions file does not say where to
            take from, there are too many answers, or a file cannot be written.
    """
    asked, text = read_questions(settings.questions)
    prepare_ros_environment()  # deserialising needs the libraries of the messages, though no node is made
    if not settings.bag.is_file():
        raise OfflineError(f"there is no bag at {settings.bag}; give an .mcap file")
    bag = Bag(
        settings.bag,
        image_topic=asked.image_topic or "",
        info_topic=asked.camera_info_topic or "",
        depth_topic=asked.depth_topic or "",
    )
    for folder in filter(None, (settings.output.parent, settings.pictures)):
        _make_folder(folder)
    try:
        # Not 'auto': a plan that is built again may sum in another order, and the bytes would not repeat.
        scene = Scene.open(settings.bundle, engine="onnx", window=settings.window, threads=settings.threads)
    except ValueError as error:
        raise OfflineError(f"--window cannot be used: {error}") from error
    frames = BagFrames(bag, asked.images, _extra_sources(scene, asked))
    counter = _Counter(frames)
    rows: list[dict[str, Any]] = []
    times: list[dict[str, Any]] = []
    columns = (SpinnerColumn(), TextColumn("{task.description}", markup=False))
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("reading", total=None)
        for answer in answers(scene, counter, asked.questions, window=settings.window):
            if len(rows) == MAX_ANSWERS:
                raise OfflineError(f"more than {MAX_ANSWERS} answers; ask at fewer frames (every_frames)")
            picture = _write_picture(answer, len(rows) + 1, settings.pictures)
            rows.append(_row(answer, picture))
            times.append(_times(answer))
            progress.update(task, description=f"frame {counter.count}, {len(rows)} answers")
    manifest = scene.bundle.manifest
    report = {
        "program": "ide3d offline",
        "bag": {
            "file": settings.bag.name,
            "sha256": hash_file(settings.bag)[1],
            "image_topic": bag.image_topic,
            "camera_info_topic": bag.info_topic,
            "frames": counter.count,
            "refused": frames.refused.count,
            "first_refused": [
                {"stamp_ns": stamp_ns, "reason": reason} for stamp_ns, reason in frames.refused.first
            ],
        },
        "questions": {"file": settings.questions.name, "sha256": hashlib.sha256(text).hexdigest()},
        "bundle": {"name": manifest.name, "weights_sha256": manifest.weights.sha256},
        "engine": str(scene.engine),
        "window": settings.window,
        "answers": rows,
    }
    _write_json(report, settings.output)
    if settings.timings is not None:
        _write_json({"program": "ide3d offline", "milliseconds": times}, settings.timings)
    console.print(
        f"{settings.output}: {len(rows)} answers from {counter.count} frames, {frames.refused.count} refused"
    )


def _extra_sources(scene: Scene, asked: Questions) -> ExtraSources | None:
    """Say where what the bundle reads besides images is; None for a bundle that reads images alone."""
    inputs = scene.bundle.manifest.extra_inputs
    keys = {"depth": "depth_topic", "world_from_camera": "fixed_frame"}
    missing = [name for name in inputs if getattr(asked, keys[name]) is None]
    if missing:
        raise OfflineError(
            f"bundle '{scene.bundle.name}' reads {' and '.join(missing)} of every frame; set "
            f"{' and '.join(keys[name] for name in missing)} in the questions file, or take a bundle that "
            "reads images alone"
        )
    return ExtraSources(inputs, asked.fixed_frame or "") if inputs else None


class _Counter:
    """Count frames on their way."""

    def __init__(self, frames: BagFrames) -> None:
        self.count = 0
        self._frames = frames

    def __iter__(self) -> Iterator[BagFrame]:
        for frame in self._frames:
            self.count += 1
            yield frame


def _row(answer: OfflineAnswer, picture: str | None) -> dict[str, Any]:
    frame = answer.frame
    is_sure = bool(answer.text) and math.isfinite(answer.confidence)
    row: dict[str, Any] = {
        "question": answer.question,
        "kind": answer.asked.kind,
        "prompt": answer.asked.text,
        "frame": None
        if frame is None
        else {"number": frame.number, "stamp_ns": frame.stamp_ns, "frame_id": frame.frame_id},
        "status": answer.status.name,
        "message": answer.message,
        "text": answer.text,
        "confidence": round(answer.confidence, _DIGITS) if is_sure else None,
        "boxes": [_box(one) for one in answer.detections],
    }
    if picture is not None:
        row["picture"] = picture
    return row


def _box(detection: Detection) -> dict[str, Any]:
    box = detection.box

    def rounded(values: Any) -> list[float]:
        # Adding zero turns -0.0 into 0.0.
        return [round(float(value), _DIGITS) + 0.0 for value in values]

    return {
        "label": detection.label,
        "score": round(float(detection.score), _DIGITS),
        "category": detection.category,
        "color": detection.color,
        "center_m": rounded(box.center),
        "extents_m": rounded(box.extents),
        "quaternion_wxyz": rounded(box.quaternion),
        "frame_id": detection.frame.frame_id,
        "stamp_ns": detection.frame.stamp_ns,
    }


def _times(answer: OfflineAnswer) -> dict[str, Any]:
    stages = ("preprocess", "vision", "prefix", "prompt", "decode", "total")
    return {
        "question": answer.question,
        "frame": None if answer.frame is None else answer.frame.number,
        **{stage: round(getattr(answer.latency, f"{stage}_ms"), 3) for stage in stages},
    }


def _write_picture(answer: OfflineAnswer, number: int, folder: Path | None) -> str | None:
    """Draw the boxes that are in the newest frame itself into it."""
    if folder is None or answer.frame is None:
        return None
    frame = answer.frame
    here = [one for one in answer.detections if one.frame.stamp_ns == frame.stamp_ns]
    name = f"{number:06d}-{answer.asked.kind}.png"
    try:
        write_png(draw_detections(frame.rgb, here, frame.camera), folder / name)
    except (OSError, cv2.error) as error:
        raise OfflineError(f"--pictures {folder / name} cannot be written: {error}") from error
    return name


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OfflineError(f"the folder {folder} cannot be made: {error.strerror}") from error


def _write_json(content: dict[str, Any], path: Path) -> None:
    """Write a file whole or not at all."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        _make_folder(path.parent)
        text = json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
        temporary.write_text(text, encoding="utf-8")
        temporary.replace(path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise OfflineError(f"{path} cannot be written: {error.strerror}") from error
