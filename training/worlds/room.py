# SPDX-License-Identifier: Apache-2.0
"""A furnished room as plain numbers, made from a seed.

World frame: z up, floor at z = 0, origin in the middle of the floor, walls parallel to x and y.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ide3d_ros.geometry.box import Box3D
from ide3d_ros.geometry.rotation import yaw_rotation
from ide3d_training.worlds.categories import BY_NAME, CATEGORIES, COLORS, BuiltObject, Category, build_object
from ide3d_training.worlds.objects.form import Surface
from ide3d_training.worlds.parts import GLOSSY, MATT, RGB, Part, block, tilt
from ide3d_training.worlds.placement import footprint, rectangles_overlap, turn
from ide3d_training.worlds.scene_graph import ON
from ide3d_training.worlds.splits import ROOM_TYPES

# Independent random streams of one seed; a change to one leaves what the others draw as it is.
LAYOUT_STREAM, STYLE_STREAM, VIEW_STREAM, MOTION_STREAM = range(4)

FURNITURE_RANGE = (3, 7)
SMALL_RANGE = (0, 4)
CLEARANCE = 0.06  # between the footprints of furniture, metres
WALL_GAP = (
    0.03  # behind furniture that stands against a wall, more than skirting boards and doors protrude, metres
)
FLOOR_STYLES = ("planks", "tiles", "carpet", "concrete")

_PLACING_TRIES = 60
_AT_MOST_ONE = {"bed", "sofa", "fridge"}
_FLOOR_CATEGORIES = tuple(name for name in CATEGORIES if not BY_NAME[name].small)
# Tables and cabinets twice as often: small objects stand on them.
_FLOOR_ODDS = np.array([2.0 if name in ("table", "cabinet") else 1.0 for name in _FLOOR_CATEGORIES])
_FLOOR_ODDS /= _FLOOR_ODDS.sum()
_SMALL_CATEGORIES = tuple(name for name in CATEGORIES if BY_NAME[name].small)
_WALL_TONES: tuple[RGB, ...] = (
    (0.86, 0.85, 0.82),
    (0.78, 0.79, 0.80),
    (0.84, 0.80, 0.73),
    (0.72, 0.77, 0.81),
    (0.75, 0.80, 0.74),
    (0.83, 0.77, 0.76),
)
_FLOOR_TONES: tuple[RGB, ...] = (
    (0.78, 0.70, 0.60),
    (0.66, 0.62, 0.57),
    (0.70, 0.71, 0.72),
    (0.58, 0.59, 0.62),
    (0.76, 0.73, 0.66),
)


@dataclass(frozen=True)
class PlacedObject:
    """One object of a room.

    Attributes:
        id: its value in the ids picture, 1 upwards.
        category: what it is.
        color: name of its main body's colour.
        material: name of its main body's material.
        parts: its primitives, in its own axes.
        extents: (3,) full size of its box, metres.
        symmetry: "none", "half_turn" or "round", see ``BuiltObject``.
        surfaces: where other objects may stand, in its own axes.
        position: (3,) middle of its box's bottom face in the world, metres.
        yaw: of its front axis about the world's z, radians.
        support: id of the object that carries it; None is the floor.
        relation: ON or IN, see ``scene_graph``.
        against_wall: its back stands against a wall.
    """

    id: int
    category: Category
    color: str
    material: str
    parts: tuple[Part, ...]
    extents: np.ndarray
    symmetry: str
    surfaces: tuple[Surface, ...]
    position: np.ndarray
    yaw: float
    support: int | None
    relation: str
    against_wall: bool

    @property
    def rotation(self) -> np.ndarray:
        """The (3, 3) rotation from the object's axes to the world's."""
        return tilt("z", self.yaw)

    def box(self, yaw: float | None = None) -> Box3D:
        """Return the oriented box in the world frame, with another yaw where symmetry allows one."""
        center = self.position + np.array([0.0, 0.0, self.extents[2] / 2])
        return Box3D.from_matrix(center, self.extents, yaw_rotation(self.yaw if yaw is None else yaw))

    def footprint(self, margin: float = 0.0) -> np.ndarray:
        """Return the (4, 2) corners of the box seen from above."""
        return footprint(self.position, self.yaw, self.extents, margin)


@dataclass(frozen=True)
class Light:
    """A lamp at the ceiling: position (3,) metres, colour times intensity, and whether it casts shadows."""

    position: np.ndarray
    diffuse: RGB
    casts_shadow: bool


@dataclass(frozen=True)
class Style:
    """How the room's shell looks: no effect on geometry that labels depend on."""

    wall_rgb: tuple[RGB, RGB, RGB, RGB]
    wall_pattern: int
    floor_style: str
    floor_rgb: RGB
    ceiling_rgb: RGB
    ambient: float
    lights: tuple[Light, ...]
    fixtures: tuple[Part, ...]  # skirting boards, a door, a window; in world axes


