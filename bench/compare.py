# SPDX-License-Identifier: Apache-2.0
"""Two runs of `ide3d bench` side by side: every time and ratio of both, and the second over the first.

tools/run python bench/compare.py before.json after.json
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

_IDENTITY = ("subject", "settings", "machine", "versions")
_CHANGES = ("load_average",)  # from moment to moment, so that it makes no other machine


def main() -> None:
    """Print the table, and above it what is not the same about the two runs."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("first", type=Path, help="JSON of ide3d bench")
    parser.add_argument("second", type=Path, help="another")
    arguments = parser.parse_args()
    first, second = read_report(arguments.first), read_report(arguments.second)
    console = Console()
    for line in differences(first, second):
        console.print(line, markup=False)
    table = Table(title=f"{arguments.first.name} and {arguments.second.name}")
    table.add_column("what")
    for column in ("first", "second", "second / first"):
        table.add_column(column, justify="right")
    for name, one, other in rows(first, second):
        share = f"{other / one:.2f}" if one and other is not None else "-"
        table.add_row(name, *("-" if value is None else f"{value:.3f}" for value in (one, other)), share)
    console.print(table)


def read_report(file: Path) -> dict[str, Any]:
    """Read a report.

    Raises:
        SystemExit: if the file is none, with the reason.
    """
    try:
        report = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        sys.exit(f"{file}: {error}")
    if not isinstance(report, dict) or report.get("program") != "ide3d bench":
        sys.exit(f"{file} is no report of `ide3d bench --json`")
    return report


def rows(
    first: Mapping[str, Any], second: Mapping[str, Any]
) -> Iterator[tuple[str, float | None, float | None]]:
    """Yield name and both values: ratios, medians of all times, peaks of memory.

    What only one of the runs measured has None for the other.
    """
    ones, others = dict(_values(first)), dict(_values(second))
    for name in [*ones, *(name for name in others if name not in ones)]:
        yield name, ones.get(name), others.get(name)


def differences(first: Mapping[str, Any], second: Mapping[str, Any]) -> list[str]:
    """Say where the two runs do not speak of the same thing."""
    lines = []
    for part in _IDENTITY:
        one, other = (dict(_leaves(report.get(part, {}), part)) for report in (first, second))
        for name in sorted({*one, *other}):
            if one.get(name) != other.get(name) and not name.endswith(_CHANGES):
                lines.append(f"{name}: {one.get(name)} and {other.get(name)}")
    return lines


def _values(report: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    for name, value in report.items():
        if name.endswith("_ratio") and value is not None:
            yield name, value
    measured = {name: value for name, value in report.items() if name not in _IDENTITY}
    yield from _medians(measured, "")
    for name, peak in report.get("memory_peak_mb", {}).items():
        if peak is not None:
            yield f"memory peak, {name}, MiB", peak


def _medians(part: Mapping[str, Any], name: str) -> Iterator[tuple[str, float]]:
    if "p50" in part:
        yield f"{name.removesuffix('_ms')}, p50 ms", part["p50"]
        return
    for key, value in part.items():
        if isinstance(value, Mapping):
            yield from _medians(value, f"{name} / {key}" if name else key)


def _leaves(part: object, name: str) -> Iterator[tuple[str, object]]:
    if isinstance(part, Mapping):
        for key, value in part.items():
            yield from _leaves(value, f"{name}.{key}")
    else:
        yield name, part


if __name__ == "__main__":
    main()
