# SPDX-License-Identifier: Apache-2.0
"""Simulated rooms as posed frames: one frame of each room, asked what its seed draws."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache

import numpy as np

from ide3d_ros.geometry.camera import Camera
from ide3d_training.worlds.language import Checker, Expression, Question, captions, expressions, questions
from ide3d_training.worlds.language.grammar import parse_expression
from ide3d_training.worlds.scene_graph import FrameGraph, SceneObject

from .lengths import length_tolerance
from .posed import PosedExpression, PosedFrame, PosedObject, PosedQuestion, Redrawn
from .traits import expression_traits

EXPRESSIONS_PER_FRAME = 8
QUESTIONS_PER_FRAME = 6
Redraw = Callable[[Camera], tuple[np.ndarray, FrameGraph, np.ndarray]]
"""Draws the same room from the same place through another camera: uint8 RGB, labels, and depth in metres."""


def pose(
    image: np.ndarray, graph: FrameGraph, redraw: Redraw | None = None, depth: np.ndarray | None = None
) -> PosedFrame:
    """Draw what is asked about one frame; the same frame is always asked the same.

    Args:
        image: (H, W, 3) uint8 RGB.
        graph: the frame's scene graph; its seed and index seed the drawing.
        redraw: for frames that can be drawn through other cameras.
        depth: (H, W) float32 metres, for bundles that read it.

    Returns:
        The frame with its expressions, questions and objects.
    """
    rng = np.random.default_rng((graph.seed, graph.index))
    located = expressions(graph, rng, EXPRESSIONS_PER_FRAME)
    asked = questions(graph, rng, QUESTIONS_PER_FRAME)
    return PosedFrame(
        image,
        graph.camera,
        graph.seed,
        tuple(_expression(e, graph) for e in located),
        tuple(_question(q) for q in asked),
        objects=tuple(_object(item, graph) for item in graph.objects if not graph.is_unseen(item)),
        depth=depth,
        world_from_camera=graph.world_from_camera,
        redraw=None if redraw is None else cache(lambda camera: _redrawn(redraw(camera), located, asked)),
    )


def world_frames(rooms: int, seed: int, width: int, height: int) -> Iterator[PosedFrame]:
    """Render rooms and pose what is asked about them.

    Args:
        rooms: number of rooms, of seeds seed .. seed + rooms - 1.
        seed: of the first room.
        width: of the images, pixels.
        height: of the images, pixels.

    Yields:
        One frame of each room, which can be redrawn until the next one is asked for.

    Raises:
        NoOpenGLError: if nothing can be drawn here.
    """
    from ide3d_training.worlds.renderer import RoomRenderer, render_frame  # needs MuJoCo and OpenGL
    from ide3d_training.worlds.room import Room

    with RoomRenderer(width, height) as renderer:
        for room_seed in range(seed, seed + rooms):
            rendered = render_frame(room_seed, renderer)

            def redraw(
                camera: Camera, graph: FrameGraph = rendered.graph
            ) -> tuple[np.ndarray, FrameGraph, np.ndarray]:
                room = Room.from_seed(graph.seed)
                place = _SamePlace(graph.world_from_camera, graph.pitch, graph.roll)
                again = renderer.render(room, place, camera, graph.index)
                return again.rgb, again.graph, again.depth

            yield pose(rendered.rgb, rendered.graph, redraw, rendered.depth)


def _expression(expression: Expression, graph: FrameGraph) -> PosedExpression:
    by_id = {item.id: item for item in graph.objects}
    targets = [by_id[i] for i in expression.target_ids]
    category = targets[0].category if targets else _named_category(expression.text)
    seen = [item for item in graph.objects if not graph.is_unseen(item)]
    distractors = [
        item for item in seen if item.id not in expression.target_ids and category in (None, item.category)
    ]
    traits = expression_traits(
        [item.box for item in targets],
        len(distractors),
        targets[0].visible_fraction if targets else None,
    )
    boxes = tuple(item.box for item in targets)
    return PosedExpression(expression.text, boxes, expression.kind, expression.form, traits)


def _question(question: Question) -> PosedQuestion:
    tolerance_m = 0.0 if question.value_m is None else length_tolerance(question.value_m)
    return PosedQuestion(question.text, (question.answer,), question.kind, question.value_m, tolerance_m)


def _object(item: SceneObject, graph: FrameGraph) -> PosedObject:
    visible = graph.is_referable(item)
    said = captions(graph, item) if visible else ()
    return PosedObject(str(item.id), item.category, item.box, visible, said)


def _named_category(text: str) -> str | None:
    """Return the category that a text names; None where it speaks of anything ("the red thing")."""
    return parse_expression(text).category


def _redrawn(
    drawn: tuple[np.ndarray, FrameGraph, np.ndarray], located: list[Expression], asked: list[Question]
) -> Redrawn:
    """Find what still holds in a redrawn frame, with the language's own checker."""
    image, graph, depth = drawn
    checker = Checker(graph)
    answers = [checker.answered(q.text) for q in asked]
    return Redrawn(
        image,
        tuple(i for i, e in enumerate(located) if checker.denoted(e.text) == e.target_ids),
        tuple(
            i
            for i, (question, answer) in enumerate(zip(asked, answers, strict=True))
            if answer is not None and answer.text == question.answer
        ),
        depth,
    )


@dataclass(frozen=True)
class _SamePlace:
    """Stand where a frame was taken, as far as the renderer asks a camera pose for it."""

    world_from_camera: np.ndarray
    pitch: float
    roll: float

    @property
    def position(self) -> np.ndarray:
        return self.world_from_camera[:3, 3]
