# SPDX-License-Identifier: Apache-2.0
"""What the curve shows besides the loss: cheap measures on held-out rooms, straight from the network."""

from __future__ import annotations

import torch

from ide3d_ros.geometry import query_code
from ide3d_ros.geometry.box_code import BoxCode
from ide3d_training.datasets.packing import Batch


def measure(output, batch: Batch, code: BoxCode) -> dict[str, list[float]]:
    """Measure one batch; each list holds one entry a case, so that batches can be joined.

    Returns:
        "pointed": 1.0 where the first query points at a token of a target, else 0.0 (prompts with targets);
        "found": 1.0 where it does not say none there; "rejected": 1.0 where it says none, prompts without
        targets; "depth_error": absolute log-depth error of the pointed token (of the query, where queries
        state boxes), if the token is on a target;
        "answer": 1.0 where the next token is right.
    """
    asked = batch.target_count >= 0
    said, on, count = output.pointer[asked][:, 0], batch.target_tokens[asked], batch.target_count[asked]
    none = said[:, -1].exp() > 0.5
    wants = count > 0
    token = said[:, :-1].argmax(-1)
    row = torch.arange(asked.shape[0])[:, None].expand_as(asked)[asked]
    hit = on.any(1)[torch.arange(len(token)), token] & wants
    stated = hit & (batch.token_weight[row, token] > 0)
    depth = output.fields[row, token, code.depth]
    if output.query_boxes is not None:
        depth = output.query_boxes[asked][:, 0, query_code.DEPTH]
    error = (depth.float() - batch.token_depth[row, token]).abs()
    wanted = batch.labels >= 0
    return {
        "pointed": hit[wants].float().tolist(),
        "found": (~none[wants]).float().tolist(),
        "rejected": none[~wants].float().tolist(),
        "depth_error": error[stated].tolist(),
        "answer": (output.logits[wanted].argmax(-1) == batch.labels[wanted]).float().tolist(),
    }


def summarise(cases: dict[str, list[float]]) -> dict[str, float]:
    """Turn joined cases into figures: percent, and the median depth error."""
    figures = {}
    for name, values in cases.items():
        tensor = torch.tensor(values)
        if name == "depth_error":
            figures[name] = float(tensor.median()) if len(values) else float("nan")
        else:
            figures[name] = 100.0 * float(tensor.mean()) if len(values) else float("nan")
    return figures
