# SPDX-License-Identifier: Apache-2.0
"""Packing prompts behind one frame must change the cost of a pass and nothing else."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from tiny_network import tiny_network_config

from ide3d_ros.network import Ide3dNetwork, NetworkConfig
from ide3d_ros.network.language import ANSWER, QUERY, TEXT, packed_mask
from ide3d_training.datasets.packing import Prompt, pack_prompts, pack_row
from ide3d_training.objectives.language import language_loss

CONFIG = tiny_network_config(vocabulary=40)
PROMPTS = (
    Prompt(text=(1, 10, 11, 12), answer=(), objects=()),
    Prompt(text=(2, 20, 21), answer=(30, 31, 4), objects=()),
    Prompt(text=(2, 22, 23, 24, 25), answer=(32, 4), objects=()),
)


@pytest.fixture(scope="module")
def network() -> Ide3dNetwork:
    torch.manual_seed(0)
    return Ide3dNetwork(CONFIG).eval()


@pytest.fixture(scope="module")
def frame() -> tuple[torch.Tensor, torch.Tensor]:
    image = torch.from_numpy(np.random.default_rng(0).integers(0, 255, (1, 48, 64, 3), np.uint8))
    return image, torch.tensor([[[50.0, 0, 31.5], [0, 50.0, 23.5], [0, 0, 1]]])


def run(network, frame, prompts):
    packed, labels = pack_prompts([pack_row(prompts, CONFIG.box_queries)])
    with torch.no_grad():
        return network(*frame, packed), packed, labels


def test_packed_and_single_prompts_point_and_answer_alike(network, frame):
    together, packed, labels = run(network, frame, PROMPTS)
    for index, prompt in enumerate(PROMPTS):
        alone, _, own = run(network, frame, (prompt,))
        torch.testing.assert_close(together.pointer[0, index], alone.pointer[0, 0], atol=1e-5, rtol=0)
        row = packed.prompt[0] == index
        torch.testing.assert_close(together.logits[0, row], alone.logits[0], atol=1e-5, rtol=0)
        assert labels[0, row].tolist() == own[0].tolist()


def test_packed_and_single_losses_agree(network, frame):
    class Labelled:
        def __init__(self, labels):
            self.labels = labels

    together, _, labels = run(network, frame, PROMPTS)
    packed_loss = language_loss(together.logits, Labelled(labels))["answer"]
    total = 0.0
    for prompt in PROMPTS[1:]:
        alone, _, own = run(network, frame, (prompt,))
        total += float(language_loss(alone.logits, Labelled(own))["answer"]) * len(prompt.answer)
    assert float(packed_loss) == pytest.approx(total / sum(len(p.answer) for p in PROMPTS), abs=1e-5)


def test_padding_a_row_changes_nothing(network, frame):
    alone, *_ = run(network, frame, PROMPTS[:1])
    packed, _ = pack_prompts([pack_row(PROMPTS[:1], 3), pack_row(PROMPTS, 3)])
    with torch.no_grad():
        both = network(frame[0].repeat(2, 1, 1, 1), frame[1].repeat(2, 1, 1), packed)
    torch.testing.assert_close(both.pointer[0, 0], alone.pointer[0, 0], atol=1e-5, rtol=0)
    assert torch.isfinite(both.logits).all()


def test_what_a_frame_contributes_does_not_depend_on_the_question(network, frame):
    one, *_ = run(network, frame, PROMPTS[:1])
    other, *_ = run(network, frame, PROMPTS[1:])
    torch.testing.assert_close(one.fields, other.fields, atol=1e-6, rtol=0)
    torch.testing.assert_close(one.gravity, other.gravity, atol=1e-6, rtol=0)


def test_answers_see_their_prompt_but_never_box_queries_nor_other_prompts():
    prompt = torch.tensor([[0, 0, 0, 0, 1]])
    kind = torch.tensor([[TEXT, QUERY, QUERY, ANSWER, TEXT]])
    seen = packed_mask(2, prompt, kind)[0, 0]
    assert seen[5].tolist() == [True, True, True, False, False, True, False]
    assert seen[4].tolist() == [True, True, True, True, True, False, False]
    assert seen[6].tolist() == [True, True, False, False, False, False, True]
    assert seen[0].tolist() == [True, True, False, False, False, False, False]


def test_the_camera_matters_to_the_tokens(network, frame):
    image, intrinsics = frame
    wide = intrinsics.clone()
    wide[:, 0, 0] *= 0.5
    with torch.no_grad():
        assert (network.vision(image, intrinsics) - network.vision(image, wide)).abs().max() > 1e-3


def test_a_size_that_does_not_divide_is_refused_by_name():
    values = CONFIG.to_dict() | {"width": 100}
    with pytest.raises(ValueError, match="100x48 is not a multiple of the token stride 16"):
        NetworkConfig.from_dict(values)


def test_a_config_survives_its_plain_form():
    import json

    assert NetworkConfig.from_dict(json.loads(json.dumps(CONFIG.to_dict()))) == CONFIG


def test_plain_attention_gives_what_the_fused_kernel_gives(network, frame):
    fused, _, _ = run(network, frame, PROMPTS)
    network.attend("eager")
    try:
        plain, _, _ = run(network, frame, PROMPTS)
    finally:
        network.attend("sdpa")
    for name in ("logits", "pointer", "fields", "gravity"):
        torch.testing.assert_close(getattr(plain, name), getattr(fused, name), atol=1e-5, rtol=1e-4)
