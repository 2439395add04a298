# SPDX-License-Identifier: Apache-2.0
"""The robot half imports on a robot, where nobody has installed torch or a simulator."""

from __future__ import annotations

import subprocess
import sys

# Runs in a fresh interpreter, in which importing a blocked package fails as if it were not installed.
_IMPORT_EVERYTHING = """
import importlib, pkgutil, sys

BLOCKED = {"torch", "transformers", "accelerate", "mujoco", "onnx", "onnxscript", "matplotlib"}

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in BLOCKED:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        return None

sys.meta_path.insert(0, Absent())

# The parts that exist only together with torch.
OPTIONAL = ("ide3d_ros.network", "ide3d_ros.engine.torch_engine")

import ide3d_ros
names = [module.name for module in pkgutil.walk_packages(ide3d_ros.__path__, "ide3d_ros.", onerror=print)]
names = [name for name in names if not name.startswith(OPTIONAL) and not name.endswith("__main__")]
# The command line last: it alone may use the workstation half, whose scores the demo prints.
command_line = [name for name in names if name.startswith("ide3d_ros.cli")]
for name in set(names) - set(command_line):
    importlib.import_module(name)
training = [name for name in sys.modules if name.split(".")[0] == "ide3d_training"]
assert not training, f"the robot half imports {training}"
for name in command_line:
    importlib.import_module(name)
print(*names, sep="\\n")
"""


def test_robot_half_imports_without_torch_transformers_and_mujoco() -> None:
    run = subprocess.run(
        [sys.executable, "-c", _IMPORT_EVERYTHING], capture_output=True, text=True, timeout=120
    )
    assert run.returncode == 0, run.stderr
    imported = set(run.stdout.split())
    for package in ("geometry", "bundle", "engine", "scene", "conversions", "nodes", "cli"):
        assert any(name.startswith(f"ide3d_ros.{package}") for name in imported), package
