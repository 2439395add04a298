# SPDX-License-Identifier: Apache-2.0
"""What a branch adds to the visual tokens, the exported vision graph adds as well, in every precision."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from tiny_network import tiny_network_config
from torch import nn

from ide3d_ros.geometry import Camera
from ide3d_ros.network import Ide3dNetwork
from ide3d_ros.network.geometry_network import GeometryConfig
from ide3d_training.export.onnx_writing import export_graphs
from ide3d_training.export.precision import restate
from ide3d_training.export.rounding import round_everywhere

ENCODER = GeometryConfig(width=64, height=48, stem_channels=(8, 8, 16), dim=24, pairs=1, heads=4, mlp=32)
OPTIONS = {"camera_position": {}, "world_position": {}, "second_encoder": {"encoder": ENCODER.to_dict()}}
IMAGES = np.random.default_rng(0).integers(0, 255, (2, 48, 64, 3), np.uint8)
INTRINSICS = np.stack([Camera.from_fov(64, 48, fov).K for fov in (0.8, 1.3)]).astype(np.float32)
EXTRA = {
    "depth": np.random.default_rng(1).uniform(1, 4, (2, 48, 64)).astype(np.float32),
    "world_from_camera": np.array(
        [[0.0, 0, 1, 2], [-1, 0, 0, -3], [0, -1, 0, 1.5], [0, 0, 0, 1]], np.float32
    )[None].repeat(2, 0),
}


@pytest.mark.parametrize("branch", OPTIONS)
def test_a_branch_says_the_same_once_it_is_exported(branch: str):
    torch.manual_seed(0)
    config = replace(tiny_network_config(300), branch=branch, branch_options=OPTIONS[branch])
    network = Ide3dNetwork(config).eval()
    if branch == "second_encoder":
        nn.init.normal_(network.vision.branch.merger[-1].weight)
    extra = tuple(EXTRA[name] for name in config.extra_inputs)
    with torch.no_grad():
        arrays = IMAGES, INTRINSICS, *extra
        images, intrinsics, *rest = (torch.from_numpy(array) for array in arrays)
        wanted = network.vision(images, intrinsics, tuple(rest)).numpy()
        plain = network.vision.branch
        network.vision.branch = None
        assert np.abs(network.vision(images, intrinsics).numpy() - wanted).max() > 0.5
        network.vision.branch = plain
    models = export_graphs(network)

    def run(model: onnx.ModelProto) -> np.ndarray:
        session = onnxruntime.InferenceSession(model.SerializeToString())
        feeds = dict(zip([one.name for one in session.get_inputs()], arrays, strict=True))
        return session.run(None, feeds)[0]

    np.testing.assert_allclose(run(models["vision"]), wanted, atol=1e-3)
    np.testing.assert_allclose(run(restate(models, "int8")["vision"]), wanted, atol=1e-3)
    half = round_everywhere(restate(models, "float16"))["vision"]
    np.testing.assert_allclose(run(half), wanted, atol=0.02 * np.abs(wanted).max())
