# SPDX-License-Identifier: Apache-2.0
"""A study trains every arm with every seed on the same, or says why it cannot."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from ide3d_training.compare.study import dotted, load_study, plan
from ide3d_training.config import ConfigError

from .conftest import STUDIES


def planned(file: Path, output: Path, *overrides: str):
    return plan(load_study(file), file, output, overrides)


def changed(file: Path, **values) -> Path:
    file.write_text(yaml.safe_dump(yaml.safe_load(file.read_text()) | values))
    return file


def test_every_arm_is_trained_with_every_seed_and_the_first_seed_comes_first(study_file, tmp_path):
    runs = planned(study_file, tmp_path / "runs")
    assert [run.name for run in runs] == ["rgb-0", "geometry_all-0", "rgb-1", "geometry_all-1"]
    assert [run.settings.seed for run in runs] == [0, 0, 1, 1]
    assert [run.settings.losses.depth_map for run in runs] == [0.0, 0.8, 0.0, 0.8]
    assert all(run.settings.data.views == 2 for run in runs)


def test_an_override_reaches_all_arms_and_wins(study_file, tmp_path):
    runs = planned(study_file, tmp_path, "optimisation.steps=7", "data.views=1")
    assert {(run.steps, run.settings.data.views) for run in runs} == {(7, 1)}


def test_overrides_of_a_run_give_its_settings_to_ide3d_train(study_file, tmp_path):
    from ide3d_training.config import load_config

    run = planned(study_file, tmp_path, "network.stem_channels=[8, 8, 16]")[1]
    assert load_config(run.config, list(run.overrides)) == run.settings


def test_the_place_of_a_teacher_is_for_arms_that_have_one(study_file, tmp_path):
    values = yaml.safe_load(study_file.read_text())
    values["arms"][1]["settings"]["data"] = {"teacher": "somewhere"}
    runs = planned(changed(study_file, arms=values["arms"]), tmp_path, "data.teacher=here")
    assert [run.settings.data.teacher for run in runs[:2]] == ["", "here"]


def test_nested_settings_become_dotted_words():
    words = list(dotted({"network": {"dim": 128, "stem_channels": [24, 48]}, "preset": "rgb", "seed": 1.5}))
    assert words == ["network.dim=128", "network.stem_channels=[24, 48]", "preset=rgb", "seed=1.5"]


def test_arms_that_would_not_be_trained_on_the_same_are_refused(study_file, tmp_path):
    values = yaml.safe_load(study_file.read_text())
    values["arms"][1]["settings"]["optimisation"] = {"steps": 9000}
    with pytest.raises(ConfigError, match=r"differ in optimisation.steps \(6000 and 9000\)"):
        planned(changed(study_file, arms=values["arms"]), tmp_path)


@pytest.mark.parametrize(
    ("values", "cause"),
    [
        ({"arms": []}, "needs a title, a config and a list of arms"),
        ({"arms": [{"name": "rgb"}, {"name": "RGB"}]}, "arm 'RGB' needs a name of its own"),
        ({"arms": [{"name": "+"}]}, "needs a name of its own, with a letter in it"),
        ({"arms": [{"name": "rgb", "color": 1}]}, r"unknown key 'color' in two.yaml.arms\[0\]"),
        ({"seeds": []}, "seeds names no seed"),
        ({"sed": 1}, "unknown key 'sed' in two.yaml"),
    ],
)
def test_a_study_that_cannot_be_run_is_refused_by_name(study_file, tmp_path, values, cause):
    with pytest.raises(ConfigError, match=cause):
        planned(changed(study_file, **values), tmp_path)


def test_a_missing_study_is_named(tmp_path):
    with pytest.raises(ConfigError, match="no study at"):
        load_study(tmp_path / "absent.yaml")


def test_arms_of_the_shipped_ablation_add_one_part_after_another(tmp_path):
    file = STUDIES / "ablation.yaml"
    runs = planned(file, tmp_path)
    assert len(runs) == 8
    losses = [run.settings.losses for run in runs[:4]]
    parts = [(bool(one.alignment), bool(one.depth_map), bool(one.cross_view)) for one in losses]
    assert parts == [
        (False, False, False),
        (True, False, False),
        (True, True, False),
        (True, True, True),
    ]
    assert len({str(run.settings.network) for run in runs}) == 1
