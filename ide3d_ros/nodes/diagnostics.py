# SPDX-License-Identifier: Apache-2.0
"""A node's health as diagnostic_msgs, with the keys that say where in the path frames are lost."""

from __future__ import annotations

import resource
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
from std_msgs.msg import Header

from ide3d_ros.conversions.answers import printable
from ide3d_ros.nodes.extra_inputs import ExtraInputs
from ide3d_ros.nodes.frames import FrameTally
from ide3d_ros.nodes.intake import FrameIntake
from ide3d_ros.nodes.managed import Phase
from ide3d_ros.nodes.worker import InferenceWorker, RequestTally

_HARDWARE = "ide3d"
_MIB = 1 << 20


class PerceptionHealth:
    """Judge a perception node from what its cameras and its worker counted since the last look."""

    def __init__(self, name: str, *, bundle: str, engine: str) -> None:
        """Make the judge.

        Args:
            name: the node's full name.
            bundle: the bundle that was asked for.
            engine: the engine that was asked for.
        """
        self._name = name
        self._asked = {"bundle": bundle, "engine": engine}
        self._cameras: dict[str, CameraHealth] = {}

    def message(
        self,
        stamp_header: Header,
        now_s: float,
        *,
        phase: Phase,
        failure: str,
        intakes: Mapping[str, FrameIntake],
        extra_inputs: Mapping[str, ExtraInputs],
        worker: InferenceWorker | None,
        last_error: str,
    ) -> DiagnosticArray:
        """Write the state, the counters and the rates since the last call.

        Args:
            stamp_header: header of the array.
            now_s: monotonic seconds.
            phase: the node's state.
            failure: why its last transition was not made; empty when it was.
            intakes: the cameras' by their names; empty while the node is not active.
            extra_inputs: of the same cameras; empty for bundles that read the image alone.
            worker: None while the node is unconfigured.
            last_error: the last error that was logged; empty when there was none.

        Returns:
            The node's status, and after it one for each camera that has a name. A camera without a name is
            the node's only one, and its values are in the node's status.
        """
        level, text = (DiagnosticStatus.ERROR, failure) if failure else (DiagnosticStatus.OK, phase.value)
        values: dict[str, object] = {"state": phase.value, **self._asked}
        hardware = _HARDWARE
        if worker is not None:
            loaded, hardware = _loaded(worker)
            values |= {**loaded, **_requests(worker.tally), "memory_mb": _resident_mb()}
        if not intakes:
            self._cameras = {}
        cameras: list[DiagnosticStatus] = []
        verdicts: list[tuple[bytes, str]] = []
        for name, intake in intakes.items():
            health = self._cameras.setdefault(name, CameraHealth())
            verdict, counted = health.look(
                intake, worker.lanes[name].tally, now_s, extra=extra_inputs.get(name)
            )
            if name:
                cameras.append(
                    diagnostic_status(f"{self._name}/{name}", *verdict, counted, hardware=hardware)
                )
                verdicts.append((verdict[0], f"{name}: {verdict[1]}"))
            else:
                values |= counted
                verdicts.append(verdict)
        if verdicts and not failure:
            level, text = max(verdicts, key=lambda verdict: verdict[0])
            if level == DiagnosticStatus.OK:
                text = "detecting"
        values["last_error"] = last_error
        node = diagnostic_status(self._name, level, text, values, hardware=hardware)
        return DiagnosticArray(header=stamp_header, status=[node, *cameras])


class CameraHealth:
    """Judge one camera from what was counted since the last look."""

    def __init__(self) -> None:
        """Make a judge that has not looked yet."""
        self._before: tuple[float, dict[str, int]] | None = None

    def look(
        self, intake: FrameIntake, tally: FrameTally, now_s: float, *, extra: ExtraInputs | None = None
    ) -> tuple[tuple[bytes, str], dict[str, object]]:
        """Compare with the last look.

        Args:
            intake: what became of the camera's messages.
            tally: what became of its frames.
            now_s: monotonic seconds.
            extra: what became of its depth and poses; None where the bundle reads the image alone.

        Returns:
            Level and sentence, and the camera's values by key.
        """
        counts = {
            "received": intake.received,
            "refused": sum(intake.refused.values()),
            "dropped": tally.dropped,
            "detected": tally.detected,
            "late": tally.late,
            "unplaced": tally.unplaced,
        }
        if extra is not None:
            counts |= _extra_counts(extra)
        before_s, before = self._before or (now_s, counts)
        self._before = (now_s, counts)
        span_s = now_s - before_s
        since = {key: count - before[key] for key, count in counts.items()}
        times = tally.times.copy()  # the worker appends meanwhile
        values: dict[str, object] = {
            "input_rate_hz": _rate(since["received"], span_s),
            "output_rate_hz": _rate(since["detected"], span_s),
            "frames_received": intake.received,
            "frames_refused": counts["refused"],
            **{f"frames_refused_{kind}": count for kind, count in sorted(intake.refused.items())},
            "frames_offered": tally.offered,
            "frames_dropped": tally.dropped,
            "frames_unreadable": tally.unreadable,
            "frames_encoded": tally.encoded,
            "frames_detected": tally.detected,
            "frames_late": tally.late,
            "tf_failures": tally.unplaced,
            "frame_faults": tally.faults,
            "latency_encode_ms_p50": _percentile(tally.encode_ms, 50),
            "latency_read_ms_p50": _percentile([one.read_ms for one in times], 50),
            "latency_publish_ms_p50": _percentile([one.publish_ms for one in times], 50),
            "end_to_end_ms_p50": _percentile(tally.age_ms, 50),
            "end_to_end_ms_p95": _percentile(tally.age_ms, 95),
        }
        if extra is not None:
            values |= _extra_values(extra, since, span_s)
        return _verdict(intake, since, span_s, extra), values


