# SPDX-License-Identifier: Apache-2.0
"""CIDEr-D agrees with hand-worked cases and with the public implementation."""

from __future__ import annotations

import numpy as np
import pytest

from ide3d_training.metrics.cider import cider_d
from ide3d_training.metrics.inputs import MetricInputError

TWO_ITEMS = [["red chair"], ["blue table"]]


def test_same_words_score_full_cosine_in_the_orders_they_have():
    # Every n-gram occurs in one of two items (idf log 2). Two words: cosine 1 for n = 1, 2, none beyond.
    # "red table": one of two unigrams is shared (cosine 1/2), no bigram.
    assert cider_d(["red chair", "red table"], TWO_ITEMS) == pytest.approx([10 * 2 / 4, 10 * 0.5 / 4])


def test_repetition_is_clipped_and_length_is_penalised():
    # n=1: (1 + 1) / (sqrt(8) sqrt(2)); n=2: 1 / (sqrt(5) 1), with "chair red" unknown; two words too many.
    expected = 10 * np.exp(-4 / 72) * (0.5 + 1 / np.sqrt(5)) / 4
    assert cider_d(["red chair red chair", ""], TWO_ITEMS) == pytest.approx([expected, 0.0])


def test_words_that_every_item_has_weigh_nothing():
    # "the" has an idf of 0, so "table" alone has cosine 1 with "the table"; it is one word too short.
    scores = cider_d(["the", "table"], [["the chair"], ["the table"]])
    assert scores == pytest.approx([0.0, 10 * np.exp(-1 / 72) / 4])


def test_items_average_over_their_references():
    one = cider_d(["red chair", ""], TWO_ITEMS)[0]
    two = cider_d(["red chair", ""], [["red chair", "green sofa"], ["blue table"]])[0]
    assert two == pytest.approx(one / 2)


def test_set_of_one_scores_zero_for_want_of_an_idf():
    assert cider_d(["red chair"], [["red chair"]]) == pytest.approx([0.0])


def test_agrees_with_the_values_that_pycocoevalcap_printed(corpus):
    assert cider_d(corpus.predictions, corpus.references) == pytest.approx(corpus.cider, rel=1e-12)


def test_agrees_with_pycocoevalcap(corpus):
    library = pytest.importorskip("pycocoevalcap.cider.cider")
    truths = {index: list(texts) for index, texts in enumerate(corpus.references)}
    said = {index: [text] for index, text in enumerate(corpus.predictions)}
    mean, items = library.Cider().compute_score(truths, said)
    own = cider_d(corpus.predictions, corpus.references)
    assert own == pytest.approx(items)
    assert own.mean() == pytest.approx(mean)


@pytest.mark.parametrize(("predictions", "references"), [([], []), (["a"], []), (["a"], [[]])])
def test_bad_input_is_refused(predictions, references):
    with pytest.raises(MetricInputError):
        cider_d(predictions, references)
