# SPDX-License-Identifier: Apache-2.0
"""Does a perception node run, and what does it say of itself."""

from __future__ import annotations

from diagnostic_msgs.msg import DiagnosticStatus

from ide3d_ros.cli.doctor.findings import Finding, fail, ok, skip, warn
from ide3d_ros.cli.doctor.observation import Observation

START = "ros2 launch ide3d_ros bringup.launch.py, or: ide3d run --params config/perception.yaml"


def check_perception(seen: Observation) -> list[Finding]:
    """Make every check of the perception nodes."""
    if not seen.perception:
        return [skip("perception", f"no perception node in domain {seen.domain}", START)]
    return [
        finding
        for node in seen.perception
        for finding in (check_lifecycle(seen, node), check_diagnostics(seen, node))
        if finding is not None
    ]


def check_lifecycle(seen: Observation, node: str) -> Finding | None:
    """Look whether a node with a lifecycle is active; None for one without."""
    state = seen.lifecycle.get(node)
    if state is None:
        return None
    if state != "active":
        steps = "configure, then activate" if state == "unconfigured" else "activate"
        return fail(f"{node} lifecycle", f"the node is {state}", f"ros2 lifecycle set {node} {steps}")
    return ok(f"{node} lifecycle", "the node is active")


def check_diagnostics(seen: Observation, node: str) -> Finding:
    """Look at what the node itself reports."""
    check = f"{node} diagnostics"
    status = seen.diagnostics.get(node)
    if status is None:
        return warn(
            check,
            f"nothing on /diagnostics in {seen.seconds:.0f} s",
            "look for longer (--seconds), or at diagnostics.period_s; else the node hangs: see its log",
        )
    values = {one.key: one.value for one in status.values}
    numbers = ", ".join(
        f"{key} {values[key]}"
        for key in ("input_rate_hz", "output_rate_hz", "frames_refused", "end_to_end_ms_p50")
        if values.get(key)
    )
    text = f"{status.message} ({numbers})" if numbers else status.message
    last = values.get("last_error", "")
    if status.level == DiagnosticStatus.OK:
        return ok(check, text)
    mending = last or "see the node's log"
    if status.level == DiagnosticStatus.WARN:
        return warn(check, text, mending)
    return fail(check, text, mending)
