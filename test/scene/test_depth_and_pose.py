# SPDX-License-Identifier: Apache-2.0
"""A bundle that reads depth and pose gets them with every frame, or the frame is refused in one sentence."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from tiny_network import tiny_network_config

from ide3d_ros.bundle import UnsealedBundle
from ide3d_ros.engine.torch_engine import TorchEngine
from ide3d_ros.geometry import Camera
from ide3d_ros.network import Ide3dNetwork
from ide3d_ros.nodes.opening import MissingInputs, open_scenes
from ide3d_ros.scene import Scene
from ide3d_ros.scene.preprocessing import FrameError, prepare_depth
from ide3d_training.datasets.tokenizer import fit_tokenizer
from ide3d_training.evaluate.posed import PosedFrame
from ide3d_training.evaluate.responders import ResponseError, SceneResponder
from ide3d_training.export.bundle_writing import describe_network, export_bundle

CAMERA = Camera.from_fov(64, 48, 1.1)
IMAGE = np.random.default_rng(0).integers(0, 255, (48, 64, 3), np.uint8)
DEPTH = np.random.default_rng(1).uniform(1, 4, (48, 64)).astype(np.float32)
POSE = np.array([[0.0, 0, 1, 2], [-1, 0, 0, -3], [0, -1, 0, 1.5], [0, 0, 0, 1]])
FRAME = {"stamp_ns": 1, "frame_id": "camera"}


@pytest.fixture(scope="module")
def tokenizer_file(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("tokenizer") / "tokenizer.json"
    fit_tokenizer(["where is the red chair", "is there a mug", "yes", "no"], 300).save(str(path))
    return path


@pytest.fixture(scope="module")
def network(tokenizer_file: Path) -> Ide3dNetwork:
    torch.manual_seed(1)
    vocabulary = len(fit_tokenizer(["where is the red chair"], 300).get_vocab()) + 100
    return Ide3dNetwork(replace(tiny_network_config(vocabulary), branch="world_position")).eval()


@pytest.fixture
def scene(network: Ide3dNetwork, tokenizer_file: Path) -> Scene:
    return Scene(
        UnsealedBundle(describe_network(network, "placed", {}), tokenizer_file), TorchEngine(network)
    )


@pytest.fixture(scope="module")
def exported(network: Ide3dNetwork, tokenizer_file: Path, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("placed") / "bundle"
    export_bundle(network, tokenizer_file, folder, name="placed")
    return folder


def test_the_exported_bundle_says_what_it_reads_and_encodes_it_as_the_network_does(exported, network):
    scene = Scene.open(exported)
    manifest = scene.bundle.manifest
    assert manifest.extra_inputs == ("depth", "world_from_camera")
    names = [tensor.name for tensor in manifest.graphs.vision.inputs]
    assert names == ["image", "intrinsics", "depth", "world_from_camera"]
    scene.add_frame(IMAGE, CAMERA, **FRAME, depth=DEPTH, world_from_camera=POSE)
    (entry,) = scene._cache._entries
    with torch.no_grad():
        wanted = network.vision(
            torch.from_numpy(IMAGE)[None],
            torch.tensor(CAMERA.K, dtype=torch.float32)[None],
            (torch.from_numpy(DEPTH)[None], torch.tensor(POSE, dtype=torch.float32)[None]),
        )
    np.testing.assert_allclose(entry.tokens, wanted, atol=2e-4)


@pytest.mark.parametrize(
    ("given", "cause"),
    [
        ((), "reads depth and world_from_camera of every frame .* set depth.topic .* and fixed_frame to"),
        (("depth",), "reads world_from_camera of every frame .* set fixed_frame to a frame"),
        (("world_from_camera",), "reads depth of every frame .* set depth.topic to a topic"),
    ],
)
def test_a_node_that_is_not_told_where_depth_and_pose_are_does_not_open_it(exported, given, cause):
    with pytest.raises(MissingInputs, match=cause):
        open_scenes(str(exported), [""], engine="onnx", window=1, threads=1, given_inputs=given)


def test_a_node_that_is_told_where_depth_and_pose_are_opens_it(exported):
    given = ("world_from_camera", "depth")
    scenes = open_scenes(str(exported), [""], engine="onnx", window=1, threads=1, given_inputs=given)
    assert scenes[""].bundle.manifest.extra_inputs == ("depth", "world_from_camera")


def test_another_pose_is_another_answer(scene: Scene):
    tokens = []
    for pose in (POSE, np.eye(4)):
        scene.add_frame(IMAGE, CAMERA, **FRAME, depth=DEPTH, world_from_camera=pose)
        tokens.append(scene._cache._entries[-1].tokens)
    assert np.abs(tokens[0] - tokens[1]).max() > 0.1


@pytest.mark.parametrize(
    ("given", "cause"),
    [
        ({}, "bundle 'placed' reads depth and world_from_camera of every frame, and depth is not given"),
        ({"depth": DEPTH}, "and world_from_camera is not given"),
        ({"depth": DEPTH.astype(np.uint16), "world_from_camera": POSE}, "depth is uint16 .* floating"),
        ({"depth": DEPTH[:24], "world_from_camera": POSE}, "depth is 64x24 but its camera is 64x48"),
        ({"depth": DEPTH, "world_from_camera": 2 * POSE}, "world_from_camera: a rigid motion"),
    ],
)
def test_a_frame_without_what_the_bundle_reads_is_refused(scene: Scene, given, cause):
    with pytest.raises(FrameError, match=cause):
        scene.add_frame(IMAGE, CAMERA, **FRAME, **given)
    assert scene.frames == ()


def test_depth_follows_the_image_into_its_bars_and_keeps_its_edges():
    wide = np.where(np.arange(64) < 32, 1.0, 3.0)[None].repeat(16, 0)
    wide[0, 0] = np.nan
    camera = Camera.from_fov(64, 16, 1.1)
    shrunk = prepare_depth(wide, camera, 32, 24)
    assert shrunk.dtype == np.float32 and set(np.unique(shrunk)) == {0.0, 1.0, 3.0}
    assert (shrunk[:8] == 0).all() and (shrunk[16:] == 0).all()  # bars above and below
    assert (shrunk[9:16, :16] == 1).all() and (shrunk[9:16, 16:] == 3).all()


def test_depth_is_undistorted_with_its_image():
    lens = Camera(64, 48, 40.0, 40.0, 31.5, 23.5, (-0.3, 0.05, 0.0, 0.0, 0.0))
    v, u = np.mgrid[0:48, 0:64].astype(np.float64)
    straight = prepare_depth(1 + u / 64, lens, 64, 48)
    map_u, _ = lens.undistortion_map()
    seen = map_u >= 0
    np.testing.assert_allclose(straight[seen], 1 + map_u[seen] / 64, atol=0.51 / 64)


def test_an_evaluation_says_that_depth_and_poses_were_read_and_misses_them_by_name(scene: Scene):
    responder = SceneResponder(scene)
    assert responder.mode == "privileged"
    frame = PosedFrame(IMAGE, CAMERA, 7, (), (), depth=DEPTH, world_from_camera=POSE)
    responder.respond(frame)
    with pytest.raises(ResponseError, match="frame 7: bundle 'placed' reads depth"):
        responder.respond(replace(frame, depth=None))
