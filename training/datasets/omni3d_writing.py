# SPDX-License-Identifier: Apache-2.0
"""Write rendered rooms in the Omni3D format, so that all that reads it can be tried without the data."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from ide3d_training.datasets.frame_store import FrameStore
from ide3d_training.datasets.omni3d import annotation_from_box
from ide3d_training.worlds.scene_graph import SceneObject

# Corners along the format's axes of a box: length along x, height along y, width along z.
_SIGNS = np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)]) / 2


def write_omni3d(store: FrameStore, count: int, folder: Path, name: str) -> Path:
    """Write the first frames of a store as images and a label file.

    What nothing is seen of is not written, as people would not label it. Visibility is that of the scene
    graph; truncation, whose share it holds already, is written as not known.

    Args:
        store: rendered rooms.
        count: number of frames.
        folder: made if it is not there; files in it are replaced.
        name: of the label file, without its ending.

    Returns:
        the label file; the images lie beside it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    images, annotations = [], []
    categories: dict[str, int] = {}
    for index in range(count):
        graph, ids = store.graph(index), store.ids(index)
        picture = folder / f"{name}-{index:05d}.png"
        if not cv2.imwrite(str(picture), cv2.cvtColor(store.image(index), cv2.COLOR_RGB2BGR)):
            raise OSError(f"{picture} could not be written")
        images.append(
            {
                "id": index,
                "dataset_id": 0,
                "width": graph.camera.width,
                "height": graph.camera.height,
                "file_path": picture.name,
                "K": graph.camera.K.tolist(),
                "src_90_rotate": 0,
                "src_flagged": False,
            }
        )
        for one in graph.objects:
            if one.visible_pixels:
                category = categories.setdefault(one.category, len(categories))
                place = {"id": len(annotations), "image_id": index, "category_id": category}
                annotations.append(place | _annotation(one, ids))
    content = {
        "info": {"name": name, "source": "rendered rooms"},
        "images": images,
        "categories": [{"id": number, "name": text} for text, number in categories.items()],
        "annotations": annotations,
    }
    path = folder / f"{name}.json"
    path.write_text(json.dumps(content, allow_nan=False), encoding="utf-8")
    return path


def _annotation(one: SceneObject, ids: np.ndarray) -> dict[str, Any]:
    stated = annotation_from_box(one.box)
    width, height, length = stated["dimensions"]
    corners = (_SIGNS * (length, height, width)) @ np.array(stated["R_cam"]).T + stated["center_cam"]
    rows, columns = np.nonzero(ids == one.id)
    return stated | {
        "category_name": one.category,
        "valid3D": True,
        "behind_camera": bool((corners[:, 2] <= 0).any()),
        "bbox3D_cam": corners.tolist(),
        # Around whole pixels, whose centres have whole numbers.
        "bbox2D_tight": [columns.min() - 0.5, rows.min() - 0.5, columns.max() + 0.5, rows.max() + 0.5],
        "bbox2D_proj": [-1, -1, -1, -1],
        "bbox2D_trunc": [-1, -1, -1, -1],
        "visibility": one.visible_fraction,
        "truncation": -1,
        "segmentation_pts": len(rows),
        "lidar_pts": -1,
        "depth_error": -1,
    }
