# SPDX-License-Identifier: Apache-2.0
"""A sheet of single objects on a floor: every category in several styles, colours and materials."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np

from ide3d_ros.geometry.camera import Camera
from ide3d_training.worlds.categories import BY_NAME, CATEGORIES, COLORS, Category, build_object
from ide3d_training.worlds.placed_object import PlacedObject
from ide3d_training.worlds.renderer import RoomRenderer
from ide3d_training.worlds.room import Room
from ide3d_training.worlds.scene_graph import ON
from ide3d_training.worlds.viewpoint import CameraPose

_FIELD_OF_VIEW = np.radians(58.0)
_PITCH = np.radians(20.0)  # downwards
_FILL = 0.85  # of the frame's height that an object's enclosing ball takes, where distance allows
_DISTANCES = (0.6, 4.5)  # nearest and furthest, metres
_TURN = 0.9  # furthest that a front is turned from the camera, radians; round things turn freely
_COLUMNS = 6  # of a sheet of one category
_GAP = 4  # between frames, pixels
_SHELL = np.array([10.0, 10.0, 2.8])  # metres
_BACK = -1.5  # from the middle, where the lights are, to the object, metres


def catalogue_sheet(
    category: str | None, seed: int, samples: int = 6, width: int = 256, height: int = 192
) -> np.ndarray:
    """Draw objects one by one, each with its colour, material and name.

    Args:
        category: name of the only category to draw; None draws all of them, two categories in a row.
        seed: of the objects and of the room whose light they stand in.
        samples: frames of each category.
        width, height: of one frame, pixels.

    Returns:
        (H, W, 3) uint8 RGB, thin white gaps between the frames.
    """
    names = CATEGORIES if category is None else (category,)
    columns = 2 * samples if category is None else min(samples, _COLUMNS)
    room = Room.from_seed(seed)
    with RoomRenderer(width, height) as renderer:
        frames = [
            _draw(renderer, room, BY_NAME[name], _stream(seed, name, sample))
            for name in names
            for sample in range(samples)
        ]
    rows = -(-len(frames) // columns)
    sheet = np.full((rows * (height + _GAP) - _GAP, columns * (width + _GAP) - _GAP, 3), 255, np.uint8)
    for i, frame in enumerate(frames):
        top, left = i // columns * (height + _GAP), i % columns * (width + _GAP)
        sheet[top : top + height, left : left + width] = frame
    return sheet


def _stream(seed: int, name: str, sample: int) -> np.random.Generator:
    return np.random.default_rng((seed, CATEGORIES.index(name), sample))


def _draw(renderer: RoomRenderer, room: Room, category: Category, rng: np.random.Generator) -> np.ndarray:
    """Return the frame of one object in the light and on the floor of a room that is otherwise empty."""
    built = build_object(category, str(rng.choice(list(COLORS))), str(rng.choice(category.materials)), rng)
    turn = np.pi if built.symmetry == "round" else _TURN
    placed = PlacedObject.of(
        built,
        category,
        id=1,
        position=np.array([_BACK, 0.0, 0.0]),
        yaw=float(rng.uniform(-turn, turn)),
        support=None,
        relation=ON,
        against_wall=False,
    )
    alone = replace(room, size=_SHELL, objects=(placed,), shell=replace(room.shell, fixtures=()))
    camera = Camera.from_fov(renderer.width, renderer.height, _FIELD_OF_VIEW)
    ball = float(np.linalg.norm(built.extents))
    away = float(np.clip(ball * camera.fy / (_FILL * renderer.height), *_DISTANCES))
    level, up = away * np.cos(_PITCH), away * np.sin(_PITCH)
    position = np.array([_BACK + level, 0.0, built.extents[2] / 2 + up])
    frame = renderer.render(alone, CameraPose(position, np.pi, _PITCH, 0.0, _FIELD_OF_VIEW), camera)
    image = np.ascontiguousarray(frame.rgb)
    text = f"{built.color} {built.material} {category.name}"
    at, scale = (4, renderer.height - 5), renderer.width / 620
    for tone, thick in ((20, 3), (255, 1)):
        cv2.putText(image, text, at, cv2.FONT_HERSHEY_SIMPLEX, scale, (tone,) * 3, thick, cv2.LINE_AA)
    return image
