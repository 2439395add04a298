# SPDX-License-Identifier: Apache-2.0
"""Make all checks that can be made here, in the order in which one depends on the other."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from ide3d_ros.cli.doctor import machine
from ide3d_ros.cli.doctor.findings import Finding, Level, skip
from ide3d_ros.nodes.ros_environment import installed_file, prepare_ros_environment

_COLORS = {Level.OK: "green", Level.WARN: "yellow", Level.FAIL: "bold red", Level.SKIP: "dim"}
_PROFILE = "config/fastdds_profile.xml"
_BEFORE_ROS = ("middleware", "domain", "security")


class DoctorError(RuntimeError):
    """The examination cannot be made or written; the sentence says why."""


@dataclass(frozen=True)
class Complaint:
    """Say what to examine.

    Attributes:
        bundle: name of an embedded bundle, or path of a bundle folder.
        namespace: where relative topics and perception nodes are; empty takes every node.
        image_topic, info_topic: of one camera; empty takes those that perception takes.
        rectified: images are rectified, so that P holds and not K.
        target_frame: frame that boxes are wanted in; empty when none is.
        seconds: to find nodes in, and then to listen for; 0 leaves the graph alone.
    """

    bundle: str = "nano"
    namespace: str = ""
    image_topic: str = ""
    info_topic: str = ""
    rectified: bool = False
    target_frame: str = ""
    seconds: float = 5.0


def examine(complaint: Complaint) -> list[Finding]:
    """Make all checks.

    Args:
        complaint: what to examine.
    """
    given = dict(os.environ)  # as the shell gave it: the next line fills gaps for this process alone
    prepare_ros_environment()
    packaged = installed_file(_PROFILE)
    findings = [
        machine.check_python(),
        machine.check_rmw(
            given,
            installed=machine.installed_middlewares(),
            from_wheels=machine.ros_is_from_wheels(),
        ),
        machine.check_domain(given),
        machine.check_discovery(given),
        machine.check_security(given, from_wheels=machine.ros_is_from_wheels()),
        machine.check_profile(given, packaged),
        machine.check_shared_memory(),
        machine.check_udp_buffers(),
        machine.check_loopback(),
    ]
    # rcl ends the whole process over a wrong middleware, waits long on a bad domain, and makes no node
    # when its security is not to be had.
    broken = [one.check for one in findings if one.level is Level.FAIL and one.check in _BEFORE_ROS]
    ros = skip("ros packages", f"mend first: {', '.join(broken)}") if broken else machine.check_ros()
    packages = machine.check_packages()
    findings[1:1] = [packages, ros]
    if packages.level is Level.OK:
        findings += _examine_model(complaint.bundle)
    else:
        findings.append(skip("bundle and engine", "Python packages are missing, see above"))
    if complaint.seconds == 0:
        findings.append(skip("running nodes", "--seconds 0 leaves the graph alone"))
    elif ros.level is not Level.OK or packages.level is not Level.OK:
        findings.append(skip("running nodes", "packages are missing or ROS cannot be used, see above"))
    else:
        findings += _examine_graph(complaint)
    return findings


def is_healthy(findings: Sequence[Finding]) -> bool:
    """Say whether no check failed."""
    return all(one.level is not Level.FAIL for one in findings)


def print_findings(findings: Sequence[Finding], console: Console) -> None:
    """Print a table, worst last so that it stands above the prompt, and one line that sums it up."""
    table = Table(show_lines=False, pad_edge=False)
    for title in ("", "check", "found, and how to mend it"):
        table.add_column(title, overflow="fold")
    for one in findings:
        told = Text(one.text)
        if one.fix:
            told.append(f"\n-> {one.fix}", style="bold")
        table.add_row(Text(one.level.value, style=_COLORS[one.level]), Text(one.check), told)
    console.print(table)
    counts = Counter(one.level for one in findings)
    console.print(
        ", ".join(f"{counts[level]} {level.value}" for level in Level)
        + ("" if is_healthy(findings) else ": the lines with FAIL keep the nodes from working")
    )


def write_findings(findings: Sequence[Finding], path: Path) -> None:
    """Write the findings as JSON.

    Raises:
        DoctorError: if the file cannot be written.
    """
    report = {"healthy": is_healthy(findings), "findings": [one.as_json() for one in findings]}
    try:
        path.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    except OSError as error:
        raise DoctorError(f"--json {path} cannot be written: {error.strerror}") from error


def _examine_model(bundle_name: str) -> list[Finding]:
    from ide3d_ros.cli.doctor import model

    found, bundle = model.check_bundle(bundle_name)
    if bundle is None:
        memory = skip("memory", "there is no whole bundle whose need is known")
    else:
        available_mib = machine.available_mib()
        memory = machine.check_memory(bundle.manifest.memory_mb, available_mib=available_mib)
    gpu = model.check_gpu(gpu_files=model.visible_gpus(), providers=model.onnxruntime_providers())
    return [found, memory, model.check_engine(bundle), model.check_engines(bundle), gpu]


def _examine_graph(complaint: Complaint) -> list[Finding]:
    from ide3d_ros.cli.doctor.cameras import check_camera, check_depth
    from ide3d_ros.cli.doctor.listening import Wanted, observe
    from ide3d_ros.cli.doctor.perception import check_perception
    from ide3d_ros.cli.doctor.transforms import check_transform

    seen = observe(
        Wanted(complaint.namespace, complaint.image_topic, complaint.info_topic, complaint.seconds)
    )
    findings = check_perception(seen)
    if not seen.cameras:
        findings.append(
            skip(
                "cameras",
                f"no image topic with a camera_info beside it in domain {seen.domain}",
                "start the camera driver, or name its topic: --image-topic TOPIC --camera-info-topic TOPIC",
            )
        )
    heard = {"seconds": seen.seconds, "clock": seen.clock}
    for camera in seen.cameras:
        if camera.holds_depth:
            findings += check_depth(camera, **heard)
        else:
            findings += check_camera(camera, **heard, rectified=complaint.rectified)
    target = complaint.target_frame
    if not target:
        return [*findings, skip("tf", "no --target-frame was given; boxes stay in the camera's own frame")]
    frames = {camera.images[-1].frame_id if camera.images else "" for camera in seen.cameras} or {""}
    return findings + [check_transform(seen, source=frame, target=target) for frame in sorted(frames)]