@dataclass(frozen=True, eq=False)
class Room:
    """A furnished room: seed, type (of ROOM_TYPES), inner size (3,) in metres, objects in the order of their ids, and style.

    Rooms compare by identity: one that was changed is another room, whatever its seed.
    """

    seed: int
    room_type: str
    size: np.ndarray
    objects: tuple[PlacedObject, ...]
    style: Style

    @classmethod
    def from_seed(cls, seed: int) -> Room:
        """Make a room.

        Args:
            seed: 0 or more; the same seed gives the same room on every machine.

        Returns:
            A room with 3 to 7 pieces of furniture and up to 4 small objects, none of which touch each other
            except for a small object on what carries it.

        Raises:
            ValueError: if the seed is negative.
        """
        if seed < 0:
            raise ValueError(f"a room's seed must be 0 or more, not {seed}")
        for attempt in range(1000):
            rng = np.random.default_rng((seed, LAYOUT_STREAM, attempt))
            size = np.array([rng.uniform(4.0, 6.0), rng.uniform(4.0, 6.0), rng.uniform(2.4, 2.8)])
            layout = _Layout(rng, size)
            layout.furnish(int(rng.integers(FURNITURE_RANGE[0], FURNITURE_RANGE[1] + 1)))
            if len(layout.objects) < FURNITURE_RANGE[0]:
                continue
            layout.decorate(int(rng.integers(SMALL_RANGE[0], SMALL_RANGE[1] + 1)))
            style = _style(np.random.default_rng((seed, STYLE_STREAM)), size)
            return cls(seed, ROOM_TYPES[0], size, tuple(layout.objects), style)
        raise RuntimeError(
            f"seed {seed} gave no room with {FURNITURE_RANGE[0]} pieces of furniture in 1000 layouts"
        )


