# SPDX-License-Identifier: Apache-2.0
"""Labels made by hand for a folder of pictures: what stands where, what can be asked, and what is right.

Beside the files of a `FrameFolder` a labelled recording has

- `objects.json`: `room_from_world`, and `objects` with `id`, `label`, `center`, `size` and `yaw` in the room
  (z up, metres, radians), and optionally `visible_frames`;
- `grounding.json`: `text`, `target_ids`, `frame` and `kind` of expressions; no target means that nothing
  matches;
- `qa.json`: `question`, `answer`, `accepted` answers, `frames` that show the answer, `kind`, and for lengths
  `value_m` and `tolerance_m`;
- `captions.json`, optional: object id -> sentences about it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ide3d_ros.geometry.box import Box3D
from ide3d_ros.geometry.rotation import yaw_rotation
from ide3d_ros.recordings.errors import RecordingError


@dataclass(frozen=True, eq=False)
class LabelledObject:
    """Hold one object.

    Attributes:
        id: its name in the other labels.
        label: what it is called.
        box: in the room.
        captions: sentences that describe it; empty where there are none.
        visible_frames: numbers of the frames that show it; None where the labels do not say.
    """

    id: str
    label: str
    box: Box3D
    captions: tuple[str, ...]
    visible_frames: frozenset[int] | None


@dataclass(frozen=True)
class LabelledExpression:
    """Hold one expression with the ids of its targets (none: nothing matches) and the frame it is about."""

    text: str
    target_ids: tuple[str, ...]
    frame: int
    kind: str


@dataclass(frozen=True)
class LabelledQuestion:
    """Hold one question.

    Attributes:
        text: the question.
        answer: as a person would give it.
        accepted: every text that counts as right.
        frames: numbers of the frames that show the answer.
        kind: for the breakdown.
        value_m: the answer as a length, metres; None where it is none.
        tolerance_m: how far from it a length may be to count as right.
    """

    text: str
    answer: str
    accepted: tuple[str, ...]
    frames: frozenset[int]
    kind: str
    value_m: float | None
    tolerance_m: float


@dataclass(frozen=True, eq=False)
class Labels:
    """Hold everything that is labelled; the objects by their ids."""

    objects: dict[str, LabelledObject]
    expressions: tuple[LabelledExpression, ...]
    questions: tuple[LabelledQuestion, ...]

    @classmethod
    def read(cls, folder: Path) -> Labels:
        """Read the labels of a recording.

        Args:
            folder: see this module's docstring.

        Raises:
            RecordingError: if a file is missing, damaged or of another form, or a target is no object.
        """
        captions = _read(folder / "captions.json") if (folder / "captions.json").exists() else {}
        try:
            objects = [_object(one, captions) for one in _read(folder / "objects.json")["objects"]]
            expressions = tuple(_expression(one) for one in _read(folder / "grounding.json"))
            questions = tuple(_question(one) for one in _read(folder / "qa.json"))
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            if isinstance(error, RecordingError):
                raise
            raise RecordingError(
                f"{folder} has labels of another form: {type(error).__name__} {error}"
            ) from error
        by_id = {one.id: one for one in objects}
        for expression in expressions:
            for target in expression.target_ids:
                if target not in by_id:
                    raise RecordingError(
                        f"{folder / 'grounding.json'}: {expression.text!r} has the target {target!r}, "
                        "which objects.json does not hold"
                    )
        return cls(by_id, expressions, questions)


def _object(one: dict, captions: dict) -> LabelledObject:
    frames = one.get("visible_frames")
    return LabelledObject(
        id=one["id"],
        label=one["label"],
        box=Box3D.from_matrix(np.array(one["center"]), np.array(one["size"]), yaw_rotation(one["yaw"])),
        captions=tuple(captions.get(one["id"], ())),
        visible_frames=None if frames is None else frozenset(frames),
    )


def _expression(one: dict) -> LabelledExpression:
    return LabelledExpression(one["text"], tuple(one["target_ids"]), one["frame"], one["kind"])


def _question(one: dict) -> LabelledQuestion:
    value_m = one.get("value_m")
    if value_m is not None and not value_m > 0:
        raise ValueError(f"value_m of {one['question']!r} is {value_m}, but a length is above 0")
    return LabelledQuestion(
        text=one["question"],
        answer=one["answer"],
        accepted=tuple(one["accepted"]),
        frames=frozenset(one["frames"]),
        kind=one["kind"],
        value_m=value_m,
        tolerance_m=one.get("tolerance_m", 0.0),
    )


def _read(path: Path) -> dict | list:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise RecordingError(
            f"{path} cannot be read ({error.strerror}); a labelled recording holds it"
        ) from error
    except ValueError as error:
        raise RecordingError(f"{path} is no JSON: {error}") from error
