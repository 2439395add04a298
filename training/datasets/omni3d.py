# SPDX-License-Identifier: Apache-2.0
"""Read labels in the Omni3D format (arXiv 2207.10660), which SUN RGB-D, Objectron, KITTI, nuScenes and others
have been brought to. The data is not here: it has terms of its own.

A file is {info, images, categories, annotations}. An image has `width`, `height`, `file_path` and the
intrinsic matrix `K`. An annotation has `center_cam` in metres (x right, y down, z forward), `dimensions`
[w, h, l] and `R_cam`, whose own axes run along the length (x), down the height (y) and along the width (z),
and mostly `bbox3D_cam`, the eight corners. The project's boxes have x out of the front, y to the left and z
up, so extents are (l, w, h) and the rotation's columns are (x, z, -y) of theirs.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ide3d_ros.geometry.box import Box3D, BoxError
from ide3d_ros.geometry.camera import Camera, CameraError

THEIRS_FROM_OWN = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]])
"""Its columns are the project's axes of a box, written along Omni3D's."""
CORNER_TOLERANCE = 0.02
"""Corners may be off by this share of the box's diagonal; beyond it the annotation contradicts itself."""
NEAREST = 0.1
"""Least depth of a box's centre, metres."""


class Omni3DError(ValueError):
    """A label file is missing, damaged or not of this format; the sentence names the file."""


@dataclass(frozen=True, eq=False)
class Omni3DObject:
    """One annotation with a usable box.

    Attributes:
        id: of the annotation.
        category: its name, lower case.
        box: metres, in the optical frame.
        visibility: share of the object that is not hidden, 0..1; None where it is not known.
        truncation: share that lies outside the image, 0..1; None where it is not known.
    """

    id: int
    category: str
    box: Box3D
    visibility: float | None
    truncation: float | None


@dataclass(frozen=True, eq=False)
class Omni3DImage:
    """One image with its boxes.

    Attributes:
        id: of the image.
        file_path: below the folder of images.
        camera: of the image.
        objects: annotations with a usable box.
        others: categories of annotations without one: they are in the image, but nobody says where.
    """

    id: int
    file_path: str
    camera: Camera
    objects: tuple[Omni3DObject, ...]
    others: frozenset[str]


class Omni3DLabels:
    """The images of one label file.

    Attributes:
        name: of the label file, without its ending: data set and split.
        images: those with a usable camera, in the order of the file.
        skipped: why annotations and images were left out, and how many.

    Args:
        path: the JSON file.

    Raises:
        Omni3DError: if it is missing or not of the format.
    """

    def __init__(self, path: Path):
        content = _read(path)
        self.name = path.stem
        self.skipped: Counter[str] = Counter()
        annotations: dict[int, list[dict]] = defaultdict(list)
        try:
            for annotation in content["annotations"]:
                annotations[annotation["image_id"]].append(annotation)
            images = [self._image(image, annotations[image["id"]]) for image in content["images"]]
        except (KeyError, TypeError, ValueError) as error:
            raise Omni3DError(
                f"{path} is not in the Omni3D format: {type(error).__name__}: {error}"
            ) from error
        self.images = [image for image in images if image is not None]

    def mean_extents(self) -> dict[str, tuple[float, float, float]]:
        """Return the mean extents of every category with a box, by name, in metres."""
        extents: dict[str, list[np.ndarray]] = defaultdict(list)
        for image in self.images:
            for one in image.objects:
                extents[one.category].append(one.box.extents)
        return {name: tuple(np.mean(extents[name], 0).tolist()) for name in sorted(extents)}

    def _image(self, image: dict[str, Any], annotations: list[dict]) -> Omni3DImage | None:
        try:
            camera = Camera.from_matrix(np.asarray(image["K"], np.float64), image["width"], image["height"])
        except CameraError:
            self.skipped["images without a usable camera"] += 1
            return None
        objects, others = [], set()
        for annotation in annotations:
            found = self._object(annotation)
            if found is None:
                others.add(annotation["category_name"].lower())
            else:
                objects.append(found)
        return Omni3DImage(image["id"], image["file_path"], camera, tuple(objects), frozenset(others))

    def _object(self, annotation: dict[str, Any]) -> Omni3DObject | None:
        if not annotation["valid3D"] or annotation.get("behind_camera"):
            return self._leave_out("annotations without a 3D box")
        try:
            box = box_from_annotation(annotation)
        except BoxError:
            return self._leave_out("annotations whose R_cam is no rotation")
        if not box.is_valid() or box.center[2] < NEAREST:
            return self._leave_out("boxes without a size or not in front of the camera")
        if "bbox3D_cam" in annotation and not _agrees(box, np.asarray(annotation["bbox3D_cam"], np.float64)):
            return self._leave_out("boxes that their own bbox3D_cam contradicts")
        return Omni3DObject(
            id=annotation["id"],
            category=annotation["category_name"].lower(),
            box=box,
            visibility=_share(annotation.get("visibility")),
            truncation=_share(annotation.get("truncation")),
        )

    def _leave_out(self, why: str) -> None:
        self.skipped[why] += 1


def box_from_annotation(annotation: dict[str, Any]) -> Box3D:
    """Read an annotation's box in the project's convention.

    Raises:
        BoxError: if `R_cam` is no rotation.
    """
    width, height, length = annotation["dimensions"]
    rotation = np.asarray(annotation["R_cam"], np.float64) @ THEIRS_FROM_OWN
    return Box3D.from_matrix(
        np.asarray(annotation["center_cam"]), np.array([length, width, height]), rotation
    )


def annotation_from_box(box: Box3D) -> dict[str, Any]:
    """Write a box as an annotation's geometry; the other way round of `box_from_annotation`."""
    length, width, height = box.extents.tolist()
    return {
        "center_cam": box.center.tolist(),
        "dimensions": [width, height, length],
        "R_cam": (box.rotation @ THEIRS_FROM_OWN.T).tolist(),
    }


def _agrees(box: Box3D, corners: np.ndarray) -> bool:
    """Tell whether eight corners, in whatever order, are those of a box."""
    if corners.shape != (8, 3):
        return False
    apart = np.linalg.norm(box.corners()[:, None] - corners[None], axis=-1)
    return bool(max(apart.min(0).max(), apart.min(1).max()) <= CORNER_TOLERANCE * np.linalg.norm(box.extents))


def _share(value: float | None) -> float | None:
    """Return a share; the format writes -1 where it is not known."""
    return None if value is None or not 0 <= value <= 1 else float(value)


def _read(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise Omni3DError(
            f"there is no {path}; the label files are part of Omni3D, which its authors give out"
        ) from None
    except (OSError, ValueError) as error:
        raise Omni3DError(f"{path} is no JSON: {error}") from error
    if not isinstance(content, dict):
        raise Omni3DError(f"{path} holds a {type(content).__name__}, not an object with images")
    return content