class _Layout:
    """Places objects one after the other by rejection sampling."""

    def __init__(self, rng: np.random.Generator, size: np.ndarray) -> None:
        self.rng = rng
        self.size = size
        self.objects: list[PlacedObject] = []

    def furnish(self, count: int) -> None:
        """Place up to ``count`` pieces of furniture on the floor, the bulky ones first."""
        names: list[str] = []
        while len(names) < count:
            # Repeats make rooms in which "the chair" is not enough and "the chairs" means something.
            repeat = names and self.rng.random() < 0.25
            name = str(
                self.rng.choice(names if repeat else _FLOOR_CATEGORIES, p=None if repeat else _FLOOR_ODDS)
            )
            if names.count(name) >= (1 if name in _AT_MOST_ONE else 3):
                continue
            names.append(name)
        names.sort(
            key=lambda name: (not BY_NAME[name].against_wall, -np.prod(BY_NAME[name].extents[:2]), name)
        )
        for name in names:
            category, color = BY_NAME[name], self._color()
            built = self._build(category, color)
            extents = built.extents
            for _ in range(_PLACING_TRIES):
                position, yaw = self._floor_pose(category, built)
                if self._is_free(position, yaw, extents):
                    self._add(category, color, built, position, yaw, None)
                    break

    def decorate(self, count: int) -> None:
        """Place up to ``count`` small objects on furniture or, for balls, on the floor."""
        supports = [placed for placed in self.objects if placed.category.supports]
        for _ in range(count if supports else min(count, 1)):
            name = str(self.rng.choice(_SMALL_CATEGORIES)) if supports else "ball"
            category, color = BY_NAME[name], self._color()
            built = self._build(category, color)
            extents = built.extents
            on_floor = name == "ball" and (not supports or self.rng.random() < 0.7)
            for _ in range(_PLACING_TRIES):
                if on_floor:
                    position, yaw = self._open_floor(extents, 0.25), self.rng.uniform(-np.pi, np.pi)
                    if self._is_free(position, yaw, extents):
                        self._add(category, color, built, position, yaw, None)
                        break
                    continue
                support = supports[self.rng.integers(len(supports))]
                position, yaw = self._on_top(support, category, extents)
                if self._fits_on(support, position, yaw, extents):
                    self._add(category, color, built, position, yaw, support.id)
                    break

    def _build(self, category: Category, color: str) -> BuiltObject:
        material = category.materials[self.rng.integers(len(category.materials))]
        return build_object(category, color, material, self.rng)

    def _color(self) -> str:
        return str(self.rng.choice(list(COLORS)))

    def _add(self, category, color, built, position, yaw, support) -> None:
        placed = PlacedObject(
            len(self.objects) + 1,
            category,
            color,
            built.material,
            built.parts,
            built.extents,
            built.symmetry,
            built.surfaces,
            np.asarray(position, float),
            float(yaw),
            support,
            ON,
            support is None and category.against_wall,
        )
        self.objects.append(placed)

    def _floor_pose(self, category: Category, built: BuiltObject) -> tuple[np.ndarray, float]:
        extents = built.extents
        if category.against_wall:
            return self._against_wall(extents, self.rng.uniform(WALL_GAP, WALL_GAP + 0.05), 0.0)
        if category.name == "chair" and self.rng.random() < 0.65:
            tables = [placed for placed in self.objects if placed.category.name == "table"]
            if tables:
                return self._facing_table(tables[self.rng.integers(len(tables))], extents)
        if built.symmetry == "round" and category.name != "stool" and self.rng.random() < 0.6:
            return self._against_wall(extents, self.rng.uniform(0.06, 0.35), np.pi)
        if category.name == "table":  # tables stand parallel to the walls, more or less
            yaw = self.rng.integers(4) * np.pi / 2 + self.rng.uniform(-0.25, 0.25)
            return self._open_floor(extents, 0.55), yaw
        return self._open_floor(extents, 0.3), self.rng.uniform(-np.pi, np.pi)

    def _against_wall(self, extents: np.ndarray, gap: float, spread: float) -> tuple[np.ndarray, float]:
        """Return a pose with the back to a random wall; ``spread`` turns it by up to that angle."""
        wall = int(self.rng.integers(4))
        inward = wall * np.pi / 2  # heading of the wall's inner normal
        depth, along = (self.size[0], self.size[1]) if wall % 2 == 0 else (self.size[1], self.size[0])
        reach = extents[0] / 2 if spread == 0.0 else np.hypot(*extents[:2]) / 2
        sideways = max(along / 2 - extents[1] / 2 - WALL_GAP, 0.0)
        local = np.array([-depth / 2 + gap + reach, self.rng.uniform(-sideways, sideways)])
        yaw = inward + (self.rng.uniform(-spread, spread) if spread else 0.0)
        return np.append(turn(inward) @ local, 0.0), yaw

    def _facing_table(self, table: PlacedObject, extents: np.ndarray) -> tuple[np.ndarray, float]:
        side = int(self.rng.integers(4))
        normal = table.yaw + side * np.pi / 2
        depth, along = (0, 1) if side % 2 == 0 else (1, 0)
        away = table.extents[depth] / 2 + self.rng.uniform(CLEARANCE + 0.02, 0.22) + extents[0] / 2
        slack = max(table.extents[along] / 2 - extents[1] / 2, 0.0)
        offset = turn(normal) @ np.array([away, self.rng.uniform(-slack, slack)])
        yaw = normal + np.pi + self.rng.uniform(-0.15, 0.15)
        return np.append(table.position[:2] + offset, 0.0), yaw

    def _open_floor(self, extents: np.ndarray, gap: float) -> np.ndarray:
        reach = np.hypot(*extents[:2]) / 2 + gap
        limit = np.maximum(self.size[:2] / 2 - reach, 0.0)
        return np.append(self.rng.uniform(-limit, limit), 0.0)

    def _on_top(
        self, support: PlacedObject, category: Category, extents: np.ndarray
    ) -> tuple[np.ndarray, float]:
        limit = np.maximum(support.extents[:2] / 2 - extents[:2].min() / 2, 0.0)
        local = self.rng.uniform(-limit, limit)
        position = support.position + np.append(turn(support.yaw) @ local, support.extents[2])
        yaw = self.rng.uniform(-np.pi, np.pi)
        if category.name == "laptop":  # people open them towards an edge
            turns = 0 if support.category.against_wall else int(self.rng.integers(4))
            yaw = support.yaw + turns * np.pi / 2 + self.rng.uniform(-0.3, 0.3)
        return position, yaw

    def _is_free(self, position: np.ndarray, yaw: float, extents: np.ndarray) -> bool:
        corners = footprint(position, yaw, extents)
        if np.any(np.abs(corners) > self.size[:2] / 2 - WALL_GAP + 1e-9):
            return False
        grown = footprint(position, yaw, extents, CLEARANCE)
        on_floor = (placed for placed in self.objects if placed.support is None)
        return not any(rectangles_overlap(grown, placed.footprint()) for placed in on_floor)

    def _fits_on(self, support: PlacedObject, position: np.ndarray, yaw: float, extents: np.ndarray) -> bool:
        local = (footprint(position, yaw, extents) - support.position[:2]) @ turn(support.yaw)
        margin = 0.03
        if support.symmetry == "round":
            inside = np.linalg.norm(local, axis=1).max() <= support.extents[0] / 2 - 0.01
        else:
            inside = bool(np.all(np.abs(local) <= support.extents[:2] / 2 - margin))
        if not inside:
            return False
        grown = footprint(position, yaw, extents, 0.015)
        neighbours = (placed for placed in self.objects if placed.support == support.id)
        return not any(rectangles_overlap(grown, placed.footprint()) for placed in neighbours)


