# SPDX-License-Identifier: Apache-2.0
"""An engine takes the cores that it may use, not those that it sees."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ide3d_ros.bundle import Bundle
from ide3d_ros.engine import select_engine
from ide3d_ros.engine.cores import usable_cores


@pytest.fixture
def eight_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)))


@pytest.mark.usefixtures("eight_cores")
@pytest.mark.parametrize(
    ("limit", "cores"),
    [
        ("max 100000\n", 8),
        ("400000 100000\n", 4),
        ("150000 100000\n", 1),
        ("50000 100000\n", 1),
        ("1600000 100000\n", 8),
        ("odd\n", 8),
    ],
)
def test_a_container_s_share_limits_the_cores(tmp_path: Path, limit: str, cores: int) -> None:
    (tmp_path / "cpu.max").write_text(limit)
    assert usable_cores(tmp_path) == cores


@pytest.mark.usefixtures("eight_cores")
def test_without_a_control_group_all_cores_count(tmp_path: Path) -> None:
    assert usable_cores(tmp_path) == 8


def test_an_engine_takes_them_all_unless_told_otherwise(fake_bundle: Bundle) -> None:
    assert select_engine(fake_bundle).engine.describe().threads == usable_cores()
    assert select_engine(fake_bundle, threads=1).engine.describe().threads == 1
