# SPDX-License-Identifier: Apache-2.0
"""Where the tokens of one frame stand: in the image, in the sequence, and by position."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ide3d_ros.geometry.box_code import BoxCode


@dataclass(frozen=True)
class FrameLayout:
    """Describe the tokens that one frame contributes; every frame of a network has the same layout.

    A frame's tokens are grid tokens, each of which stands for a square of the image, and separators (line
    ends, or marks around the image), which stand for none. Boxes hang on grid tokens alone.

    Attributes:
        width, height: network image, pixels.
        rows, columns: the grid.
        stride: side of a grid token, pixels. The grid begins at the top-left corner and may end before the
            image does: 14 tokens of 27 pixels see 378 of SigLIP's 384.
        tokens: all tokens of a frame, separators included (T).
        grid: (rows * columns,) int64 places of the grid tokens among the frame's tokens, row by row.
        positions: (3, T) int64 temporal, vertical and horizontal position, counted from the frame's first.
        span: positions that a frame takes; the next frame or the text begins that much later.
    """

    width: int
    height: int
    rows: int
    columns: int
    stride: float
    tokens: int
    grid: np.ndarray
    positions: np.ndarray
    span: int

    def box_code(self, categories: int, colors: int, focal_virtual: float) -> BoxCode:
        """Return the layout of the field vectors of this grid."""
        return BoxCode(categories, colors, self.stride, focal_virtual)


def lines_layout(image: int, patch: int, pool: int) -> FrameLayout:
    """Lay out a frame as LLaVA-Video does: each row of pooled tokens ends with a newline token.

    Args:
        image: side of the square network image, pixels.
        patch: side of a patch, pixels; what is left over on the right and below is not seen.
        pool: patches along each side that become one token; a last incomplete one counts.

    Returns:
        a layout whose positions run on as if the tokens were text.
    """
    patches = image // patch
    side = -(-patches // pool)
    tokens = side * (side + 1)
    places = np.arange(tokens).reshape(side, side + 1)
    return FrameLayout(
        width=image,
        height=image,
        rows=side,
        columns=side,
        stride=patches * patch / side,
        tokens=tokens,
        grid=places[:, :-1].reshape(-1),
        positions=np.tile(np.arange(tokens), (3, 1)),
        span=tokens,
    )


def marked_layout(width: int, height: int, stride: int) -> FrameLayout:
    """Lay out a frame as the Qwen-VL family does an image: a start mark, the grid, an end mark.

    Positions of the grid are its own rows and columns, so the frame takes as many as its longer side has.

    Raises:
        ValueError: if the image is no whole number of tokens wide and high.
    """
    if width % stride or height % stride:
        raise ValueError(
            f"network image {width}x{height} is not a multiple of the token stride {stride}; "
            "choose a width and height that are"
        )
    rows, columns = height // stride, width // stride
    number = rows * columns
    row, column = np.divmod(np.arange(number), columns)
    end = 1 + max(rows, columns)
    grid = np.stack([np.zeros(number, int), row, column]) + 1
    ends = np.full((3, 1), end)
    return FrameLayout(
        width=width,
        height=height,
        rows=rows,
        columns=columns,
        stride=float(stride),
        tokens=number + 2,
        grid=np.arange(number) + 1,
        positions=np.concatenate([np.zeros((3, 1), int), grid, ends], 1),
        span=end + 1,
    )
