# SPDX-License-Identifier: Apache-2.0
"""Questions from somebody's point of view: where they are and what they face is said, not seen.

After SQA3D (Ma et al., ICLR 2023, arXiv 2210.07474): a situation, then a question that only makes sense in it.
Everything that the answer takes can be seen in the one frame.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from . import margins
from .denotation import Answer
from .phrases import NounPhrase
from .survey import Survey
from .wording import Wording

SEATS = frozenset({"chair", "sofa", "armchair", "stool", "bench", "bed"})
SEATS_WITH_A_FRONT = frozenset({"chair", "sofa", "armchair"})
_MOST_SITUATIONS = 10  # that a frame's questions are drawn from


@dataclass(frozen=True)
class SituatedCandidate:
    """Hold a situated question that could be asked.

    Attributes:
        kind: "situated_side" or "situated_thing".
        place: what the asker sits on, or where they stand.
        faced: what they face; None faces where the seat does.
        seat: they sit on it.
        asked: what is asked about, or "left", "right" or "behind".
        answer: the true one.
    """

    kind: str
    place: NounPhrase
    faced: NounPhrase | None
    seat: bool
    asked: NounPhrase | str
    answer: Answer

    @property
    def phrases(self) -> tuple[NounPhrase, ...]:
        """All phrases of the question."""
        return tuple(p for p in (self.place, self.faced, self.asked) if isinstance(p, NounPhrase))

    def worded(self, wording: Wording) -> str:
        """Put the situation and the question into words."""
        return wording.situated(self.kind, self.place, self.faced, self.seat, self.asked)


@dataclass(frozen=True)
class _Situation:
    """Hold where someone is (an index), what they face (an index or None), and where everything is for them."""

    place: int
    faced: int | None
    toward: list[str | None]  # left, right, ahead, behind; None in between or too close

    @property
    def own(self) -> set[int | None]:
        return {self.place, self.faced}


def situated_side(survey: Survey, rng: np.random.Generator) -> list[SituatedCandidate]:
    """Ask whether something is on the asker's left or right."""
    found = []
    for situation in _situations(survey, rng):
        for k in survey.anchors.tolist():
            toward = situation.toward[k]
            if k not in situation.own and toward in ("left", "right"):
                found.append(
                    _candidate("situated_side", survey, situation, survey.named(k, rng), toward, k, rng)
                )
    return found


def situated_thing(survey: Survey, rng: np.random.Generator) -> list[SituatedCandidate]:
    """Ask what stands on the floor on the asker's left or right, or behind them, where it is one thing."""
    found = []
    floor = [k for k, item in enumerate(survey.objects) if item.support is None]
    for situation in _situations(survey, rng):
        others = [k for k in floor if k not in situation.own]
        if any(situation.toward[k] is None for k in others):
            continue
        for side in ("left", "right", "behind"):
            there = [k for k in others if situation.toward[k] == side]
            if len(there) == 1 and survey.referable[there[0]]:
                category = survey.objects[there[0]].category
                found.append(_candidate("situated_thing", survey, situation, side, category, there[0], rng))
    return found


def _candidate(
    kind: str,
    survey: Survey,
    situation: _Situation,
    asked: NounPhrase | str,
    answer: str,
    shown: int,
    rng: np.random.Generator,
) -> SituatedCandidate:
    indices = {shown, situation.place} | ({situation.faced} if situation.faced is not None else set())
    return SituatedCandidate(
        kind,
        survey.named(situation.place, rng),
        None if situation.faced is None else survey.named(situation.faced, rng),
        survey.objects[situation.place].category in SEATS,
        asked,
        Answer(answer, tuple(sorted(int(survey.ids[k]) for k in indices))),
    )


def _situations(survey: Survey, rng: np.random.Generator) -> Iterator[_Situation]:
    anchors = survey.anchors.tolist()
    options: list[tuple[int, int | None]] = []
    for place in anchors:
        item = survey.objects[place]
        if item.support is not None:
            continue
        if item.category in SEATS_WITH_A_FRONT:
            options.append((place, None))
        options += [(place, faced) for faced in anchors if faced != place]
    for at in rng.permutation(len(options))[:_MOST_SITUATIONS].tolist():
        place, faced = options[at]
        angles, away = survey.layout.bearings(place, faced)
        if faced is None or away[faced] >= margins.SITUATED_AWAY:
            yield _Situation(place, faced, _toward(angles, away))


def _toward(angles: np.ndarray, away: np.ndarray) -> list[str | None]:
    clear, doubtful = margins.SITUATED_SIDE
    found: list[str | None] = []
    for angle, distance in zip(angles.tolist(), away.tolist(), strict=True):
        off_line = min(abs(angle), np.pi - abs(angle))
        if distance < margins.SITUATED_AWAY or doubtful < off_line < clear:
            found.append(None)
        elif off_line >= clear:
            found.append("left" if angle > 0 else "right")
        else:
            found.append("ahead" if abs(angle) < np.pi / 2 else "behind")
    return found
