# SPDX-License-Identifier: Apache-2.0
"""From a window's arrays to detections: decode, drop the weak and the doubled, name each box's frame."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from weakref import WeakKeyDictionary

import numpy as np

from ide3d_ros.bundle import Bundle
from ide3d_ros.engine import Window
from ide3d_ros.geometry.camera import Camera
from ide3d_ros.scene.box_decoding import PointedBox, decode_boxes, decode_field
from ide3d_ros.scene.results import Detection, Frame
from ide3d_ros.scene.suppression import suppress_each, suppress_overlaps


@dataclass(frozen=True, eq=False)
class View:
    """Hold one kept frame: its public identity, and the network-size camera of its tokens."""

    frame: Frame
    camera: Camera


class DetectionReader:
    """Read detections out of a window.

    Args:
        bundle: says how fields are laid out, and from which score and overlap on detections count.
    """

    def __init__(self, bundle: Bundle):
        self._manifest = bundle.manifest
        self._decoding = {"layout": bundle.box_code, "categories": bundle.manifest.categories}
        self._unasked: WeakKeyDictionary[View, tuple[Detection, ...]] = WeakKeyDictionary()

    def read_pointers(
        self, window: Window[View], pointers: np.ndarray, labels: Sequence[str | None]
    ) -> list[tuple[Detection, ...]]:
        """Read what the box queries of several prompts point at, in one pass.

        Args:
            window: what the prompts were read behind.
            pointers: (B, K, F * N + 1) log-probabilities.
            labels: of each prompt's detections; None takes each one's category.

        Returns:
            The detections of each prompt, best score first.
        """
        prefix = window.prefix
        boxes = decode_boxes(
            prefix.fields.reshape(-1, prefix.fields.shape[-1]),
            prefix.gravity,
            pointers,
            frames=[view.camera for view in window.keys],
            tokens_per_frame=self._manifest.network.tokens,
            **self._decoding,
        )
        detections = [
            [self._detection(window.keys[box.frame_index], box, label) for box in one if self._is_strong(box)]
            for one, label in zip(boxes, labels, strict=True)
        ]
        return suppress_each(detections, self._manifest.overlap_threshold)

    def read_field(self, window: Window[View]) -> tuple[Detection, ...]:
        """Read what the tokens state unasked, labelled by category; best score first.

        A frame states the same in every window, so it is read once.
        """
        found = [
            self._unasked[view] if view in self._unasked else self._read_frame(view, fields, gravity)
            for view, fields, gravity in zip(
                window.keys, window.prefix.fields, window.prefix.gravity, strict=True
            )
        ]
        self._unasked.update(zip(window.keys, found, strict=True))
        return tuple(sorted((one for frame in found for one in frame), key=lambda one: -one.score))

    def keep(self, detections: Iterable[Detection]) -> tuple[Detection, ...]:
        """Drop weak detections and the weaker of two that overlap; best score first."""
        strong = filter(self._is_strong, detections)
        return suppress_overlaps(strong, self._manifest.overlap_threshold)

    def _read_frame(self, view: View, fields: np.ndarray, gravity: np.ndarray) -> tuple[Detection, ...]:
        boxes = decode_field(
            fields, gravity, min_score=self._manifest.score_threshold, camera=view.camera, **self._decoding
        )
        return self.keep(self._detection(view, box, None) for box in boxes)

    def _is_strong(self, found: PointedBox | Detection) -> bool:
        return found.score >= self._manifest.score_threshold

    def _detection(self, view: View, box: PointedBox, label: str | None) -> Detection:
        return Detection(
            label=label or box.category,
            score=box.score,
            box=box.box,
            frame=view.frame,
            covariance=box.covariance,
            category=box.category,
            color="" if box.color is None else self._manifest.colors[box.color],
        )
