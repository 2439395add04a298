# SPDX-License-Identifier: Apache-2.0
"""The table, the figures and the rows of report.json."""

from __future__ import annotations

import json

import pytest
from demo_samples import MOMENT, STAMP_NS, answered, box_at, located
from rich.console import Console

from ide3d_ros.cli.exchanges import Exchange, Prompt, Truth, judge
from ide3d_ros.cli.report import (
    box_ious,
    exchange_row,
    exchange_table,
    figures,
    got_text,
    summary_lines,
    versions,
)
from ide3d_ros.scene.status import Status


def exchange(reply: object, truth: Truth, service: str = "locate", kind: str = "category") -> Exchange:
    prompt = Prompt(service, "the [red] cube", kind)
    return judge(prompt, reply, truth, MOMENT, place="frame 12", group=0)


@pytest.fixture
def exchanges() -> list[Exchange]:
    cube = Truth("cube at 2.0 m", (box_at(0.0),))
    return [
        exchange(located(0.0), cube),
        exchange(located(1.0), cube),
        exchange(located(0.0), Truth("nothing"), kind="zero"),
        exchange(answered("yes"), Truth("yes", answers=("yes",)), "ask", "existence"),
        exchange(answered("red"), Truth("blue", answers=("blue",)), "ask", "color"),
        exchange(answered("a cube"), Truth("?"), "describe", "description"),
    ]


def test_figures_count_what_is_right(exchanges: list[Exchange]) -> None:
    found = figures(exchanges)
    assert (found["asked"], found["judged"], found["right"]) == (6, 5, 2)
    assert found["right_by_service"] == {"locate": [1, 3], "ask": [1, 2], "describe": [0, 0]}
    assert (found["acc@0.25"], found["f1@0.25"], found["em"]) == (50.0, 0.0, 50.0)
    assert found["em_by_kind"] == {"color": 0.0, "existence": 100.0}
    assert found["round_trip_ms_median"] == pytest.approx((12.5 + 20.0) / 2)
    assert found["mode"] == "direct"


def test_summary_says_the_figures(exchanges: list[Exchange]) -> None:
    text = "\n".join(summary_lines(figures(exchanges)))
    assert "located 1 of 3 rightly, answered 1 of 2 rightly" in text
    assert "Acc@0.25 50.0 %" in text and "EM 50.0 %" in text
    assert "described" not in text  # nothing of it was judged
    assert "could not be asked" not in text
    assert "7 prompts could not be asked" in summary_lines({**figures(exchanges), "left_out": 7})[-1]


def test_table_shows_every_exchange(exchanges: list[Exchange]) -> None:
    console = Console(width=160, record=True, file=open("/dev/null", "w"))
    console.print(exchange_table(exchanges))
    text = console.export_text()
    rows = [line for line in text.splitlines() if "frame 12" in line]
    assert len(rows) == 6
    assert "the [red] cube" in rows[0]  # text from outside is not markup
    assert "cube at 2.0 m" in rows[0] and "IoU 1.00" in rows[0] and " yes " in rows[0] and " 12 " in rows[0]
    assert " no " in rows[1] and "IoU 0.00" in rows[1]
    assert "IoU" not in rows[2]  # nothing to overlap with
    assert "-" in rows[5]


def test_status_takes_the_place_of_an_answer_that_did_not_come() -> None:
    refused = exchange(located(status=Status.TIMEOUT, message="no answer"), Truth("nothing"))
    assert got_text(refused) == "TIMEOUT: no answer"
    nothing = exchange(located(status=Status.NO_TARGET, message="none"), Truth("nothing"))
    assert got_text(nothing) == "nothing"


def test_overlap_is_that_with_the_nearest_true_box() -> None:
    two = exchange(located(0.0, 1.0, 5.0), Truth("two", (box_at(1.0), box_at(0.25))))
    assert box_ious(two) == pytest.approx([1 / 3, 1.0, 0.0], abs=1e-6)


def test_row_is_plain_json_with_boxes_in_metres(exchanges: list[Exchange]) -> None:
    row = json.loads(json.dumps(exchange_row(1, exchanges[0], "001.png"), allow_nan=False))
    assert (row["service"], row["kind"], row["form"]) == ("locate", "unique", "category")
    assert row["boxes"][0]["center"] == row["true_boxes"][0]["center"] == [0.0, 0.0, 2.0]
    assert row["boxes"][0]["extents"] == [0.5, 0.5, 0.5]
    assert (row["iou"], row["right"], row["stamp_ns"]) == ([1.0], True, STAMP_NS)
    assert (row["confidence"], row["picture"], row["round_trip_ms"]) == (None, "001.png", 12.5)
    asked = exchange_row(4, exchanges[3], "004.png")
    assert (asked["text"], asked["kind"], asked["f1"]) == ("yes", "existence", None)
    assert asked["confidence"] == pytest.approx(0.8, abs=1e-6)


def test_versions_name_what_is_installed() -> None:
    assert {"python", "numpy", "onnxruntime", "mcap"} <= set(versions())
