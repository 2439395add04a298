# SPDX-License-Identifier: Apache-2.0
"""docs/full_size.md states sizes and memory of the shipped configs; they are those that are counted."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import torch

from ide3d_ros.network.full_size import BoxSettings, build_random, find_checkpoint, shipped_configs
from ide3d_ros.network.full_size.memory import memory_need

PAGE = Path(__file__).parents[2] / "docs" / "full_size.md"
ROWS = {
    cells[0].strip("`"): cells[2:]
    for cells in (
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in PAGE.read_text().splitlines()
        if re.match(r"\| `[\w.-]+` \| (LLaVA|Qwen)", line)
    )
}
PROMPT_AND_ANSWER = 32 + 64


def test_every_shipped_config_has_its_row():
    assert sorted(ROWS) == list(shipped_configs())


@pytest.mark.parametrize("name", sorted(ROWS))
def test_a_row_states_what_is_counted(name):
    image, tokens, parameters, memory, dual = ROWS[name]
    options = {"dtype": torch.bfloat16, "device": "meta"}
    checkpoint = find_checkpoint(f"hf:{name}")
    plain = build_random(checkpoint, BoxSettings(), **options)
    layout = plain.adapter.layout
    assert (image, tokens) == (f"{layout.width}x{layout.height}", str(layout.tokens))
    assert [parameters, memory] == shown(plain)
    assert dual == ", ".join(shown(build_random(checkpoint, BoxSettings(), dual_encoder=True, **options)))


def shown(network) -> list[str]:
    need = memory_need(network, frames=32, text_tokens=PROMPT_AND_ANSWER)
    return [f"{need.parameters / 1e9:.2f} G", f"{need.total / (1 << 30):.1f} GiB"]
