# SPDX-License-Identifier: Apache-2.0
"""BLEU over a corpus agrees with hand-worked cases and with public libraries."""

from __future__ import annotations

import numpy as np
import pytest

from ide3d_training.metrics.bleu import corpus_bleu
from ide3d_training.metrics.inputs import MetricInputError


def test_counts_are_clipped_by_the_reference_that_has_most():
    # Papineni's example: "the" stands twice in the first reference; the second is 7 words long, so BP is 1.
    references = ["the cat is on the mat", "there is a cat on the mat"]
    bleu = corpus_bleu(["the the the the the the the"], [references])
    assert bleu == pytest.approx((2 / 7, 0.0, 0.0, 0.0))


def test_short_text_pays_by_the_closest_reference_and_the_shorter_of_two_as_close():
    five = "a b c d e"
    assert corpus_bleu([five], [["a b c d e f", "a b c d e f g h"]])[0] == pytest.approx(np.exp(1 - 6 / 5))
    assert corpus_bleu([five], [["a b c d", "a b c d e f"]])[0] == pytest.approx(1.0)


def test_corpus_sums_counts_before_it_divides():
    bleu = corpus_bleu(["a b", "x y z w"], [["a b"], ["a b c d"]])
    assert bleu[0] == pytest.approx(2 / 6)  # not the mean of 1 and 0
    assert bleu[1] == pytest.approx(np.sqrt(2 / 6 * 1 / 4))


def test_text_too_short_for_an_order_scores_zero_there():
    assert corpus_bleu(["a b c"], [["a b c"]]) == pytest.approx((1.0, 1.0, 1.0, 0.0))


def test_silence_scores_zero():
    assert corpus_bleu(["", ""], [["a b"], ["c"]]) == (0.0, 0.0, 0.0, 0.0)


def test_case_and_full_stops_make_other_words():
    assert corpus_bleu(["A chair."], [["a chair."]])[0] == pytest.approx(0.5)


def test_agrees_with_the_values_that_public_libraries_printed(corpus):
    assert corpus_bleu(corpus.predictions, corpus.references) == pytest.approx(corpus.bleu, rel=1e-12)


def test_agrees_with_sacrebleu(corpus):
    metrics = pytest.importorskip("sacrebleu.metrics")
    most = max(map(len, corpus.references))
    columns = [[texts[i] if i < len(texts) else None for texts in corpus.references] for i in range(most)]
    bleu = corpus_bleu(corpus.predictions, corpus.references)
    for order in range(1, 5):
        library = metrics.BLEU(tokenize="none", smooth_method="none", max_ngram_order=order, force=True)
        score = library.corpus_score(list(corpus.predictions), columns).score
        assert 100 * bleu[order - 1] == pytest.approx(score)


def test_agrees_with_pycocoevalcap(corpus):
    library = pytest.importorskip("pycocoevalcap.bleu.bleu")
    truths = {index: list(texts) for index, texts in enumerate(corpus.references)}
    said = {index: [text] for index, text in enumerate(corpus.predictions)}
    scores, _ = library.Bleu(4).compute_score(truths, said, verbose=0)
    assert corpus_bleu(corpus.predictions, corpus.references) == pytest.approx(scores, abs=1e-8)


@pytest.mark.parametrize(
    ("predictions", "references"), [([], []), (["a"], []), (["a"], [[]]), (["a"], ["a"])]
)
def test_bad_input_is_refused(predictions, references):
    with pytest.raises(MetricInputError):
        corpus_bleu(predictions, references)
