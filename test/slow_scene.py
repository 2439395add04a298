# SPDX-License-Identifier: Apache-2.0
"""A scene whose engine takes as long, and fails as often, as a test asks for."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from types import SimpleNamespace

import numpy as np

from ide3d_ros.engine import EngineDescription
from ide3d_ros.geometry.box import Box3D
from ide3d_ros.geometry.camera import Camera
from ide3d_ros.scene.results import Answer, Detection, Frame, Location
from ide3d_ros.scene.status import Status

CAMERA = Camera(8, 6, 7.0, 7.0, 3.5, 2.5)


def chair(frame: Frame, label: str = "chair") -> Detection:
    """Make one detection of that frame."""
    box = Box3D(np.array([0.0, 0.0, 2.0]), np.array([0.5, 0.5, 0.9]), np.array([1.0, 0.0, 0.0, 0.0]))
    return Detection(label, 0.9, box, frame, np.eye(6) * 0.01)


class SlowStream(Iterator[str]):
    """Say one word at a time."""

    def __init__(self, scene: SlowScene, canceled: Callable[[], bool]) -> None:
        self._scene, self._canceled = scene, canceled
        self._said: list[str] = []
        self._status = Status.OK

    def __next__(self) -> str:
        if self._canceled():
            self._status = Status.CANCELED
            raise StopIteration
        if len(self._said) == self._scene.words:
            raise StopIteration
        time.sleep(self._scene.word_s)
        self._said.append(f"word{len(self._said)} ")
        return self._said[-1]

    @property
    def answer(self) -> Answer:
        """Return everything that was said."""
        return Answer(self._status, text="".join(self._said), confidence=0.5, frames=self._scene.frames)


class SlowScene:
    """Stand in for a Scene; every time is in seconds.

    `log` holds what was called, in order; `threads` the threads that called.
    """

    def __init__(self, *, encode_s: float = 0.0, detect_s: float = 0.0, ask_s: float = 0.0) -> None:
        self.encode_s, self.detect_s, self.ask_s = encode_s, detect_s, ask_s
        self.words, self.word_s = 3, 0.0
        self.window = 1
        self.failing: set[str] = set()
        self.log: list[str] = []
        self.threads: set[int] = set()
        self.frames: tuple[Frame, ...] = ()
        self.vocabulary = ("chair", "table")
        self.engine = EngineDescription("slow", "test", "cpu", 1)
        manifest = SimpleNamespace(precision="float32", score_threshold=0.25, extra_inputs=())
        self.bundle = SimpleNamespace(name="slow", manifest=manifest)
        self.memory_bytes = 0

    def _work(self, name: str, seconds: float) -> None:
        self.threads.add(threading.get_ident())
        self.log.append(name)
        time.sleep(seconds)
        if name.split()[0] in self.failing:
            raise RuntimeError(f"{name} failed on purpose")

    def add_frame(self, image: np.ndarray, camera: Camera, *, stamp_ns: int, frame_id: str) -> Frame:
        """Keep the frame."""
        self._work(f"encode {stamp_ns}", self.encode_s)
        self.frames = (*self.frames, Frame(frame_id, stamp_ns, camera))[-self.window :]
        return self.frames[-1]

    def replace_newest_frame(
        self, image: np.ndarray, camera: Camera, *, stamp_ns: int, frame_id: str
    ) -> Frame:
        """Keep the frame in the place of the newest one."""
        self._work(f"encode {stamp_ns}", self.encode_s)
        self.frames = (*self.frames[:-1], Frame(frame_id, stamp_ns, camera))
        return self.frames[-1]

    def detect(self, vocabulary: Sequence[str] | None = None) -> Location:
        """Find one thing for each phrase."""
        self._work(f"detect {self.frames[-1].stamp_ns}", self.detect_s)
        return Location(
            Status.OK, detections=tuple(chair(self.frames[-1], label) for label in vocabulary or ["chair"])
        )

    def locate(self, expression: str) -> Location:
        """Find what was named, unless it is a unicorn."""
        self._work("locate", self.ask_s)
        if "unicorn" in expression:
            return Location(Status.NO_TARGET, f"nothing in view matches '{expression}'")
        return Location(Status.OK, detections=(chair(self.frames[-1], expression),))

    def locate_all(self, expressions: Sequence[str]) -> list[Location]:
        """Find what each expression names, in the time of one."""
        self._work(f"locate_all {len(expressions)}", self.ask_s)
        return [Location(Status.OK, detections=(chair(self.frames[-1], text),)) for text in expressions]

    def ask(self, question: str, *, canceled: Callable[[], bool] | None = None) -> Answer:
        """Answer yes."""
        self._work("ask", self.ask_s)
        evidence = (chair(self.frames[-1]),)
        return Answer(Status.OK, text="yes", confidence=0.8, evidence=evidence, frames=self.frames)

    def ask_stream(self, question: str, *, canceled: Callable[[], bool] | None = None) -> SlowStream:
        """Answer word by word."""
        self._work("stream", self.ask_s)
        return SlowStream(self, canceled or (lambda: False))

    def describe(self, *, canceled: Callable[[], bool] | None = None) -> Answer:
        """Describe a chair."""
        self._work("describe", self.ask_s)
        return Answer(Status.OK, text="a chair", confidence=0.8, frames=self.frames)

    def reset(self) -> None:
        """Forget all frames."""
        self._work("reset", 0.0)
        self.frames = ()
