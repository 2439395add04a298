# SPDX-License-Identifier: Apache-2.0
"""The shipped study of all systems can be planned, and each arm is what its name says."""

from __future__ import annotations

from ide3d_training.compare.study import load_study, plan

from .conftest import STUDIES

FILE = STUDIES / "systems.yaml"


def test_every_arm_is_its_preset_on_the_same_rooms_and_steps(tmp_path):
    study = load_study(FILE)
    runs = plan(study, FILE, tmp_path)
    names = ["rgb", "explicit_pe", "explicit_pe", "dual_encoder", "3drs", "vega3d", "ide3d", "llmi3d"]
    assert [run.settings.preset for run in runs] == names * 2 and study.seeds == [0, 1]
    assert [run.settings.network.get("branch", "") for run in runs[:8]] == [
        *("", "world_position", "camera_position", "second_encoder", "", "generator", "", "local")
    ]
    assert study.evaluation.splits == ["test", "test-wording", "test-camera"]
    assert {run.settings.start_from for run in runs} == {"runs/rgb"}
    assert [arm.extra_inputs for arm in study.arms] == ["none", "depth, pose", "depth", *["none"] * 5]
    assert [arm.name for arm in study.arms if not arm.published] == ["explicit_pe, camera's frame"]


def test_places_are_for_the_arms_that_have_what_lies_there(tmp_path):
    places = ["second_encoder=here", "data.teacher=there", "generator=yonder"]
    runs = plan(load_study(FILE), FILE, tmp_path, places)[:8]
    assert [run.settings.second_encoder for run in runs] == ["", "", "", "here", "", "", "", ""]
    assert [run.settings.data.teacher for run in runs] == ["", "", "", "", "there", "", "there", ""]
    assert [run.settings.generator for run in runs] == ["", "", "", "", "", "yonder", "", ""]


def test_what_the_ablation_trains_too_is_trained_once(tmp_path):
    ablation = STUDIES / "ablation.yaml"
    settings = {}
    for file in (FILE, ablation):
        for run in plan(load_study(file), file, tmp_path):
            settings.setdefault(run.name, []).append(run.settings)
    shared = {name: both for name, both in settings.items() if len(both) == 2}
    assert sorted(shared) == [f"{arm}-{seed}" for arm in ("3drs", "ide3d", "rgb") for seed in (0, 1)]
    assert all(one == other for one, other in shared.values())
