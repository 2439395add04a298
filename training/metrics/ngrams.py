# SPDX-License-Identifier: Apache-2.0
"""Words and n-grams of texts, as the caption measures count them: split at white space, nothing else."""

from __future__ import annotations

from collections import Counter

Ngram = tuple[str, ...]

MAX_ORDER = 4


def ngram_counts(words: list[str]) -> Counter[Ngram]:
    """Count the n-grams of all orders from 1 to MAX_ORDER.

    Args:
        words: of one text, `text.split()`.
    """
    return Counter(
        tuple(words[start : start + order])
        for order in range(1, MAX_ORDER + 1)
        for start in range(len(words) - order + 1)
    )
