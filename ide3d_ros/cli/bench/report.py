# SPDX-License-Identifier: Apache-2.0
"""What a benchmark found out: tables for people, JSON for programs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from ide3d_ros.cli.bench.figures import PERCENTILES
from ide3d_ros.cli.bench.machine import machine, versions
from ide3d_ros.cli.bench.rounds import BenchError

SCHEMA = 1
"""Raised when a key of the report changes its meaning."""


def new_report(subject: Mapping[str, Any], settings: Mapping[str, Any]) -> dict[str, Any]:
    """Begin a report with what is measured, how, and where.

    Args:
        subject: what is measured: bundle or network, engine, precision.
        settings: of the run.
    """
    return {
        "program": "ide3d bench",
        "schema": SCHEMA,
        "subject": dict(subject),
        "settings": dict(settings),
        "machine": machine(),
        "versions": versions(),
    }


def write_report(report: Mapping[str, Any], file: Path) -> None:
    """Write a report as JSON.

    Raises:
        BenchError: if the file cannot be written.
    """
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(report, indent=2, allow_nan=False) + "\n", encoding="utf-8")
    except OSError as error:
        raise BenchError(f"{file} cannot be written: {error}; give --json another path") from error


def times_table(title: str, summaries: Mapping[str, Mapping[str, float | int]], *, first: str) -> Table:
    """Make a table of times.

    Args:
        title: above it.
        summaries: what `figures.summary` returned, by row.
        first: head of the column that names the rows.
    """
    table = Table(title=title)
    table.add_column(first)
    for percent in PERCENTILES:
        table.add_column(f"p{percent} ms", justify="right")
    table.add_column("times", justify="right")
    for name, one in summaries.items():
        shown = (f"{one[f'p{p}']:.2f}" if one["count"] else "-" for p in PERCENTILES)
        table.add_row(name, *shown, str(one["count"]))
    return table


def print_report(report: Mapping[str, Any], console: Console) -> None:
    """Show a report: whole calls, stages, ratios, the node at the camera's rate, memory."""
    console.print(times_table("whole calls, in turns", report["cases_ms"], first="case"))
    console.print(times_table("stages", report["stages_ms"], first="stage"))
    if "node" in report:
        console.print(_node_table(report))
    for name, value in report.items():
        if name.endswith("_ratio") and value is not None:
            console.print(f"{name}: {value:.3f}")
    for name, peak in report["memory_peak_mb"].items():
        if peak is not None:
            console.print(f"memory peak, {name}: {peak:.0f} MiB")


def _node_table(report: Mapping[str, Any]) -> Table:
    node = report["node"]
    rows = {
        "engine, nothing waits": node["engine_ms"],
        "node overhead, nothing waits": node["overhead_ms"],
        "image to boxes and back, nothing waits": node["round_trip_ms"],
        "engine, at the camera's rate": node["sustained"]["engine_ms"],
        "age of the boxes, at the camera's rate": node["sustained"]["age_ms"],
    }
    if "cameras" in report:
        rows[f"age of the boxes, {report['cameras']['count']} cameras"] = report["cameras"]["age_ms"]
    return times_table("perception node", rows, first="what")
