# SPDX-License-Identifier: Apache-2.0
"""What a perception node says of itself becomes a finding of the same weight."""

from __future__ import annotations

import pytest
from diagnostic_msgs.msg import DiagnosticStatus, KeyValue

from ide3d_ros.cli.doctor.findings import Level
from ide3d_ros.cli.doctor.observation import Observation
from ide3d_ros.cli.doctor.perception import check_perception


def running(
    level: bytes | None = DiagnosticStatus.OK, message: str = "detecting", **values: str
) -> Observation:
    seen = Observation(seconds=2.0, domain="0", perception=["/perception"])
    if level is not None:
        pairs = [KeyValue(key=key, value=value) for key, value in values.items()]
        seen.diagnostics["/perception"] = DiagnosticStatus(level=level, message=message, values=pairs)
    return seen


def test_content_node_is_ok_and_shows_its_rates() -> None:
    (found,) = check_perception(running(input_rate_hz="30.0", output_rate_hz="5.0"))
    assert (found.level, found.text) == (Level.OK, "detecting (input_rate_hz 30.0, output_rate_hz 5.0)")


@pytest.mark.parametrize(
    ("level", "expected"),
    [
        (DiagnosticStatus.WARN, Level.WARN),
        (DiagnosticStatus.STALE, Level.FAIL),
        (DiagnosticStatus.ERROR, Level.FAIL),
    ],
)
def test_complaint_of_the_node_keeps_its_weight(level: bytes, expected: Level) -> None:
    (found,) = check_perception(running(level, "no images arrive", last_error="remap the image topic"))
    assert (found.level, found.text, found.fix) == (expected, "no images arrive", "remap the image topic")


def test_silent_node_is_found() -> None:
    (found,) = check_perception(running(None))
    assert found.level is Level.WARN and "nothing on /diagnostics" in found.text and found.fix


@pytest.mark.parametrize("state", ["unconfigured", "inactive", "not answering"])
def test_node_that_is_not_active_is_found(state: str) -> None:
    seen = running()
    seen.lifecycle["/perception"] = state
    found = check_perception(seen)[0]
    assert found.level is Level.FAIL and state in found.text and "activate" in found.fix


def test_active_node_is_ok() -> None:
    seen = running()
    seen.lifecycle["/perception"] = "active"
    assert check_perception(seen)[0].level is Level.OK


def test_without_a_node_the_way_to_start_one_is_shown() -> None:
    (found,) = check_perception(Observation(seconds=2.0, domain="7"))
    assert found.level is Level.SKIP and "domain 7" in found.text and "bringup.launch.py" in found.fix
