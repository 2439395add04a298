# SPDX-License-Identifier: Apache-2.0
"""The four measures that the 3D benchmarks take of free text, together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from .bleu import corpus_bleu
from .cider import cider_d
from .meteor import MeteorProgram, MeteorUnavailable
from .rouge import rouge_l


@dataclass(frozen=True)
class NotComputed:
    """Stand where a figure would be, with the reason why there is none."""

    reason: str


@dataclass(frozen=True)
class CaptionScores:
    """Hold the measures of a corpus of texts, each on its own scale.

    Attributes:
        cider: CIDEr-D, 0..10.
        bleu: BLEU-1 to BLEU-4, 0..1.
        rouge_l: ROUGE-L, 0..1.
        meteor: METEOR 1.5, 0..1, or why there is none.
        count: number of texts.
    """

    cider: float
    bleu: tuple[float, ...]
    rouge_l: float
    meteor: float | NotComputed
    count: int

    def reported(self) -> dict[str, float | NotComputed]:
        """Return the figures as papers print them: CIDEr, BLEU-4, METEOR and ROUGE-L, each times 100."""
        meteor = self.meteor if isinstance(self.meteor, NotComputed) else 100.0 * self.meteor
        return {
            "cider": 100.0 * self.cider,
            "bleu4": 100.0 * self.bleu[3],
            "meteor": meteor,
            "rouge_l": 100.0 * self.rouge_l,
        }


def caption_scores(
    predictions: Sequence[str], references: Sequence[Sequence[str]], meteor_jar: Path | None = None
) -> CaptionScores:
    """Compare texts with their references. Texts are split at white space; normalise them before.

    Args:
        predictions: N texts; may be empty texts.
        references: for each, at least one text.
        meteor_jar: METEOR's program; by default the one of the package `pycocoevalcap`, if installed.

    Raises:
        MetricInputError: if the lengths differ, there is no item or an item has no reference.
    """
    bleu = corpus_bleu(predictions, references)
    meteor: float | NotComputed
    try:
        meteor = MeteorProgram.find(meteor_jar).score(predictions, references).corpus
    except MeteorUnavailable as error:
        meteor = NotComputed(str(error))
    return CaptionScores(
        cider=float(cider_d(predictions, references).mean()),
        bleu=bleu,
        rouge_l=float(rouge_l(predictions, references).mean()),
        meteor=meteor,
        count=len(predictions),
    )
