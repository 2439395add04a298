# SPDX-License-Identifier: Apache-2.0
"""However a build ends, the process that waits for it lives on and says what happened."""

from __future__ import annotations

from pathlib import Path

import builds_that_fail
import pytest

from ide3d_ros.cli.build_process import build_apart
from ide3d_ros.engine.errors import BuildCrashError, EngineMemoryError, UnsupportedOperatorError


def ignore(_phase: str, _done: int, _of: int) -> None:
    pass


def test_plan_and_progress_come_from_the_other_process() -> None:
    seen = []
    plan = build_apart(
        builds_that_fail.succeed, (1 << 20,), "step", lambda phase, done, of: seen.append((phase, done, of))
    )
    assert plan == b"p" * (1 << 20)
    assert seen == [("Building engine", 1, 2), ("Building engine", 2, 2)]


def test_an_error_keeps_its_kind_and_its_sentence() -> None:
    with pytest.raises(
        UnsupportedOperatorError, match=r"^TensorRT 10.7 builds no plan .*operator Warp \(node 3"
    ):
        build_apart(builds_that_fail.meet_an_unknown_operator, (), "step", ignore)


@pytest.mark.parametrize(
    ("work", "kind", "said"),
    [
        ("crash", BuildCrashError, "graph step ended without a word: its process has crashed .SIGSEGV"),
        ("be_killed", EngineMemoryError, "plan of graph step: the system has ended the process"),
        ("break_unexpectedly", BuildCrashError, "graph step .*ZeroDivisionError: division by zero"),
    ],
)
def test_a_process_that_ends_without_a_plan_is_an_error_with_a_name(
    work: str, kind: type[Exception], said: str
) -> None:
    with pytest.raises(kind, match=said):
        build_apart(getattr(builds_that_fail, work), (), "step", ignore)


def test_an_interrupt_ends_the_other_process(tmp_path: Path) -> None:
    file = tmp_path / "pid"

    def interrupt(_phase: str, _done: int, _of: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        build_apart(builds_that_fail.build_for_ever, (str(file),), "step", interrupt)
    assert not Path(f"/proc/{file.read_text()}").exists()
