# SPDX-License-Identifier: Apache-2.0
"""A run begins where another ended, also when the worlds have learned new words and things since."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from tiny_network import tiny_network_config

from ide3d_ros.network import Ide3dNetwork
from ide3d_training.checkpoint import save_checkpoint
from ide3d_training.config import ConfigError, TrainConfig
from ide3d_training.datasets.tokenizer import fit_tokenizer
from ide3d_training.warm_start import EMBEDDING, warm_start


@pytest.fixture
def earlier(tmp_path: Path):
    """Leave a run of two categories behind; return its network, tokenizer and directory."""
    tokenizer = fit_tokenizer(["the red chair", "a blue mug"] * 50, 290)
    network = Ide3dNetwork(tiny_network_config(tokenizer.get_vocab_size()))
    average = {f"module.{name}": value for name, value in network.state_dict().items()}
    state = {"network_config": network.config.to_dict(), "average": average | {"n_averaged": 3}}
    save_checkpoint(tmp_path, state | {"train_config": TrainConfig().to_dict()})
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    return network, tokenizer, tmp_path


def test_what_both_know_keeps_its_weights(earlier) -> None:
    old, old_tokenizer, folder = earlier
    tokenizer = fit_tokenizer(["the red sofa", "a green mug", "the blue chair"] * 50, 295)
    config = replace(
        tiny_network_config(tokenizer.get_vocab_size()),
        categories=("sofa", "mug", "chair"),
        mean_extents=((0.9, 1.7, 0.8), (0.1, 0.1, 0.1), (0.5, 0.5, 0.9)),
        colors=("green", "red", "blue"),
    )
    new = Ide3dNetwork(config)
    untouched = new.box_head.fields[-1].weight[config.box_code.category][0].clone()
    warm_start(new, tokenizer, folder)
    torch.testing.assert_close(new.vision.position, old.vision.position)

    def row(network: Ide3dNetwork, part: slice, names: tuple[str, ...], name: str) -> torch.Tensor:
        return network.box_head.fields[-1].weight[part][names.index(name)]

    for name in ("mug", "chair"):
        mine = row(new, config.box_code.category, config.categories, name)
        torch.testing.assert_close(mine, row(old, old.config.box_code.category, old.config.categories, name))
    torch.testing.assert_close(
        row(new, config.box_code.color, config.colors, "blue"),
        row(old, old.config.box_code.color, old.config.colors, "blue"),
    )
    background = new.box_head.fields[-1].weight[config.box_code.category][-1]
    torch.testing.assert_close(background, old.box_head.fields[-1].weight[old.config.box_code.category][-1])
    torch.testing.assert_close(row(new, config.box_code.category, config.categories, "sofa"), untouched)
    for token in ("<ask>", "Ġmug"):
        torch.testing.assert_close(
            new.state_dict()[EMBEDDING][tokenizer.token_to_id(token)],
            old.state_dict()[EMBEDDING][old_tokenizer.token_to_id(token)],
        )


def test_a_network_of_other_sizes_is_refused_by_name(earlier) -> None:
    _, tokenizer, folder = earlier
    wider = Ide3dNetwork(replace(tiny_network_config(tokenizer.get_vocab_size()), field_hidden=48))
    with pytest.raises(ConfigError, match=r"box_head.fields.0.weight is \(32, 32\) .* and \(48, 32\) here"):
        warm_start(wider, tokenizer, folder)


def test_a_folder_without_a_run_is_refused(earlier, tmp_path: Path) -> None:
    network, tokenizer, _ = earlier
    with pytest.raises(ConfigError, match="holds no run"):
        warm_start(network, tokenizer, tmp_path / "nothing")
