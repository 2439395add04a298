# SPDX-License-Identifier: Apache-2.0
"""The prior is fitted from a rendered data set by a command."""

from __future__ import annotations

import pytest
import typer

from ide3d_training.evaluate.fit_prior import fit_prior
from ide3d_training.metrics.baselines import ANY_CATEGORY, Prior
from ide3d_training.worlds.shards import Settings, render_dataset


def test_prior_is_fitted_to_rendered_rooms(tmp_path):
    render_dataset(Settings(rooms=6, seed=3, width=64, height=48), tmp_path / "rooms", workers=1)
    fit_prior(tmp_path / "rooms", tmp_path / "prior.json", frames=4)
    prior = Prior.load(tmp_path / "prior.json")
    assert prior.frames == 4
    assert 1.0 < prior.boxes[ANY_CATEGORY].depth < 5.0
    assert 0.0 < prior.pitch < 0.8


def test_folder_without_rooms_gives_one_line(tmp_path, capsys):
    with pytest.raises(typer.Exit):
        fit_prior(tmp_path, tmp_path / "prior.json", frames=4)
    assert "ide3d-worlds render" in capsys.readouterr().err
    assert not (tmp_path / "prior.json").exists()
