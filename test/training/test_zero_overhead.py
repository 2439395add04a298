# SPDX-License-Identifier: Apache-2.0
"""What only training sees costs nothing on a robot: it is in no graph, and no graph differs for it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import onnx
import pytest
import torch
from tiny_network import tiny_network_config

from ide3d_ros.bundle import open_bundle
from ide3d_ros.bundle.interface import GRAPHS
from ide3d_ros.network import Ide3dNetwork
from ide3d_training.config import FrameData, LossWeights, TrainConfig, Validator
from ide3d_training.datasets.tokenizer import fit_tokenizer
from ide3d_training.export.bundle_writing import export_bundle
from ide3d_training.supervision import SupervisedNetwork

RGB = TrainConfig()
IDE3D = TrainConfig(
    preset="ide3d",
    data=FrameData(views=2),
    validator=Validator(levels=[1], width=8),
    losses=LossWeights(
        depth_map=0.8,
        depth_map_confidence=0.8,
        depth_map_gradient=0.8,
        cross_view=0.08,
        cross_view_consistency=0.08,
        alignment=1.0,
    ),
)
FILES = (*(f"{name}.onnx" for name in GRAPHS), "weights.bin")


def supervised(config: TrainConfig, vocabulary: int, seed: int) -> SupervisedNetwork:
    torch.manual_seed(seed)
    network = Ide3dNetwork(replace(tiny_network_config(vocabulary), preset=config.preset))
    return SupervisedNetwork(network, config, teacher_channels=8)


@pytest.fixture(scope="module")
def bundles(tmp_path_factory) -> dict[str, Path]:
    """Export `rgb`, `ide3d` with the same weights, and `ide3d` with others."""
    folder = tmp_path_factory.mktemp("overhead")
    tokenizer = fit_tokenizer(["where is the red chair", "is there a mug"], 300)
    tokenizer.save(str(folder / "tokenizer.json"))
    size = tokenizer.get_vocab_size()
    rgb, ide3d, other = supervised(RGB, size, 0), supervised(IDE3D, size, 1), supervised(IDE3D, size, 2)
    assert not rgb.training_only() and len(ide3d.training_only()) == 3
    ide3d.network.load_state_dict(rgb.network.state_dict())
    for name, one in {"rgb": rgb, "ide3d": ide3d, "other": other}.items():
        # The validator still listens to this very network.
        export_bundle(one.network, folder / "tokenizer.json", folder / name, name="tiny")
    return {name: folder / name for name in ("rgb", "ide3d", "other")}


@pytest.mark.parametrize("file", FILES)
def test_equal_weights_give_equal_bytes_with_and_without_training_only_parts(bundles, file: str):
    assert (bundles["rgb"] / file).read_bytes() == (bundles["ide3d"] / file).read_bytes()


@pytest.mark.parametrize("name", GRAPHS)
def test_other_weights_change_neither_operators_nor_sizes(bundles, name: str):
    def anatomy(folder: Path) -> tuple:
        graph = onnx.load(folder / f"{name}.onnx", load_external_data=False).graph
        nodes = [
            (node.op_type, tuple(node.input), tuple(node.output), str(node.attribute)) for node in graph.node
        ]
        weights = {tensor.name: (tensor.data_type, tuple(tensor.dims)) for tensor in graph.initializer}
        return nodes, weights, str(graph.input), str(graph.output)

    assert anatomy(bundles["rgb"]) == anatomy(bundles["other"])
    assert (bundles["rgb"] / "weights.bin").read_bytes() != (bundles["other"] / "weights.bin").read_bytes()


def test_manifests_differ_in_the_name_of_the_method_alone(bundles):
    rgb, ide3d = (open_bundle(bundles[name]).manifest.model_dump() for name in ("rgb", "ide3d"))
    assert {key for key in rgb if rgb[key] != ide3d[key]} == {"preset"}
    assert (rgb["preset"], ide3d["preset"]) == ("rgb", "ide3d")


def test_what_only_training_sees_cannot_be_exported(tmp_path: Path):
    whole = supervised(IDE3D, 300, 0)
    for part in (whole, *whole.training_only().values()):
        with pytest.raises(TypeError, match=f"{type(part).__name__} cannot be exported: .* network alone"):
            export_bundle(part, tmp_path / "tokenizer.json", tmp_path / "bundle")
    assert not (tmp_path / "bundle").exists()


def test_a_network_holds_no_weight_of_what_only_training_sees():
    whole = supervised(IDE3D, 300, 0)
    inside = {id(p) for p in whole.network.parameters()}
    assert inside.isdisjoint(id(p) for part in whole.training_only().values() for p in part.parameters())
    assert set(whole.network.state_dict()) == set(supervised(RGB, 300, 0).network.state_dict())
