# SPDX-License-Identifier: Apache-2.0
"""Cases take turns, and the first turn does not count."""

from __future__ import annotations

import time

from ide3d_ros.cli.bench.rounds import take_turns


def test_cases_run_in_turns_once_more_than_they_count() -> None:
    log: list[str] = []
    cases = {"a": lambda: log.append("a"), "b": lambda: log.append("b")}
    times = take_turns(cases, 2, after_round=lambda: log.append("|"))
    assert log == ["a", "b", "|"] * 3
    assert {name: len(values) for name, values in times.items()} == {"a": 2, "b": 2}


def test_what_only_the_first_turn_has_to_do_is_not_measured() -> None:
    pauses = iter([0.2, 0.0, 0.0])
    times = take_turns({"a": lambda: time.sleep(next(pauses))}, 2)
    assert min(times["a"]) < 200  # the least of those that count, so that a busy machine is no fault
