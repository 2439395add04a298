# SPDX-License-Identifier: Apache-2.0
"""Errors of one box in metres, as IG3D reports them: depth, length, width, height (LLMI3D, arXiv 2408.07422).

IG3D itself is not published; the definitions are re-implemented from the measures' names, as mean absolute
errors in metres. Its Acc@k by source data set is `mean_by_group` of `first_box_iou` >= k.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ide3d_ros.geometry.box import Box3D

from .grouping import GroupMean, mean_by_group
from .inputs import MetricInputError, check_same_length


@dataclass(frozen=True)
class BoxErrors:
    """Hold absolute errors, metres.

    Attributes:
        depth_m: of the centre, along the optical axis.
        length_m: of the extent along the box's own x axis, front to back.
        width_m: of the extent along its own y axis.
        height_m: of the extent along its own z axis.
    """

    depth_m: float
    length_m: float
    width_m: float
    height_m: float


@dataclass(frozen=True)
class MeanBoxErrors:
    """Hold the mean of each absolute error over a number of boxes, metres."""

    depth_m: GroupMean
    length_m: GroupMean
    width_m: GroupMean
    height_m: GroupMean


def box_errors(prediction: Box3D, truth: Box3D) -> BoxErrors:
    """Compare one predicted box with the true one, extent by extent in each box's own axes.

    A box that is turned by 90 degrees with length and width exchanged overlaps the true one fully, and yet
    has errors here: the measures are of the extents as they are named.

    Args:
        prediction: in the camera's optical frame.
        truth: in the same frame.

    Raises:
        MetricInputError: if either box has a number that is not finite.
    """
    for name, box in (("predicted", prediction), ("true", truth)):
        if not (np.isfinite(box.center).all() and np.isfinite(box.extents).all()):
            raise MetricInputError(f"{name} box is not finite: leave it out and count it as not detected")
    length, width, height = np.abs(prediction.extents - truth.extents).tolist()
    return BoxErrors(abs(float(prediction.center[2] - truth.center[2])), length, width, height)


def mean_box_errors(errors: Sequence[BoxErrors], sources: Sequence[str]) -> dict[str, MeanBoxErrors]:
    """Average errors by source data set: focal lengths differ so much that one mean over all says little.

    Args:
        errors: one for each query that got a box.
        sources: the data set of each.

    Raises:
        MetricInputError: if the lengths differ or there is no box.
    """
    check_same_length(errors=errors, sources=sources)
    columns = {
        name: mean_by_group([getattr(error, name) for error in errors], sources)
        for name in ("depth_m", "length_m", "width_m", "height_m")
    }
    return {
        source: MeanBoxErrors(**{name: rows[source] for name, rows in columns.items()})
        for source in columns["depth_m"]
    }