def _style(rng: np.random.Generator, size: np.ndarray) -> Style:
    base = np.array(_WALL_TONES[rng.integers(len(_WALL_TONES))]) * rng.uniform(0.9, 1.05)
    walls = [base, base, base, base]
    if rng.random() < 0.3:  # one wall in another tone
        walls[rng.integers(4)] = np.array(_WALL_TONES[rng.integers(len(_WALL_TONES))]) * rng.uniform(0.8, 1.0)
    floor = np.array(_FLOOR_TONES[rng.integers(len(_FLOOR_TONES))]) * rng.uniform(0.85, 1.1)
    tint = np.array([1.0, rng.uniform(0.93, 1.0), rng.uniform(0.84, 1.0)])  # neutral to warm
    lights = []
    for i in range(int(rng.integers(1, 3))):
        middle = rng.uniform(-0.22, 0.22, 2) * size[:2]
        position = np.append(middle, size[2] - rng.uniform(0.1, 0.3))
        strength = rng.uniform(0.50, 0.72) if i == 0 else rng.uniform(0.15, 0.28)
        lights.append(Light(position, _rgb(tint * strength), casts_shadow=i == 0))
    return Style(
        wall_rgb=tuple(_rgb(tone) for tone in walls),
        wall_pattern=int(rng.integers(3)),
        floor_style=FLOOR_STYLES[rng.integers(len(FLOOR_STYLES))],
        floor_rgb=_rgb(floor),
        ceiling_rgb=_rgb(np.full(3, rng.uniform(0.84, 0.93))),
        ambient=float(rng.uniform(0.34, 0.50)),
        lights=tuple(lights),
        fixtures=tuple(_fixtures(rng, size)),
    )


def _rgb(values: np.ndarray) -> RGB:
    return tuple(float(value) for value in np.clip(values, 0.0, 1.0))


def _fixtures(rng: np.random.Generator, size: np.ndarray) -> list[Part]:
    """Return skirting boards, a door and a window, all thinner than WALL_GAP: furniture clears them."""
    x, y, h = size[0] / 2, size[1] / 2, size[2]
    board = _rgb(np.full(3, rng.uniform(0.80, 0.90)))
    parts = [
        block((-x, -y, 0), (-x + 0.014, y, 0.07), board),
        block((x - 0.014, -y, 0), (x, y, 0.07), board),
        block((-x, -y, 0), (x, -y + 0.014, 0.07), board),
        block((-x, y - 0.014, 0), (x, y, 0.07), board),
    ]
    door_wall = int(rng.integers(4))
    window_wall = (door_wall + int(rng.integers(1, 4))) % 4
    leaf = _rgb(np.array([0.80, 0.76, 0.70]) * rng.uniform(0.85, 1.08))
    glass: RGB = (0.80, 0.88, 0.95)
    frame: RGB = (0.88, 0.88, 0.87)

    def on_wall(
        wall: int, low: tuple[float, float], high: tuple[float, float], depth: float, rgb: RGB, finish: str
    ) -> Part:
        """Return a slab on a wall; low and high are (along the wall, height)."""
        away = x if wall % 2 == 0 else y
        slab = block((-away, low[0], low[1]), (-away + depth, high[0], high[1]), rgb, finish)
        rotation = tilt("z", wall * np.pi / 2)
        return Part(slab.shape, rotation @ slab.center, slab.half, rgb, rotation, finish)

    along = (y if door_wall % 2 == 0 else x) - 0.6
    at = rng.uniform(-along, along)
    parts.append(on_wall(door_wall, (at - 0.48, 0.0), (at + 0.48, 2.07), 0.016, board, MATT))
    parts.append(on_wall(door_wall, (at - 0.42, 0.0), (at + 0.42, 2.01), 0.020, leaf, MATT))
    parts.append(on_wall(door_wall, (at + 0.32, 0.98), (at + 0.38, 1.04), 0.025, (0.55, 0.55, 0.56), GLOSSY))
    width = rng.uniform(0.5, 0.8)
    along = (y if window_wall % 2 == 0 else x) - width - 0.2
    at = rng.uniform(-along, along)
    top = min(2.15, h - 0.2)
    parts.append(on_wall(window_wall, (at - width, 0.95), (at + width, top), 0.020, frame, MATT))
    for left, right in ((at - width + 0.05, at - 0.025), (at + 0.025, at + width - 0.05)):
        parts.append(on_wall(window_wall, (left, 1.0), (right, top - 0.05), 0.022, glass, GLOSSY))
    return parts
