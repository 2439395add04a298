# SPDX-License-Identifier: Apache-2.0
"""Averaged weights are those that torch's own average gives, and survive a checkpoint."""

from __future__ import annotations

import torch
from torch import nn
from torch.optim.swa_utils import AveragedModel

from ide3d_training.averaging import WeightAverage
from ide3d_training.schedule import warming_average


def drifting(network: nn.Module) -> None:
    """Change a network as training does: its weights, and the statistics of its batch norm."""
    network(torch.randn(5, 3))
    with torch.no_grad():
        for value in network.parameters():
            value += torch.randn_like(value)


def test_the_average_is_the_one_that_torch_computes():
    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4))
    ours = WeightAverage(network, 0.9)
    theirs = AveragedModel(network, multi_avg_fn=warming_average(0.9))
    for _ in range(20):
        drifting(network)
        ours.update()
        theirs.update_parameters(network)
    state, wanted = ours.state(keep=True), theirs.state_dict()
    assert state.keys() == wanted.keys()
    for name, value in wanted.items():
        torch.testing.assert_close(state[name], value)
    theirs.load_state_dict(state)  # an export reads checkpoints in this way


def test_a_restored_average_goes_on_as_if_nothing_had_happened():
    torch.manual_seed(1)
    network = nn.Linear(3, 3)
    whole = WeightAverage(network, 0.5)
    network(torch.randn(5, 3))
    drifting(network)
    whole.update()
    resumed = WeightAverage(network, 0.5)
    resumed.restore(whole.state(keep=True))
    drifting(network)
    for average in (whole, resumed):
        average.update()
    torch.testing.assert_close(resumed.state(keep=True), whole.state(keep=True))
    assert not torch.equal(resumed.weights(keep=True)["weight"], network.weight)


def test_a_process_that_does_not_write_keeps_nothing():
    average = WeightAverage(nn.Linear(2, 2), 0.5)
    assert set(average.weights(keep=False).values()) == {None}
