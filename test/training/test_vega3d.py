# SPDX-License-Identifier: Apache-2.0
"""Preset vega3d trains from its shipped configuration around a frozen generator that its bundle carries."""

from __future__ import annotations

import csv
import itertools
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch

from ide3d_ros.geometry import Camera
from ide3d_ros.network.generator import GeneratorConfig
from ide3d_training.checkpoint import load_checkpoint
from ide3d_training.config import ConfigError, Optimisation, load_config
from ide3d_training.export.bundle_writing import export_bundle
from ide3d_training.export.cli import load_averaged
from ide3d_training.frozen_runs import train_frozen
from ide3d_training.generators.generator_training import GeneratorPlan, GeneratorRun
from ide3d_training.run import Run
from ide3d_training.smoke import prepare_smoke
from ide3d_training.train import train
from ide3d_training.worlds.shards import Settings, render_dataset

from .conftest import RGB, TINY

CONFIG = Path(__file__).parents[2] / "training/configs/nano_vega3d.yaml"
STEPS = Optimisation(steps=2, batch=4, warmup=1, precision="float32", device="cpu", threads=1)
PLAN = GeneratorPlan(
    validation=4,
    network=GeneratorConfig(
        width=64, height=48, channels=(4, 8, 8), latent=4, dim=16, blocks=3, heads=2, mlp=32, frames=1
    ),
    autoencoder=STEPS,
    flow=STEPS,
)


