# SPDX-License-Identifier: Apache-2.0
"""What to ask about a recording that has been labelled by hand, with the truth in each of its frames."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ide3d_ros.cli.exchanges import Prompt, Truth
from ide3d_ros.cli.moments import Moment
from ide3d_ros.geometry.transform import inverse
from ide3d_ros.recordings import FrameFolder, LabelledExpression, LabelledQuestion, Labels, RecordingError

_SAME_POSE = 1e-4


@dataclass(frozen=True, eq=False)
class _Label:
    """One expression or question, with the frames in which it holds and what is right there."""

    frames: frozenset[int]
    target_ids: tuple[str, ...] = ()
    shown: str = ""
    answers: tuple[str, ...] = ()
    length_m: float | None = None
    tolerance_m: float = 0.0


class RecordedTour:
    """Know which prompts suit which frame of a recording."""

    def __init__(self, folder: Path) -> None:
        """Read the labels.

        Args:
            folder: as in `FrameFolder` and `Labels`.

        Raises:
            RecordingError: if there is no recording, or it is not labelled.
        """
        if not folder.exists():
            raise RecordingError(
                f"there is no folder {folder}; --recording takes one of pictures with labels"
            )
        if not folder.is_dir():
            raise RecordingError(f"{folder} is no folder; a bag can be played with ide3d_replay")
        frames = FrameFolder(folder).frames
        self._poses = {
            one.number: one.world_from_camera for one in frames if one.world_from_camera is not None
        }
        if not self._poses:
            raise RecordingError(f"{folder} has no poses.json, without which its labels fit no frame")
        self.length = len(frames)
        labels = Labels.read(folder)
        self._objects = labels.objects
        self._labels = {Prompt("locate", one.text, one.kind): _grounding(one) for one in labels.expressions}
        self._labels |= {Prompt("ask", one.text, one.kind): _question(one) for one in labels.questions}

    @property
    def prompts(self) -> tuple[Prompt, ...]:
        """Return everything that can be asked."""
        return tuple(self._labels)

    def suits(self, prompt: Prompt, number: int | None) -> bool:
        """Say whether a prompt is labelled in the frame of a number."""
        return number in self._labels[prompt].frames

    def place(self, moment: Moment) -> tuple[str, int]:
        """Name the frame that a moment shows, and its group."""
        return f"frame {self.number(moment)}", 0

    def number(self, moment: Moment) -> int | None:
        """Return the number of the recorded frame with the moment's pose; None if there is none."""
        distances = {
            number: float(np.abs(pose - moment.world_from_camera).max())
            for number, pose in self._poses.items()
        }
        nearest = min(distances, key=distances.__getitem__)
        return nearest if distances[nearest] < _SAME_POSE else None

    def truth(self, prompt: Prompt, moment: Moment) -> Truth | None:
        """Say what is right for a prompt in a frame.

        Returns:
            None where the labels do not say.
        """
        if not self.suits(prompt, self.number(moment)):
            return None
        label = self._labels[prompt]
        camera_from_world = inverse(moment.world_from_camera)
        boxes = tuple(self._objects[one].box.transformed(camera_from_world) for one in label.target_ids)
        things = [
            f"{self._objects[one].label} at {np.linalg.norm(box.center):.1f} m"
            for one, box in zip(label.target_ids, boxes, strict=True)
        ]
        shown = label.shown or ", ".join(things) or "nothing"
        return Truth(
            shown,
            boxes,
            answers=label.answers,
            length_m=label.length_m,
            tolerance_m=label.tolerance_m,
        )


def _grounding(one: LabelledExpression) -> _Label:
    return _Label(frozenset({one.frame}), one.target_ids)


def _question(one: LabelledQuestion) -> _Label:
    return _Label(
        one.frames,
        shown=one.answer,
        answers=one.accepted,
        length_m=one.value_m,
        tolerance_m=one.tolerance_m,
    )
