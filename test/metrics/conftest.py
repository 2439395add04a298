# SPDX-License-Identifier: Apache-2.0
"""Parts that the tests of several measures share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from ide3d_ros.geometry.box import Box3D

UPRIGHT = np.array([1.0, 0.0, 0.0, 0.0])


@dataclass(frozen=True)
class Corpus:
    """Hold four texts with their references, and what public libraries print for them.

    CIDEr, ROUGE-L and METEOR (OpenJDK 17) were printed by pycocoevalcap 1.2, BLEU by sacrebleu 2.6.0 with
    tokenize="none" and smooth_method="none", in percent there. pycocoevalcap prints the same BLEU but for the
    1e-9 that it adds to denominators.
    """

    predictions: tuple[str, ...] = (
        "the red chair is left of the table",
        "a table",
        "there is a lamp on the desk near the window",
        "sos eos",
    )
    references: tuple[tuple[str, ...], ...] = (
        ("the red chair is to the left of the table", "a chair left of a table"),
        ("a brown table in the corner", "this is a wooden table"),
        ("a lamp stands on the desk", "the lamp is on the desk near the window", "there is a small lamp"),
        ("a white door", "the door is closed"),
    )
    bleu: tuple[float, ...] = (
        0.8686936693348036,
        0.8035090348517981,
        0.7347142245027179,
        0.63037772871089956,
    )
    cider: tuple[float, ...] = (4.274059862914965, 0.6453127893203525, 3.4539968515423847, 0.0)
    rouge_l: tuple[float, ...] = (0.8714285714285713, 0.5304347826086957, 0.7729905865314989, 0.0)
    meteor: float = 0.362720441334253
    meteor_items: tuple[float, ...] = (0.4929130215113044, 0.19393939393939397, 0.47288578532462494, 0.0)


@pytest.fixture
def corpus() -> Corpus:
    return Corpus()


@pytest.fixture
def cube() -> Callable[[float], Box3D]:
    """Return a maker of upright unit cubes along x: shifted by s, two overlap by (1 - s) / (1 + s)."""
    return lambda x: Box3D(np.array([x, 0.0, 3.0]), np.ones(3), UPRIGHT)


@pytest.fixture
def no_java(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Take Java away, so that no test starts it by the way."""
    monkeypatch.setenv("PATH", str(tmp_path))
