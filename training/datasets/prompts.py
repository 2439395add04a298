# SPDX-License-Identifier: Apache-2.0
"""Draw the prompts that one frame is asked in one epoch."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from tokenizers import Tokenizer

from ide3d_training.datasets.packing import Prompt
from ide3d_training.worlds.language import description, expressions, questions
from ide3d_training.worlds.language.expressions import KIND_SHARES
from ide3d_training.worlds.scene_graph import FrameGraph


@dataclass(frozen=True)
class PromptMix:
    """Say how many prompts of each sort a frame gets.

    Attributes:
        expressions: referring expressions a frame.
        questions: questions a frame.
        descriptions: chance that a frame is also described whole.
        unmarked: chance that the closing "?" or "." is dropped, as people do.
        absent: share of the expressions that name nothing in the frame, 0..1.
    """

    expressions: int = 5
    questions: int = 3
    descriptions: float = 0.15
    unmarked: float = 0.3
    absent: float = KIND_SHARES["zero"]


class PromptWriter:
    """Turn a frame's graph into tokenized prompts.

    Args:
        tokenizer: fitted tokenizer.
        mix: how many of each sort.
        box_queries: most objects a prompt may point at.
    """

    def __init__(self, tokenizer: Tokenizer, mix: PromptMix, box_queries: int):
        self._tokenizer, self._mix, self._box_queries = tokenizer, mix, box_queries
        self._end = tokenizer.token_to_id("<end>")

    def write(self, graph: FrameGraph, rows: dict[int, int], rng: np.random.Generator) -> tuple[Prompt, ...]:
        """Draw prompts about a frame.

        Args:
            graph: the frame.
            rows: row of each object id among the frame's targets.
            rng: decides what is asked and in which words.
        """
        prompts = []
        for expression in expressions(graph, rng, self._mix.expressions, self._mix.absent):
            prompts.append(self._prompt("<locate>", expression.text, "", expression.target_ids, rows, rng))
        for question in questions(graph, rng, self._mix.questions):
            prompts.append(
                self._prompt("<ask>", question.text, question.answer, question.target_ids, rows, rng)
            )
        if rng.random() < self._mix.descriptions and (said := description(graph)):
            prompts.append(self._prompt("<describe>", "", said, (), rows, rng))
        return tuple(prompts)

    def _prompt(self, instruction: str, text: str, answer: str, targets, rows, rng) -> Prompt:
        if text and rng.random() < self._mix.unmarked:
            text = text.rstrip("?. ")
        ids = self._tokenizer.encode(instruction + " " + text if text else instruction).ids
        reply = (*self._tokenizer.encode(answer).ids, self._end) if answer else ()
        known = tuple(rows[target] for target in targets if target in rows)
        # More evidence than box queries cannot all be pointed at; the first ones are.
        return Prompt(tuple(ids), tuple(reply), known[: self._box_queries])


def language_samples(graphs: Iterator[FrameGraph], rng: np.random.Generator) -> Iterator[str]:
    """Yield the texts that the tokenizer is fitted to."""
    for graph in graphs:
        for expression in expressions(graph, rng, 8):
            yield expression.text
        for question in questions(graph, rng, 8):
            yield question.text
            yield question.answer
        yield description(graph)
