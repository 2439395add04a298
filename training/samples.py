# SPDX-License-Identifier: Apache-2.0
"""Pictures of what a run says of a few held-out frames, to be looked at while it goes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import torch
from tokenizers import Tokenizer

from ide3d_ros.bundle import Category
from ide3d_ros.geometry.camera import Camera
from ide3d_ros.geometry.wireframe import box_polylines
from ide3d_ros.network import NetworkConfig, NetworkOutput
from ide3d_ros.network.language import TEXT
from ide3d_ros.scene.box_decoding import PointedBox, decode_boxes
from ide3d_training.datasets.packing import Batch

COUNT = 4
"""Frames of a picture."""
WIDTH = 512
"""Of one frame in it, pixels."""
_TRUE, _SAID = (40, 220, 90), (255, 120, 30)  # RGB
_PAPER, _INK = (24, 26, 30), (245, 245, 245)
_CAPTION = 24


def sample_sheet(
    batch: Batch,
    output: NetworkOutput,
    depth: torch.Tensor | None,
    config: NetworkConfig,
    tokenizer: Tokenizer,
) -> np.ndarray:
    """Draw the first frames of a batch, one under the other.

    In a frame: one of its prompts below it; true boxes and the tokens of the targets in green; predicted
    boxes and the token that the first query points at in orange. Beside it, where there is a validator, the
    depth that it decodes and the true depth, red near and blue far, black where unknown.

    Args:
        batch: frames with at least one prompt each are drawn with it, others without.
        output: the network's, of this batch.
        depth: (B, h, w) metres decoded by the validator, or None.
        config: of the network.
        tokenizer: to spell the prompt.

    Returns:
        (H, W, 3) uint8 RGB.
    """
    rows = []
    for row in range(min(COUNT, len(batch.images))):
        panels = [_draw_frame(batch, output, row, config, tokenizer)]
        if depth is not None and batch.privileged is not None:
            panels += _draw_depths(depth[row], batch.privileged.depth[row])
        rows.append(np.hstack(panels))
    return np.vstack(rows)


def write_sheet(sheet: np.ndarray, path: Path) -> None:
    """Write an RGB picture as JPEG."""
    path.parent.mkdir(exist_ok=True)
    written, data = cv2.imencode(
        ".jpg", cv2.cvtColor(sheet, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, 88]
    )
    if not written:
        raise RuntimeError(f"a picture of shape {sheet.shape} could not be written as {path}")
    path.write_bytes(data.tobytes())


def _draw_frame(
    batch: Batch, output: NetworkOutput, row: int, config: NetworkConfig, tokenizer: Tokenizer
) -> np.ndarray:
    height = round(WIDTH * config.height / config.width)
    canvas = cv2.resize(batch.images[row].cpu().numpy(), (WIDTH, height), interpolation=cv2.INTER_CUBIC)
    counts = batch.target_count[row].tolist()
    asked = [prompt for prompt, count in enumerate(counts) if count >= 0]
    if not asked:
        return np.vstack([canvas, _caption("nothing is asked", _INK), _caption("", _INK)])
    prompt = max(asked, key=lambda one: min(counts[one], 1))  # the first with a target, or else the first
    camera = Camera.from_matrix(batch.intrinsics[row].cpu().numpy(), config.width, config.height)
    pointer = output.pointer[row, prompt].float().cpu()
    tokens = batch.target_tokens[row, prompt, : counts[prompt]].cpu()
    said = _decode(output.fields[row], output.gravity[row], pointer, camera, config)
    true = _decode(
        true_fields(batch, row, config), batch.gravity[row], _perfect_pointer(tokens), camera, config
    )

    for token in torch.nonzero(tokens.any(0))[:, 0].tolist():
        _draw_token(canvas, token, config, _TRUE, 1)
    sure = 1.0 - float(pointer[0, -1].exp())
    if sure > 0.5:
        _draw_token(canvas, int(pointer[0, :-1].argmax()), config, _SAID, 2)
    _draw_boxes(canvas, true, camera.resized(WIDTH, height), _TRUE)
    _draw_boxes(canvas, said, camera.resized(WIDTH, height), _SAID)
    words = batch.prompts.text[row][(batch.prompts.prompt[row] == prompt) & (batch.prompts.kind[row] == TEXT)]
    question = tokenizer.decode(words.tolist()) or "describe"
    verdict = f"there: {sure:.2f}; " + (", ".join(box.category for box in said) or "none")
    wanted = ", ".join(box.category for box in true) or "none"
    return np.vstack([canvas, _caption(question, _INK), _caption(f"{verdict} (true: {wanted})", _SAID)])


def true_fields(batch: Batch, row: int, config: NetworkConfig) -> torch.Tensor:
    """Write the targets of a frame as a perfect network would say them, (N, P)."""
    code = config.box_code
    fields = torch.zeros(config.tokens, code.size)
    fields[:, code.offset] = batch.token_offset[row].cpu()
    fields[:, code.depth] = batch.token_depth[row].cpu()
    fields[:, code.extents] = batch.token_extents[row].cpu()
    fields[:, code.yaw] = batch.token_yaw[row].cpu()
    fields[:, code.front] = 2 * batch.token_front[row].cpu() - 1
    category = batch.token_category[row].cpu()
    category = torch.where(category < 0, code.categories, category)
    fields[torch.arange(config.tokens), code.category.start + category] = 9.0
    return fields


def _perfect_pointer(tokens: torch.Tensor) -> torch.Tensor:
    """Point at each target (T, N) with all of its tokens alike; (T, N + 1) log-probabilities."""
    share = tokens.float() / tokens.sum(1, keepdim=True).clamp(min=1)
    none = (~tokens.any(1)).float()[:, None]
    return torch.cat([share, none], 1).clamp(min=1e-9).log()


def _decode(
    fields: torch.Tensor, gravity: torch.Tensor, pointer: torch.Tensor, camera: Camera, config: NetworkConfig
) -> list[PointedBox]:
    categories = [
        Category(name=name, extents=extents)
        for name, extents in zip(config.categories, config.mean_extents, strict=True)
    ]
    (boxes,) = decode_boxes(
        fields.float().cpu().numpy(),
        gravity[None].float().cpu().numpy(),
        pointer[None].numpy(),
        layout=config.box_code,
        frames=[camera],
        tokens_per_frame=config.tokens,
        categories=categories,
    )
    return boxes


def _draw_boxes(
    canvas: np.ndarray, boxes: Sequence[PointedBox], camera: Camera, color: tuple[int, int, int]
) -> None:
    for found in boxes:
        lines = box_polylines(found.box, camera)
        cv2.polylines(canvas, lines, False, (0, 0, 0), 4, cv2.LINE_AA)  # a dark rim, to be seen on any ground
        cv2.polylines(canvas, lines, False, color, 2, cv2.LINE_AA)


def _draw_token(
    canvas: np.ndarray, token: int, config: NetworkConfig, color: tuple[int, int, int], thickness: int
) -> None:
    side = config.stride * WIDTH / config.width
    row, column = divmod(token, config.columns)
    start, end = (
        (round(column * side), round(row * side)),
        (round((column + 1) * side), round((row + 1) * side)),
    )
    cv2.rectangle(canvas, start, end, color, thickness)


def _draw_depths(said: torch.Tensor, true: torch.Tensor) -> list[np.ndarray]:
    """Draw two depth maps in one range of colours, that of the truth."""
    truth = true.float().cpu().numpy()
    known = np.isfinite(truth) & (truth > 0)
    near, far = np.log(np.percentile(truth[known], (1, 99))) if known.any() else (0.0, 2.0)
    panels = []
    for depth, text in ((said.float().cpu().numpy(), "depth of the validator"), (truth, "true depth")):
        shown = np.isfinite(depth) & (depth > 0)
        place = (far - np.log(np.where(shown, depth, 1.0))) / max(far - near, 1e-6)
        colors = cv2.applyColorMap((place.clip(0, 1) * 255).astype(np.uint8), cv2.COLORMAP_TURBO)
        colors[~shown] = 0
        height = round(WIDTH * depth.shape[0] / depth.shape[1])
        large = cv2.resize(colors[..., ::-1], (WIDTH, height), interpolation=cv2.INTER_NEAREST)
        panels.append(np.vstack([large, _caption(text, _INK), _caption("", _INK)]))
    return panels


def _caption(text: str, color: tuple[int, int, int]) -> np.ndarray:
    """Write one line; letters outside ASCII, which the font lacks, become "?"."""
    paper = np.full((_CAPTION, WIDTH, 3), _PAPER, np.uint8)
    text = text.encode("ascii", "replace").decode("ascii")
    cv2.putText(paper, text, (6, 17), cv2.FONT_HERSHEY_SIMPLEX, 0.45, color, 1, cv2.LINE_AA)
    return paper
