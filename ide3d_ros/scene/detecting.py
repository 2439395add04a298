# SPDX-License-Identifier: Apache-2.0
"""From a window's arrays to detections: decode, drop the weak and the doubled, name each box's frame."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ide3d_ros.bundle import Bundle, UnsealedBundle
from ide3d_ros.engine import PromptOutput, Window
from ide3d_ros.geometry.camera import Camera
from ide3d_ros.scene.box_decoding import PointedBox, decode_boxes, decode_field
from ide3d_ros.scene.query_decoding import decode_queries
from ide3d_ros.scene.results import Detection, Frame
from ide3d_ros.scene.suppression import suppress_overlaps


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

    def __init__(self, bundle: Bundle | UnsealedBundle):
        self._manifest = bundle.manifest
        self._decoding = {
            "layout": bundle.box_code,
            "tokens_per_frame": bundle.manifest.network.tokens,
            "categories": bundle.manifest.categories,
        }

    def read_pointer(
        self, window: Window[View], output: PromptOutput, prompt: int, label: str | None
    ) -> tuple[Detection, ...]:
        """Read what one prompt's box queries point at.

        Args:
            window: what the prompts were read behind.
            output: of the pass over a batch of prompts.
            prompt: which of them.
            label: of the detections; None takes each one's category.

        Returns:
            Best score first.
        """
        prefix = window.prefix
        fields = prefix.fields.reshape(-1, prefix.fields.shape[-1])
        cameras = [view.camera for view in window.keys]
        pointer = output.pointer[prompt]
        if output.query_box is None:
            boxes = decode_boxes(fields, prefix.gravity, pointer, frames=cameras, **self._decoding)
        else:
            boxes = decode_queries(
                output.query_box[prompt], fields, pointer, frames=cameras, **self._decoding
            )
        return self.keep(self._detection(window, box, label) for box in boxes)

    def read_field(self, window: Window[View]) -> tuple[Detection, ...]:
        """Read what the tokens state unasked, labelled by category; best score first."""
        prefix = window.prefix
        fields = prefix.fields.reshape(-1, prefix.fields.shape[-1])
        boxes = decode_field(
            fields,
            prefix.gravity,
            min_score=self._manifest.score_threshold,
            frames=[view.camera for view in window.keys],
            **self._decoding,
        )
        return self.keep(self._detection(window, box, None) for box in boxes)

    def keep(self, detections: Iterable[Detection]) -> tuple[Detection, ...]:
        """Drop weak detections and the weaker of two that overlap; best score first."""
        strong = [detection for detection in detections if detection.score >= self._manifest.score_threshold]
        return suppress_overlaps(strong, self._manifest.overlap_threshold)

    def _detection(self, window: Window[View], box: PointedBox, label: str | None) -> Detection:
        return Detection(
            label=label or box.category,
            score=box.score,
            box=box.box,
            frame=window.keys[box.frame_index].frame,
            covariance=box.covariance,
            category=box.category,
            color="" if box.color is None else self._manifest.colors[box.color],
        )
