# SPDX-License-Identifier: Apache-2.0
"""Each check of the machine finds what it looks for when just that is broken, and names a way out."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ide3d_ros.cli.doctor import machine
from ide3d_ros.cli.doctor.findings import MAX_TEXT, Finding, Level, fail

PROFILE = Path(__file__).parents[3] / "config" / "fastdds_profile.xml"


def without(*names: str):
    """Import nothing; some modules are missing."""

    def load(name: str) -> object:
        if name in names:
            raise ImportError(f"No module named {name!r}")
        return object()

    return load


def assert_bad(finding: Finding, level: Level, *words: str) -> None:
    assert finding.level is level, finding
    assert finding.fix, "a finding that is not OK names a way out"
    for word in words:
        assert word in finding.text + finding.fix, finding


def test_old_python_is_refused() -> None:
    assert machine.check_python().level is Level.OK
    assert_bad(machine.check_python((3, 10, 4)), Level.FAIL, "3.10", "3.11")


def test_missing_message_package_is_named() -> None:
    assert machine.check_ros().level is Level.OK
    assert_bad(machine.check_ros(without("ide3d_msgs.srv")), Level.FAIL, "ide3d_msgs", "setup.bash")


def test_missing_python_package_is_named() -> None:
    assert machine.check_packages().level is Level.OK
    assert_bad(machine.check_packages(without("onnxruntime")), Level.FAIL, "onnxruntime", "robot.txt")


@pytest.mark.parametrize(
    ("asked", "installed", "from_wheels", "level"),
    [
        ("", [], True, Level.OK),
        ("rmw_fastrtps_cpp", ["rmw_fastrtps_cpp"], True, Level.OK),
        ("rmw_cyclonedds_cpp", ["rmw_fastrtps_cpp"], True, Level.FAIL),
        ("rmw_cyclonedds_cpp", ["rmw_fastrtps_cpp"], False, Level.FAIL),
        ("rmw_cyclonedds_cpp", ["rmw_cyclonedds_cpp"], False, Level.OK),
    ],
)
def test_middleware_that_is_not_there_is_refused(
    asked: str, installed: list[str], from_wheels: bool, level: Level
) -> None:
    environ = {"RMW_IMPLEMENTATION": asked}
    found = machine.check_rmw(environ, installed=installed, from_wheels=from_wheels)
    assert found.level is level
    assert bool(found.fix) == (level is not Level.OK)


def test_installed_middlewares_come_from_the_ament_index() -> None:
    assert "rmw_fastrtps_cpp" in machine.installed_middlewares()


@pytest.mark.parametrize(
    ("domain", "level"),
    [("", "OK"), ("0", "OK"), ("42", "OK"), ("150", "WARN"), ("220", "OK"), ("233", "FAIL"), ("x", "FAIL")],
)
def test_domain_is_judged(domain: str, level: str) -> None:
    assert machine.check_domain({"ROS_DOMAIN_ID": domain}).level.value == level


@pytest.mark.parametrize(
    ("environ", "level"),
    [
        ({}, "OK"),
        ({"ROS_AUTOMATIC_DISCOVERY_RANGE": "LOCALHOST"}, "OK"),
        ({"ROS_AUTOMATIC_DISCOVERY_RANGE": "OFF"}, "FAIL"),
        ({"ROS_AUTOMATIC_DISCOVERY_RANGE": "localhost"}, "FAIL"),
        ({"ROS_LOCALHOST_ONLY": "1"}, "WARN"),
    ],
)
def test_discovery_is_judged(environ: dict[str, str], level: str) -> None:
    assert machine.check_discovery(environ).level.value == level


def test_security_is_judged(tmp_path: Path) -> None:
    on = {"ROS_SECURITY_ENABLE": "true", "ROS_SECURITY_STRATEGY": "Enforce"}
    here = {"ROS_SECURITY_KEYSTORE": str(tmp_path)}
    assert machine.check_security({}, from_wheels=True).level is Level.OK
    assert_bad(machine.check_security(on, from_wheels=True), Level.FAIL, "without security")
    assert_bad(machine.check_security({**on, **here}, from_wheels=False), Level.FAIL, "no enclaves")
    (tmp_path / "enclaves").mkdir()
    assert machine.check_security({**on, **here}, from_wheels=False).level is Level.OK
    lax = {**on, **here, "ROS_SECURITY_STRATEGY": "Permissive"}
    assert_bad(machine.check_security(lax, from_wheels=False), Level.WARN, "unprotected")


def profile(tmp_path: Path, text: str) -> Finding:
    path = tmp_path / "profile.xml"
    path.write_text(text)
    return machine.check_profile({"FASTRTPS_DEFAULT_PROFILES_FILE": str(path)}, PROFILE)


def test_own_profile_is_good() -> None:
    assert machine.check_profile({"FASTRTPS_DEFAULT_PROFILES_FILE": str(PROFILE)}, PROFILE).level is Level.OK


def test_missing_profile_is_offered_ready_to_paste() -> None:
    assert_bad(
        machine.check_profile({}, PROFILE), Level.WARN, f"export FASTRTPS_DEFAULT_PROFILES_FILE={PROFILE}"
    )


def test_profile_under_the_name_of_fast_dds_3_is_noticed() -> None:
    found = machine.check_profile({"FASTDDS_DEFAULT_PROFILES_FILE": "mine.xml"}, PROFILE)
    assert_bad(found, Level.WARN, "ignores FASTDDS_DEFAULT_PROFILES_FILE")


def test_profile_that_is_not_there_is_refused() -> None:
    environ = {"FASTRTPS_DEFAULT_PROFILES_FILE": "nowhere.xml"}
    assert_bad(machine.check_profile(environ, None), Level.FAIL, "nowhere.xml")


@pytest.mark.parametrize(
    ("text", "level", "word"),
    [
        ("<profiles>", "FAIL", "no XML"),
        ('<!DOCTYPE a [<!ENTITY b "c">]><a/>', "FAIL", "entities"),
        ("<profiles/>", "WARN", "less than one 640x480 image"),
        (
            "<p><t><segment_size>1000000</segment_size><maxMessageSize>2000000</maxMessageSize></t></p>",
            "FAIL",
            "turns shared memory off",
        ),
    ],
)
def test_profile_that_loses_images_is_found(tmp_path: Path, text: str, level: str, word: str) -> None:
    assert_bad(profile(tmp_path, text), Level(level), word)


def test_shared_memory_that_is_missing_is_found(tmp_path: Path) -> None:
    assert_bad(machine.check_shared_memory(tmp_path / "none"), Level.FAIL, "missing", "--shm-size")


def test_shared_memory_that_is_too_small_is_found(tmp_path: Path) -> None:
    status = os.statvfs(tmp_path)
    free = status.f_frsize * status.f_bavail
    assert machine.check_shared_memory(tmp_path, segment_bytes=free // 100).level is Level.OK
    assert_bad(machine.check_shared_memory(tmp_path, segment_bytes=free // 2), Level.WARN, "processes fit")
    assert_bad(machine.check_shared_memory(tmp_path, segment_bytes=free * 2), Level.FAIL, "one process takes")


def test_small_udp_buffers_are_found(tmp_path: Path) -> None:
    assert machine.check_udp_buffers(tmp_path).level is Level.SKIP
    (tmp_path / "rmem_max").write_text("212992\n")
    assert_bad(machine.check_udp_buffers(tmp_path), Level.WARN, "sysctl")
    (tmp_path / "rmem_max").write_text("8388608\n")
    assert machine.check_udp_buffers(tmp_path).level is Level.OK


def test_loopback_that_is_down_is_found(tmp_path: Path) -> None:
    assert machine.check_loopback(tmp_path).level is Level.SKIP
    (tmp_path / "flags").write_text("0x8\n")
    assert_bad(machine.check_loopback(tmp_path), Level.FAIL, "ip link set lo up")
    (tmp_path / "flags").write_text("0x9\n")
    assert machine.check_loopback(tmp_path).level is Level.OK


def test_too_little_memory_is_found() -> None:
    assert machine.check_memory(200, available_mib=5000).level is Level.OK
    assert_bad(machine.check_memory(200, available_mib=300), Level.WARN, "leave room")
    assert_bad(machine.check_memory(200, available_mib=100), Level.FAIL, "100 MiB available")
    assert machine.check_memory(200, available_mib=None).level is Level.SKIP


def test_smaller_of_machine_and_container_counts(tmp_path: Path) -> None:
    assert machine.available_mib(tmp_path / "none", tmp_path) is None
    meminfo = tmp_path / "meminfo"
    meminfo.write_text("MemTotal: 4096000 kB\nMemAvailable: 2048000 kB\n")
    assert machine.available_mib(meminfo, tmp_path) == 2000
    (tmp_path / "memory.max").write_text("max\n")
    assert machine.available_mib(meminfo, tmp_path) == 2000
    (tmp_path / "memory.max").write_text(f"{500 << 20}\n")
    (tmp_path / "memory.current").write_text(f"{100 << 20}\n")
    assert machine.available_mib(meminfo, tmp_path) == 400


def test_text_of_others_cannot_reach_the_terminal() -> None:
    found = fail("qos", "\x1b[2Jgone\n" + "x" * 1000, "mend\x07 it")
    assert "\x1b" not in found.text and "\n" not in found.text and "\x07" not in found.fix
    assert len(found.text) == MAX_TEXT
