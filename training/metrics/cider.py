# SPDX-License-Identifier: Apache-2.0
"""CIDEr-D, the CIDEr that caption evaluations compute (Vedantam et al., CVPR 2015, arXiv 1411.5726)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from .inputs import check_references, check_same_length
from .ngrams import MAX_ORDER, Ngram, ngram_counts

LENGTH_SIGMA = 6.0
_SCALE = 10.0


def cider_d(predictions: Sequence[str], references: Sequence[Sequence[str]]) -> np.ndarray:
    """Return CIDEr-D of each item; the corpus figure is the mean, which papers report times 100.

    CIDEr-D(c, R) = 10 * mean over n in 1..4 and r in R of
        exp(-(|c| - |r|)^2 / (2 * 6^2)) * min(g_n(c), g_n(r)) . g_n(r) / (|g_n(c)| |g_n(r)|).
    g_n(s) weighs each n-gram of s by its count times (log N - log max(1, df)), df being the number of the N
    items in whose references the n-gram occurs; the minimum is by component. Texts are split at white space.

    The idf comes from the references given: an item's figure depends on the set that it is evaluated in, and
    is 0 in a set of one.

    Args:
        predictions: N texts; may be empty texts, which score 0.
        references: for each, at least one text.

    Returns:
        (N,) float64 in 0..10.

    Raises:
        MetricInputError: if the lengths differ, there is no item or an item has no reference.
    """
    items = check_same_length(predictions=predictions, references=references)
    check_references(references)
    counted = [[ngram_counts(text.split()) for text in texts] for texts in references]
    frequency = Counter(ngram for counts in counted for ngram in set().union(*counts))
    scores = np.zeros(items)
    for index, (prediction, reference_counts) in enumerate(zip(predictions, counted, strict=True)):
        said = _Weighted(ngram_counts(prediction.split()), frequency, items)
        similarities = [said.similarity(_Weighted(counts, frequency, items)) for counts in reference_counts]
        scores[index] = _SCALE * float(np.mean(similarities))
    return scores


class _Weighted:
    """Hold the tf-idf weights of one text's n-grams.

    Attributes:
        weights: by n-gram.
        norms: (4,) Euclidean norm of the weights of each order.
        length: number of words.
    """

    def __init__(self, counts: Counter[Ngram], frequency: Counter[Ngram], items: int) -> None:
        self.weights = {
            ngram: count * (np.log(items) - np.log(max(1, frequency[ngram])))
            for ngram, count in counts.items()
        }
        squares = np.zeros(MAX_ORDER)
        for ngram, weight in self.weights.items():
            squares[len(ngram) - 1] += weight**2
        self.norms = np.sqrt(squares)
        self.length = sum(count for ngram, count in counts.items() if len(ngram) == 1)

    def similarity(self, reference: _Weighted) -> float:
        """Return the mean over the orders of the clipped cosine, damped by the difference in length."""
        products = np.zeros(MAX_ORDER)
        for ngram, weight in self.weights.items():
            other = reference.weights.get(ngram, 0.0)
            products[len(ngram) - 1] += min(weight, other) * other
        norms = self.norms * reference.norms
        cosines = np.divide(products, norms, out=np.zeros(MAX_ORDER), where=norms > 0)
        damping = np.exp(-((self.length - reference.length) ** 2) / (2 * LENGTH_SIGMA**2))
        return float(damping * cosines.mean())
