# SPDX-License-Identifier: Apache-2.0
"""Where the camera stands for a single view of a room: within the ranges of the room's split, clear of
everything, and with something to speak of in the frame.

Many places are drawn at random and judged together, with numpy, on the objects' boxes alone. All loops are
bounded: in a room that is stuffed full the camera ends up where most space is left.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np

from ide3d_ros.geometry.rotation import optical_from_level, yaw_rotation
from ide3d_training.worlds.room import VIEW_STREAM, Room
from ide3d_training.worlds.scene_graph import IN, REFERABLE_AREA
from ide3d_training.worlds.splits import CameraRange, Interval, split_of

OBJECT_CLEARANCE = 0.45  # from the camera to any object's box, metres
WALL_CLEARANCE = 0.2
NEAREST = 1.0  # where the wished distance does not fit: to what the camera looks at, horizontally, metres
MIN_REFERABLE = 2

_CANDIDATES = 160
_JUDGED = 24  # of the candidates that stand clear: the costly look at what they see
_AT_ONCE = 6
_ROUNDS = 2
_ENOUGH = (4, 8)  # objects expected to be clearly visible; drawn, so that frames differ in fullness
_PITCH_LIMITS = (np.deg2rad(-25.0), np.deg2rad(50.0))
_GRID = 0.25  # metres, of the places that the last resort chooses from
# A box's projection covers about this share of the rectangle around it, and its object less than the box.
_FILL = 0.45
_SHOWN = 0.5  # of an object's sample points that must show for it to count
_CORNERS = np.array([(x, y, z) for x in (-1.0, 1.0) for y in (-1.0, 1.0) for z in (-1.0, 1.0)])
_SAMPLES = np.concatenate([0.5 * _CORNERS, np.zeros((1, 3))])


@dataclass(frozen=True)
class CameraPose:
    """A camera in the world.

    Attributes:
        position: (3,) metres.
        heading: of the optical axis about z, radians.
        pitch, roll: gravity angles as in ``geometry.rotation``, radians; pitch > 0 looks down.
        horizontal_fov: radians.
        distance: to what it looks at, horizontally, metres; infinite if that is nothing in particular.
    """

    position: np.ndarray
    heading: float
    pitch: float
    roll: float
    horizontal_fov: float
    distance: float = np.inf

    @property
    def world_from_camera(self) -> np.ndarray:
        """The (4, 4) transform from the optical frame to the world."""
        transform = np.eye(4)
        transform[:3, :3] = yaw_rotation(self.heading) @ optical_from_level(self.pitch, self.roll).T
        transform[:3, 3] = self.position
        return transform

    @property
    def target(self) -> np.ndarray:
        """(2,) what it looks at, seen from above, metres."""
        return self.position[:2] + self.distance * np.array([np.cos(self.heading), np.sin(self.heading)])


def camera_pose(room: Room, view: int = 0, attempt: int = 0, aspect: float = 4 / 3) -> CameraPose:
    """Choose where to look at the room from.

    Height, field of view, tilt and the distance to what is looked at come from the split of the room's seed.
    Of the places drawn the first is taken that stands clear, has the wished distance and is expected to see
    enough; otherwise the one that sees most; otherwise the freest place in the room.

    Args:
        room: the room.
        view: number of the view, 0 upwards; every view is another place.
        attempt: another choice for the same view, for a caller whose frame turned out too empty.
        aspect: of the image, width over height.

    Returns:
        The pose, the same for the same arguments. It keeps OBJECT_CLEARANCE from all objects unless no place
        of the room does.
    """
    rng = np.random.default_rng((room.seed, VIEW_STREAM, view, attempt))
    wishes = split_of(room.seed).camera
    enough = min(int(rng.integers(*_ENOUGH, endpoint=True)), len(room.objects))
    best, best_seen = None, -1
    for _ in range(_ROUNDS):
        poses = _clear_candidates(room, wishes, rng)
        for begin in range(0, len(poses), _AT_ONCE):
            group = poses[begin : begin + _AT_ONCE]
            seen = count_visible(room, group, aspect)
            if np.any(seen >= enough):
                return group[int(np.argmax(seen >= enough))]
            if seen.max() > best_seen:
                best, best_seen = group[int(np.argmax(seen))], int(seen.max())
        if best_seen > MIN_REFERABLE:
            break
    return best or _freest(room, wishes, rng)


def clearances(room: Room, positions: np.ndarray) -> np.ndarray:
    """Return the distances from points to the nearest object's box.

    Args:
        room: the room.
        positions: (N, 3) metres.

    Returns:
        (N,) metres, 0 inside a box, infinite in an empty room.
    """
    boxes = _boxes(room)
    local = np.abs(np.einsum("nmi,mij->nmj", positions[:, None] - boxes.centers, boxes.rotations))
    outside = np.maximum(local - boxes.halves, 0.0)
    return np.sqrt(np.min(np.sum(outside**2, axis=2), axis=1, initial=np.inf))


def clearance(room: Room, position: np.ndarray) -> float:
    """Return the distance from a point (3,) to the nearest object's box, metres, 0 inside one."""
    return float(clearances(room, position[None])[0])


