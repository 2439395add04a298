# SPDX-License-Identifier: Apache-2.0
"""Read labels in the Omni3D format (arXiv 2207.10660), which SUN RGB-D, Objectron, KITTI, nuScenes and others
have been brought to. The data is not here: it has terms of its own.

A file is {info, images, categories, annotations}. An image has `width`, `height`, `file_path` and the
intrinsic matrix `K`. An annotation has `center_cam` in metres (x right, y down, z forward), `dimensions`
[w, h, l] and `R_cam`, whose own axes run along the length (x), down the height (y) and along the width (z),
and mostly `bbox3D_cam`, the eight corners. The project's boxes have x out of the front, y to the left and z
up, so extents are (l, w, h) and the rotation's columns are (x, z, -y) of theirs.

Rectangles are (x1, y1, x2, y2) in pixels: `bbox2D_tight` is drawn around what is seen of the thing,
`bbox2D_trunc` and `bbox2D_proj` around its projected corners, cut off at the image's edge or not. What the
format has ignored (little of it seen, no lidar point in it, a box that misses the depth map) is in the image,
but nothing is to be learned of it.
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
UNLABELLED = frozenset({"dontcare", "ignore", "void"})
"""Names of regions whose things nobody has labelled."""
HIDDEN, CUT_OFF, WRONG_DEPTH = 0.25, 0.75, 0.5
"""Ignored are things with this visibility or less, this truncation or more, more of this depth error (m): the
format's own settings for training."""


class Omni3DError(ValueError):
    """A label file is missing, damaged or not of this format; the sentence names the file."""


@dataclass(frozen=True, eq=False)
class Omni3DObject:
    """One annotation that can be learned from.

    Attributes:
        id: of the annotation.
        category: its name, lower case.
        box: metres, in the optical frame.
        visibility: share of the object that is not hidden, 0..1; None where it is not known.
        truncation: share that lies outside the image, 0..1; None where it is not known.
        tight: (4,) rectangle around what is seen of it; None where there is none.
    """

    id: int
    category: str
    box: Box3D
    visibility: float | None
    truncation: float | None
    tight: np.ndarray | None = None


@dataclass(frozen=True, eq=False)
class Omni3DRegion:
    """One annotation that nothing is to be learned from: something is there.

    Attributes:
        category: its name, lower case.
        box: metres, in the optical frame, perhaps behind the camera; None where none can be trusted.
        rectangle: (4,) the tightest that is known; with neither it may be anywhere in the image.
    """

    category: str
    box: Box3D | None = None
    rectangle: np.ndarray | None = None


@dataclass(frozen=True, eq=False)
class Omni3DImage:
    """One image with its boxes.

    Attributes:
        id: of the image.
        file_path: below the folder of images.
        camera: of the image.
        objects: annotations to learn from.
        regions: the others.
        labelled: categories that its label file has somewhere.
        flagged: its sky is marked as perhaps not being where the boxes say.
    """

    id: int
    file_path: str
    camera: Camera
    objects: tuple[Omni3DObject, ...]
    regions: tuple[Omni3DRegion, ...] = ()
    labelled: frozenset[str] = frozenset()
    flagged: bool = False

    @property
    def others(self) -> frozenset[str]:
        """Categories of which the image shows something that nobody says enough of."""
        return frozenset(region.category for region in self.regions)


