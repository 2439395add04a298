# SPDX-License-Identifier: Apache-2.0
"""Averaged weights, and weights in general, that may lie in one piece or as shards in several processes."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from torch.distributed.tensor import DTensor, distribute_tensor

from ide3d_training.schedule import warming_average


def whole(tensor: torch.Tensor) -> torch.Tensor:
    """Return a tensor in one piece; of a sharded one every process must ask."""
    return tensor.full_tensor() if isinstance(tensor, DTensor) else tensor


def whole_state(state: Any, keep: bool) -> Any:
    """Return a state of nested dictionaries and lists with every tensor in one piece, on the CPU.

    Args:
        state: with shards anywhere in it every process must ask.
        keep: whether this process wants it; otherwise its tensors are dropped as they come.

    Returns:
        a copy; None in place of tensors that are not kept.
    """
    if isinstance(state, torch.Tensor):
        tensor = whole(state.detach())
        return tensor.cpu() if keep else None
    if isinstance(state, dict):
        return {key: whole_state(value, keep) for key, value in state.items()}
    if isinstance(state, list | tuple):
        return type(state)(whole_state(value, keep) for value in state)
    return state


def laid_out_as(value: torch.Tensor, example: torch.Tensor) -> torch.Tensor:
    """Return a whole tensor on the device of another, and sharded as that is."""
    value = value.to(example.device)
    if not isinstance(example, DTensor) or value.shape != example.shape:
        return value
    return distribute_tensor(value, example.device_mesh, example.placements)


def restore_optimizer(optimizer: torch.optim.Optimizer, state: dict[str, Any]) -> None:
    """Load a whole state into an optimizer whose parameters may be sharded.

    Args:
        optimizer: of the parameters as they lie now.
        state: from `state_dict`, in one piece; its moments are numbered as the parameters are.
    """
    parameters = [p for group in optimizer.param_groups for p in group["params"]]
    moments = {
        number: {name: laid_out_as(value, parameters[number]) for name, value in entry.items()}
        for number, entry in state["state"].items()
    }
    optimizer.load_state_dict({**state, "state": moments})


class WeightAverage:
    """Exponential average of a network's weights, laid out as they are; buffers are those of the network.

    Its state has the form of `torch.optim.swa_utils.AveragedModel`, which can load it.

    Args:
        network: whose weights are averaged, in the form it is trained in: on its device, sharded or not.
        decay: of the average once it is warm.
    """

    def __init__(self, network: nn.Module, decay: float):
        self._network = network
        self._update = warming_average(decay)
        self._values = {name: value.detach().clone() for name, value in network.named_parameters()}
        self._count = torch.zeros((), dtype=torch.long)

    @torch.no_grad()
    def update(self) -> None:
        """Take in the network's weights; the first time the average becomes them."""
        averages = [_here(value) for value in self._values.values()]
        current = [_here(value) for value in self._network.parameters()]
        if self._count == 0:
            torch._foreach_copy_(averages, current)
        else:
            self._update(averages, current, self._count)
        self._count += 1

    def weights(self, keep: bool) -> dict[str, torch.Tensor]:
        """Return a state that the network's own class can load; see `whole_state`."""
        return whole_state({**self._network.state_dict(), **self._values}, keep)

    def state(self, keep: bool) -> dict[str, torch.Tensor]:
        """Return what a checkpoint keeps; see `whole_state`."""
        named = {f"module.{name}": value for name, value in self.weights(keep).items()}
        return {"n_averaged": self._count.clone(), **named}

    @torch.no_grad()
    def restore(self, state: dict[str, torch.Tensor]) -> None:
        """Go on from a state; the buffers in it are those that the network has been given."""
        for name, value in self._values.items():
            value.copy_(laid_out_as(state[f"module.{name}"], value))
        self._count.copy_(state["n_averaged"])


def _here(tensor: torch.Tensor) -> torch.Tensor:
    """Return the part of a tensor that lies in this process, sharing its memory."""
    return tensor.to_local() if isinstance(tensor, DTensor) else tensor.detach()
