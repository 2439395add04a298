# SPDX-License-Identifier: Apache-2.0
"""Count what samples lack, so that nothing is left out of the objective in silence."""

from __future__ import annotations

import torch

from ide3d_training.config import LossWeights
from ide3d_training.datasets.packing import Batch

SENTENCES = {
    "batches": "batches had no finite loss or gradient: their steps were skipped",
    "prompts": "frames had nothing to be asked about: they taught boxes of tokens alone",
    "gravity": "frames did not show how their camera hangs: no gravity and no yaw was learned from them",
    "pictures": "images could not be read as their labels describe them: others were taken in their place",
    "depth": "frames had no known depth: the geometry validator learned nothing from them",
    "pose": "frames had no finite pose: no other frame was compared with them",
    "teacher": "frames had no finite features of the teacher: they were not aligned",
}
"""What may be missing, and what then happens; a count stands in front."""


def count_gaps(batch: Batch, losses: LossWeights) -> dict[str, int]:
    """Count the frames of a batch that lack something that the objective reads.

    Returns:
        "prompts", "gravity", "depth", "pose" and "teacher": frames; "pictures": files. Zero for what no term
        reads.
    """
    gaps = {"prompts": int((batch.target_count < 0).all(1).sum()), "depth": 0, "pose": 0, "teacher": 0}
    gaps |= {"gravity": int((~batch.gravity_known).sum()), "pictures": len(batch.unreadable)}
    if batch.privileged is None:
        return gaps
    if losses.validated:
        depth = batch.privileged.depth
        gaps["depth"] = int((~(torch.isfinite(depth) & (depth > 0)).flatten(1).any(1)).sum())
    if losses.cross_viewed:
        gaps["pose"] = int((~torch.isfinite(batch.privileged.world_from_camera).flatten(1).all(1)).sum())
    if losses.alignment and batch.privileged.teacher is not None:
        features = batch.privileged.teacher
        usable = torch.isfinite(features).all(-1) & (features != 0).any(-1)
        gaps["teacher"] = int((~usable.any(1)).sum())
    return gaps