class Omni3DLabels:
    """The images of one label file.

    Attributes:
        name: of the label file, without its ending: data set and split.
        categories: names of all that is labelled in any image, lower case.
        images: those with a usable camera, in the order of the file.
        skipped: why annotations and images were left out, and how many.

    Args:
        path: the JSON file.

    Raises:
        Omni3DError: if it is missing or not of the format.
    """

    def __init__(self, path: Path):
        content = _content(path)
        self.name = path.stem
        self.skipped: Counter[str] = Counter()
        annotations: dict[int, list[dict]] = defaultdict(list)
        try:
            for annotation in content["annotations"]:
                annotations[annotation["image_id"]].append(annotation)
            named = {one["category_name"].lower() for found in annotations.values() for one in found}
            self.categories = frozenset(named - UNLABELLED)
            there = {image["id"] for image in content["images"]}
            if lost := sum(len(found) for number, found in annotations.items() if number not in there):
                self.skipped["annotations of images that the file does not have"] = lost
            images = [self._image(image, annotations[image["id"]]) for image in content["images"]]
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise Omni3DError(
                f"{path} is not in the Omni3D format: {type(error).__name__}: {error}"
            ) from error
        self.images = [image for image in images if image is not None]

    def _image(self, image: dict[str, Any], annotations: list[dict]) -> Omni3DImage | None:
        try:
            camera = Camera.from_matrix(np.asarray(image["K"], np.float64), image["width"], image["height"])
        except CameraError:
            self.skipped["images without a usable camera"] += 1
            return None
        found = [self._read(annotation) for annotation in annotations]
        return Omni3DImage(
            id=image["id"],
            file_path=image["file_path"],
            camera=camera,
            objects=tuple(one for one in found if isinstance(one, Omni3DObject)),
            regions=tuple(one for one in found if isinstance(one, Omni3DRegion)),
            labelled=self.categories,
            flagged=bool(image.get("src_flagged", False)),
        )

    def _read(self, annotation: dict[str, Any]) -> Omni3DObject | Omni3DRegion:
        category = annotation["category_name"].lower()
        box, why_not = _usable_box(annotation, category)
        if why_not:
            self.skipped[why_not] += 1
            rectangle = _rectangle(annotation, "bbox2D_tight", "bbox2D_trunc", "bbox2D_proj")
            return Omni3DRegion(category, box, rectangle)
        return Omni3DObject(
            id=annotation["id"],
            category=category,
            box=box,
            visibility=_share(annotation.get("visibility")),
            truncation=_share(annotation.get("truncation")),
            tight=_rectangle(annotation, "bbox2D_tight"),
        )


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


def _usable_box(annotation: dict[str, Any], category: str) -> tuple[Box3D | None, str]:
    """Return an annotation's box, if there is one, and why nothing is to be learned of it, or nothing."""
    if category in UNLABELLED:
        return None, "regions whose things are not labelled"
    if not annotation["valid3D"]:
        return None, "annotations without a 3D box"
    try:
        box = box_from_annotation(annotation)
    except BoxError:
        return None, "annotations whose R_cam is no rotation"
    if not box.is_valid():
        return None, "boxes without a size or not in front of the camera"
    if "bbox3D_cam" in annotation and not _agrees(box, np.asarray(annotation["bbox3D_cam"], np.float64)):
        return None, "boxes that their own bbox3D_cam contradicts"
    if box.center[2] < NEAREST:
        return box, "boxes without a size or not in front of the camera"
    if annotation.get("behind_camera"):
        return box, "boxes that reach behind the camera"
    return box, "boxes that the labels have ignored" if _is_ignored(annotation) else ""


def _is_ignored(annotation: dict[str, Any]) -> bool:
    """Apply the format's own rules; -1 stands for what is not known."""
    visibility, truncation = _share(annotation.get("visibility")), _share(annotation.get("truncation"))
    return (
        (visibility is not None and visibility <= HIDDEN)
        or (truncation is not None and truncation >= CUT_OFF)
        or annotation.get("lidar_pts") == 0
        or annotation.get("segmentation_pts") == 0
        or annotation.get("depth_error", -1) > WRONG_DEPTH
    )


def _rectangle(annotation: dict[str, Any], *names: str) -> np.ndarray | None:
    """Return the first rectangle of those names that is one; the format writes -1 where there is none."""
    for name in names:
        corners = np.asarray(annotation.get(name, ()), np.float64)
        if corners.shape == (4,) and np.isfinite(corners).all() and (corners[2:] > corners[:2]).all():
            return corners
    return None


def _agrees(box: Box3D, corners: np.ndarray) -> bool:
    """Tell whether eight corners, in whatever order, are those of a box."""
    if corners.shape != (8, 3):
        return False
    apart = np.linalg.norm(box.corners()[:, None] - corners[None], axis=-1)
    return bool(max(apart.min(0).max(), apart.min(1).max()) <= CORNER_TOLERANCE * np.linalg.norm(box.extents))


def _share(value: float | None) -> float | None:
    """Return a share; the format writes -1 where it is not known."""
    return None if value is None or not 0 <= value <= 1 else float(value)


def _content(path: Path) -> dict[str, Any]:
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
