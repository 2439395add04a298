# SPDX-License-Identifier: Apache-2.0
"""What one scores without looking: the mean box of the named category and each question kind's usual answer.

The numbers come from training rooms and lie in `prior.json`, written by
`python -m ide3d_training.evaluate.fit_prior`.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from ide3d_ros.geometry.box import Box3D
from ide3d_ros.geometry.camera import Camera
from ide3d_ros.geometry.rotation import optical_from_level
from ide3d_training.worlds.categories import CATEGORIES
from ide3d_training.worlds.language import questions
from ide3d_training.worlds.language.wording import plural
from ide3d_training.worlds.scene_graph import FrameGraph

PRIOR_FILE = Path(__file__).with_name("prior.json")
ANY_CATEGORY = "object"
QUESTIONS_PER_FRAME = 6

_NAMED = {noun: category for category in CATEGORIES for noun in (category, plural(category))}


class PriorError(ValueError):
    """Raised where a prior cannot be fitted or read."""


@dataclass(frozen=True)
class MeanBox:
    """Hold where a category's objects are on average, and how large.

    Attributes:
        column: of the projected centre, as a share of the image's width.
        row: of the projected centre, as a share of the image's height.
        depth: of the centre along the optical axis, metres.
        extents: full lengths along the box's own axes, metres.
    """

    column: float
    row: float
    depth: float
    extents: tuple[float, float, float]


@dataclass(frozen=True)
class Prior:
    """Answer from training statistics alone: the floor that a model which looks has to leave behind.

    Attributes:
        boxes: mean box by category; ANY_CATEGORY is the mean over all objects.
        pitch: mean pitch of the camera, radians, positive looking down.
        answers: the most frequent answer by question kind.
        frames: number of training frames behind the means.
    """

    boxes: dict[str, MeanBox]
    pitch: float
    answers: dict[str, str]
    frames: int

    @classmethod
    def fit(cls, frames: Iterable[FrameGraph], seed: int) -> Prior:
        """Take the means over the referable objects of training frames, and over questions drawn about them.

        Args:
            frames: graphs of frames that no evaluation uses.
            seed: draws the questions.

        Raises:
            PriorError: if there is no referable object.
        """
        rows: dict[str, list[np.ndarray]] = defaultdict(list)
        answers: dict[str, Counter[str]] = defaultdict(Counter)
        pitches = []
        rng = np.random.default_rng(seed)
        for frame in frames:
            pitches.append(frame.pitch)
            for item in frame.objects:
                pixel = frame.camera.project(item.box.center[None])[0]
                if not frame.is_referable(item) or not np.isfinite(pixel).all():
                    continue
                share = (pixel + 0.5) / (frame.camera.width, frame.camera.height)
                row = np.concatenate([share, item.box.center[2:], item.box.extents])
                rows[item.category].append(row)
                rows[ANY_CATEGORY].append(row)
            for question in questions(frame, rng, QUESTIONS_PER_FRAME):
                answers[question.kind][question.answer] += 1
        if not rows:
            raise PriorError("no referable object in the training frames: render more rooms")
        boxes = {}
        for category in (ANY_CATEGORY, *CATEGORIES):
            if category in rows:
                mean = [round(float(value), 4) for value in np.mean(rows[category], axis=0)]
                boxes[category] = MeanBox(mean[0], mean[1], mean[2], (mean[3], mean[4], mean[5]))
        usual = {kind: min(counts, key=lambda a: (-counts[a], a)) for kind, counts in sorted(answers.items())}
        return cls(boxes, round(float(np.mean(pitches)), 4), usual, len(pitches))

    @classmethod
    def load(cls, path: Path = PRIOR_FILE) -> Prior:
        """Read a fitted prior.

        Raises:
            PriorError: if the file is missing or is not a prior.
        """
        try:
            data = json.loads(path.read_text(encoding="utf-8"))
            boxes = {
                name: MeanBox(**{**box, "extents": tuple(box["extents"])})
                for name, box in data["boxes"].items()
            }
            return cls(boxes, data["pitch"], data["answers"], data["frames"])
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise PriorError(
                f"{path} is not a fitted prior ({error}): run python -m ide3d_training.evaluate.fit_prior"
            ) from error

    def save(self, path: Path) -> None:
        """Write the prior as JSON."""
        path.write_text(json.dumps(asdict(self), indent=1) + "\n", encoding="utf-8")

    def box(self, expression: str, camera: Camera) -> Box3D:
        """Return the mean box of the category that an expression names first, or of all objects.

        Args:
            expression: any text; only a category's name in it matters.
            camera: places the mean pixel and depth.

        Returns:
            A box in the camera's optical frame with yaw 0, upright for a camera of mean pitch.
        """
        words = expression.lower().rstrip(" ?.!").split()
        named = next((_NAMED[word] for word in words if _NAMED.get(word) in self.boxes), ANY_CATEGORY)
        mean = self.boxes[named]
        pixel = np.array([[mean.column * camera.width - 0.5, mean.row * camera.height - 0.5]])
        center = camera.unproject(pixel, np.array([mean.depth]))[0]
        return Box3D.from_matrix(center, np.array(mean.extents), optical_from_level(self.pitch, 0.0))

    def answer(self, kind: str) -> str:
        """Return the usual answer to a kind of question; empty for a kind never asked in training."""
        return self.answers.get(kind, "")
