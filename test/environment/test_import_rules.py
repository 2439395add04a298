# SPDX-License-Identifier: Apache-2.0
"""The import rules of pyproject.toml hold, and would be seen to break."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

SOURCES = Path(__file__).resolve().parents[2]
LINT_IMPORTS = Path(sys.prefix) / "bin" / "lint-imports"

# A module that breaks one rule each, written into an otherwise empty copy of the tree.
FORBIDDEN = {
    "geometry reaches up": ("ide3d_ros/geometry/box.py", "from ide3d_ros.scene import scene"),
    "scene knows messages": ("ide3d_ros/scene/scene.py", "from sensor_msgs.msg import Image"),
    "recordings know messages": ("ide3d_ros/recordings/labels.py", "from sensor_msgs.msg import Image"),
    "a node imports torch": ("ide3d_ros/nodes/perception.py", "import torch"),
    "the runtime reaches the network": (
        "ide3d_ros/engine/onnx_engine.py",
        "from ide3d_ros.network import config",
    ),
    "the network reads bundles": ("ide3d_ros/network/config.py", "from ide3d_ros.bundle import manifest"),
    "a node reaches training": ("ide3d_ros/nodes/replay.py", "import ide3d_training.train"),
    "rooms need torch": ("ide3d_training/worlds/room.py", "import torch"),
    "training starts nodes": ("ide3d_training/train.py", "import ide3d_ros.nodes.perception"),
}

ALLOWED = {
    "ide3d_ros/engine/torch_engine.py": "import torch\nfrom ide3d_ros.network import config",
    "ide3d_ros/nodes/sim_camera.py": "from ide3d_training.worlds import room",
    "ide3d_ros/cli/export.py": "from ide3d_training import train",
}

EMPTY_MODULES = (
    "ide3d_ros/scene/scene.py",
    "ide3d_ros/network/config.py",
    "ide3d_ros/bundle/manifest.py",
    "ide3d_ros/recordings/labels.py",
    "ide3d_ros/nodes/perception.py",
    "ide3d_training/train.py",
    "ide3d_training/worlds/room.py",
    "ide3d_training/worlds/language/expression.py",
    "ide3d_training/metrics/accuracy.py",
    "ide3d_training/agreement/comparison.py",
    "ide3d_training/export/conversion.py",
    "ide3d_training/export/convert_cli.py",
    "ide3d_ros/geometry/box.py",
    "ide3d_ros/engine/onnx_engine.py",
    "ide3d_ros/conversions/images.py",
    "ide3d_ros/cli/main.py",
)


def test_source_tree_keeps_the_import_rules() -> None:
    run = _lint(SOURCES)
    assert run.returncode == 0, run.stdout


def test_rules_allow_the_documented_exceptions(tmp_path: Path) -> None:
    _write_tree(tmp_path, ALLOWED)
    run = _lint(tmp_path)
    assert run.returncode == 0, run.stdout


@pytest.mark.parametrize("case", FORBIDDEN)
def test_rules_catch_a_forbidden_import(tmp_path: Path, case: str) -> None:
    module, line = FORBIDDEN[case]
    _write_tree(tmp_path, {module: line})
    run = _lint(tmp_path)
    assert run.returncode == 1, run.stdout
    assert "BROKEN" in run.stdout


def _lint(folder: Path) -> subprocess.CompletedProcess:
    # The current folder comes first on the path of lint-imports, before the installed package.
    return subprocess.run(
        [LINT_IMPORTS, "--no-cache"], cwd=folder, capture_output=True, text=True, timeout=120
    )


def _write_tree(root: Path, modules: dict[str, str]) -> None:
    shutil.copyfile(SOURCES / "pyproject.toml", root / "pyproject.toml")
    for name in (*EMPTY_MODULES, *modules):
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(modules.get(name, "") + "\n")
        for package in path.relative_to(root).parents[:-1]:
            (root / package / "__init__.py").touch()
