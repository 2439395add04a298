# SPDX-License-Identifier: Apache-2.0
"""Scan2Cap's m@kIoU: captions count only where the captioned box lies on the object (arXiv 2012.02206)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ide3d_ros.geometry.box import Box3D
from ide3d_ros.geometry.iou import iou_matrix

from .captions import CaptionScores, caption_scores
from .inputs import MetricInputError, check_references, vector_in_unit_range

MIN_IOU = 0.5


@dataclass(frozen=True)
class ObjectCaption:
    """Hold what was said about one true object.

    Attributes:
        scene: the object's scene.
        object_id: the object's id in it.
        caption: what was said of the box that overlaps the object most.
        iou: of that box with the object's; 0 where there was no box.
        references: every description of the object.
    """

    scene: str
    object_id: str
    caption: str
    iou: float
    references: tuple[str, ...]


@dataclass(frozen=True)
class Scan2CapScores:
    """Hold m@kIoU, over all objects.

    Attributes:
        wrapped: with `sos` and `eos` around every text, as the benchmark's code has it: comparable with
            papers. The two words match even where nothing was said, which lifts BLEU and ROUGE-L.
        plain: without them.
        described: number of objects whose IoU reaches k, the only ones whose caption counts.
    """

    wrapped: CaptionScores
    plain: CaptionScores
    described: int


def best_proposal(proposals: Sequence[Box3D], truth: Box3D) -> tuple[int, float] | None:
    """Return index and IoU of the box that overlaps an object most, the one whose caption is evaluated.

    Args:
        proposals: candidate boxes.
        truth: the object's box, in the same frame.

    Returns:
        The first of the best; None without proposals.
    """
    if not proposals:
        return None
    ious = iou_matrix(proposals, [truth])[:, 0]
    index = int(np.argmax(ious))
    return index, float(ious[index])


def normalised(text: str) -> str:
    """Return a text as Scan2Cap compares it: lower case, full stops and commas as words of their own."""
    return " ".join(text.lower().replace(".", " . ").replace(",", " , ").split())


def wrapped(text: str) -> str:
    """Return a normalised text between the benchmark's words for start and end of sequence."""
    return f"sos {text} eos" if text else "sos eos"


def scan2cap_scores(
    objects: Sequence[ObjectCaption], min_iou: float = MIN_IOU, meteor_jar: Path | None = None
) -> Scan2CapScores:
    """Return m@kIoU = the measure over all N objects, with an empty text where IoU < k.

    Args:
        objects: every true object once, whether it was found or not (2,068 in the benchmark's val split).
        min_iou: k.
        meteor_jar: see `caption_scores`.

    Raises:
        MetricInputError: if there is no object, one is given twice, has no reference or an IoU outside 0..1.
    """
    if not objects:
        raise MetricInputError("no objects: there is nothing to measure")
    repeated = [key for key, n in Counter((o.scene, o.object_id) for o in objects).items() if n > 1]
    if repeated:
        raise MetricInputError(
            f"object {repeated[0][1]} of {repeated[0][0]} is given more than once: "
            "give each object once, with all of its references"
        )
    check_references([item.references for item in objects])
    reached = vector_in_unit_range("ious", [item.iou for item in objects]) >= min_iou
    said = [normalised(item.caption) if there else "" for item, there in zip(objects, reached, strict=True)]
    references = [[normalised(text) for text in item.references] for item in objects]
    return Scan2CapScores(
        wrapped=caption_scores(
            [wrapped(text) for text in said],
            [[wrapped(text) for text in texts] for texts in references],
            meteor_jar,
        ),
        plain=caption_scores(said, references, meteor_jar),
        described=int(np.count_nonzero(reached)),
    )
