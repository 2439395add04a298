# SPDX-License-Identifier: Apache-2.0
"""The shipped study of all systems can be planned, and each arm is what its name says."""

from __future__ import annotations

from ide3d_training.compare.study import load_study, plan

from .conftest import STUDIES

FILE = STUDIES / "systems.yaml"


def test_every_arm_is_its_preset_on_the_same_rooms_and_steps(tmp_path):
    study = load_study(FILE)
    runs = plan(study, FILE, tmp_path)
    names = ["rgb", "explicit_pe", "dual_encoder", "3drs", "ide3d", "llmi3d"]
    assert [run.settings.preset for run in runs] == names * 2 and study.seeds == [0, 1]
    assert [run.settings.network.get("branch", "") for run in runs[:6]] == [
        *("", "world_position", "second_encoder", "", "", "local")
    ]
    assert study.evaluation.splits == ["test", "test-wording", "test-camera"]
    assert {run.settings.network["dim"] for run in runs} == {128}
    assert [arm.extra_inputs for arm in study.arms] == ["none", "depth, pose", *["none"] * 4]
    assert all(arm.published["system"] for arm in study.arms)


def test_the_place_of_a_second_encoder_is_for_the_arm_that_has_one(tmp_path):
    runs = plan(load_study(FILE), FILE, tmp_path, ["second_encoder=here", "data.teacher=there"])
    assert [run.settings.second_encoder for run in runs[:6]] == ["", "", "here", "", "", ""]
    assert [run.settings.data.teacher for run in runs[:6]] == ["", "", "", "there", "there", ""]
