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
from ide3d_training.datasets.omni3d import Omni3DError, Omni3DImage, Omni3DLabels, Omni3DObject
from ide3d_training.datasets.omni3d_referring import Reference, describe_image
from ide3d_training.datasets.packing import Prompt, Sample
from ide3d_training.worlds.scene_graph import ON, FrameGraph, SceneObject

MOST_OBJECTS = 250
"""Instance ids are 1..250."""
HAIR_M = 1e-3


def frame_graph(image: Omni3DImage, camera: Camera) -> tuple[np.ndarray, FrameGraph]:
    """Label an image as rendered frames are labelled.

    There are no masks in the format, so a pixel shows the object whose box its ray enters first; what stands
    inside another box (a vase in a shelf) is seen in front of it. Colour, material, support, pose and height
    of the camera are not known: colour and material are empty, pose and height NaN. Pitch and roll are those
    at which boxes stand upright on average.

    Args:
        image: what is labelled.
        camera: of the picture that the ids belong to, mostly the network-size camera of the same image.

    Returns:
        (H, W) uint8 instance ids, i + 1 for the i-th object of the graph, and the graph, its objects from
        near to far.
    """
    near_first = nearest_objects(image)
    entries = entry_depths([one.box for one in near_first], camera)  # (O, H, W)
    ids = np.zeros((camera.height, camera.width), np.uint8)
    if near_first:
        ids = np.where(np.isfinite(entries).any(0), entries.argmin(0) + 1, 0).astype(np.uint8)
    objects = tuple(
        SceneObject(
            id=place + 1,
            category=one.category,
            color="",
            material="",
            box=one.box,
            visible_pixels=int((ids == place + 1).sum()),
            visible_fraction=_visible_fraction(one, ids == place + 1, entries[place]),
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


def nearest_objects(image: Omni3DImage) -> list[Omni3DObject]:
    """Return the objects that a frame's labels hold, from near to far."""
    return sorted(image.objects, key=lambda one: one.box.center[2])[:MOST_OBJECTS]


def entry_depths(boxes: list[Box3D], camera: Camera) -> np.ndarray:
    """Say how deep each pixel's ray enters each box; one that stands inside another counts as before it.

    Returns:
        (O, H, W) metres along the optical axis, infinite where a ray misses the box.
    """
    v, u = np.mgrid[0 : camera.height, 0 : camera.width]
    rays = camera.rays(np.column_stack([u.ravel(), v.ravel()]))
    entries = np.full((len(boxes), camera.height * camera.width), np.inf)
    for entry, box in zip(entries, boxes, strict=True):
        along = rays @ box.rotation
        along = np.where(np.abs(along) < 1e-12, 1e-12, along)
        start, half = -box.center @ box.rotation, box.extents / 2
        low, high = (-half - start) / along, (half - start) / along
        first, last = np.minimum(low, high).max(-1), np.maximum(low, high).min(-1)
        hit = (first <= last) & (last > 0)
        entry[hit] = np.maximum(first[hit], 0.0)
    seen = entries.copy()
    for inner, box in enumerate(boxes):
        for outer, around in enumerate(boxes):
            if outer != inner and around.volume > box.volume and around.contains(box.center):
                # Just before the box around it, and what is nearer inside still before what is farther.
                before = np.minimum(seen[inner], entries[outer] - HAIR_M / (1 + entries[inner]))
                seen[inner] = np.where(np.isfinite(entries[inner]), before, np.inf)
    return seen.reshape(len(boxes), camera.height, camera.width)


def _visible_fraction(one: Omni3DObject, shown: np.ndarray, entries: np.ndarray) -> float:
    """Take the labels' word for it, or the share of the box's pixels that it keeps, less what is cut off."""
    if one.visibility is not None:
        return one.visibility
    kept = shown.sum() / max(np.isfinite(entries).sum(), 1)
    return float(kept * (1.0 - (one.truncation or 0.0)))


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
        place = {one.id: rows.get(number + 1) for number, one in enumerate(nearest_objects(image))}
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
