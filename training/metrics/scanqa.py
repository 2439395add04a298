# SPDX-License-Identifier: Apache-2.0
"""ScanQA: EM@1 and the measures of free text (Azuma et al., CVPR 2022, arXiv 2112.10482)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .answers import exact_match
from .captions import CaptionScores, caption_scores
from .inputs import check_references, check_same_length


@dataclass(frozen=True)
class ScanQAScores:
    """Hold EM@1 in 0..1, and the measures of free text."""

    em: float
    text: CaptionScores


def scanqa_scores(
    predictions: Sequence[str], answers: Sequence[Sequence[str]], meteor_jar: Path | None = None
) -> ScanQAScores:
    """Score answers as the code family of Video-3D-LLM does.

    EM@1 = share of predictions that are, letter for letter, one of the answers. The measures of free text
    take the prediction without full stops at its end, in its own case.

    Args:
        predictions: N answers.
        answers: for each, the annotated ones, at least one.
        meteor_jar: see `caption_scores`.

    Raises:
        MetricInputError: if the lengths differ, there is no question or one has no answer.
    """
    check_same_length(predictions=predictions, answers=answers)
    check_references(answers)
    right = [exact_match(said, texts) for said, texts in zip(predictions, answers, strict=True)]
    text = caption_scores([said.rstrip(".") for said in predictions], answers, meteor_jar)
    return ScanQAScores(float(np.mean(right)), text)
