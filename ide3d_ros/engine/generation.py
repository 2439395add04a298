# SPDX-License-Identifier: Apache-2.0
"""Generate an answer greedily, one token at a time."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from enum import Enum

import numpy as np

from ide3d_ros.engine.protocol import Engine, Prefix, PromptOutput


class Finish(Enum):
    """Name why a generation stopped."""

    END = "the network ended the answer"
    LIMIT = "the answer reached its longest allowed length"
    CANCELED = "the caller canceled"


class Generation(Iterator[int]):
    """Yield the token ids of one answer, most probable first and only; the end token is not among them.

    Each `next` costs at most one step of the engine, and the step is taken only when its token is asked for.

    Args:
        engine: runs the steps.
        window: what the prompt was read behind.
        prompt: the output of a single prompt (B = 1) without padding.
        end_token: id that ends an answer.
        max_tokens: most tokens to yield.
        canceled: asked before each token, beside `cancel`.
    """

    def __init__(
        self,
        engine: Engine,
        window: Prefix,
        prompt: PromptOutput,
        *,
        end_token: int,
        max_tokens: int,
        canceled: Callable[[], bool] = lambda: False,
    ):
        self._engine, self._window = engine, window
        self._logits, self._key, self._value = prompt.logits, prompt.text_key, prompt.text_value
        self._end_token, self._max_tokens, self._canceled = end_token, max_tokens, canceled
        self._cancel = threading.Event()
        self._last: int | None = None
        self._yielded = 0
        self._log_probabilities: list[float] = []
        self.finish: Finish | None = None
        """Why the generation stopped; None while it runs."""

    def __next__(self) -> int:
        if self.finish is None:
            self.finish = self._stop_before_token()
        if self.finish is not None:
            raise StopIteration
        if self._last is not None:
            step = self._engine.step(self._window, self._key, self._value, self._last)
            self._logits, self._key, self._value = step.logits, step.text_key, step.text_value
        token, log_probability = _most_probable(self._logits[0])
        self._log_probabilities.append(log_probability)
        if token == self._end_token:
            self.finish = Finish.END
            raise StopIteration
        self._last = token
        self._yielded += 1
        return token

    def cancel(self) -> None:
        """Stop before the next token; callable from any thread."""
        self._cancel.set()

    @property
    def confidence(self) -> float:
        """Return the geometric mean probability of all tokens so far, end token included; 0 for none."""
        return float(np.exp(np.mean(self._log_probabilities))) if self._log_probabilities else 0.0

    def _stop_before_token(self) -> Finish | None:
        if self._cancel.is_set() or self._canceled():
            return Finish.CANCELED
        return Finish.LIMIT if self._yielded >= self._max_tokens else None


def _most_probable(logits: np.ndarray) -> tuple[int, float]:
    """Return the id of the largest logit and the log of its probability."""
    token = int(np.argmax(logits))
    shifted = logits.astype(np.float64) - float(logits[token])
    return token, -float(np.log(np.exp(shifted).sum()))
