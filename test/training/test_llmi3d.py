# SPDX-License-Identifier: Apache-2.0
"""Preset llmi3d trains from its shipped configuration, and its bundle states boxes as its network does."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch
from typer.testing import CliRunner

from ide3d_ros.bundle import open_bundle
from ide3d_ros.geometry import Camera
from ide3d_ros.geometry.query_code import decode_query_boxes
from ide3d_ros.network import Ide3dNetwork
from ide3d_ros.scene import Scene
from ide3d_training.config import load_config
from ide3d_training.datasets.packing import Prompt, pack_prompts, pack_row
from ide3d_training.export.bundle_writing import export_bundle
from ide3d_training.export.cli import app, load_averaged
from ide3d_training.run import Run
from ide3d_training.train import train

from .conftest import TINY

CONFIG = Path(__file__).parents[2] / "training/configs/nano_llmi3d.yaml"
SMALL = (*TINY, "network.branch_options.channels=8", "optimisation.warmup=4", "log_every=1")


@pytest.fixture(scope="module")
def run_folder(rooms: Path, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("llmi3d")
    settings = [
        *SMALL,
        f"data.directory={rooms}",
        "optimisation.steps=16",
        "optimisation.learning_rate=0.003",
    ]
    train(Run(load_config(CONFIG, settings), folder))
    return folder


@pytest.fixture(scope="module")
def exported(run_folder: Path) -> tuple[Ide3dNetwork, Path]:
    network, _ = load_averaged(run_folder)
    with torch.no_grad():  # so few steps leave the pointer undecided; here every query is to point somewhere
        network.box_head.none.bias -= 100.0
    export_bundle(network, run_folder / "tokenizer.json", run_folder / "bundle", name="llmi3d")
    return network, run_folder / "bundle"


def test_every_term_of_the_preset_is_logged_and_the_loss_falls(run_folder: Path):
    with open(run_folder / "curve.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    losses = [float(row["loss"]) for row in rows]
    assert sum(losses[-4:]) < sum(losses[:4])
    terms = (
        "coarse_depth query_center query_depth query_extents query_rotation query_joint query_scale".split()
    )
    assert all(row[term] for row in rows for term in terms)


def test_the_vision_graph_computes_the_branch(exported):
    network, folder = exported
    images = np.random.default_rng(0).integers(0, 255, (2, 192, 256, 3), np.uint8)
    intrinsics = np.stack([Camera.from_fov(256, 192, fov).K for fov in (0.8, 1.3)]).astype(np.float32)
    session = onnxruntime.InferenceSession(folder / "vision.onnx")
    (tokens,) = session.run(None, {"image": images, "intrinsics": intrinsics})
    with torch.no_grad():
        wanted = network.vision(torch.from_numpy(images), torch.from_numpy(intrinsics))
    np.testing.assert_allclose(tokens, wanted, atol=2e-5)
    assert [one.name for one in session.get_inputs()] == ["image", "intrinsics"]


def test_a_scene_reports_the_box_that_the_query_states(exported):
    network, folder = exported
    scene = Scene.open(folder)
    camera = Camera.from_fov(256, 192, 1.1)
    image = np.random.default_rng(1).integers(0, 255, (192, 256, 3), np.uint8)
    scene.add_frame(image, camera, stamp_ns=1, frame_id="camera")
    location = scene.locate("the red chair")
    assert len(location)
    ids = scene._tokenizer.locate("the red chair")
    packed, _ = pack_prompts([pack_row((Prompt(tuple(ids), (), ()),), network.config.box_queries)])
    with torch.no_grad():
        said = network(
            torch.from_numpy(image)[None], torch.tensor(camera.K, dtype=torch.float32)[None], packed
        )
    boxes = decode_query_boxes(
        said.query_boxes[0, 0].numpy(), camera.K, (256, 192), network.config.focal_virtual
    )
    for found in location:
        assert np.abs(boxes.centers - found.box.center).max(1).min() < 1e-3
        assert np.abs(boxes.extents - found.box.extents).max(1).min() < 1e-3


def test_a_bundle_is_exported_with_the_threshold_that_is_asked_for(run_folder: Path, tmp_path: Path):
    words = ["--run", str(run_folder), "--output", str(tmp_path / "bundle"), "--score-threshold"]
    assert CliRunner().invoke(app, [*words, "0.6"]).exit_code == 0
    assert open_bundle(tmp_path / "bundle").manifest.score_threshold == 0.6
    # A query that says "none" more than half states no box.
    refused = CliRunner().invoke(app, [*words, "0.3"])
    assert refused.exit_code == 2 and "--score-threshold" in refused.output


def test_the_bundle_says_where_boxes_come_from_and_takes_one_frame(exported):
    manifest = open_bundle(exported[1]).manifest
    assert (manifest.preset, manifest.box_source, manifest.limits.max_frames) == ("llmi3d", "query", 1)
    assert manifest.graphs.prompt.outputs[-1].name == "query_box"
    with pytest.raises(ValueError, match="allows 1 to 1"):
        Scene.open(exported[1], window=2)


def test_depth_can_be_trained_without_the_virtual_camera(rooms: Path, tmp_path: Path):
    settings = [*SMALL, f"data.directory={rooms}", "optimisation.steps=2", "network.focal_virtual=null"]
    train(Run(load_config(CONFIG, settings), tmp_path))
    network, _ = load_averaged(tmp_path)
    bundle = export_bundle(network, tmp_path / "tokenizer.json", tmp_path / "bundle", name="metric")
    assert bundle.manifest.focal_virtual is None
    scene = Scene.open(tmp_path / "bundle")
    scene.add_frame(
        np.zeros((192, 256, 3), np.uint8), Camera.from_fov(256, 192, 1.1), stamp_ns=1, frame_id="camera"
    )
    assert scene.detect().status is not None
