# SPDX-License-Identifier: Apache-2.0
"""Let cases take turns, so that a machine that is busy for a while is busy for all of them."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

Times = dict[str, list[float]]
"""Milliseconds of each repetition, by case."""


class BenchError(RuntimeError):
    """Something cannot be measured; the sentence says why."""


def take_turns(
    cases: Mapping[str, Callable[[], object]],
    repetitions: int,
    *,
    after_round: Callable[[], None] = lambda: None,
) -> Times:
    """Time every case.

    Args:
        cases: what to run, in the order of a round; a case may rest on what the one before it left behind.
        repetitions: rounds that count; one more comes first and warms up.
        after_round: called after each round, the first one included.

    Returns:
        The times of the rounds that count.
    """
    times: Times = {name: [] for name in cases}
    for repetition in range(repetitions + 1):
        for name, run in cases.items():
            begin = time.perf_counter()
            run()
            spent_ms = 1e3 * (time.perf_counter() - begin)
            if repetition:
                times[name].append(spent_ms)
        after_round()
    return times