def inside_walls(room: Room, positions: np.ndarray) -> np.ndarray:
    """Tell which points (N, 2) or (N, 3) keep WALL_CLEARANCE from the walls."""
    return np.all(np.abs(positions[:, :2]) <= room.size[:2] / 2 - WALL_CLEARANCE + 1e-9, axis=1)


def count_visible(room: Room, poses: list[CameraPose], aspect: float) -> np.ndarray:
    """Estimate how many objects an expression could speak of, without drawing.

    Of every object nine points of its box are looked for: they must lie in the frame, and no other box may
    stand before them. Boxes hide more than the things in them, so the estimate is on the low side.

    Args:
        room: the room.
        poses: K cameras.
        aspect: of the image, width over height.

    Returns:
        (K,) int, the number of objects expected to be clearly visible.
    """
    boxes = _boxes(room)
    worlds = np.stack([pose.world_from_camera for pose in poses])
    half_x = np.tan([pose.horizontal_fov / 2 for pose in poses])[:, None, None]
    half = np.stack([half_x, half_x / aspect], axis=-1)  # (K, 1, 1, 2)
    eyes, rotations = worlds[:, :3, 3], worlds[:, :3, :3]

    corners = np.einsum("kmpi,kij->kmpj", boxes.corners - eyes[:, None, None], rotations)
    plane = np.clip(corners[..., :2] / np.maximum(corners[..., 2:], 1e-3), -half, half) / half
    spans = plane.max(axis=2) - plane.min(axis=2)  # (K, M, 2), 2 is the whole frame
    large = _FILL * spans.prod(axis=-1) / 4 >= REFERABLE_AREA

    samples = boxes.samples[None] - eyes[:, None, None]  # (K, M, P, 3)
    seen = np.einsum("kmpi,kij->kmpj", samples, rotations)
    framed = (seen[..., 2] > 0) & np.all(np.abs(seen[..., :2]) < half * seen[..., 2:], axis=-1)
    # Segments from the eye (0) to a sample (1) against every box, in that box's axes.
    origins = np.einsum("kbi,bij->kbj", eyes[:, None] - boxes.centers, boxes.rotations)
    along = np.einsum("kmpi,bij->kmpbj", samples, boxes.rotations, optimize=True).astype(np.float32)
    origins, halves = origins.astype(np.float32)[:, None, None], boxes.halves.astype(np.float32)
    with np.errstate(divide="ignore", invalid="ignore"):
        inverse = 1.0 / along
        reach = np.abs(halves * inverse)
        middle = -origins * inverse
        enter, leave = (middle - reach).max(axis=-1), (middle + reach).min(axis=-1)
    blocked = (enter < leave) & (leave > 0) & (enter < 0.999) & boxes.hides[None, :, None, :]
    shown = (framed & ~blocked.any(axis=-1)).mean(axis=2) >= _SHOWN
    return np.sum(shown & large, axis=1)


@dataclass(frozen=True)
class _Boxes:
    """The boxes of a room's M objects: centres, half sizes and axes in the world, points of them.

    Attributes:
        centers, halves: (M, 3) metres.
        rotations: (M, 3, 3) from the box's axes to the world's.
        corners: (M, 8, 3) metres, world.
        samples: (M, 9, 3) metres, world: the middle, and halfway from it to the corners.
        hides: (M, M) whether the second object's box may hide the first object.
        on_floor: (M,) bool.
    """

    centers: np.ndarray
    halves: np.ndarray
    rotations: np.ndarray
    corners: np.ndarray
    samples: np.ndarray
    hides: np.ndarray
    on_floor: np.ndarray


@functools.lru_cache(maxsize=4)
def _boxes(room: Room) -> _Boxes:
    objects = room.objects
    halves = np.array([placed.extents / 2 for placed in objects]).reshape(-1, 3)
    centers = np.array([placed.position for placed in objects]).reshape(-1, 3) + halves * (0.0, 0.0, 1.0)
    rotations = np.array([placed.rotation for placed in objects]).reshape(-1, 3, 3)

    def points(unit: np.ndarray) -> np.ndarray:
        return centers[:, None] + np.einsum("mij,mpj->mpi", rotations, unit * halves[:, None])

    row = {placed.id: i for i, placed in enumerate(objects)}
    hides = ~np.eye(len(objects), dtype=bool)
    for i, placed in enumerate(objects):
        if placed.relation == IN and placed.support in row:
            hides[i, row[placed.support]] = False  # shelves are open
    on_floor = np.array([placed.support is None for placed in objects], bool)
    return _Boxes(centers, halves, rotations, points(_CORNERS), points(_SAMPLES), hides, on_floor)


