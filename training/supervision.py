# SPDX-License-Identifier: Apache-2.0
"""What is trained: the network, and around it the parts that exist in training alone."""

from __future__ import annotations

import torch
from torch import nn

from ide3d_ros.network import Ide3dNetwork, NetworkOutput
from ide3d_training.config import ConfigError, TrainConfig
from ide3d_training.datasets.packing import Batch
from ide3d_training.objectives.alignment import TeacherAlignment
from ide3d_training.objectives.boxes import field_losses, gravity_loss, pointer_loss
from ide3d_training.objectives.coarse_depth import CoarseDepthSupervision
from ide3d_training.objectives.cross_view import CrossView
from ide3d_training.objectives.language import language_loss
from ide3d_training.objectives.levels import LevelTap
from ide3d_training.objectives.query_box import query_box_losses
from ide3d_training.objectives.validator import GeometryValidator, depth_map_losses, shrink_depth


class SupervisedNetwork(nn.Module):
    """Turn a batch into the terms of the objective.

    Only what `losses` gives a weight is built. The network is exported, averaged and measured without
    anything else that lives here.

    Args:
        network: what is trained.
        config: of the run.
        teacher_channels: width of the teacher's tokens; 0 without a teacher.

    Raises:
        ConfigError: if a term lacks what it reads.
    """

    def __init__(self, network: Ide3dNetwork, config: TrainConfig, teacher_channels: int = 0):
        super().__init__()
        self.network = network
        losses = config.losses
        self.absent = losses.absent
        self.validator = self.cross_view = self.alignment = None
        if losses.validated:
            self.tap = LevelTap(network.vision.encoder.layers, config.validator.levels)
            self.validator = GeometryValidator(network.config, config.validator)
        if losses.cross_viewed:
            if config.data.views < 2:
                raise ConfigError(
                    "losses.cross_view compares frames of one room; set data.views to 2 or more"
                )
            self.cross_view = CrossView(len(config.validator.levels), network.config.dim)
        if losses.alignment:
            if not teacher_channels:
                raise ConfigError(
                    "losses.alignment reads a teacher's features; set data.teacher to a directory made by: "
                    "ide3d-teacher cache"
                )
            self.alignment = TeacherAlignment(network.config.dim, teacher_channels)
        self.coarse_depth = CoarseDepthSupervision(network) if losses.coarse_depth else None
        if losses.query_boxed and network.query_head is None:
            raise ConfigError(
                "losses.query_* supervise boxes that queries state; set network.box_source to query"
            )
        if network.query_head is not None and not losses.query_boxed:
            raise ConfigError(
                "network.box_source is query, but no weight of losses.query_* is above 0; give them one"
            )

    def forward(self, batch: Batch) -> dict[str, torch.Tensor]:
        """Compute every term of the objective on one batch."""
        output = self._answer(batch)
        terms = (
            language_loss(output.logits, batch)
            | pointer_loss(output.pointer, batch, self.absent)
            | field_losses(output.fields, batch, self.network.config.box_code)
            | gravity_loss(output.gravity, batch)
        )
        if self.validator is not None:
            levels = self.tap.take()
            depth, confidence = self.validator(levels, batch.intrinsics)
            truth = shrink_depth(batch.privileged.depth, self.validator.stride)
            terms |= depth_map_losses(depth, confidence, truth)
            if self.cross_view is not None:
                terms |= self.cross_view(levels, batch.intrinsics, batch.privileged, depth, self.validator)
        if output.query_boxes is not None:
            terms |= query_box_losses(output.query_boxes, output.pointer, batch, self.network.config)
        if self.coarse_depth is not None:
            terms |= self.coarse_depth.loss(batch.privileged.depth, batch.intrinsics)
        if self.alignment is not None:
            terms |= self.alignment(output.visual_states, batch.privileged.teacher)
        return terms

    def look(self, batch: Batch) -> tuple[NetworkOutput, torch.Tensor | None]:
        """Run the network without an objective, to be measured.

        Returns:
            its output, and the validator's depth (B, h, w) in metres; None without a validator.
        """
        output = self._answer(batch)
        if self.validator is None:
            return output, None
        return output, self.validator(self.tap.take(), batch.intrinsics)[0]

    def _answer(self, batch: Batch) -> NetworkOutput:
        extra = tuple(getattr(batch.privileged, name) for name in self.network.config.extra_inputs)
        return self.network(batch.images, batch.intrinsics, batch.prompts, extra)

    def training_only(self) -> dict[str, nn.Module]:
        """Return the parts that exist in training alone, by name."""
        parts = {"validator": self.validator, "cross_view": self.cross_view, "alignment": self.alignment}
        return {name: part for name, part in parts.items() if part is not None}
