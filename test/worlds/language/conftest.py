# SPDX-License-Identifier: Apache-2.0
"""Hand-made frames: a 256x192 camera and objects placed by pixel column and depth, or in metres."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from ide3d_ros.geometry.box import Box3D
from ide3d_ros.geometry.camera import Camera
from ide3d_ros.geometry.rotation import optical_from_level, yaw_rotation
from ide3d_training.worlds.categories import CATEGORIES, COLORS, MATERIALS
from ide3d_training.worlds.scene_graph import IN, ON, FrameGraph, SceneObject
from ide3d_training.worlds.splits import HELD_OUT_PAIRS

CAMERA = Camera.from_fov(256, 192, np.deg2rad(65.0))
CAMERA_HEIGHT, PITCH = 1.2, 0.2
LEVEL = optical_from_level(PITCH, 0.0)
# Visible pixels and fraction: referable, ambiguous, unseen.
SEEN, GLIMPSED, HIDDEN = (900, 0.9), (40, 0.9), (5, 0.01)
TRAIN, WORDING, PAIRS = 0, 550_000, 600_000
"""The first seeds of the splits train, test-wording and test-pairs."""


def thing(
    id: int,
    name: str,
    column: float = 128.0,
    depth: float = 3.0,
    on: int | None = None,
    shown: tuple[int, float] = SEEN,
    extents: tuple[float, float, float] = (0.5, 0.5, 0.8),
) -> SceneObject:
    """Make an object from its "red chair" or "red metal chair" name, its centre's column and its depth."""
    center = CAMERA.unproject(np.array([[column, 96.0]]), np.array([depth]))[0]
    return _object(id, name, Box3D.from_matrix(center, np.array(extents), LEVEL), on, ON, shown)


def placed(
    id: int,
    name: str,
    ahead: float,
    left: float,
    extents: tuple[float, float, float] = (0.5, 0.5, 0.8),
    yaw: float = 0.0,
    above: float = 0.0,
    on: int | None = None,
    relation: str = ON,
    shown: tuple[int, float] = SEEN,
) -> SceneObject:
    """Make an object by where its footprint's centre is, metres from the camera, and its underside's height."""
    center = LEVEL @ np.array([ahead, left, above + extents[2] / 2 - CAMERA_HEIGHT])
    box = Box3D.from_matrix(center, np.array(extents), LEVEL @ yaw_rotation(yaw))
    return _object(id, name, box, on, relation, shown)


def _object(id: int, name: str, box: Box3D, on: int | None, relation: str, shown) -> SceneObject:
    color, *material, category = name.split()
    return SceneObject(
        id, category, color, (material or ["plastic"])[0], box, shown[0], shown[1], on, relation, False
    )


def frame(*objects: SceneObject, seed: int = TRAIN, room_type: str = "kitchen") -> FrameGraph:
    """Make the graph of one frame."""
    return FrameGraph(seed, room_type, 0, CAMERA, PITCH, 0.0, CAMERA_HEIGHT, np.eye(4), objects)


def random_frame(number: int, first_seed: int = TRAIN) -> FrameGraph:
    """Make a crowded frame of few categories, colours and materials, so that every form is possible."""
    seed = first_seed + number
    rng = np.random.default_rng(seed)
    pairs = first_seed == PAIRS
    categories = ("chair", "table", "sofa", "bed", "cabinet", "stool", "fridge")
    colors, materials = list(COLORS)[:4], MATERIALS[:4]
    objects: list[SceneObject] = []
    for number in range(1, int(rng.integers(4, 16))):
        holders = [o for o in objects if o.category in ("table", "cabinet", "stool")]
        small = bool(holders) and rng.random() < 0.4
        category = CATEGORIES[int(rng.integers(11, 14))] if small else str(rng.choice(categories))
        color = str(rng.choice(colors))
        if pairs and rng.random() < 0.3:
            color = next(color for name, color in HELD_OUT_PAIRS if name == category)
        elif (category, color) in HELD_OUT_PAIRS:
            color = next(c for c in colors if (category, c) not in HELD_OUT_PAIRS)
        name = f"{color} {materials[int(rng.integers(4))]} {category}"
        shown = (SEEN, SEEN, SEEN, SEEN, GLIMPSED, HIDDEN)[int(rng.integers(6))]
        yaw = float(rng.uniform(-np.pi, np.pi))
        if small:
            holder = holders[int(rng.integers(len(holders)))]
            x, y, z = LEVEL.T @ holder.box.center
            at = rng.uniform(-0.2, 0.2, 2)
            inside = holder.category == "cabinet" and rng.random() < 0.6
            top = 0.1 if inside else float(z + holder.box.extents[2] / 2 + CAMERA_HEIGHT)
            size = tuple(rng.uniform(0.08, 0.3, 3))
            item = placed(
                number, name, x + at[0], y + at[1], size, yaw, top, holder.id, IN if inside else ON, shown
            )
        else:
            ahead = float(rng.uniform(1.2, 4.5))
            size = tuple(rng.uniform((0.3, 0.3, 0.3), (1.0, 1.0, 1.6)))
            item = placed(number, name, ahead, float(rng.uniform(-0.6, 0.6)) * ahead, size, yaw, shown=shown)
        objects.append(item)
    return frame(*objects, seed=seed)


@pytest.fixture(scope="session")
def many_frames() -> list[FrameGraph]:
    """Frames of training rooms."""
    return [random_frame(number) for number in range(300)]


@pytest.fixture(scope="session")
def wording_frames() -> list[FrameGraph]:
    """Frames of rooms whose texts use unseen wordings."""
    return [random_frame(number, WORDING) for number in range(150)]


@pytest.fixture(scope="session")
def pair_frames() -> list[FrameGraph]:
    """Frames of rooms that have, and whose texts name, unseen pairs of category and colour."""
    return [random_frame(number, PAIRS) for number in range(150)]


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(5)


@pytest.fixture(name="thing", scope="session")
def _thing() -> Callable[..., SceneObject]:
    return thing


@pytest.fixture(name="placed", scope="session")
def _placed() -> Callable[..., SceneObject]:
    return placed


@pytest.fixture(name="random_frame", scope="session")
def _random_frame() -> Callable[..., FrameGraph]:
    return random_frame


@pytest.fixture(name="frame", scope="session")
def _frame() -> Callable[..., FrameGraph]:
    return frame


@pytest.fixture(scope="session")
def glimpsed() -> tuple[int, float]:
    return GLIMPSED


@pytest.fixture(scope="session")
def hidden() -> tuple[int, float]:
    return HIDDEN