def centroid(room: Room) -> np.ndarray:
    """Return the middle (3,) of what stands on the floor, metres; of the floor itself if nothing does."""
    boxes = _boxes(room)
    return boxes.centers[boxes.on_floor].mean(axis=0) if boxes.on_floor.any() else np.array([0.0, 0.0, 0.5])


def _clear_candidates(room: Room, wishes: CameraRange, rng: np.random.Generator) -> list[CameraPose]:
    """Draw places and return up to _JUDGED that stand clear: those at the wished distance in the order they
    were drawn, or else the most distant ones."""
    n = _CANDIDATES
    boxes = _boxes(room)
    middle = centroid(room)
    pieces = boxes.centers[boxes.on_floor] if boxes.on_floor.any() else middle[None]
    target = middle + (pieces[rng.integers(len(pieces), size=n)] - middle) * rng.uniform(0.0, 1.0, (n, 1))
    target[:, :2] += rng.uniform(-0.3, 0.3, (n, 2))
    target[:, 2] = np.clip(target[:, 2] + rng.uniform(-0.25, 0.25, n), 0.2, 1.1)
    heading = rng.uniform(-np.pi, np.pi, n)
    height = np.minimum(_draw(wishes.height, n, rng), room.size[2] - WALL_CLEARANCE)
    wished = _draw(wishes.distance, n, rng)
    nod = rng.uniform(-0.07, 0.07, n)
    roll = rng.uniform(-wishes.roll, wishes.roll, n)
    fov = _draw(wishes.horizontal_fov, n, rng)

    ahead = np.column_stack([np.cos(heading), np.sin(heading)])
    with np.errstate(divide="ignore"):
        walls = (room.size[:2] / 2 - WALL_CLEARANCE + np.sign(ahead) * target[:, :2]) / np.abs(ahead)
    distance = np.minimum(wished, walls.min(axis=1))
    positions = np.column_stack([target[:, :2] - ahead * distance[:, None], height])
    clear = (distance >= NEAREST) & inside_walls(room, positions)
    clear &= clearances(room, positions) >= OBJECT_CLEARANCE
    usable = np.flatnonzero(clear & (distance == wished))
    if not len(usable):
        usable = np.flatnonzero(clear)
        usable = usable[np.argsort(-distance[usable], kind="stable")]
    usable = usable[:_JUDGED]
    pitch = np.clip(np.arctan2(height - target[:, 2], distance) + nod, *_PITCH_LIMITS)
    return [
        CameraPose(
            position=positions[i],
            heading=float(heading[i]),
            pitch=float(pitch[i]),
            roll=float(roll[i]),
            horizontal_fov=float(fov[i]),
            distance=float(distance[i]),
        )
        for i in usable
    ]


def _freest(room: Room, wishes: CameraRange, rng: np.random.Generator) -> CameraPose:
    """Return a look at the furniture from the place that is furthest from everything."""
    half = np.maximum(room.size[:2] / 2 - WALL_CLEARANCE, 0.0)
    x, y = (np.linspace(-reach, reach, 2 * int(reach / _GRID) + 1) for reach in half)
    heights = np.unique(np.minimum(wishes.height, room.size[2] - WALL_CLEARANCE))
    places = np.stack(np.meshgrid(x, y, heights, indexing="ij"), axis=-1).reshape(-1, 3)
    position = places[np.argmax(clearances(room, places))]
    ahead = centroid(room) - position
    distance = float(np.hypot(*ahead[:2]))
    return CameraPose(
        position=position,
        heading=float(np.arctan2(ahead[1], ahead[0])),
        pitch=float(np.clip(np.arctan2(-ahead[2], distance), *_PITCH_LIMITS)),
        roll=0.0,
        horizontal_fov=float(_draw(wishes.horizontal_fov, 1, rng)[0]),
        distance=distance,
    )


def _draw(intervals: tuple[Interval, ...], count: int, rng: np.random.Generator) -> np.ndarray:
    """Return (count,) values, uniform over the union of the intervals."""
    low, high = np.array(intervals).T
    lengths = high - low
    at = rng.uniform(0.0, lengths.sum(), count)
    ends = np.cumsum(lengths)
    which = np.minimum(np.searchsorted(ends, at, side="right"), len(low) - 1)
    return low[which] + at - (ends - lengths)[which]
