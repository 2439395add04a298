# SPDX-License-Identifier: Apache-2.0
"""Measure a Scene without ROS: first question against follow-up, one phrase against many, each stage."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from ide3d_ros.bundle import Bundle
from ide3d_ros.cli.bench.rounds import BenchError, Times, take_turns
from ide3d_ros.cli.bench.timed_engine import TimedEngine
from ide3d_ros.engine import Engine
from ide3d_ros.geometry.camera import Camera
from ide3d_ros.scene import Scene
from ide3d_ros.scene.results import Answer, Latency, Location
from ide3d_ros.scene.status import Status

QUESTION, EXPRESSION = "how many chairs are there?", "the red chair"
_COLORS = ("red", "green", "blue", "white", "black", "yellow", "brown", "grey")
_THINGS = ("chair", "table", "mug", "sofa", "bed", "lamp", "box", "book")
PHRASES = tuple(f"the {color} {thing}" for thing in _THINGS for color in _COLORS)
"""Expressions of equal length, more than anybody detects at once."""
BATCHES = (1, 2, 5, 10, 20)
"""Numbers of phrases that are measured, beside the one that is asked for."""


@dataclass(frozen=True)
class LibraryTimes:
    """Hold what was measured.

    Attributes:
        cases: whole calls, milliseconds.
        stages: parts of them: preprocess, vision and prefix of one frame; prompt and post of one expression;
            step of one token of an answer.
        window: frames of the window, in all cases but those of a single frame.
        phrases: the largest vocabulary.
    """

    cases: Times
    stages: Times
    window: int
    phrases: int


def vocabulary_case(phrases: int, frames: int) -> str:
    """Name the case of a vocabulary of so many phrases in a window of so many frames."""
    return f"vocabulary of {phrases}, {_frames(frames)}"


def measure_library(
    bundle: Bundle,
    engine: Engine,
    *,
    window: int,
    phrases: int,
    image_size: tuple[int, int],
    repetitions: int,
    after_round: Callable[[], None] = lambda: None,
) -> LibraryTimes:
    """Time every case.

    Args:
        bundle: what is measured.
        engine: started for it.
        window: frames of the window.
        phrases: of the largest vocabulary, at most the number of `PHRASES`.
        image_size: width and height of the frames, pixels.
        repetitions: rounds that count.
        after_round: called after each of them and after the one that warms up.

    Raises:
        ValueError: if the bundle does not allow such a window.
        BenchError: if a request fails.
    """
    if not 1 <= phrases <= len(PHRASES):
        raise BenchError(f"a vocabulary of {phrases} phrases cannot be measured; take 1 to {len(PHRASES)}")
    timed = TimedEngine(engine)
    wide, single = Scene(bundle, timed, window=window), Scene(bundle, timed)
    camera = Camera.from_fov(*image_size, np.deg2rad(65.0))
    image = speckled_image(*image_size)
    # For bundles that read them; the others take no notice.
    extra = {"depth": np.full(image.shape[:2], 2.0), "world_from_camera": np.eye(4)}
    stamps = iter(range(1, 1 << 30))
    stages: Times = {stage: [] for stage in ("preprocess", "vision", "prefix", "prompt", "post")}

    def add(scene: Scene) -> None:
        scene.add_frame(image, camera, stamp_ns=next(stamps), frame_id="camera", **extra)

    def fill() -> None:
        wide.reset()
        for _ in range(window):
            add(wide)

    def new_frame() -> None:
        add(wide)
        note(_checked(wide.locate(EXPRESSION)).latency, "preprocess", "vision", "prefix")

    def follow_up() -> None:
        note(_checked(wide.locate(EXPRESSION)).latency, "prompt", "post")

    def note(latency: Latency, *names: str) -> None:
        spent = {
            "preprocess": latency.preprocess_ms,
            "vision": latency.vision_ms,
            "prefix": latency.prefix_ms,
            "prompt": latency.prompt_ms,
            "post": latency.decode_ms,
        }
        for name in names:
            stages[name].append(spent[name])

    def detected(scene: Scene, vocabulary: Sequence[str] | None) -> Callable[[], object]:
        return lambda: _checked(scene.detect(vocabulary))

    cases: dict[str, Callable[[], object]] = {
        "first locate": lambda: (fill(), _checked(wide.locate(EXPRESSION))),
        "follow-up locate": follow_up,
        "locate after one more frame": new_frame,
        "first question": lambda: (fill(), _checked(wide.ask(QUESTION))),
        "follow-up question": lambda: _checked(wide.ask(QUESTION)),
        "all categories of a new frame": lambda: (add(single), _checked(single.detect())),
    }
    for scene, frames in {single: 1, wide: window}.items():
        for count in sorted({*BATCHES, phrases}):
            cases[vocabulary_case(count, frames)] = detected(scene, PHRASES[:count])
    stages["step"] = timed.times["step"]
    rounds = 0

    def round_over() -> None:
        nonlocal rounds
        rounds += 1
        if rounds == 1:  # it warmed up
            for values in stages.values():
                values.clear()
        after_round()

    times = take_turns(cases, repetitions, after_round=round_over)
    return LibraryTimes(times, stages, window, phrases)


def speckled_image(width: int, height: int) -> np.ndarray:
    """Paint soft speckles, the same ones each time: (height, width, 3) uint8 RGB."""
    noise = np.random.default_rng(0).integers(0, 256, (12, 16, 3), np.uint8)
    return cv2.resize(noise, (width, height), interpolation=cv2.INTER_CUBIC)


def _checked(result: Location | Answer) -> Location | Answer:
    if result.status not in (Status.OK, Status.NO_TARGET):
        raise BenchError(f"a request ended as {result.status.name}: {result.message}")
    return result


def _frames(count: int) -> str:
    return "1 frame" if count == 1 else f"{count} frames"
