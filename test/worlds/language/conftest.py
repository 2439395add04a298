# SPDX-License-Identifier: Apache-2.0
"""Hand-made frames: a 256x192 camera and objects placed by pixel column and depth."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from ide3d_ros.geometry.box import Box3D
from ide3d_ros.geometry.camera import Camera
from ide3d_training.worlds.categories import CATEGORIES, COLORS
from ide3d_training.worlds.scene_graph import ON, FrameGraph, SceneObject

CAMERA = Camera.from_fov(256, 192, np.deg2rad(65.0))
SEEN, GLIMPSED, HIDDEN = (
    (900, 0.9),
    (40, 0.9),
    (5, 0.01),
)  # visible pixels and fraction: referable, ambiguous, unseen


def thing(
    id: int,
    name: str,
    column: float = 128.0,
    depth: float = 3.0,
    on: int | None = None,
    shown: tuple[int, float] = SEEN,
) -> SceneObject:
    """Make an object from its "red chair" name, the pixel column of its centre and its depth in metres."""
    color, category = name.split()
    center = CAMERA.unproject(np.array([[column, 96.0]]), np.array([depth]))[0]
    box = Box3D(center, np.array([0.5, 0.5, 0.8]), np.array([1.0, 0.0, 0.0, 0.0]))
    return SceneObject(id, category, color, "plastic", box, shown[0], shown[1], on, ON, False)


def frame(*objects: SceneObject) -> FrameGraph:
    """Make the graph of one frame."""
    return FrameGraph(7, "kitchen", 0, CAMERA, 0.2, 0.0, 1.2, np.eye(4), objects)


def random_frame(seed: int) -> FrameGraph:
    """Make a crowded frame of few categories and colours, so that every form of expression is possible."""
    rng = np.random.default_rng(seed)
    categories, colors = CATEGORIES[:5] + CATEGORIES[9:10], list(COLORS)[:4]
    objects = []
    for number in range(1, int(rng.integers(3, 12))):
        holders = [o.id for o in objects if o.category in ("table", "cabinet", "stool")]
        small = bool(holders) and rng.random() < 0.4
        category = (
            CATEGORIES[int(rng.integers(11, 14))] if small else categories[int(rng.integers(len(categories)))]
        )
        shown = (SEEN, SEEN, SEEN, GLIMPSED, HIDDEN)[int(rng.integers(5))]
        objects.append(
            thing(
                number,
                f"{colors[int(rng.integers(4))]} {category}",
                column=float(rng.uniform(10, 245)),
                depth=float(rng.uniform(1.0, 5.0)),
                on=int(rng.choice(holders)) if small else None,
                shown=shown,
            )
        )
    return frame(*objects)


@pytest.fixture(scope="session")
def many_frames() -> list[FrameGraph]:
    return [random_frame(seed) for seed in range(300)]


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(5)


@pytest.fixture(name="thing", scope="session")
def _thing() -> Callable[..., SceneObject]:
    return thing


@pytest.fixture(name="frame", scope="session")
def _frame() -> Callable[..., FrameGraph]:
    return frame


@pytest.fixture(scope="session")
def glimpsed() -> tuple[int, float]:
    return GLIMPSED


@pytest.fixture(scope="session")
def hidden() -> tuple[int, float]:
    return HIDDEN
