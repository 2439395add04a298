# SPDX-License-Identifier: Apache-2.0
"""A training run is scored from its checkpoint as its export would be."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from torch.optim.swa_utils import AveragedModel

from ide3d_ros.geometry import Camera
from ide3d_ros.scene import Scene
from ide3d_training.checkpoint import save_checkpoint
from ide3d_training.evaluate import cli
from ide3d_training.evaluate.run_scene import open_run


@pytest.fixture
def run_folder(tiny_export, tmp_path) -> Path:
    network = tiny_export.network
    average = AveragedModel(network).state_dict()
    save_checkpoint(tmp_path, {"network_config": network.config.to_dict(), "average": average, "step": 3})
    shutil.copyfile(tiny_export.tokenizer_file, tmp_path / "tokenizer.json")
    return tmp_path


def test_a_run_answers_as_its_export_does(tiny_export, run_folder):
    image = np.random.default_rng(0).integers(0, 255, (96, 128, 3), np.uint8)
    said = []
    for scene in (open_run(run_folder), Scene.open(tiny_export.bundle.folder)):
        scene.add_frame(image, Camera.from_fov(128, 96, 1.0), stamp_ns=1, frame_id="camera")
        said.append((scene.ask("is there a mug?").text, scene.locate("the red chair").status))
    assert said[0] == said[1]
    assert open_run(run_folder).bundle.manifest.training == {"steps": 3}


def test_the_report_names_the_run(monkeypatch, capsys, run_folder):
    file = run_folder / "report.json"
    words = ["ide3d-evaluate", "--run", str(run_folder), "--rooms", "1", "--json", str(file)]
    monkeypatch.setattr("sys.argv", words)
    cli.main()
    report = json.loads(file.read_text())
    assert (report["bundle"], report["image_size"]) == (str(run_folder), [64, 48])


@pytest.mark.parametrize(
    ("arguments", "cause"),
    [(("--bundle", "nano"), "leave one out"), ((), "no checkpoint in no_such_run")],
)
def test_what_is_no_run_is_refused_in_one_line(monkeypatch, capsys, arguments, cause):
    monkeypatch.setattr("sys.argv", ["ide3d-evaluate", "--run", "no_such_run", *arguments])
    with pytest.raises(SystemExit) as stop:
        cli.main()
    message = capsys.readouterr().err
    assert stop.value.code == 2 and cause in message and message.count("\n") == 1
