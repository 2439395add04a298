# SPDX-License-Identifier: Apache-2.0
"""A labelled recording as posed frames: real pixels, asked what its labels hold."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from ide3d_ros.geometry.box import Box3D
from ide3d_ros.geometry.camera import Camera
from ide3d_ros.geometry.transform import inverse
from ide3d_ros.recordings import (
    FolderFrame,
    FrameFolder,
    LabelledExpression,
    LabelledObject,
    LabelledQuestion,
    Labels,
    RecordingError,
)
from ide3d_training.worlds.scene_graph import REFERABLE_AREA, REFERABLE_FRACTION, UNSEEN_AREA

from .depth_visibility import Visibility, box_visibility
from .posed import PosedExpression, PosedFrame, PosedObject, PosedQuestion
from .traits import expression_traits

DETECTION_STEP = 8
"""Every eighth frame is searched for objects: its neighbours show nearly the same."""


class RecordedFrames:
    """Pose what a recording's labels hold, frame by frame.

    An expression is posed on its frame, a question on every frame that is said to show its answer.

    Attributes:
        name: of the folder.
    """

    def __init__(self, folder: Path) -> None:
        """Read the labels.

        Args:
            folder: as in `FrameFolder` and `Labels`.

        Raises:
            RecordingError: if there is no labelled recording with poses, or a label is about no frame of it.
        """
        if not folder.is_dir():
            raise RecordingError(
                f"there is no folder {folder}: --recording takes one of pictures with labels"
            )
        self.name = folder.resolve().name
        self._folder = FrameFolder(folder)
        self._labels = Labels.read(folder)
        posed = {one.number: one for one in self._folder.frames if one.world_from_camera is not None}
        if not posed:
            raise RecordingError(f"{folder} has no poses.json, without which its labels fit no frame")
        asked = {one.frame for one in self._labels.expressions}
        asked |= {number for one in self._labels.questions for number in one.frames}
        lost = sorted(asked - posed.keys())
        if lost:
            raise RecordingError(
                f"{folder} has labels for frame {lost[0]}, of which it has no picture with a pose"
            )
        self._searched = set(sorted(posed)[::DETECTION_STEP])
        self._frames = [posed[number] for number in sorted(asked | self._searched)]
        self._vocabulary = tuple(sorted({one.label for one in self._labels.objects.values()}))

    @property
    def camera(self) -> Camera:
        """The camera of all frames."""
        return self._folder.camera

    def __len__(self) -> int:
        return len(self._frames)

    def __iter__(self) -> Iterator[PosedFrame]:
        """Read the frames in the order of their numbers.

        Raises:
            RecordingError: if a picture is damaged.
        """
        for frame in self._frames:
            yield self._pose(frame)

    def _pose(self, frame: FolderFrame) -> PosedFrame:
        camera_from_room = inverse(frame.world_from_camera)
        boxes = {key: one.box.transformed(camera_from_room) for key, one in self._labels.objects.items()}
        seen = self._visibilities(frame, boxes)
        area = self._folder.depth_camera.width * self._folder.depth_camera.height
        objects = tuple(
            PosedObject(
                key,
                one.label,
                boxes[key],
                seen[key].fraction >= REFERABLE_FRACTION and seen[key].pixels >= REFERABLE_AREA * area,
                one.captions,
            )
            for key, one in self._labels.objects.items()
            if seen[key].pixels >= UNSEEN_AREA * area and boxes[key].center[2] > 0
        )
        in_view = {one.id for one in objects}
        expressions = tuple(
            self._expression(one, boxes, seen, in_view)
            for one in self._labels.expressions
            if one.frame == frame.number
        )
        questions = tuple(_question(one) for one in self._labels.questions if frame.number in one.frames)
        return PosedFrame(
            self._folder.read(frame),
            self._folder.camera,
            frame.number,
            expressions,
            questions,
            objects=objects if frame.number in self._searched else (),
            vocabulary=self._vocabulary,
        )

    def _visibilities(self, frame: FolderFrame, boxes: dict[str, Box3D]) -> dict[str, Visibility]:
        """Take visibility from the depth picture, and from the labels where it does not tell."""
        depth = self._folder.read_depth(frame)
        depth_from_color = inverse(self._folder.color_from_depth)
        camera = self._folder.depth_camera
        found = {}
        for key, box in boxes.items():
            measured = None
            if depth is not None:
                measured = box_visibility(box.transformed(depth_from_color), depth, camera)
            found[key] = measured or _labelled_visibility(self._labels.objects[key], frame.number)
        return found

    def _expression(
        self,
        one: LabelledExpression,
        boxes: dict[str, Box3D],
        seen: dict[str, Visibility],
        in_view: set[str],
    ) -> PosedExpression:
        truths = tuple(boxes[key] for key in one.target_ids)
        names = {self._labels.objects[key].label for key in one.target_ids} or {
            other.label for other in self._labels.objects.values() if _names(one.text, other.label)
        }
        distractors = [
            key for key in in_view if self._labels.objects[key].label in names and key not in one.target_ids
        ]
        fraction = seen[one.target_ids[0]].fraction if len(truths) == 1 else None
        kind = {0: "zero", 1: "unique"}.get(len(truths), "multi")
        traits = expression_traits(truths, len(distractors), fraction)
        return PosedExpression(one.text, truths, kind, one.kind, traits)


def _question(one: LabelledQuestion) -> PosedQuestion:
    return PosedQuestion(one.text, one.accepted, one.kind, one.value_m, one.tolerance_m)


def _labelled_visibility(one: LabelledObject, number: int) -> Visibility:
    """Believe the labels: wholly visible or not at all; in every frame where they do not say."""
    if one.visible_frames is None or number in one.visible_frames:
        return Visibility(1.0, float("inf"))
    return Visibility(0.0, 0.0)


def _names(text: str, label: str) -> bool:
    return re.search(rf"\b{re.escape(label.lower())}(?:s|es)?\b", text.lower()) is not None