def _verdict(
    intake: FrameIntake, since: Mapping[str, int], span_s: float, extra: ExtraInputs | None
) -> tuple[bytes, str]:
    if intake.camera is None:
        return DiagnosticStatus.WARN, "no usable camera_info"
    if span_s > 0 and since["received"] == 0:
        return DiagnosticStatus.STALE, "no images arrive"
    if since["refused"]:
        return (
            DiagnosticStatus.WARN,
            f"{since['refused']} messages refused since the last report; last_error says why",
        )
    if extra is not None and (lacking := _lacking(extra, since)):
        return lacking
    if since["unplaced"]:
        return (
            DiagnosticStatus.WARN,
            f"no transform to target_frame for {since['unplaced']} frames since the last report; "
            "last_error says why",
        )
    if 2 * since["late"] > since["detected"]:
        return DiagnosticStatus.WARN, (
            f"overloaded: {since['late']} detections were late and {since['dropped']} frames dropped since "
            "the last report; lower detection.rate_hz, or take a smaller bundle or a faster engine"
        )
    return DiagnosticStatus.OK, "detecting"


def _extra_counts(extra: ExtraInputs) -> dict[str, int]:
    tally, intake = extra.completion.tally, extra.intake
    counts = {
        "completed": tally.completed,
        "without_depth": tally.without_depth,
        "without_pose": tally.without_pose,
    }
    if intake is not None:
        counts |= {"depth_received": intake.received, "depth_refused": sum(intake.refused.values())}
    return counts


def _extra_values(extra: ExtraInputs, since: Mapping[str, int], span_s: float) -> dict[str, object]:
    tally, intake = extra.completion.tally, extra.intake
    values: dict[str, object] = {
        "frames_completed": tally.completed,
        "frames_without_depth": tally.without_depth,
        "frames_without_pose": tally.without_pose,
    }
    if intake is not None:
        values |= {
            "depth_rate_hz": _rate(since["depth_received"], span_s),
            "depth_received": intake.received,
            "depth_refused": sum(intake.refused.values()),
            **{f"depth_refused_{kind}": count for kind, count in sorted(intake.refused.items())},
        }
    return values


def _lacking(extra: ExtraInputs, since: Mapping[str, int]) -> tuple[bytes, str] | None:
    """Judge whether frames come without what the bundle reads; an error where none came with it."""
    if since.get("depth_refused"):
        return DiagnosticStatus.ERROR, extra.intake.last_refusal
    lacked = since["without_depth"] + since["without_pose"]
    if not lacked:
        return None
    level = DiagnosticStatus.WARN if since["completed"] else DiagnosticStatus.ERROR
    return level, f"{lacked} frames dropped since the last report: {extra.completion.tally.last_lack}"


def _loaded(worker: InferenceWorker) -> tuple[dict[str, object], str]:
    """Say what runs, and on what hardware."""
    scenes = [lane.scene for lane in worker.lanes.values()]
    if any(scene is None for scene in scenes):
        return {}, _HARDWARE
    engine, bundle = scenes[0].engine, scenes[0].bundle
    return {
        "bundle": bundle.name,
        "precision": bundle.manifest.precision,
        "engine": str(engine),
        "frames_memory_mb": f"{sum(scene.memory_bytes for scene in scenes) / _MIB:.1f}",
    }, f"{_HARDWARE} {engine.device}"


def _requests(tally: RequestTally) -> dict[str, object]:
    latencies = tuple(tally.latencies)
    return {
        "queries_ok": tally.answered,
        "queries_failed": tally.refused,
        "query_faults": tally.faults,
        **{
            f"latency_{stage}_ms_p50": _percentile([getattr(one, f"{stage}_ms") for one in latencies], 50)
            for stage in ("preprocess", "vision", "prefix", "prompt", "decode")
        },
    }


def _resident_mb() -> str:
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except (OSError, ValueError, IndexError):
        return ""
    return f"{pages * resource.getpagesize() / _MIB:.0f}"


def diagnostic_status(
    name: str, level: bytes, text: str, values: Mapping[str, object], *, hardware: str
) -> DiagnosticStatus:
    """Write one status.

    Args:
        name: full name of the node or the part of it.
        level: a DiagnosticStatus level.
        text: one sentence.
        values: numbers and words by key.
        hardware: what it runs on.
    """
    return DiagnosticStatus(
        level=level,
        name=name.lstrip("/"),
        message=printable(text),
        hardware_id=hardware,
        values=[KeyValue(key=key, value=printable(str(value))) for key, value in values.items()],
    )


def _rate(count: int, span_s: float) -> str:
    return f"{count / span_s:.1f}" if span_s > 0 else "0.0"


def _percentile(values: Sequence[float], percent: float) -> str:
    # A copy first: the worker appends while this thread reads, and a deque may not change under iteration.
    known = np.array(values.copy() if hasattr(values, "copy") else values)
    return f"{np.percentile(known, percent):.1f}" if known.size else ""
