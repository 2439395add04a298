# SPDX-License-Identifier: Apache-2.0
"""Simulated rooms as posed frames: one frame of each room, asked what its seed draws."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ide3d_training.worlds.language import expressions, questions
from ide3d_training.worlds.scene_graph import FrameGraph

from .posed import PosedExpression, PosedFrame, PosedQuestion

EXPRESSIONS_PER_FRAME = 8
QUESTIONS_PER_FRAME = 6


def pose(image: np.ndarray, graph: FrameGraph) -> PosedFrame:
    """Draw what is asked about one frame; the same frame is always asked the same.

    Args:
        image: (H, W, 3) uint8 RGB.
        graph: the frame's scene graph; its seed and index seed the drawing.

    Returns:
        The frame with its expressions and questions.
    """
    rng = np.random.default_rng((graph.seed, graph.index))
    boxes = {item.id: item.box for item in graph.objects}
    asked = tuple(
        PosedExpression(e.text, tuple(boxes[i] for i in e.target_ids), e.kind, e.form)
        for e in expressions(graph, rng, EXPRESSIONS_PER_FRAME)
    )
    posed = tuple(
        PosedQuestion(q.text, (q.answer,), q.kind) for q in questions(graph, rng, QUESTIONS_PER_FRAME)
    )
    return PosedFrame(image, graph.camera, graph.seed, asked, posed)


def world_frames(rooms: int, seed: int, width: int, height: int) -> Iterator[PosedFrame]:
    """Render rooms and pose what is asked about them.

    Args:
        rooms: number of rooms, of seeds seed .. seed + rooms - 1.
        seed: of the first room.
        width: of the images, pixels.
        height: of the images, pixels.

    Yields:
        One frame of each room.

    Raises:
        NoOpenGLError: if nothing can be drawn here.
    """
    from ide3d_training.worlds.renderer import RoomRenderer, render_frame  # needs MuJoCo and OpenGL

    with RoomRenderer(width, height) as renderer:
        for room_seed in range(seed, seed + rooms):
            rendered = render_frame(room_seed, renderer)
            yield pose(rendered.rgb, rendered.graph)
