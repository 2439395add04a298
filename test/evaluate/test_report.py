# SPDX-License-Identifier: Apache-2.0
"""Tables name everything that was measured and fit into 80 columns; plots can be looked at."""

from __future__ import annotations

import io
from dataclasses import replace

import cv2
import pytest
from rich.console import Console

from ide3d_training.evaluate.plots import draw
from ide3d_training.evaluate.posed import Found, PosedObject, PosedQuestion
from ide3d_training.evaluate.report import perturbations_table, results_table, splits_table
from ide3d_training.evaluate.robustness import Robustness
from ide3d_training.evaluate.runner import evaluate
from ide3d_training.evaluate.traits import expression_traits
from ide3d_training.metrics.baselines import MeanBox, Prior

PRIOR = Prior({"object": MeanBox(0.5, 0.5, 3.0, (1.0, 1.0, 1.0))}, 0.2, {"existence": "yes"}, 1)
LONG = "the-longest-kind"


@pytest.fixture(scope="session")
def report(posed, scripted, box):
    """Measure everything there is on frames with objects, captions, traits and a length."""

    def frame(room: int):
        plain = posed(room)
        return replace(
            plain,
            expressions=tuple(
                replace(e, form=LONG, traits=expression_traits(e.truths, room, 0.7))
                for e in plain.expressions
            ),
            questions=(*plain.questions, PosedQuestion("how far?", ("3 m",), LONG, 3.0, 0.1)),
            objects=(PosedObject("1", "chair", box(0), True, ("a red chair",)),),
        )

    responder = scripted(
        [[box(0)], [box(1.5), box(-1.5)], []],
        ["yes", "one", "2.5 m"],
        [[0.9], [0.8, 0.7], []],
        [0.9, 0.6, 0.5],
        [Found(box(0), 0.9, "chair", "a red chair")],
    )
    figures = evaluate((frame(room) for room in range(3)), responder, PRIOR, Robustness())
    return {"bundle": "scripted", "split": "test", "rooms": 3, "seed": 500000, **figures}


def text_of(table) -> str:
    console = Console(file=io.StringIO(), width=80)
    console.print(table)
    text = console.file.getvalue()
    assert max(map(len, text.splitlines())) <= 80
    assert "…" not in text
    return text


def test_table_prints_every_figure_in_80_columns(report):
    text = text_of(results_table(report))
    for words in (
        "split test, 3 rooms",
        "Acc@0.25",
        "F1@0.50",
        "EM count",
        "95 % interval",
        "prior",
        "by uniqueness",
        "by distractors",
        "by size",
        "by distance",
        "by visible share",
        "half to 0.9 (3)",
        "by type",
        "zt_wo_d",
        "MRA of lengths (3)",
        "median relative error",
        "AP3D@0.50",
        "CIDEr@0.5",
        "calibration error, boxes",
        "risk over coverage, answers",
        f"unique/{LONG}",
    ):
        assert words in text, words
    assert "100.0 .. 100.0" in text


def test_table_says_why_a_figure_is_missing(report):
    text = text_of(results_table({**report, "captions": {"reason": "not computed: no captions here"}}))
    assert "Captions not computed: no captions here." in text


def test_table_of_a_recording_names_it(report):
    recorded = {k: v for k, v in report.items() if k not in ("split", "rooms", "seed")}
    text = text_of(results_table({**recorded, "recording": "kitchen", "frames": 79}))
    assert "recording kitchen, 79 frames" in text


def test_splits_stand_side_by_side(report):
    names = ("test", "test-wording", "test-pairs", "test-camera", "test-layout", "test-far")
    text = text_of(splits_table({name: report for name in names}))
    for words in ("wording", "layout", "the prior's EM", "EM count", "large", "AP3D@0.25", "MRA of lengths"):
        assert words in text, words
    row = next(line for line in text.splitlines() if "Acc@0.25, unique" in line)
    assert row.count("100.0") == 6


def test_split_without_a_kind_leaves_its_cell_empty(report):
    poor = {**report, "em_by_kind": {"count": 50.0}}
    text = text_of(splits_table({"test": report, "test-far": poor}))
    row = next(line for line in text.splitlines() if "EM existence" in line)
    assert "100.0" in row and " - " in row


def test_perturbations_show_figure_and_drop_or_the_reason(report):
    text = text_of(perturbations_table(report))
    assert "100.0 (0.0)" in next(line for line in text.splitlines() if "blur" in line)
    assert "not applicable" in text and "dropped frames" in text


def test_plots_are_drawn(report, tmp_path):
    written = draw(report, tmp_path)
    assert [path.name for path in written] == ["breakdown.png", "confidence.png", "perturbations.png"]
    for path in written:
        picture = cv2.imread(str(path))
        assert picture.shape[0] > 200 and picture.std() > 5


def test_splits_are_drawn_into_folders_of_their_own(report, tmp_path):
    written = draw({"splits": {"test": report, "test-far": report}}, tmp_path)
    assert {str(path.relative_to(tmp_path)) for path in written} >= {
        "splits.png",
        "test/breakdown.png",
        "test-far/confidence.png",
    }


def test_report_without_scores_or_perturbations_is_drawn_without_them(report, tmp_path):
    poor = {k: v for k, v in report.items() if k != "perturbations"}
    poor["confidence"] = {"boxes": None, "answers": None}
    assert [path.name for path in draw(poor, tmp_path)] == ["breakdown.png"]
