# SPDX-License-Identifier: Apache-2.0
"""Probes find in frozen tokens what was put there, and nothing where nothing is."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from tiny_network import tiny_network_config
from torch.optim.swa_utils import AveragedModel

from ide3d_ros.network import Ide3dNetwork, NetworkConfig
from ide3d_training.checkpoint import save_checkpoint
from ide3d_training.config import TrainConfig, Validator
from ide3d_training.evaluate import probe_cli
from ide3d_training.evaluate.probe_frames import ProbeError, ProbeFrame, rendered_rooms
from ide3d_training.evaluate.probed_run import ProbedRun
from ide3d_training.evaluate.probes import (
    VOXEL_M,
    DepthProbe,
    TokenPlaces,
    depth_figures,
    depth_floors,
    frozen_tokens,
    level_names,
    probe_network,
    token_places,
    view_agreement,
)
from ide3d_training.objectives.validator import GeometryValidator

CONFIG = tiny_network_config(300)


@pytest.fixture(scope="module")
def frames() -> list[ProbeFrame]:
    """Six rooms, two frames each."""
    return rendered_rooms(6, 400_000, 2, (CONFIG.width, CONFIG.height))


def known_places(rng: np.random.Generator, frames: int = 12) -> TokenPlaces:
    """Make places of 12 tokens a frame, two frames a room, a few depths unknown."""
    depth = rng.uniform(1.0, 5.0, (frames, 12))
    depth[0, :2] = 0.0
    log_virtual = np.log(np.where(depth > 0, depth * 0.8, 1.0))
    return TokenPlaces(depth, log_virtual, rng.uniform(0, 3, (frames, 12, 3)), np.arange(frames) // 2)


def test_depth_that_is_linear_in_the_tokens_is_read_exactly():
    rng = np.random.default_rng(0)
    direction, where = rng.normal(size=8), [known_places(rng) for _ in range(2)]
    fitted, measured = (p.log_virtual[..., None] * direction + rng.normal(0, 1e-3, 8) for p in where)
    figures = depth_figures(DepthProbe.fit(fitted, where[0]).read(measured), where[1])
    assert figures["abs_rel"] < 1.0 and figures["delta"] == 100.0
    assert figures["tokens"] == 12 * 12 - 2
    low, high = figures["interval"]["abs_rel"]
    assert low <= figures["abs_rel"] <= high


def test_tokens_without_depth_do_no_better_than_one_depth_for_all():
    rng = np.random.default_rng(1)
    fitted, measured = known_places(rng, 60), known_places(rng, 60)
    noise = rng.normal(size=(2, 60, 12, 8))
    figures = depth_figures(DepthProbe.fit(noise[0], fitted).read(noise[1]), measured)
    floor = depth_floors(fitted, measured)["one depth"]
    assert figures["abs_rel"] == pytest.approx(floor["abs_rel"], rel=0.1)


def test_too_few_tokens_are_refused_with_the_way_out():
    with pytest.raises(ProbeError, match="cannot fit 500 weights: probe more rooms"):
        DepthProbe.fit(np.zeros((12, 12, 500)), known_places(np.random.default_rng(0)))


def same_places(rng: np.random.Generator, rooms: int = 8) -> TokenPlaces:
    """Make rooms whose two frames see the same twelve voxels, in another order."""
    points = []
    for _ in range(rooms):
        cells = rng.choice(1000, 12, replace=False)
        seen = np.stack([cells % 10, cells // 10 % 10, cells // 100], -1) * VOXEL_M + VOXEL_M / 2
        points += [seen, seen[rng.permutation(12)]]
    ones = np.ones((2 * rooms, 12))
    return TokenPlaces(ones, ones * 0, np.stack(points), np.arange(2 * rooms) // 2)


def test_tokens_that_say_where_they_look_agree_in_all_views():
    rng = np.random.default_rng(2)
    places = same_places(rng)
    cells = np.round(places.points / VOXEL_M - 0.5).astype(int) @ [1, 10, 100]
    said = view_agreement(rng.normal(size=(1000, 16))[cells], places, rng)
    assert said["voxels"] == 8 * 12
    assert said["agreement"] == pytest.approx(100.0)
    assert said["above_chance"] == pytest.approx(100.0) and abs(said["chance"]) < 25


def test_agreement_of_tokens_that_are_all_alike_is_chance():
    rng = np.random.default_rng(3)
    places = same_places(rng, 40)
    alike = 10.0 + rng.normal(size=(80, 12, 16))
    said = view_agreement(alike, places, rng)
    assert said["agreement"] > 98.0 and said["chance"] > 98.0
    assert abs(said["above_chance"]) < 10.0


def test_places_that_no_two_frames_see_have_no_agreement():
    places = known_places(np.random.default_rng(4), 2)
    apart = TokenPlaces(places.depth, places.log_virtual, places.points + [[[0.0]], [[50.0]]], places.rooms)
    said = view_agreement(np.ones((2, 12, 4)), apart, np.random.default_rng(0))
    assert said == {"voxels": 0, "agreement": None, "chance": None, "above_chance": None, "interval": None}


def test_points_of_two_frames_of_a_room_lie_on_the_same_surfaces(frames):
    places = token_places(frames, CONFIG)
    assert places.known.mean() > 0.9
    floor = np.abs(places.points[..., 2]) < 0.02  # the world's z is up, its floor at 0
    assert 0.05 < floor.mean() < 0.9
    assert (places.points[places.known][:, 2] > -0.02).all()


def test_levels_are_what_the_network_computes_and_nothing_stays_attached(frames):
    torch.manual_seed(0)
    network = Ide3dNetwork(CONFIG)
    tokens = frozen_tokens(network, frames[:2])
    assert list(tokens) == level_names(CONFIG) == ["vision level 1", "visual tokens", "language model"]
    assert all(value.shape == (2, CONFIG.tokens, CONFIG.dim) for value in tokens.values())
    images = torch.from_numpy(np.stack([frame.image for frame in frames[:2]]))
    intrinsics = torch.from_numpy(np.stack([frame.intrinsics for frame in frames[:2]]))
    with torch.no_grad():
        np.testing.assert_allclose(tokens["visual tokens"], network.vision(images, intrinsics), atol=1e-5)
    assert not network.vision._forward_hooks and not network.vision.encoder.layers[0]._forward_hooks


def test_rooms_are_not_measured_that_were_fitted(frames):
    with pytest.raises(ProbeError, match="room 400001 is both fitted and measured"):
        probe_network(Ide3dNetwork(CONFIG), frames[:4], frames[2:])


def test_frames_of_another_size_are_refused_by_name():
    wrong = rendered_rooms(1, 400_000, 1, (80, 48))
    with pytest.raises(ProbeError, match="room 400000 is drawn at 80x48, the network reads 64x48"):
        frozen_tokens(Ide3dNetwork(CONFIG), wrong)


def write_run(folder: Path, preset: str, config: NetworkConfig = CONFIG) -> Path:
    """Write the checkpoint of a run that has taken no step; `ide3d` has a validator."""
    folder.mkdir()
    torch.manual_seed(0)
    network = Ide3dNetwork(config)
    options = Validator(levels=[1], width=8)
    parts = {"validator": GeometryValidator(config, options).state_dict()} if preset == "ide3d" else {}
    state = {
        "network": network.state_dict(),
        "average": AveragedModel(network).state_dict(),
        "training_only": parts,
        "network_config": config.to_dict(),
        "train_config": TrainConfig(preset=preset, validator=options).to_dict(),
        "step": 0,
    }
    save_checkpoint(folder, state)
    return folder


def test_a_validator_decodes_its_own_run_and_a_run_without_one_has_none(tmp_path, frames):
    (depth,) = ProbedRun.open(write_run(tmp_path / "a", "ide3d")).validated_depth(frames[:1])
    assert depth.shape == (CONFIG.height // 4, CONFIG.width // 4) and (depth > 0).all()
    assert ProbedRun.open(write_run(tmp_path / "b", "rgb")).validated_depth(frames[:1]) is None


def test_the_command_compares_runs_in_a_table_a_report_and_a_picture(tmp_path, monkeypatch, capsys):
    runs = [write_run(tmp_path / preset, preset) for preset in ("rgb", "ide3d")]
    report, picture = tmp_path / "probe.json", tmp_path / "probe.png"
    words = [
        "ide3d-probe",
        "--rooms",
        "2",
        "--held-out",
        "2",
        "--json",
        str(report),
        "--picture",
        str(picture),
    ]
    monkeypatch.setattr("sys.argv", [*words, *(w for run in runs for w in ("--run", str(run)))])
    probe_cli.main()
    found = json.loads(report.read_text())
    assert [(run["name"], run["preset"]) for run in found["runs"]] == [("rgb", "rgb"), ("ide3d", "ide3d")]
    for run in found["runs"]:
        assert set(run["levels"]) == set(run["untrained"]) == set(level_names(CONFIG))
        assert run["levels"]["language model"]["depth"]["tokens"] > 40
    assert found["rooms"]["source"] == "split val, from seed 400000"
    shown = capsys.readouterr().out
    assert "one depth a place" in shown and "visual tokens" in shown
    height, width = cv2.imread(str(picture)).shape[:2]
    assert width > 1.5 * height  # five columns, two rows


@pytest.mark.parametrize(
    ("words", "cause"),
    [
        (("--run", "nowhere"), "no checkpoint in nowhere; train first"),
        (("--run", "RUN", "--level", "vision level 9"), "no level 'vision level 9' in every run"),
        (("--run", "RUN", "--data", ".", "--seed", "1"), "leave --seed out"),
        (("--run", "RUN", "--data", "."), "no rendered rooms at ."),
        (("--run", "RUN", "--seed", "499990"), "do not lie in one split"),
        (("--run", "RUN", "--json", "no/such/file.json"), "cannot write no/such/file.json"),
        (("--run", "RUN", "--rooms", "0"), "'--rooms'"),
        ((), "--run"),
    ],
)
def test_a_wrong_argument_gives_one_line(tmp_path, monkeypatch, capsys, words, cause):
    run = str(write_run(tmp_path / "rgb", "rgb"))
    extra = ("--picture", str(tmp_path / "p.png")) if "--level" in words else ()
    monkeypatch.setattr("sys.argv", ["ide3d-probe", *(run if w == "RUN" else w for w in words), *extra])
    with pytest.raises(SystemExit) as stop:
        probe_cli.main()
    message = capsys.readouterr().err
    assert stop.value.code == 2 and cause in message and message.startswith("ide3d-probe: ")
    assert message.count("\n") == 1
