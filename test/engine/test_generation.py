# SPDX-License-Identifier: Apache-2.0
"""Greedy decoding takes the likeliest token, feeds it back, and stops when it should."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from ide3d_ros.engine import Finish, Generation, Prefix, PromptOutput, StepOutput

END = 9
WINDOW = Prefix(*(np.zeros(1) for _ in range(5)))


class Script:
    """Stand for an engine whose steps follow a script: token -> (successor, its probability)."""

    def __init__(self, successors: dict[int, tuple[int, float]]):
        self.successors = successors
        self.fed: list[tuple[int, list[float]]] = []

    def logits(self, token: int) -> np.ndarray:
        successor, probability = self.successors[token]
        rest = np.full(END + 1, (1 - probability) / END)
        rest[successor] = probability
        return np.log(rest)[None].astype(np.float32) + 3.0  # any constant: a softmax does not see it

    def prompt(self, token: int) -> PromptOutput:
        past = np.full((1, 1, 1, 1, 1), float(token))
        return PromptOutput(self.logits(token), np.zeros(0), past, -past)

    def step(self, window: Prefix, past_key: np.ndarray, past_value: np.ndarray, token: int) -> StepOutput:
        assert window is WINDOW
        np.testing.assert_array_equal(past_value, -past_key)
        self.fed.append((token, past_key.ravel().tolist()))
        key = np.concatenate([past_key, np.full((1, 1, 1, 1, 1), float(token))], 3)
        return StepOutput(self.logits(token), key, -key)


def generate(script: Script, first: int = 1, max_tokens: int = 8, **options: object) -> Generation:
    return Generation(script, WINDOW, script.prompt(first), end_token=END, max_tokens=max_tokens, **options)


def test_each_token_is_the_likeliest_and_the_end_is_not_among_them() -> None:
    generation = generate(Script({1: (5, 0.9), 5: (7, 0.8), 7: (END, 0.7)}))
    assert list(generation) == [5, 7]
    assert generation.finish is Finish.END


def test_each_step_is_fed_the_newest_token_behind_all_that_came_before() -> None:
    script = Script({1: (5, 0.9), 5: (7, 0.8), 7: (END, 0.7)})
    list(generate(script))
    assert script.fed == [(5, [1.0]), (7, [1.0, 5.0])]


def test_the_first_token_needs_no_step() -> None:
    script = Script({1: (5, 0.9)})
    assert next(generate(script)) == 5
    assert script.fed == []


def test_confidence_is_the_geometric_mean_over_all_tokens_and_the_end() -> None:
    generation = generate(Script({1: (5, 0.9), 5: (7, 0.8), 7: (END, 0.7)}))
    list(generation)
    assert generation.confidence == pytest.approx((0.9 * 0.8 * 0.7) ** (1 / 3), rel=1e-5)


def test_confidence_before_any_token_is_zero() -> None:
    assert generate(Script({1: (5, 0.9)})).confidence == 0.0


def test_an_endless_answer_is_cut_at_the_limit() -> None:
    script = Script({1: (5, 0.9), 5: (5, 0.9)})
    generation = generate(script, max_tokens=3)
    assert list(generation) == [5, 5, 5]
    assert generation.finish is Finish.LIMIT
    assert len(script.fed) == 2


def test_a_cancel_stops_before_the_next_step() -> None:
    script = Script({1: (5, 0.9), 5: (5, 0.9)})
    generation = generate(script)
    next(generation)
    threading.Thread(target=generation.cancel).start()
    while not generation._cancel.is_set():
        pass
    assert list(generation) == []
    assert generation.finish is Finish.CANCELED
    assert script.fed == []


def test_the_callers_own_test_cancels_too() -> None:
    answers = iter([False, False, True])
    generation = generate(Script({1: (5, 0.9), 5: (5, 0.9)}), canceled=lambda: next(answers))
    assert list(generation) == [5, 5]
    assert generation.finish is Finish.CANCELED


def test_a_finished_generation_stays_finished() -> None:
    generation = generate(Script({1: (END, 0.9)}))
    assert list(generation) == list(generation) == []


def test_huge_logits_do_not_overflow() -> None:
    script = Script({1: (5, 0.9)})
    prompt = PromptOutput(np.array([[3e38, -3e38, 0]], np.float32), np.zeros(0), np.zeros(1), np.zeros(1))
    generation = Generation(script, WINDOW, prompt, end_token=0, max_tokens=3)
    list(generation)
    assert generation.confidence == 1.0
