# SPDX-License-Identifier: Apache-2.0
"""Exported graphs read with few nodes, and what they read is what the network's own decoder reads."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import onnx
import onnxruntime
import pytest
import torch
from tiny_network import tiny_network_config

from ide3d_ros.network import Ide3dNetwork
from ide3d_ros.network.decoding import NetworkDecoding
from ide3d_training.export.lean_decoding import LeanDecoding
from ide3d_training.export.onnx_writing import export_graphs

FRAMES, ROWS, PAST = 3, 7, 5


@pytest.fixture(scope="module")
def network() -> Ide3dNetwork:
    """A tiny network whose biases and norms are not those of a fresh one, as training leaves them."""
    torch.manual_seed(0)
    network = Ide3dNetwork(tiny_network_config(300)).eval().requires_grad_(False)
    for name, parameter in network.decoder.named_parameters():
        if "bias" in name or "norm" in name:
            parameter += 0.3 * torch.randn_like(parameter)
    return network


@pytest.fixture(scope="module")
def decodings(network: Ide3dNetwork) -> tuple[NetworkDecoding, LeanDecoding]:
    return NetworkDecoding(network), LeanDecoding(network.decoder)


@pytest.fixture(scope="module")
def graphs(network: Ide3dNetwork) -> dict[str, onnx.ModelProto]:
    return export_graphs(network)


def cached(network: Ide3dNetwork, first: int, length: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Make keys and values (first, L, H, length, d) of the size that a trained decoder's have."""
    config = network.config
    shape = (2, first, config.language_layers, config.kv_heads, length, config.head_dim)
    key, value = torch.randn(shape, generator=torch.Generator().manual_seed(length))
    return key, value


def assert_same(readings: list[tuple[torch.Tensor, ...]]) -> None:
    for expected, found in zip(*readings, strict=True):
        assert found.shape == expected.shape
        torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-5)


def test_frames_are_read_as_the_network_reads_them(network, decodings):
    tokens = torch.randn(FRAMES, network.config.tokens, network.config.dim)
    assert_same([decoding.read_frames(tokens) for decoding in decodings])


@pytest.mark.parametrize("frames", [1, FRAMES])
def test_text_is_read_as_the_network_reads_it(network, decodings, frames):
    window = cached(network, frames, network.config.tokens)
    position = torch.tensor([0, 1, 2, 3, 0, 1, 2])
    mask = torch.eye(ROWS, dtype=torch.bool)
    mask[:4, :4], mask[4:, 4:] = torch.ones(4, 4).tril().bool(), torch.ones(3, 3).tril().bool()
    embedded = torch.randn(ROWS, network.config.dim)
    asked = torch.tensor([6, 2, 3])
    assert_same([decoding.read_text(embedded, position, mask, asked, *window) for decoding in decodings])


@pytest.mark.parametrize("frames", [1, FRAMES])
def test_a_token_is_read_as_the_network_reads_it(network, decodings, frames):
    window, past = cached(network, frames, network.config.tokens), cached(network, 1, PAST)
    embedded = torch.randn(1, network.config.dim)
    assert_same([decoding.read_token(embedded, *window, *past) for decoding in decodings])


@pytest.mark.parametrize("name", ["prefix", "prompt", "step"])
def test_graphs_hold_standard_operators_alone(graphs, name):
    assert {node.domain for node in graphs[name].graph.node} == {""}


def test_a_step_has_few_nodes_and_copies_no_shared_keys(network, graphs):
    kinds = Counter(node.op_type for node in graphs["step"].graph.node)
    assert kinds.total() <= 30 + 50 * network.config.language_layers
    assert not kinds.keys() & {"Expand", "Tile", "Where"}


@pytest.mark.parametrize("name", ["prefix", "prompt", "step"])
def test_onnxruntime_runs_each_norm_of_the_decoder_as_one_node(network, graphs, name, tmp_path: Path):
    options = onnxruntime.SessionOptions()
    options.optimized_model_filepath = str(tmp_path / "as_it_runs.onnx")
    options.log_severity_level = 3
    onnxruntime.InferenceSession(graphs[name].SerializeToString(), options, ["CPUExecutionProvider"])
    kinds = Counter(node.op_type for node in onnx.load(options.optimized_model_filepath).graph.node)
    assert kinds["SimplifiedLayerNormalization"] == 2 * network.config.language_layers + 1
