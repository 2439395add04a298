# SPDX-License-Identifier: Apache-2.0
"""The perturbation suite: the same frames through other lenses, with wrong intrinsics, worse light and noise.

Every perturbed frame is asked only what still holds in it (a zoom can push a target out of the frame, a wide
lens can bring a second one in), and is compared with the unperturbed frame on just those queries.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import cv2
import numpy as np

from ide3d_ros.geometry.camera import Camera

from .posed import PosedFrame

FOCAL_FACTORS = (0.5, 0.7, 1.4, 2.0)
CROP = 0.7
"""Share of each side that a crop keeps; what it cuts off is more on one side than on the other."""
BLUR = 0.008
"""Standard deviation of the blur as a share of the image's width."""
NOISE = 12.0
"""Standard deviation of the noise, grey levels of 255."""
LIGHT = 0.12
"""Share of the light that is left, before noise of a quarter of what NOISE says is added."""
JPEG_QUALITY = 10
_GAMMA = 2.2
_REDRAW = "not applicable: these frames cannot be drawn through another lens"
_WINDOW = "not applicable: questions are asked about 1 frame, there is none to drop"


@dataclass(frozen=True, eq=False)
class PerturbedFrame:
    """Hold a perturbed frame, and which queries of the original one it kept, as indices."""

    frame: PosedFrame
    expressions: tuple[int, ...]
    questions: tuple[int, ...]


@dataclass(frozen=True)
class Perturbation:
    """Name one perturbation and do it.

    Attributes:
        name: for tables and JSON.
        apply: makes the perturbed frame; None where nothing can be perturbed at all.
        redraws: whether it needs frames that can be drawn again.
        reason: why it is never applied; empty if it is.
    """

    name: str
    apply: Callable[[PosedFrame], PerturbedFrame] | None
    redraws: bool = False
    reason: str = ""

    def obstacle(self, frame: PosedFrame) -> str:
        """Say why it cannot be applied to a frame; empty if it can."""
        if self.reason:
            return self.reason
        return _REDRAW if self.redraws and frame.redraw is None else ""


def _through_lens(factor: float, told: bool) -> Callable[[PosedFrame], PerturbedFrame]:
    """Draw the frame with another focal length, and tell the network or leave it with the old intrinsics."""

    def apply(frame: PosedFrame) -> PerturbedFrame:
        lens = replace(frame.camera, fx=frame.camera.fx * factor, fy=frame.camera.fy * factor)
        return _redrawn(frame, lens, lens if told else frame.camera)

    return apply


def _cropped(frame: PosedFrame) -> PerturbedFrame:
    """Keep a part of the image that does not lie in its middle, with the intrinsics of that part."""
    width, height = round(CROP * frame.camera.width), round(CROP * frame.camera.height)
    left, top = (frame.camera.width - width) // 4, (frame.camera.height - height) // 2
    part = frame.camera.cropped(left, top, width, height)
    # What still holds is found by drawing the part at full size; the network gets the pixels that are there.
    held = _redrawn(frame, part.resized(frame.camera.width, frame.camera.height), part)
    kept = np.s_[top : top + height, left : left + width]
    image, depth = np.ascontiguousarray(frame.image[kept]), frame.depth
    depth = None if depth is None else np.ascontiguousarray(depth[kept])
    return replace(held, frame=replace(held.frame, image=image, depth=depth))


def _redrawn(frame: PosedFrame, lens: Camera, told: Camera) -> PerturbedFrame:
    if frame.redraw is None:
        raise ValueError(_REDRAW)
    again = frame.redraw(lens)
    return PerturbedFrame(
        replace(
            frame,
            image=again.image,
            camera=told,
            expressions=tuple(frame.expressions[i] for i in again.expressions),
            questions=tuple(frame.questions[i] for i in again.questions),
            objects=(),
            redraw=None,
            depth=again.depth,
        ),
        again.expressions,
        again.questions,
    )


def _on_pixels(
    change: Callable[[np.ndarray, np.random.Generator], np.ndarray],
) -> Callable[[PosedFrame], PerturbedFrame]:
    """Change the image alone; everything that was asked still holds."""

    def apply(frame: PosedFrame) -> PerturbedFrame:
        image = change(frame.image, np.random.default_rng(frame.group))
        return PerturbedFrame(
            replace(frame, image=image, objects=(), redraw=None),
            tuple(range(len(frame.expressions))),
            tuple(range(len(frame.questions))),
        )

    return apply


def _blurred(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return cv2.GaussianBlur(image, (0, 0), BLUR * image.shape[1])


def _noisy(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return _to_uint8(image + rng.normal(0.0, NOISE, image.shape))


def _dark(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Take light away where light adds up, which is before the camera's gamma."""
    light = LIGHT * (image / 255.0) ** _GAMMA
    return _to_uint8(255.0 * light ** (1 / _GAMMA) + rng.normal(0.0, NOISE / 4, image.shape))


def _compressed(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    _, code = cv2.imencode(".jpg", image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
    return np.ascontiguousarray(cv2.imdecode(code, cv2.IMREAD_COLOR)[..., ::-1])


def _to_uint8(values: np.ndarray) -> np.ndarray:
    return values.round().clip(0, 255).astype(np.uint8)


SUITE = (
    *(Perturbation(f"focal x{f:g}", _through_lens(f, True), redraws=True) for f in FOCAL_FACTORS),
    *(Perturbation(f"focal x{f:g}, untold", _through_lens(f, False), redraws=True) for f in FOCAL_FACTORS),
    Perturbation("crop", _cropped, redraws=True),
    Perturbation("blur", _on_pixels(_blurred)),
    Perturbation("noise", _on_pixels(_noisy)),
    Perturbation("low light", _on_pixels(_dark)),
    Perturbation("jpeg", _on_pixels(_compressed)),
    Perturbation("dropped frames", None, reason=_WINDOW),
)
"""In the order of the table. "untold": the network keeps the intrinsics of the old lens."""
