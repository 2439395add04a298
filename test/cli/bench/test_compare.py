# SPDX-License-Identifier: Apache-2.0
"""Two runs side by side: what both measured, what one did, and where they are not alike."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[3] / "bench" / "compare.py"


def report(**changes: object) -> dict:
    return {
        "program": "ide3d bench",
        "subject": {"bundle": "nano"},
        "settings": {"window": 8},
        "machine": {"cores": 2, "load_average": [0.1, 0.1, 0.1]},
        "versions": {"numpy": "2.0"},
        "follow_up_ratio": 0.04,
        "age_ratio": None,
        "stages_ms": {"vision": {"min": 9.0, "p50": 10.0, "count": 3}, "step": {"count": 0}},
        "node": {"engine_ms": {"p50": 16.0}},
        "memory_peak_mb": {"library": 200.0, "node": None},
        **changes,
    }


@pytest.fixture(scope="module")
def compare():
    spec = importlib.util.spec_from_file_location("compare", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_what_both_measured_stands_side_by_side(compare) -> None:
    second = report(follow_up_ratio=0.02, stages_ms={"vision": {"p50": 5.0}, "prompt": {"p50": 3.0}})
    rows = {name: values for name, *values in compare.rows(report(), second)}
    assert rows["follow_up_ratio"] == [0.04, 0.02]
    assert rows["stages_ms / vision, p50 ms"] == [10.0, 5.0]
    assert rows["stages_ms / prompt, p50 ms"] == [None, 3.0]
    assert rows["node / engine, p50 ms"] == [16.0, 16.0]
    assert rows["memory peak, library, MiB"] == [200.0, 200.0]
    assert not any("age_ratio" in name or "step" in name or "window" in name for name in rows)


def test_other_settings_and_versions_are_named_and_the_load_is_not(compare) -> None:
    second = report(
        settings={"window": 4},
        versions={"numpy": "2.0", "torch": "2.9"},
        machine={"cores": 2, "load_average": [9.0, 9.0, 9.0]},
    )
    assert compare.differences(report(), second) == [
        "settings.window: 8 and 4",
        "versions.torch: None and 2.9",
    ]
    assert compare.differences(report(), report()) == []


def test_the_table_shows_the_second_over_the_first(tmp_path: Path) -> None:
    files = tmp_path / "before.json", tmp_path / "after.json"
    for file, ratio in zip(files, (0.04, 0.01), strict=True):
        file.write_text(json.dumps(report(follow_up_ratio=ratio)))
    done = subprocess.run([sys.executable, SCRIPT, *files], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    (line,) = [line for line in done.stdout.splitlines() if "follow_up_ratio" in line]
    assert [cell.strip() for cell in line.strip("│ ").split("│")][1:] == ["0.040", "0.010", "0.25"]


@pytest.mark.parametrize("content", [None, "{", "[]", '{"program": "another"}'])
def test_a_file_that_is_no_report_is_refused_by_name(compare, tmp_path: Path, content: str | None) -> None:
    file = tmp_path / "odd.json"
    if content is not None:
        file.write_text(content)
    with pytest.raises(SystemExit, match="odd.json"):
        compare.read_report(file)
