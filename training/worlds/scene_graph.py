# SPDX-License-Identifier: Apache-2.0
"""What a rendered frame is labelled with: its camera and the objects in front of it."""

from __future__ import annotations

import json
from dataclasses import dataclass

import numpy as np

from ide3d_ros.geometry.box import Box3D
from ide3d_ros.geometry.camera import Camera

ON, IN = "on", "in"
"""How an object is carried: on the top of its support, or inside it (a shelf, a basket)."""

# An expression may speak of an object that shows at least this much of itself ...
REFERABLE_FRACTION = 0.35
REFERABLE_AREA = 0.0012  # of the frame's pixels
# ... and nobody can be expected to notice one that shows less than this.
UNSEEN_AREA = 0.0003


@dataclass(frozen=True)
class SceneObject:
    """One labelled object.

    Attributes:
        id: its value in the ids picture, 1..250; 0 is the room's shell.
        category: a name of CATEGORIES.
        color: a name of COLORS.
        material: a name of MATERIALS.
        box: its oriented box in the frame's optical frame.
        visible_pixels: pixels of the ids picture that show it.
        visible_fraction: 0..1, visible pixels over the pixels of its silhouette drawn alone and not clipped.
        support: id of the object that carries it; None is the floor.
        relation: how the support carries it, ON or IN; ON where it stands on the floor.
        against_wall: its back stands against a wall.
    """

    id: int
    category: str
    color: str
    material: str
    box: Box3D
    visible_pixels: int
    visible_fraction: float
    support: int | None
    relation: str
    against_wall: bool


@dataclass(frozen=True)
class FrameGraph:
    """One frame's labels.

    Attributes:
        seed: of the room; with ``splits.split_of`` it tells the frame's split.
        room_type: a name of ROOM_TYPES.
        index: of the view in the room.
        camera: intrinsics.
        pitch, roll: gravity angles of the camera, radians (``geometry.rotation``).
        camera_height: above the floor, metres.
        world_from_camera: (4, 4) from the optical frame to the world (z up, floor at z = 0).
        objects: every object of the room whose centre lies in front of the camera, by id.
    """

    seed: int
    room_type: str
    index: int
    camera: Camera
    pitch: float
    roll: float
    camera_height: float
    world_from_camera: np.ndarray
    objects: tuple[SceneObject, ...]

    def is_referable(self, obj: SceneObject) -> bool:
        """Say whether an expression may speak of the object."""
        area = REFERABLE_AREA * self.camera.width * self.camera.height
        return obj.visible_fraction >= REFERABLE_FRACTION and obj.visible_pixels >= area

    def is_unseen(self, obj: SceneObject) -> bool:
        """Say whether the object shows so little that it counts as absent.

        An object that is neither unseen nor referable is ambiguous: nothing said may depend on it.
        """
        return obj.visible_pixels < UNSEEN_AREA * self.camera.width * self.camera.height

    @property
    def referable(self) -> tuple[SceneObject, ...]:
        """The objects an expression may speak of, by id."""
        return tuple(obj for obj in self.objects if self.is_referable(obj))

    def to_json(self) -> str:
        """Return the labels as one line of JSON, with all digits."""
        camera = self.camera
        return json.dumps(
            {
                "seed": self.seed,
                "room_type": self.room_type,
                "index": self.index,
                "camera": {
                    "width": camera.width,
                    "height": camera.height,
                    "fx": camera.fx,
                    "fy": camera.fy,
                    "cx": camera.cx,
                    "cy": camera.cy,
                    "distortion": list(camera.distortion),
                },
                "pitch": self.pitch,
                "roll": self.roll,
                "camera_height": self.camera_height,
                "world_from_camera": self.world_from_camera.tolist(),
                "objects": [
                    {
                        "id": obj.id,
                        "category": obj.category,
                        "color": obj.color,
                        "material": obj.material,
                        "center": obj.box.center.tolist(),
                        "extents": obj.box.extents.tolist(),
                        "quaternion": obj.box.quaternion.tolist(),
                        "visible_pixels": obj.visible_pixels,
                        "visible_fraction": obj.visible_fraction,
                        "support": obj.support,
                        "relation": obj.relation,
                        "against_wall": obj.against_wall,
                    }
                    for obj in self.objects
                ],
            },
            separators=(",", ":"),
        )

    @classmethod
    def from_json(cls, line: str) -> FrameGraph:
        """Restore the labels that ``to_json`` wrote.

        Raises:
            ValueError: if the text is not JSON.
            KeyError: if a field is missing.
        """
        data = json.loads(line)
        camera = dict(data["camera"])
        camera["distortion"] = tuple(camera["distortion"])
        objects = tuple(
            SceneObject(
                id=obj["id"],
                category=obj["category"],
                color=obj["color"],
                material=obj["material"],
                box=Box3D(np.array(obj["center"]), np.array(obj["extents"]), np.array(obj["quaternion"])),
                visible_pixels=obj["visible_pixels"],
                visible_fraction=obj["visible_fraction"],
                support=obj["support"],
                relation=obj["relation"],
                against_wall=obj["against_wall"],
            )
            for obj in data["objects"]
        )
        return cls(
            seed=data["seed"],
            room_type=data["room_type"],
            index=data["index"],
            camera=Camera(**camera),
            pitch=data["pitch"],
            roll=data["roll"],
            camera_height=data["camera_height"],
            world_from_camera=np.array(data["world_from_camera"]),
            objects=objects,
        )
