# SPDX-License-Identifier: Apache-2.0
"""What the curve shows besides the loss: cheap measures on held-out frames, straight from the network."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import torch
from tokenizers import Tokenizer
from torch.utils.data import DataLoader

from ide3d_ros.geometry import query_code
from ide3d_ros.geometry.box_code import BoxCode
from ide3d_training.datasets.packing import Batch
from ide3d_training.objectives.validator import shrink_depth
from ide3d_training.samples import sample_sheet, write_sheet
from ide3d_training.supervision import SupervisedNetwork


class Examiner:
    """Measure weights on held-out frames and draw what they say, with a network of its own.

    The network that is trained may lie in shards in several processes; this one is whole.

    Args:
        build: makes the network, on the device that is to compute.
        loader: held-out frames, always the same.
        autocast: makes the context to compute in.
        tokenizer: to spell the prompts that are drawn.

    Attributes:
        unreadable: files among the frames that could not be read; others stood in for them.
    """

    def __init__(
        self,
        build: Callable[[], SupervisedNetwork],
        loader: DataLoader,
        autocast: Callable[[], AbstractContextManager],
        tokenizer: Tokenizer,
    ):
        self._build, self._loader, self._autocast, self._tokenizer = build, loader, autocast, tokenizer
        self._supervised: SupervisedNetwork | None = None
        self.unreadable: set[str] = set()

    @torch.no_grad()
    def examine(self, weights: dict[str, torch.Tensor], picture: Path) -> dict[str, float]:
        """Measure weights.

        Args:
            weights: whole state of a `SupervisedNetwork`.
            picture: where to draw the first frames, a JPEG.

        Returns:
            the figures of `measure` and `measure_depth`, summed up; nothing if no frame is held out.
        """
        if self._supervised is None:
            with torch.random.fork_rng(devices=[]):  # its random weights are replaced at once
                self._supervised = self._build().eval()
        supervised = self._supervised
        supervised.load_state_dict(weights)
        config, device = supervised.network.config, next(supervised.parameters()).device
        cases: dict[str, list[float]] = defaultdict(list)
        for number, batch in enumerate(self._loader):
            self.unreadable.update(batch.unreadable)
            batch = batch.to(device)
            with self._autocast():
                output, depth = supervised.look(batch)
            found = measure(output, batch, config.box_code)
            if depth is not None:
                truth = shrink_depth(batch.privileged.depth, supervised.validator.stride)
                found |= measure_depth(depth, truth)
            for name, values in found.items():
                cases[name] += values
            if number == 0:
                write_sheet(sample_sheet(batch, output, depth, config, self._tokenizer), picture)
        return summarise(cases)


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
    row = torch.arange(asked.shape[0], device=asked.device)[:, None].expand_as(asked)[asked]
    hit = on.any(1).gather(1, token[:, None])[:, 0] & wants
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


def measure_depth(depth: torch.Tensor, truth: torch.Tensor) -> dict[str, list[float]]:
    """Measure the validator's depth maps.

    Args:
        depth: (B, h, w) metres.
        truth: (B, h, w) metres; 0 or not finite where unknown.

    Returns:
        "depth_map": AbsRel, the mean of |d - d*| / d* over pixels of known depth, for each frame with any.
    """
    known = torch.isfinite(truth) & (truth > 0)
    error = torch.where(known, (depth - truth).abs() / truth.clamp(min=1e-3), 0.0)
    pixels = known.flatten(1).sum(1)
    return {"depth_map": (error.flatten(1).sum(1) / pixels)[pixels > 0].tolist()}


def summarise(cases: dict[str, list[float]]) -> dict[str, float]:
    """Turn joined cases into figures: percent, but the median depth error and the mean AbsRel.

    Returns:
        figures of what there are cases of: images that are asked no questions give no answers.
    """
    figures = {}
    for name, values in cases.items():
        if not values:
            continue
        tensor = torch.tensor(values)
        if name == "depth_error":
            figures[name] = float(tensor.median())
        elif name == "depth_map":
            figures[name] = float(tensor.mean())
        else:
            figures[name] = 100.0 * float(tensor.mean())
    return figures
