# SPDX-License-Identifier: Apache-2.0
"""Pictures of exchanges: true and predicted boxes in their colours, and what was said below."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
from demo_samples import MOMENT, answered, box_at, located

from ide3d_ros.cli.exchanges import Exchange, Prompt, Truth, judge
from ide3d_ros.cli.pictures import WIDTH, draw, write_png, write_sheet

TRUE, PREDICTED = (40, 220, 90), (255, 120, 30)
FRAME_HEIGHT = WIDTH * 48 // 64


def exchange(truth: Truth, *places: float, question: str = "the cube") -> Exchange:
    dark = replace(MOMENT, rgb=np.zeros_like(MOMENT.rgb))
    return judge(
        Prompt("locate", question, "category"), located(*places), truth, dark, place="room 1", group=1
    )


def columns_of(picture: np.ndarray, color: tuple[int, int, int]) -> np.ndarray:
    """Find the columns of the frame, not of the caption, that hold a colour."""
    return np.nonzero((np.abs(picture[:FRAME_HEIGHT].astype(int) - color).sum(-1) < 12).any(0))[0]


def test_true_and_predicted_boxes_lie_where_the_things_are() -> None:
    picture = draw(exchange(Truth("cube", (box_at(-0.6),)), 0.6))
    true, predicted = columns_of(picture, TRUE), columns_of(picture, PREDICTED)
    scale = WIDTH / 64
    # x = u0 + f X / Z at the near face, 1.75 m ahead, in pixels of the enlarged frame.
    near = [(32 + 50 * x / 1.75) * scale for x in (-0.85, -0.35, 0.35, 0.85)]
    np.testing.assert_allclose([true.min(), true.max()], [near[0], (32 + 50 * -0.35 / 2.25) * scale], atol=6)
    np.testing.assert_allclose(
        [predicted.min(), predicted.max()], [(32 + 50 * 0.35 / 2.25) * scale, near[3]], atol=6
    )


def test_caption_is_below_the_frame_and_takes_the_lines_it_needs() -> None:
    short = draw(exchange(Truth("cube", (box_at(0.0),)), 0.0))
    long = draw(exchange(Truth("cube", (box_at(0.0),)), 0.0, question="the cube " * 30))
    assert short.shape[1] == long.shape[1] == WIDTH
    assert FRAME_HEIGHT < short.shape[0] < long.shape[0]
    assert short[FRAME_HEIGHT:].max() > 200  # something is written there


def test_letters_that_the_font_lacks_do_no_harm() -> None:
    assert draw(exchange(Truth("椅子", (box_at(0.0),)), 0.0, question="où est la chaise ?")).shape[1] == WIDTH


def test_frame_with_nothing_to_draw_stays_as_it_is() -> None:
    said = judge(
        Prompt("ask", "is there a cube?", "existence"),
        answered("no"),
        Truth("no", answers=("no",)),
        MOMENT,
        place="room 1",
        group=1,
    )
    picture = draw(said)
    assert columns_of(picture, TRUE).size == columns_of(picture, PREDICTED).size == 0
    assert picture[FRAME_HEIGHT // 2, 20, 0] > 240  # the red patch


def test_png_is_written_in_the_right_colours(tmp_path: Path) -> None:
    picture = np.zeros((10, 12, 3), np.uint8)
    picture[..., 0] = 200
    write_png(picture, tmp_path / "red.png")
    np.testing.assert_array_equal(cv2.imread(str(tmp_path / "red.png"))[..., ::-1], picture)


def test_sheet_puts_pictures_of_any_height_side_by_side(tmp_path: Path) -> None:
    pictures = [np.full((height, WIDTH, 3), 128, np.uint8) for height in (700, 800, 750)]
    write_sheet(pictures, tmp_path / "overview.jpg", width=640)
    sheet = cv2.imread(str(tmp_path / "overview.jpg"))
    assert sheet.shape[1] == 640
    assert sheet.shape[0] == round(1600 * 640 / (2 * WIDTH))
