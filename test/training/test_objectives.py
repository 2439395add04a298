# SPDX-License-Identifier: Apache-2.0
"""Each objective is smallest where it should be, and asks for what it says."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch

from ide3d_training.objectives.boxes import gravity_loss, pointer_loss


def pointing(*rows: list[float]) -> torch.Tensor:
    """One prompt whose queries say these probabilities; none last."""
    return torch.tensor([[rows]]).clamp(min=1e-6).log()


def targets(count: int, *tokens: list[bool], queries: int = 2) -> SimpleNamespace:
    on = torch.zeros(1, 1, queries, len(tokens[0]) if tokens else 3, dtype=torch.bool)
    for row, line in enumerate(tokens):
        on[0, 0, row] = torch.tensor(line)
    return SimpleNamespace(target_tokens=on, target_count=torch.tensor([[count]]))


def test_pointing_anywhere_on_the_target_costs_nothing():
    batch = targets(1, [True, True, False])
    said = pointing([0.5, 0.5, 0, 0], [0, 0, 0, 1])
    assert float(pointer_loss(said, batch)["pointer"]) == pytest.approx(0.0, abs=1e-4)


def test_pointing_beside_the_target_costs():
    said = pointing([0, 0, 1, 0], [0, 0, 0, 1])
    assert float(pointer_loss(said, targets(1, [True, True, False]))["pointer"]) > 5


def test_two_targets_may_be_taken_in_either_order():
    batch = targets(2, [True, False, False], [False, False, True])
    straight = pointer_loss(pointing([1, 0, 0, 0], [0, 0, 1, 0]), batch)["pointer"]
    crossed = pointer_loss(pointing([0, 0, 1, 0], [1, 0, 0, 0]), batch)["pointer"]
    both_one = pointer_loss(pointing([1, 0, 0, 0], [1, 0, 0, 0]), batch)["pointer"]
    assert float(straight) == pytest.approx(float(crossed), abs=1e-4) == pytest.approx(0.0, abs=1e-4)
    assert float(both_one) > 3


def test_no_target_asks_for_none():
    assert float(pointer_loss(pointing([0, 0, 0, 1], [0, 0, 0, 1]), targets(0))["pointer"]) == pytest.approx(
        0, abs=1e-4
    )
    assert float(pointer_loss(pointing([1, 0, 0, 0], [0, 0, 0, 1]), targets(0))["pointer"]) > 3


def test_absent_prompts_of_a_padded_row_do_not_count():
    said = pointing([1, 0, 0, 0], [0, 0, 0, 1]).repeat(1, 2, 1, 1)
    on = torch.zeros(1, 2, 2, 3, dtype=torch.bool)
    on[0, 0, 0, 0] = True
    batch = SimpleNamespace(target_tokens=on, target_count=torch.tensor([[1, -1]]))
    assert float(pointer_loss(said, batch)["pointer"]) == pytest.approx(0.0, abs=1e-4)


def test_prompts_without_a_target_weigh_what_they_are_given():
    asked = SimpleNamespace(
        target_tokens=torch.tensor([[[[True, False, False]] * 2, [[False] * 3] * 2]]),
        target_count=torch.tensor([[1, 0]]),
    )
    present, none = [0.2, 0, 0, 0.8], [0.5, 0, 0, 0.5]
    said = torch.cat([pointing(present, [0, 0, 0, 1]), pointing(none, none)], 1)
    losses = [
        float(pointer_loss(said[:, i : i + 1], SimpleNamespace(
            target_tokens=asked.target_tokens[:, i : i + 1], target_count=asked.target_count[:, i : i + 1]
        ))["pointer"])
        for i in (0, 1)
    ]  # fmt: skip
    for absent in (1.0, 3.0):
        wanted = (losses[0] + absent * losses[1]) / (1 + absent)
        assert float(pointer_loss(said, asked, absent)["pointer"]) == pytest.approx(wanted, rel=1e-5)


def test_nothing_asked_costs_nothing():
    nothing = SimpleNamespace(
        target_tokens=torch.zeros(1, 1, 2, 3, dtype=torch.bool), target_count=torch.tensor([[-1]])
    )
    assert float(pointer_loss(pointing([1, 0, 0, 0], [0, 0, 0, 1]), nothing)["pointer"]) == 0.0


def test_every_target_pulls_on_its_query_with_a_finite_gradient():
    logits = torch.zeros(1, 1, 2, 4, requires_grad=True)
    batch = targets(2, [True, False, False], [False, False, True])
    pointer_loss(torch.log_softmax(logits, -1), batch)["pointer"].backward()
    assert torch.isfinite(logits.grad).all() and (logits.grad.abs().sum(-1) > 0).all()


def test_gravity_is_measured_in_radians_where_it_is_known():
    said = torch.tensor([[0.4, -0.1], [9.0, 9.0]])
    batch = SimpleNamespace(gravity=torch.tensor([[0.3, 0.0]] * 2), gravity_known=torch.tensor([True, False]))
    assert float(gravity_loss(said, batch)["gravity"]) == pytest.approx(0.2)
