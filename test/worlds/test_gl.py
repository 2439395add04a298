# SPDX-License-Identifier: Apache-2.0
"""How the renderer finds OpenGL."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from ide3d_training.worlds import gl


def test_the_users_choice_stands(monkeypatch):
    monkeypatch.setenv("MUJOCO_GL", "glfw")
    monkeypatch.setattr(gl, "_loads", lambda library: True)
    assert gl.choose_backend() == "glfw"


@pytest.mark.parametrize(
    ("installed", "backend"),
    [
        ({"libEGL.so.1", "libOSMesa.so.8"}, "egl"),
        ({"libOSMesa.so.8"}, "osmesa"),
        ({"libOSMesa.so.6"}, "osmesa"),
    ],
)
def test_egl_is_preferred_and_osmesa_stands_in(monkeypatch, installed, backend):
    monkeypatch.setenv("MUJOCO_GL", "")
    monkeypatch.setattr(gl, "_loads", lambda library: library in installed)
    assert gl.choose_backend() == backend
    assert os.environ["MUJOCO_GL"] == backend


def test_no_opengl_at_all_names_the_packages(monkeypatch):
    monkeypatch.setenv("MUJOCO_GL", "")
    monkeypatch.setattr(gl, "_loads", lambda library: False)
    with pytest.raises(gl.NoOpenGLError, match="apt-get install libegl1"):
        gl.choose_backend()


def test_a_backend_that_does_not_exist_is_one_line_of_the_command(tmp_path):
    command = [
        sys.executable,
        "-m",
        "ide3d_training.worlds.cli",
        "preview",
        "--out",
        str(tmp_path / "sheet.png"),
    ]
    done = subprocess.run(
        command, env={**os.environ, "MUJOCO_GL": "crayons"}, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 2
    assert done.stderr.startswith("ide3d-worlds: ") and done.stderr.count("\n") == 1
    assert "crayons" in done.stderr
