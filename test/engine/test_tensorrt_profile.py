# SPDX-License-Identifier: Apache-2.0
"""Plans and buffers cover exactly what the manifest allows."""

from __future__ import annotations

import pytest

from ide3d_ros.bundle import Bundle, open_bundle
from ide3d_ros.engine.tensorrt_profile import (
    MAX_PROMPTS,
    check_lengths,
    free_lengths,
    greatest_bytes,
    input_profiles,
    output_shape,
    read_lengths,
    spell_profile,
)


@pytest.fixture(scope="module")
def nano() -> Bundle:
    return open_bundle("nano")


def test_every_input_with_a_free_length_has_a_profile_within_the_limits(nano: Bundle) -> None:
    limits = nano.manifest.limits
    prompt = input_profiles(nano.manifest, "prompt")
    assert set(prompt) == {"key", "value", "pointer_key", "text", "text_length"}
    assert prompt["text"].least == (1, 1)
    assert prompt["text"].greatest == (MAX_PROMPTS, limits.max_text_tokens)
    assert prompt["key"].greatest[0] == limits.max_frames
    step = input_profiles(nano.manifest, "step")
    assert "token" not in step  # nothing of it is free
    assert step["past_key"].greatest[3] == limits.max_text_tokens + limits.max_answer_tokens - 1
    assert step["past_key"].least[0] == step["past_key"].greatest[0] == 1


@pytest.mark.parametrize("graph", ["vision", "prefix", "prompt", "step"])
def test_usual_shapes_lie_between_least_and_greatest(nano: Bundle, graph: str) -> None:
    for shapes in input_profiles(nano.manifest, graph).values():
        for least, usual, greatest in zip(shapes.least, shapes.usual, shapes.greatest, strict=True):
            assert 1 <= least <= usual <= greatest


def test_limits_below_the_usual_lengths_are_kept(fake_bundle: Bundle) -> None:
    limits = fake_bundle.manifest.limits.model_copy(update={"max_text_tokens": 3, "max_answer_tokens": 2})
    manifest = fake_bundle.manifest.model_copy(update={"limits": limits})
    assert str(free_lengths(manifest)["T"]) == "1..3 (usually 3)"
    assert str(free_lengths(manifest)["t"]) == "1..4 (usually 4)"


def test_a_profile_is_spelled_by_its_own_symbols(nano: Bundle) -> None:
    assert spell_profile(nano.manifest, "vision") == "F 1..8 (usually 1)"
    assert spell_profile(nano.manifest, "step") == "F 1..8 (usually 1), t 1..127 (usually 24)"


def test_buffers_hold_the_greatest_shapes(nano: Bundle) -> None:
    sizes, limits = nano.manifest.network, nano.manifest.limits
    prompt = greatest_bytes(nano.manifest, "prompt")
    assert prompt["pointer"] == 4 * MAX_PROMPTS * sizes.box_queries * (limits.max_frames * sizes.tokens + 1)
    assert prompt["text_length"] == 8 * MAX_PROMPTS
    assert (
        greatest_bytes(nano.manifest, "vision")["image"] == limits.max_frames * sizes.height * sizes.width * 3
    )


def test_output_shapes_follow_from_the_inputs(nano: Bundle) -> None:
    graphs = nano.manifest.graphs.by_name()
    lengths = {"F": 2, "B": 3, "T": 5}
    shapes = [output_shape(one, lengths, 192) for one in graphs["prompt"].outputs]
    assert shapes == [(3, nano.manifest.network.vocab), (3, 4, 385), (3, 4, 2, 5, 48), (3, 4, 2, 5, 48)]
    assert output_shape(graphs["step"].outputs[1], {"F": 1, "t": 9}, 192) == (1, 4, 2, 10, 48)


def test_one_length_cannot_have_two_values(nano: Bundle) -> None:
    inputs = nano.manifest.graphs.vision.inputs
    shapes = {"image": (2, 192, 256, 3), "intrinsics": (2, 3, 3)}
    assert read_lengths("vision", inputs, shapes) == {"F": 2}
    with pytest.raises(ValueError, match=r"vision: intrinsics has shape \[1, 3, 3\] instead of \[2, 3, 3\]"):
        read_lengths("vision", inputs, {**shapes, "intrinsics": (1, 3, 3)})


def test_lengths_outside_the_limits_are_named(nano: Bundle) -> None:
    allowed = free_lengths(nano.manifest)
    check_lengths({"F": 8, "T": 64}, allowed)
    with pytest.raises(ValueError, match="65 text tokens are outside the bundle's 1 to 64"):
        check_lengths({"F": 8, "T": 65}, allowed)
    with pytest.raises(ValueError, match="0 frames"):
        check_lengths({"F": 0}, allowed)
