# SPDX-License-Identifier: Apache-2.0
"""ROUGE-L agrees with hand-worked cases and with public libraries."""

from __future__ import annotations

import pytest

from ide3d_training.metrics.inputs import MetricInputError
from ide3d_training.metrics.rouge import BETA, rouge_l


def f_score(precision: float, recall: float) -> float:
    return (1 + BETA**2) * precision * recall / (recall + BETA**2 * precision)


def test_recall_weighs_more_than_precision():
    # LCS "a c": P = 2/4, R = 2/2; F = 2.44 * 0.5 / (1 + 1.44 * 0.5).
    assert rouge_l(["a b c d"], [["a c"]]) == pytest.approx([1.22 / 1.72])


def test_order_of_words_matters():
    assert rouge_l(["a b c"], [["c b a"]]) == pytest.approx([1 / 3])


def test_best_precision_and_best_recall_may_come_from_different_references():
    # "a" gives R = 1 and P = 1/4, the other gives P = 3/4 and R = 1/2.
    assert rouge_l(["a b c d"], [["a", "a b c x x x"]]) == pytest.approx([1.83 / 2.08])


def test_nothing_in_common_scores_zero_and_so_does_silence():
    assert rouge_l(["x", ""], [["a b"], ["a"]]).tolist() == [0.0, 0.0]


def test_agrees_with_the_values_that_pycocoevalcap_printed(corpus):
    assert rouge_l(corpus.predictions, corpus.references) == pytest.approx(corpus.rouge_l, rel=1e-12)


def test_agrees_with_pycocoevalcap(corpus):
    library = pytest.importorskip("pycocoevalcap.rouge.rouge")
    truths = {index: list(texts) for index, texts in enumerate(corpus.references)}
    said = {index: [text] for index, text in enumerate(corpus.predictions)}
    _, items = library.Rouge().compute_score(truths, said)
    assert rouge_l(corpus.predictions, corpus.references) == pytest.approx(items)


def test_agrees_with_precision_and_recall_that_rouge_score_printed():
    # rouge-score 0.1.2, rougeL of these two: precision 0.7, recall 0.7777777777777778.
    said, reference = "there is a lamp on the desk near the window", "the lamp is on the desk near the window"
    assert rouge_l([said], [[reference]]) == pytest.approx([f_score(0.7, 7 / 9)])


def test_agrees_with_rouge_score(corpus):
    scorer = pytest.importorskip("rouge_score.rouge_scorer").RougeScorer(["rougeL"])
    for said, texts in zip(corpus.predictions[:3], corpus.references[:3], strict=True):
        score = scorer.score(texts[0], said)["rougeL"]
        assert rouge_l([said], [texts[:1]]) == pytest.approx([f_score(score.precision, score.recall)])


def test_missing_reference_is_refused():
    with pytest.raises(MetricInputError):
        rouge_l(["a"], [[]])
