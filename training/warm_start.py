# SPDX-License-Identifier: Apache-2.0
"""Begin a run with the weights of an earlier one, whose words, categories or colours may have been others."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from tokenizers import Tokenizer

from ide3d_ros.network import Ide3dNetwork, NetworkConfig
from ide3d_training.checkpoint import load_checkpoint
from ide3d_training.config import ConfigError
from ide3d_training.provenance import labelled_images

EMBEDDING = "decoder.embed_tokens.weight"
FIELDS = ("box_head.fields.2.weight", "box_head.fields.2.bias")
"""Parameters whose rows have names: one a token, one a slot of the field vector. All others fit whole."""


def warm_start(network: Ide3dNetwork, tokenizer: Tokenizer, run: Path) -> list[str]:
    """Copy the averaged weights of an earlier run into a new network.

    Rows of the token embedding are matched by the tokens' text and rows of the box head by category and
    colour, so the earlier run may have known fewer; what it did not know keeps its random weights.

    Args:
        network: changed in place.
        tokenizer: of the new network.
        run: directory of the earlier run, with `checkpoint.pt` and `tokenizer.json`.

    Returns:
        The `labelled_images` behind those weights: their licence goes with them.

    Raises:
        ConfigError: if the directory holds no run, or the network's sizes are others.
    """
    state = load_checkpoint(run)
    if state is None or not (run / "tokenizer.json").exists():
        raise ConfigError(f"start_from: {run} holds no run (checkpoint.pt and tokenizer.json)")
    earlier = NetworkConfig.from_dict(state["network_config"])
    earlier_tokens = Tokenizer.from_file(str(run / "tokenizer.json")).get_vocab()
    tokens = tokenizer.get_vocab()
    named_rows = {EMBEDDING: matching_rows(tokens, earlier_tokens)}
    named_rows |= dict.fromkeys(FIELDS, matching_rows(_slots(network.config), _slots(earlier)))
    own = network.state_dict()
    for name, values in state["average"].items():
        key = name.removeprefix("module.")
        if key not in own:  # the average's own counter
            continue
        if key in named_rows:
            new, old = named_rows[key]
            own[key][new] = values[old]
        elif own[key].shape == values.shape:
            own[key].copy_(values)
        else:
            raise ConfigError(
                f"start_from: {key} is {tuple(values.shape)} in {run} and {tuple(own[key].shape)} here; "
                "give both runs the same network sizes"
            )
    return labelled_images(state)


def matching_rows(new: dict[str, int], old: dict[str, int]) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the row numbers, new and old, of the names that both have."""
    shared = sorted(new.keys() & old.keys())
    return torch.tensor([new[name] for name in shared]), torch.tensor([old[name] for name in shared])


def _slots(config: NetworkConfig) -> dict[str, int]:
    """Name the slots of the field vector."""
    code = config.box_code

    def rows(part: slice, names: Sequence[str], kind: str) -> dict[str, int]:
        return {f"{kind} {name}": part.start + i for i, name in enumerate(names)}

    geometry = {f"geometry {i}": i for i in range(code.category.start)}
    categories = rows(code.category, (*config.categories, "<background>"), "category")
    return geometry | categories | rows(code.color, config.colors, "color")
