# SPDX-License-Identifier: Apache-2.0
"""What to ask about simulated rooms, with the truth from the scene graph of whatever frame was answered."""

from __future__ import annotations

import numpy as np

from ide3d_ros.cli.exchanges import Prompt, Truth, things_named
from ide3d_ros.cli.moments import Moment
from ide3d_training.evaluate.lengths import length_tolerance
from ide3d_training.worlds.language.denotation import answered, denoted
from ide3d_training.worlds.language.descriptions import description
from ide3d_training.worlds.language.expressions import expressions
from ide3d_training.worlds.language.questions import questions
from ide3d_training.worlds.scene_graph import FrameGraph

EXPRESSION_KINDS = ("unique", "multi", "zero")
ROUND = (
    "unique",
    "existence",
    "multi",
    "color",
    "unique",
    "count",
    "zero",
    "closer",
    "support",
    "material",
    "unique",
    "distance",
    "direction",
    "multi",
    "taller",
    "side",
    "separation",
    "zero",
    "larger",
    "depth",
    "height",
    "situated_side",
    "width",
    "situated_thing",
    "room",
    "describe",
)
"""Kinds asked in one room, in this order; a kind that a frame does not offer is replaced by another."""

_DRAWN = 48


class RoomTour:
    """Draw prompts about rooms, none twice in a room."""

    def __init__(self, seed: int) -> None:
        """Make a tour.

        Args:
            seed: draws the prompts; the same frames give the same ones.
        """
        self._rng = np.random.default_rng(seed)
        self._asked: set[tuple[int, str]] = set()

    def draw(self, kind: str, moment: Moment) -> Prompt:
        """Draw a prompt that has a definite answer in a frame.

        Args:
            kind: an entry of `ROUND`.
            moment: the newest frame.

        Returns:
            A prompt of that kind; of another one where the frame offers none of it.
        """
        graph = frame_graph(moment)
        if kind == "describe":
            return Prompt("describe", "", "description")
        if kind in EXPRESSION_KINDS:
            drawn = [
                (one.kind, Prompt("locate", one.text, one.form))
                for one in expressions(graph, self._rng, _DRAWN)
            ]
        else:
            drawn = [
                (one.kind, Prompt("ask", one.text, one.kind)) for one in questions(graph, self._rng, _DRAWN)
            ]
        fresh = [(drawn_kind, one) for drawn_kind, one in drawn if (graph.seed, one.text) not in self._asked]
        wanted = [one for drawn_kind, one in fresh if drawn_kind == kind]
        chosen = next(iter(wanted or [one for _, one in fresh]), Prompt("describe", "", "description"))
        self._asked.add((graph.seed, chosen.text))
        return chosen


def frame_graph(moment: Moment) -> FrameGraph:
    """Read a frame's labels."""
    return FrameGraph.from_json(moment.labels)


def truth_in_room(prompt: Prompt, moment: Moment) -> Truth | None:
    """Say what is right for a prompt in a frame.

    Args:
        prompt: in the worlds' language.
        moment: the frame that was answered about, which may be later than the one the prompt was drawn for.

    Returns:
        None where the prompt has no definite answer in this frame, as when the camera has turned away.
    """
    graph = frame_graph(moment)
    if prompt.service == "describe":
        return Truth(description(graph), things=things_named(description(graph)))
    by_id = {one.id: one for one in graph.objects}
    if prompt.service == "locate":
        ids = denoted(prompt.text, graph)
        if ids is None:
            return None
        things = [by_id[number] for number in ids]
        shown = ", ".join(
            f"{one.color} {one.category} at {np.linalg.norm(one.box.center):.1f} m" for one in things
        )
        return Truth(shown or "nothing", boxes=tuple(one.box for one in things))
    found = answered(prompt.text, graph)
    if found is None:
        return None
    boxes = tuple(by_id[number].box for number in found.target_ids)
    if found.value_m is None:
        return Truth(found.text, boxes=boxes, answers=(found.text,))
    tolerance_m = length_tolerance(found.value_m)
    return Truth(
        found.text, boxes=boxes, answers=(found.text,), length_m=found.value_m, tolerance_m=tolerance_m
    )
