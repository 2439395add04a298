# SPDX-License-Identifier: Apache-2.0
"""Omni3D images as the project's frames: the scene graph, who covers which pixel, and training samples."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from tokenizers import Tokenizer
from torch.utils.data import Dataset

from ide3d_ros.geometry import gravity_angles
from ide3d_ros.geometry.box import Box3D
from ide3d_ros.geometry.camera import Camera
from ide3d_ros.network import NetworkConfig
from ide3d_ros.scene.preprocessing import prepare_image
from ide3d_training.datasets.augmentation import jitter_light
from ide3d_training.datasets.frame_targets import frame_targets
from ide3d_training.datasets.omni3d import Omni3DError, Omni3DImage, Omni3DLabels
from ide3d_training.datasets.omni3d_referring import Reference, describe_image
from ide3d_training.datasets.packing import Prompt, Sample
from ide3d_training.worlds.scene_graph import ON, FrameGraph, SceneObject

MOST_OBJECTS = 250
"""Instance ids are 1..250."""
_SUBPIXEL_BITS = 4
_FAR_PIXEL = 1e5


def frame_graph(image: Omni3DImage, camera: Camera) -> tuple[np.ndarray, FrameGraph]:
    """Label an image as rendered frames are labelled.

    There are no masks in the format, so the pixels of an object are those inside its box's silhouette, nearer
    boxes over farther ones. Colour, material, support, pose and height of the camera are not known: colour
    and material are empty, pose and height NaN. Pitch and roll are those at which boxes stand upright on
    average.

    Args:
        image: what is labelled.
        camera: of the pictures to make, mostly the network-size camera of the same image.

    Returns:
        (H, W) uint8 instance ids, i + 1 for the i-th object of the graph, and the graph, its objects from
        near to far.
    """
    near_first = sorted(image.objects, key=lambda one: one.box.center[2])[:MOST_OBJECTS]
    ids = np.zeros((camera.height, camera.width), np.uint8)
    areas = [0.0] * len(near_first)
    for place in reversed(range(len(near_first))):
        outline = silhouette(near_first[place].box, camera)
        areas[place] = float(cv2.contourArea(outline)) if len(outline) else 0.0
        if len(outline):
            fixed = np.round(outline * 2**_SUBPIXEL_BITS).astype(np.int32)
            cv2.fillConvexPoly(ids, fixed, place + 1, shift=_SUBPIXEL_BITS)
    visible = np.bincount(ids.ravel(), minlength=len(near_first) + 1)[1:]
    objects = tuple(
        SceneObject(
            id=place + 1,
            category=one.category,
            color="",
            material="",
            box=one.box,
            visible_pixels=int(visible[place]),
            visible_fraction=(
                float(min(visible[place] / max(areas[place], 1.0), 1.0))
                if one.visibility is None
                else one.visibility
            ),
            support=None,
            relation=ON,
            against_wall=False,
        )
        for place, one in enumerate(near_first)
    )
    pitch, roll = _gravity([one.box for one in near_first])
    graph = FrameGraph(
        seed=image.id,
        room_type="",
        index=0,
        camera=camera,
        pitch=pitch,
        roll=roll,
        camera_height=float("nan"),
        world_from_camera=np.full((4, 4), np.nan),
        objects=objects,
    )
    return ids, graph


def silhouette(box: Box3D, camera: Camera) -> np.ndarray:
    """Return the outline (n, 2) float32 of a box in an image, pixels; empty if no side of it can be seen.

    Corners behind the camera are left out, so the outline of a box that the camera stands in is too small.
    """
    pixels = camera.project(box.corners())
    pixels = pixels[np.isfinite(pixels).all(1)].clip(-_FAR_PIXEL, _FAR_PIXEL)
    if len(pixels) < 3:
        return np.zeros((0, 2), np.float32)
    return cv2.convexHull(pixels.astype(np.float32))[:, 0]


def _gravity(boxes: list[Box3D]) -> tuple[float, float]:
    if not boxes:
        return 0.0, 0.0
    upright = np.zeros((3, 3))
    upright[:, 2] = np.mean([box.rotation[:, 2] for box in boxes], 0)
    pitch, roll = gravity_angles(upright)
    return float(pitch), float(roll)


class Omni3DDataset(Dataset):
    """Training samples of an Omni3D label file, with the same keys as `RoomDataset`: (epoch, image).

    Args:
        labels: what is in the images.
        images: folder that the labels' file paths lie in.
        config: the network that is trained; its categories must include those of the labels.
        tokenizer: turns texts into ids.
        seed: with epoch and image it fixes every draw.
        expressions: most expressions of an image in a sample.

    Raises:
        Omni3DError: if the network does not know a category.
    """

    def __init__(
        self,
        labels: Omni3DLabels,
        images: Path,
        config: NetworkConfig,
        tokenizer: Tokenizer,
        seed: int,
        *,
        expressions: int = 6,
    ):
        if unknown := sorted(set(labels.mean_extents()) - set(config.categories)):
            raise Omni3DError(
                f"{labels.name} has the category {unknown[0]!r}, which the network does not know; build "
                "it with the categories of Omni3DLabels.mean_extents"
            )
        self._labels, self._folder, self._config = labels, images, config
        self._tokenizer, self._seed, self._expressions = tokenizer, seed, expressions

    def __len__(self) -> int:
        return len(self._labels.images)

    def __getitem__(self, key: tuple[int, int]) -> list[Sample]:
        """Return the sample of (epoch, image), or nothing where nothing can be asked.

        Raises:
            Omni3DError: if the picture is missing or not of its labels' size.
        """
        epoch, index = key
        image = self._labels.images[index]
        rng = np.random.default_rng((self._seed, epoch, index))
        references = describe_image(image, rng, self._expressions)
        if not references:
            return []
        prepared = prepare_image(self._read(image), image.camera, self._config.width, self._config.height)
        ids, graph = frame_graph(image, prepared.camera)
        targets, rows = frame_targets(ids, graph, self._config)
        near_first = sorted(image.objects, key=lambda one: one.box.center[2])[:MOST_OBJECTS]
        place = {one.id: rows.get(number + 1) for number, one in enumerate(near_first)}
        prompts = tuple(
            self._prompt(one, place[one.target_id])
            for one in references
            if place.get(one.target_id) is not None
        )
        if not prompts:
            return []
        return [
            Sample(jitter_light(prepared.pixels, rng), prepared.camera.K.astype(np.float32), prompts, targets)
        ]

    def _prompt(self, reference: Reference, row: int) -> Prompt:
        ids = self._tokenizer.encode(f"<locate> {reference.text}").ids
        return Prompt(tuple(ids), (), (row,))

    def _read(self, image: Omni3DImage) -> np.ndarray:
        path = self._folder / image.file_path
        picture = cv2.imread(str(path), cv2.IMREAD_COLOR)
        if picture is None:
            raise Omni3DError(
                f"{path} cannot be read as a picture; is {self._folder} the folder of the images?"
            )
        if picture.shape[:2] != (image.camera.height, image.camera.width):
            raise Omni3DError(
                f"{path} is {picture.shape[1]}x{picture.shape[0]}, but its labels say "
                f"{image.camera.width}x{image.camera.height}"
            )
        return cv2.cvtColor(picture, cv2.COLOR_BGR2RGB)
