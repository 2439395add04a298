# SPDX-License-Identifier: Apache-2.0
"""`ide3d` as a person types it: help at once, and one clear line for what cannot be."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from ide3d_ros.bundle import Bundle

Command = tuple[list[str], dict[str, str]]


def run(command: Command, *words: str) -> subprocess.CompletedProcess[str]:
    start, environment = command
    return subprocess.run([*start, *words], env=environment, capture_output=True, text=True, timeout=60)


def test_help_names_the_command(ide3d_command: Command) -> None:
    done = run(ide3d_command, "--help")
    assert done.returncode == 0
    assert "demo" in done.stdout


def test_help_of_the_demo_names_its_options(ide3d_command: Command) -> None:
    text = run(ide3d_command, "demo", "--help").stdout
    for option in ("--output", "--recording", "--bundle", "--rooms", "--seed", "--duration"):
        assert option in text


def test_help_does_not_wait_for_what_it_does_not_need() -> None:
    code = (
        "import sys, ide3d_ros.cli.main\n"
        "print([m for m in ('rclpy', 'numpy', 'cv2', 'onnxruntime', 'scipy') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, text=True, timeout=60)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("domain", ["here", "233", "-1"])
def test_domain_that_is_none_is_named(
    ide3d_command: Command, fake_bundle: Bundle, tmp_path: Path, domain: str
) -> None:
    start, environment = ide3d_command
    words = ("demo", "--output", str(tmp_path / "out"), "--bundle", str(fake_bundle.folder))
    done = run((start, {**environment, "ROS_DOMAIN_ID": domain}), *words)
    assert (done.returncode, done.stderr.strip()) == (
        1,
        f"ide3d: ROS_DOMAIN_ID is {domain!r}; it must be a number from 0 to 232",
    )


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (("demo",), 2, "--output"),
        (("fly",), 2, "fly"),
        (("demo", "--output", "{out}", "--rooms", "0"), 2, "--rooms must be at least 1, not 0"),
        (("demo", "--output", "{out}", "--rooms", "many"), 2, "--rooms"),
        (("demo", "--output", "{out}", "--duration", "nan"), 2, "--duration"),
        (("demo", "--output", "{out}", "--bundle", "giga"), 1, "no bundle is called 'giga'"),
        (("demo", "--output", "{out}", "--recording", "{out}/none"), 1, "there is no folder"),
        (("demo", "--output", "/dev/null/x"), 1, "--output /dev/null/x cannot be made"),
    ],
)
def test_what_cannot_be_is_said_in_one_line(
    ide3d_command: Command,
    tmp_path: Path,
    words: tuple[str, ...],
    status: int,
    said: str,
    fake_bundle: Bundle,
) -> None:
    given = [word.format(out=tmp_path / "out") for word in words]
    if words[:2] == ("demo", "--output") and "--bundle" not in words:
        given += ["--bundle", str(fake_bundle.folder)]
    done = run(ide3d_command, *given)
    assert done.returncode == status
    (line,) = done.stderr.strip().splitlines()
    assert line.startswith("ide3d: ") and said in line
    assert not (tmp_path / "out" / "report.json").exists()
