# SPDX-License-Identifier: Apache-2.0
"""BLEU over a corpus (Papineni et al., ACL 2002)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .inputs import check_references, check_same_length
from .ngrams import MAX_ORDER, ngram_counts


def corpus_bleu(predictions: Sequence[str], references: Sequence[Sequence[str]]) -> tuple[float, ...]:
    """Return BLEU-1 to BLEU-4 of a corpus, without smoothing.

    BLEU-n = BP * (p_1 ... p_n)^(1/n). p_i is the number of i-grams of all predictions that a reference has
    too, each counted at most as often as in the reference that has it most, over the number of i-grams of all
    predictions. BP = min(1, exp(1 - r/c)); c is the length of all predictions, r the sum over items of the
    length of the reference closest in length to its prediction (the shorter of two as close). Texts are split
    at white space.

    Args:
        predictions: N texts; may be empty texts.
        references: for each, at least one text.

    Returns:
        Four numbers in 0..1; BLEU-n is 0 where no n-gram matches.

    Raises:
        MetricInputError: if the lengths differ, there is no item or an item has no reference.
    """
    check_same_length(predictions=predictions, references=references)
    check_references(references)
    matched, proposed = np.zeros(MAX_ORDER), np.zeros(MAX_ORDER)
    length = reference_length = 0
    for prediction, texts in zip(predictions, references, strict=True):
        words = prediction.split()
        reference_words = [text.split() for text in texts]
        length += len(words)
        reference_length += min(
            (len(other) for other in reference_words), key=lambda n: (abs(n - len(words)), n)
        )
        reference_counts = [ngram_counts(other) for other in reference_words]
        for ngram, count in ngram_counts(words).items():
            proposed[len(ngram) - 1] += count
            matched[len(ngram) - 1] += min(count, max(counts[ngram] for counts in reference_counts))
    if length == 0:
        return (0.0,) * MAX_ORDER
    brevity = min(1.0, float(np.exp(1.0 - reference_length / length)))
    with np.errstate(divide="ignore"):
        log_precision = np.log(matched) - np.log(np.maximum(proposed, 1.0))
    means = np.cumsum(log_precision) / np.arange(1, MAX_ORDER + 1)
    return tuple(float(brevity * np.exp(mean)) for mean in means)
