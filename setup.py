# SPDX-License-Identifier: Apache-2.0
"""Installs the package in the ament_python way; pip and colcon both call this file."""

from pathlib import Path

from setuptools import find_packages, setup

NAME = "ide3d_ros"


def share_files(folder: str) -> list[tuple[str, list[str]]]:
    """List a folder's files for `data_files`, so that they lie under share/ide3d_ros in the same tree."""
    folders = [Path(folder), *(path for path in Path(folder).rglob("*") if path.is_dir())]
    return [
        (f"share/{NAME}/{path}", [str(file) for file in sorted(path.iterdir()) if file.is_file()])
        for path in folders
        if path.is_dir() and path.name != "__pycache__"
    ]


robot_packages = find_packages(include=[NAME, f"{NAME}.*"])
# The workstation half lies in the folder training/ and is imported as ide3d_training.
training_packages = ["ide3d_training", *(f"ide3d_training.{name}" for name in find_packages("training"))]

setup(
    name=NAME,
    version="0.1.0",
    description="Metric 3D boxes and spatial answers from RGB frames, for ROS 2 robots",
    maintainer="ide3d_ros maintainers",
    maintainer_email="maintainers@example.org",
    license="Apache-2.0",
    python_requires=">=3.11",
    packages=[*robot_packages, *training_packages],
    package_dir={"ide3d_training": "training"},
    package_data={
        "ide3d_ros.bundle": ["nano/*"],
        "ide3d_ros.network.full_size": ["configs/*.json"],
        "ide3d_training": [
            *("configs/*.yaml", "configs/accelerate/*.yaml", "configs/studies/*.yaml"),
            *("metrics/*.json", "RESULTS.md", "results/*.png", "focal_study.sh"),
        ],
    },
    data_files=[
        ("share/ament_index/resource_index/packages", [f"resource/{NAME}"]),
        (f"share/{NAME}", ["package.xml"]),
        *share_files("launch"),
        *share_files("config"),
        (f"lib/{NAME}", [str(script) for script in sorted(Path("scripts").iterdir())]),
    ],
    # Versions of everything else are pinned in requirements/ and named for rosdep in package.xml.
    install_requires=["setuptools"],
    extras_require={"test": ["pytest"]},
    zip_safe=False,
    entry_points={
        "console_scripts": [
            "ide3d = ide3d_ros.cli.main:main",
            # bin/ is shared by everything in an environment, so the nodes' names carry the package's.
            "ide3d_perception = ide3d_ros.nodes.perception:main",
            "ide3d_sim_camera = ide3d_ros.nodes.sim_camera:main",
            "ide3d_replay = ide3d_ros.nodes.replay:main",
            "ide3d-worlds = ide3d_training.worlds.cli:main",
            "ide3d-train = ide3d_training.train:main",
            "ide3d-teacher = ide3d_training.teachers.cli:main",
            "ide3d-generator = ide3d_training.generators.cli:main",
            "ide3d-evaluate = ide3d_training.evaluate.cli:main",
            "ide3d-focal-study = ide3d_training.evaluate.focal_cli:main",
            "ide3d-omni3d = ide3d_training.datasets.omni3d_cli:main",
            "ide3d-export = ide3d_training.export.cli:main",
            "ide3d-probe = ide3d_training.evaluate.probe_cli:main",
            "ide3d-probe-scores = ide3d_training.compare.snapshot_cli:main",
            "ide3d-compare = ide3d_training.compare.cli:main",
            "ide3d-convert = ide3d_training.export.convert_cli:main",
            "ide3d-agreement = ide3d_training.agreement.cli:main",
        ],
    },
)
