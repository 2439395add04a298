# SPDX-License-Identifier: Apache-2.0
"""Which sort of expression it is, along every dimension that figures are broken down by."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ide3d_ros.geometry.box import Box3D
from ide3d_training.metrics.multi3drefer import EVAL_TYPES, eval_type

SIZES = ("small", "medium", "large")
SIZE_LIMITS = (0.45, 1.0)
"""Longest side in metres from which a target is medium and large: mugs and books, chairs, tables and beds."""
DISTANCES = ("below 1.5 m", "1.5 to 2.5 m", "2.5 to 4 m", "above 4 m")
DISTANCE_LIMITS = (1.5, 2.5, 4.0)
VISIBILITIES = ("below half", "half to 0.9", "above 0.9")
VISIBILITY_LIMITS = (0.5, 0.9)
DISTRACTORS = ("none", "one", "two", "more")
UNIQUENESS = ("unique", "multiple")

ORDER: dict[str, tuple[str, ...]] = {
    "size": SIZES,
    "distance": DISTANCES,
    "visibility": VISIBILITIES,
    "distractors": DISTRACTORS,
    "uniqueness": UNIQUENESS,
    "type": EVAL_TYPES,
}
"""Every dimension with its values, in the order in which they are shown."""


def expression_traits(
    targets: Sequence[Box3D], distractors: int, visible_fraction: float | None = None
) -> dict[str, str]:
    """Sort an expression into the breakdowns' bands.

    Size, distance, visibility and distractors are those of a single target; expressions with several or none
    only have a type (Multi3DRefer's).

    Args:
        targets: boxes that the expression denotes, in the frame's optical frame.
        distractors: objects in view that are of the targets' category (without targets: of the category that
            the text names) and are no targets.
        visible_fraction: 0..1, how much of the single target can be seen; None where nobody knows.

    Returns:
        A value of ORDER for each dimension that applies.
    """
    traits = {"type": eval_type(len(targets), distractors)}
    if len(targets) != 1:
        return traits
    (box,) = targets
    traits["size"] = _band(float(box.extents.max()), SIZE_LIMITS, SIZES)
    traits["distance"] = _band(float(np.linalg.norm(box.center)), DISTANCE_LIMITS, DISTANCES)
    traits["distractors"] = DISTRACTORS[min(distractors, len(DISTRACTORS) - 1)]
    traits["uniqueness"] = UNIQUENESS[distractors > 0]
    if visible_fraction is not None:
        traits["visibility"] = _band(visible_fraction, VISIBILITY_LIMITS, VISIBILITIES)
    return traits


def _band(value: float, limits: Sequence[float], names: Sequence[str]) -> str:
    return names[int(np.searchsorted(limits, value, side="right"))]
