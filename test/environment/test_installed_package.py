# SPDX-License-Identifier: Apache-2.0
"""The installed package is found the way ROS tools look for it."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
from pathlib import Path

import pytest
from ament_index_python.packages import get_package_prefix, get_package_share_directory

EXECUTABLES = ("perception", "sim_camera", "replay", "ide3d")
SOURCES = Path(__file__).resolve().parents[2]


def test_share_directory_holds_the_manifest_and_the_configuration() -> None:
    share = Path(get_package_share_directory("ide3d_ros"))
    for name in ("package.xml", *(str(path.relative_to(SOURCES)) for path in _files("launch", "config"))):
        assert (share / name).is_file(), name


@pytest.mark.parametrize("name", EXECUTABLES)
def test_executable_lies_where_ros2_run_looks_and_reaches_its_command(name: str) -> None:
    script = Path(get_package_prefix("ide3d_ros")) / "lib" / "ide3d_ros" / name
    assert os.access(script, os.X_OK)
    target = script.read_text().split('exec "$(dirname "$0")/')[1].split('"')[0]
    assert os.access(script.parent / target, os.X_OK), target


def test_shim_hands_its_arguments_on() -> None:
    shim = Path(get_package_prefix("ide3d_ros")) / "lib" / "ide3d_ros" / "ide3d"
    run = subprocess.run([shim, "demo", "--help"], capture_output=True, text=True, timeout=60)
    assert run.returncode == 0, run.stderr
    assert "--output" in run.stdout


@pytest.mark.parametrize(("folder", "package"), [("ide3d_ros", "ide3d_ros"), ("training", "ide3d_training")])
def test_every_file_of_a_package_is_installed_with_it(folder: str, package: str) -> None:
    installed = Path(importlib.import_module(package).__file__ or "").parent
    names = [path.relative_to(SOURCES / folder) for path in _files(folder) if path.suffix != ".pyc"]
    missing = [str(name) for name in names if not (installed / name).is_file()]
    assert not missing, "name them in setup.py, under packages or package_data"


def test_package_is_a_plain_installation_in_this_environment() -> None:
    import ide3d_ros

    assert Path(ide3d_ros.__file__).is_relative_to(sys.prefix)


def _files(*folders: str) -> list[Path]:
    return [path for folder in folders for path in (SOURCES / folder).rglob("*") if path.is_file()]


def test_run_gives_a_program_this_environment_and_nothing_of_another(tmp_path: Path) -> None:
    (tmp_path / "rclpy.py").write_text("raise SystemExit('another rclpy')")
    names = ("AMENT_PREFIX_PATH", "FASTRTPS_DEFAULT_PROFILES_FILE")
    program = f"import os, rclpy; print(*(os.environ[name] for name in {names}))"
    shell = {"PATH": "/usr/bin:/bin", "IDE3D_VENV": sys.prefix, "PYTHONPATH": str(tmp_path)}
    # The mark that the ROS wheels leave. Without the library path that goes with it rclpy would not load.
    shell["_ROS_WHEELS_BOOTSTRAP_COMPLETE"] = "1"
    command = [SOURCES / "tools" / "run", "python", "-c", program]
    run = subprocess.run(command, env=shell, capture_output=True, text=True, timeout=60)
    assert run.returncode == 0, run.stderr
    assert run.stdout.split() == [sys.prefix, f"{sys.prefix}/share/ide3d_ros/config/fastdds_profile.xml"]
