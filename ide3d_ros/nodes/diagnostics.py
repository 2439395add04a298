# SPDX-License-Identifier: Apache-2.0
"""A node's health as diagnostic_msgs, with the keys that say where in the path frames are lost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
from std_msgs.msg import Header

from ide3d_ros.conversions.answers import printable
from ide3d_ros.nodes.intake import FrameIntake
from ide3d_ros.nodes.managed import Phase
from ide3d_ros.nodes.worker import InferenceWorker


class PerceptionHealth:
    """Judge a perception node from what its intake and its worker counted since the last look."""

    def __init__(self, name: str, *, bundle: str, engine: str) -> None:
        """Make the judge.

        Args:
            name: the node's full name.
            bundle: the bundle that was asked for.
            engine: the engine that was asked for.
        """
        self._name = name
        self._asked = {"bundle": bundle, "engine": engine}
        self._before: tuple[float, int, int, int] | None = None

    def message(
        self,
        stamp_header: Header,
        now_s: float,
        *,
        phase: Phase,
        failure: str,
        intake: FrameIntake | None,
        worker: InferenceWorker | None,
        last_error: str,
    ) -> DiagnosticArray:
        """Write the state, the counters and the rates since the last call.

        Args:
            stamp_header: header of the array.
            now_s: monotonic seconds.
            phase: the node's state.
            failure: why its last transition was not made; empty when it was.
            intake: the camera's; None while the node is not active.
            worker: None while the node is unconfigured.
            last_error: the last error that was logged; empty when there was none.
        """
        values: dict[str, object] = {"state": phase.value, **self._asked}
        if intake is None or worker is None:
            self._before = None
            level = DiagnosticStatus.ERROR if failure else DiagnosticStatus.OK
            return self._array(stamp_header, level, failure or phase.value, values, last_error)
        tally = worker.tally
        refused = sum(intake.refused.values())
        before = self._before or (now_s, intake.received, tally.detected, refused)
        span_s = now_s - before[0]
        received, detected, bad = (
            now - then
            for now, then in zip((intake.received, tally.detected, refused), before[1:], strict=True)
        )
        self._before = (now_s, intake.received, tally.detected, refused)
        values |= {
            "input_rate_hz": _rate(received, span_s),
            "output_rate_hz": _rate(detected, span_s),
            "frames_received": intake.received,
            "frames_refused": refused,
            **{f"frames_refused_{kind}": count for kind, count in sorted(intake.refused.items())},
            "frames_offered": tally.offered,
            "frames_dropped": tally.dropped,
            "frames_unreadable": tally.unreadable,
            "frames_encoded": tally.encoded,
            "frames_detected": tally.detected,
            "latency_encode_ms_p50": _percentile(tally.encode_ms, 50),
            "end_to_end_ms_p50": _percentile(tally.age_ms, 50),
            "end_to_end_ms_p95": _percentile(tally.age_ms, 95),
            "queries_ok": tally.answered,
            "queries_failed": tally.refused,
            "engine_faults": tally.faults,
        }
        level, text = _verdict(intake, received, bad, span_s)
        return self._array(stamp_header, level, text, values, last_error)

    def _array(
        self, stamp_header: Header, level: bytes, text: str, values: dict[str, object], last_error: str
    ) -> DiagnosticArray:
        return diagnostic_array(stamp_header, self._name, level, text, {**values, "last_error": last_error})


def _verdict(intake: FrameIntake, received: int, bad: int, span_s: float) -> tuple[bytes, str]:
    if intake.camera is None:
        return DiagnosticStatus.WARN, "no usable camera_info"
    if span_s > 0 and received == 0:
        return DiagnosticStatus.STALE, "no images arrive"
    if bad:
        return DiagnosticStatus.WARN, f"{bad} messages refused since the last report; last_error says why"
    return DiagnosticStatus.OK, "detecting"


def diagnostic_array(
    stamp_header: Header, name: str, level: bytes, text: str, values: Mapping[str, object]
) -> DiagnosticArray:
    """Write one status.

    Args:
        stamp_header: header of the array.
        name: the node's full name.
        level: a DiagnosticStatus level.
        text: one sentence.
        values: numbers and words by key.
    """
    status = DiagnosticStatus(
        level=level,
        name=name.lstrip("/"),
        message=printable(text),
        hardware_id="ide3d",
        values=[KeyValue(key=key, value=printable(str(value))) for key, value in values.items()],
    )
    return DiagnosticArray(header=stamp_header, status=[status])


def _rate(count: int, span_s: float) -> str:
    return f"{count / span_s:.1f}" if span_s > 0 else "0.0"


def _percentile(values: Sequence[float], percent: float) -> str:
    # A copy first: the worker appends while this thread reads, and a deque may not change under iteration.
    known = np.array(values.copy() if hasattr(values, "copy") else values)
    return f"{np.percentile(known, percent):.1f}" if known.size else ""
