# SPDX-License-Identifier: Apache-2.0
"""What a Scene hands back: frames, detections, locations and answers, all immutable."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from ide3d_ros.geometry.box import Box3D
from ide3d_ros.geometry.camera import Camera
from ide3d_ros.scene.status import Status


@dataclass(frozen=True)
class Frame:
    """Identify one image that a Scene has seen; the pixels themselves are not kept.

    Attributes:
        frame_id: name of the camera's optical frame in TF.
        stamp_ns: when the image was taken, nanoseconds.
        camera: the camera as it was handed in, with its own size and distortion.
    """

    frame_id: str
    stamp_ns: int
    camera: Camera


@dataclass(frozen=True, eq=False)
class Detection:
    """Hold one box with the hypothesis that it stands for.

    Attributes:
        label: the expression or vocabulary phrase that the box answers; the category's name where no text
            asked.
        score: probability in 0..1 that the box is what the label says.
        box: metres, in the frame that `frame.frame_id` names at its stamp: the optical frame, until
            `place_detection` takes it elsewhere.
        frame: the frame in which the thing was seen.
        covariance: (6, 6) float64 of (x, y, z, rotation about x, y, z) in the same frame;
            square metres and square radians.
        category: the category that the network reads at the box's token.
        color: the colour's name that the network reads there; empty where the bundle names no colours.
    """

    label: str
    score: float
    box: Box3D
    frame: Frame
    covariance: np.ndarray
    category: str = ""
    color: str = ""


@dataclass(frozen=True)
class Latency:
    """Say where the time of one result went, milliseconds.

    Work that an earlier result has paid for counts zero: a follow-up question about the same frames has
    preprocess_ms = vision_ms = prefix_ms = 0. A batched pass cannot be divided, so each of its results
    carries the whole pass.

    Attributes:
        preprocess_ms: undistorting and resizing those frames in the window that no earlier result counted.
        vision_ms: encoding them.
        prefix_ms: keys and values of the frames that had none yet.
        prompt_ms: the pass over the text.
        decode_ms: boxes read out of the fields, and the tokens of an answer generated one by one.
    """

    preprocess_ms: float = 0.0
    vision_ms: float = 0.0
    prefix_ms: float = 0.0
    prompt_ms: float = 0.0
    decode_ms: float = 0.0

    @property
    def engine_ms(self) -> float:
        """Add up what the engine's passes over frames and prompts took, milliseconds."""
        return self.vision_ms + self.prefix_ms + self.prompt_ms

    @property
    def total_ms(self) -> float:
        """Add all stages up, milliseconds."""
        return self.preprocess_ms + self.engine_ms + self.decode_ms


@dataclass(frozen=True, eq=False)
class Location:
    """Answer one expression (or one sweep over a vocabulary) with boxes, best score first.

    Iterating over a location and taking its length go straight to its detections.

    Attributes:
        status: OK with at least one detection, else why there is none.
        message: one sentence for a person; empty when the status is OK.
        detections: best score first.
        latency: where the time went.
    """

    status: Status
    message: str = ""
    detections: tuple[Detection, ...] = ()
    latency: Latency = field(default_factory=Latency)

    def __iter__(self) -> Iterator[Detection]:
        return iter(self.detections)

    def __len__(self) -> int:
        return len(self.detections)

    def __getitem__(self, index: int) -> Detection:
        return self.detections[index]


@dataclass(frozen=True, eq=False)
class Answer:
    """Answer one question with text, and show the boxes that it is about.

    Attributes:
        status: OK when the text is the network's answer, also when it was cut at its longest length.
        message: one sentence for a person; empty when the answer is complete.
        text: the answer; what was generated so far when the status is CANCELED.
        confidence: geometric mean of the generated tokens' probabilities, 0..1; 0 without text.
        evidence: boxes of the things that the question is about, best score first.
        frames: the window that was looked at, oldest first.
        latency: where the time went.
    """

    status: Status
    message: str = ""
    text: str = ""
    confidence: float = 0.0
    evidence: tuple[Detection, ...] = ()
    frames: tuple[Frame, ...] = ()
    latency: Latency = field(default_factory=Latency)
