# SPDX-License-Identifier: Apache-2.0
"""Language objective: next-token cross-entropy on answer text."""

from __future__ import annotations

import torch
from torch.nn import functional

from ide3d_training.datasets.packing import Batch


def language_loss(logits: torch.Tensor, batch: Batch) -> dict[str, torch.Tensor]:
    """Average the cross-entropy over answer tokens.

    Args:
        logits: (B, R, V) next-token logits of the packed rows.
        batch: its `labels` are (B, R) int64, IGNORED where nothing is to be predicted.

    Returns:
        {"answer": scalar}; zero when the batch asks no question.
    """
    wanted = batch.labels >= 0
    if not wanted.any():
        return {"answer": logits.sum() * 0.0}
    return {"answer": functional.cross_entropy(logits[wanted].float(), batch.labels[wanted])}