@pytest.fixture(scope="module")
def small_rooms(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("small") / "data"
    render_dataset(Settings(rooms=20, seed=340_000, width=64, height=48), folder, workers=1)
    return folder


@pytest.fixture(scope="module")
def generator(small_rooms: Path, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("generator")
    train_frozen(GeneratorRun(PLAN, small_rooms, folder))
    return folder


@pytest.fixture(scope="module")
def settings(small_rooms: Path, generator: Path) -> list[str]:
    return [
        *TINY,
        "network.width=64",
        "network.height=48",
        "network.branch_options.block=1",
        "data.validation=4",
        "optimisation.device=cpu",
        "optimisation.warmup=2",
        "optimisation.learning_rate=0.003",
        "optimisation.steps=16",
        "log_every=1",
        f"data.directory={small_rooms}",
        f"generator={generator}",
    ]


@pytest.fixture(scope="module")
def run_folder(settings: list[str], tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("vega3d")
    train(Run(load_config(CONFIG, settings), folder))
    return folder


def test_the_loss_falls_and_the_generator_stays_what_it_was(run_folder: Path, generator: Path):
    with open(run_folder / "curve.csv", newline="") as file:
        losses = [float(row["loss"]) for row in csv.DictReader(file)]
    assert sum(losses[-4:]) < sum(losses[:4])
    trained, _ = load_averaged(run_folder)
    weights = load_checkpoint(generator)["network"]
    frozen = trained.vision.branch.frozen.state_dict()
    assert {name.split(".")[0] for name in frozen} == {"encoder", "trunk", "noise", "level"}
    for name, value in frozen.items():
        assert name in ("noise", "level") or torch.equal(value, weights[name]), name


def test_frozen_weights_have_no_optimiser_state(settings: list[str], run_folder: Path):
    run = Run(load_config(CONFIG, settings), run_folder)
    learning = list(itertools.chain(*(group["params"] for group in run.optimizer.param_groups)))
    assert all(p.requires_grad for p in learning)
    assert len(learning) == sum(p.requires_grad for p in run.supervised.parameters())
    assert len(learning) < len(list(run.supervised.parameters()))
    assert len(run.optimizer.state) == len(learning)


def test_a_run_goes_on_from_its_checkpoint_without_the_generators_run(
    settings: list[str], run_folder: Path, tmp_path: Path
):
    shutil.copytree(run_folder, tmp_path / "run")
    longer = [*settings, f"generator={tmp_path / 'gone'}", "optimisation.steps=17"]
    run = Run(load_config(CONFIG, longer), tmp_path / "run")
    train(run)
    assert run.step == 17
    before, after = (load_averaged(folder)[0].vision.branch for folder in (run_folder, tmp_path / "run"))
    for name, value in before.frozen.state_dict().items():
        assert torch.equal(after.frozen.state_dict()[name], value), name
    assert not torch.equal(before.gate.weight, after.gate.weight)


@pytest.mark.parametrize("features", ["generator", "autoencoder"])
def test_the_vision_graph_computes_the_branch(
    features: str, settings: list[str], run_folder: Path, tmp_path: Path
):
    if features == "generator":
        network, _ = load_averaged(run_folder)
    else:
        control = [*settings, "network.branch_options.features=autoencoder"]
        network = Run(load_config(CONFIG, control), tmp_path / "run").network.eval()
        assert network.vision.branch.frozen.trunk is None
    export_bundle(network, run_folder / "tokenizer.json", tmp_path / "bundle", name="vega3d")
    images = np.random.default_rng(0).integers(0, 255, (2, 48, 64, 3), np.uint8)
    intrinsics = np.stack([Camera.from_fov(64, 48, fov).K for fov in (0.8, 1.3)]).astype(np.float32)
    session = onnxruntime.InferenceSession(tmp_path / "bundle/vision.onnx")
    assert [one.name for one in session.get_inputs()] == ["image", "intrinsics"]
    (tokens,) = session.run(None, {"image": images, "intrinsics": intrinsics})
    with torch.no_grad():
        wanted = network.vision(torch.from_numpy(images), torch.from_numpy(intrinsics))
    np.testing.assert_allclose(tokens, wanted, atol=2e-5)
    (again,) = session.run(None, {"image": images[1:], "intrinsics": intrinsics[1:]})
    np.testing.assert_allclose(again, tokens[1:], atol=2e-5)


def test_the_control_without_a_branch_differs_in_nothing_but_the_branch():
    kept, control = load_config(CONFIG).to_dict(), load_config(RGB).to_dict()
    differing = {name for name, value in kept.items() if value != control[name]}
    assert differing == {"preset", "generator", "network", "data"}
    assert kept["data"] | {"directory": control["data"]["directory"]} == control["data"]


def test_a_generator_that_is_missing_unfinished_or_unread_is_named(
    settings: list[str], small_rooms: Path, tmp_path: Path
):
    def refused(sentence: str, *changes: str) -> None:
        with pytest.raises(ConfigError, match=sentence):
            Run(load_config(CONFIG, [*settings, *changes]), tmp_path / "run")

    refused("set generator to a run of: ide3d-generator train", "generator=''")
    refused("no checkpoint in .*none; train one: ide3d-generator train", f"generator={tmp_path / 'none'}")
    refused("no network.branch reads it", "network.branch=''", "network.branch_options={}")
    refused(
        "network: branch_options: block is 3; the generator has blocks 0 to 2",
        "network.branch_options.block=3",
    )
    refused(
        "network: the generator was made for frames of 64x48, the network reads 64x64", "network.height=64"
    )
    GeneratorRun(replace(PLAN, seed=1), small_rooms, tmp_path / "begun").save()
    refused("stopped at step 0 of 4; start its command again", f"generator={tmp_path / 'begun'}")


def test_a_smoke_run_makes_the_generator_that_it_reads(settings: list[str], tmp_path: Path):
    given = [text for text in settings if not text.startswith("generator=")]
    overrides = prepare_smoke(load_config(CONFIG, given), given, tmp_path)
    assert f"generator={tmp_path / 'generator'}" in overrides
    branch = Run(load_config(CONFIG, overrides), tmp_path / "run").network.vision.branch
    weights = load_checkpoint(tmp_path / "generator")["network"]
    assert torch.equal(branch.frozen.trunk.blocks[1].table, weights["trunk.blocks.1.table"])
