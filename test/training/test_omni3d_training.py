# SPDX-License-Identifier: Apache-2.0
"""A run learns from images with Omni3D labels, alone or beside rooms, and refuses what they cannot give."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

from ide3d_training.checkpoint import load_checkpoint
from ide3d_training.config import ConfigError, load_config
from ide3d_training.datasets.omni3d import Omni3DError, Omni3DLabels
from ide3d_training.export.bundle_writing import describe_network
from ide3d_training.provenance import provenance
from ide3d_training.run import Run
from ide3d_training.run_log import introduce
from ide3d_training.train import app, train
from ide3d_training.worlds.categories import CATEGORIES

from .conftest import CONFIGS, IDE3D, RGB, TINY, words

OMNI3D = CONFIGS / "nano_omni3d.yaml"


def images_of(labelled: Path, *more: str, name: str = "rgb"):
    places = [f"data.omni3d.labels=[{labelled}]", f"data.omni3d.images={labelled.parent}", "data.directory="]
    steps = ["optimisation.warmup=4", "log_every=1"]
    return load_config(CONFIGS / f"nano_{name}.yaml", [*TINY, *places, *steps, *more])


def changed(labelled: Path, folder: Path, change) -> Path:
    """Copy a label file with each annotation changed; the images stay where they are."""
    content = json.loads(labelled.read_text())
    for annotation in content["annotations"]:
        change(annotation)
    path = folder / labelled.name
    path.write_text(json.dumps(content))
    return path


def test_the_loss_falls_and_what_images_do_not_tell_costs_nothing(labelled: Path, tmp_path: Path):
    settings = images_of(labelled, "optimisation.steps=24", "optimisation.learning_rate=0.003")
    run = Run(settings, tmp_path)
    train(run)
    with open(tmp_path / "curve.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    losses = [float(row["loss"]) for row in rows]
    assert len(losses) == 24 and sum(losses[-5:]) < 0.8 * sum(losses[:5])
    assert {float(row[term]) for row in rows for term in ("answer", "color")} == {0.0}
    assert sum(float(row["gravity"]) for row in rows) > 0
    assert rows[-1]["val_pointed"] and not rows[-1]["val_answer"] and run.gaps["batches"] == 0
    assert (tmp_path / "samples/step-000024.jpg").exists()
    told = provenance(load_checkpoint(tmp_path))
    assert told["data"] == "images labelled in ROOMS_train.json"
    assert describe_network(run.network, "images", told).licence == "LicenseRef-training-data"


def test_the_licence_of_images_goes_with_the_weights_to_every_run_that_begins_with_them(
    rooms: Path, labelled: Path, tmp_path: Path
):
    first = Run(images_of(labelled, "optimisation.steps=1"), tmp_path / "images")
    train(first)
    for begin, name in (("images", "rooms"), ("rooms", "more_rooms")):
        settings = [
            *TINY,
            f"data.directory={rooms}",
            f"start_from={tmp_path / begin}",
            "optimisation.steps=1",
        ]
        train(Run(load_config(CONFIGS / "nano_rgb.yaml", settings), tmp_path / name))
        told = provenance(load_checkpoint(tmp_path / name))
        assert "licence" in told
        assert told["data"] == "rooms rendered by ide3d-worlds, images labelled in ROOMS_train.json"


def test_rooms_and_images_are_learned_together_and_part_of_each_is_held_out(
    rooms: Path, labelled: Path, tmp_path: Path
):
    run = Run(images_of(labelled, f"data.directory={rooms}", "optimisation.steps=2"), tmp_path)
    count = len(Omni3DLabels(labelled).images) - 8
    assert run.frames.training == count + 32 == len(run._dataset)
    asked = [
        any(p.answer for s in run._dataset[0, item] for p in s.prompts) for item in range(len(run._dataset))
    ]
    assert all(asked[:32]) and not any(asked[32:])  # questions are asked about rooms alone
    assert len(run._examiner._loader.dataset) == 16
    train(run)
    assert run.step == 2 and not run.gaps["batches"]


def test_every_preset_that_reads_only_images_takes_them(labelled: Path):
    for name, more in {
        "rgb": (),
        "llmi3d": ("losses.coarse_depth=0",),
        "dual_encoder": (),
        "vega3d": (),
        "omni3d": ("data.omni3d.add=[]", "data.omni3d.rename={}"),
    }.items():
        assert images_of(labelled, *more, name=name).data.omni3d.labels == [str(labelled)]


@pytest.mark.parametrize(
    ("name", "more", "said"),
    [
        ("llmi3d", (), r"losses.coarse_depth asks for them"),
        ("explicit_pe", (), r"network.branch world_position asks for them"),
        ("3drs", (), r"losses.alignment, data.teacher ask for them"),
        (
            "ide3d",
            (),
            r"losses.depth_map, .*losses.cross_view_consistency, losses.alignment, .*data.views above 1",
        ),
        ("rgb", ("data.omni3d.labels=[]",), "nothing is trained on"),
        (
            "rgb",
            ("data.omni3d.labels=one.json",),
            "data.omni3d.labels must be a list of names, got 'one.json'",
        ),
        ("rgb", ("data.omni3d.rename=[a]",), r"data.omni3d.rename must map names to names, got \['a'\]"),
        ("rgb", ("data.omni3d.absent=1.5",), "data.omni3d.absent must be 0 or more and below 1, not 1.5"),
        ("rgb", ("data.omni3d.masks=here",), "unknown key 'masks' in nano_rgb.yaml.data.omni3d"),
    ],
)
def test_what_labelled_images_do_not_have_is_refused_by_name(name: str, more, said: str, labelled: Path):
    with pytest.raises(ConfigError, match=said):
        images_of(labelled, *more, name=name)


@pytest.mark.parametrize(
    ("more", "error", "said"),
    [
        (("data.omni3d.add=[unicorn]",), ConfigError, "data.omni3d.add names 'unicorn'"),
        (("data.omni3d.rename={unicorn: chair}",), ConfigError, "rename names 'unicorn', which no label has"),
        (("data.omni3d.rename={chair: throne}",), ConfigError, "makes 'throne' of 'chair'.*data.omni3d.add"),
        (("data.omni3d.labels=[none.json]",), Omni3DError, "there is no none.json"),
        (("data.omni3d.images=elsewhere",), Omni3DError, "none of the 40 images of ROOMS_train is there"),
        (("data.validation=40",), ConfigError, "name 40 usable images, too few for 40 validation images"),
        (("data.validation=37",), ConfigError, "3 frames are left to train on, too few for a batch of 4"),
    ],
)
def test_labels_that_do_not_fit_the_configuration_are_refused_by_name(
    more, error: type, said: str, labelled: Path, tmp_path: Path
):
    with pytest.raises(error, match=said):
        Run(images_of(labelled, *more), tmp_path)


def test_the_command_says_what_is_wrong_with_labels_in_one_sentence(
    refused: Callable[..., str], labelled: Path, tmp_path: Path
):
    damaged = tmp_path / "damaged.json"
    damaged.write_text(labelled.read_text()[:-100])
    overrides = words(*TINY, "data.directory=", f"data.omni3d.labels=[{damaged}]")
    said = refused("--config", str(RGB), "--output", str(tmp_path / "run"), *overrides)
    assert "damaged.json is no JSON" in said


def test_categories_are_renamed_added_or_counted_and_left_out(labelled: Path, tmp_path: Path, capsys):
    theirs = {"table": "Dining Table", "cabinet": "cupboard", "chair": "throne"}

    def rename(annotation: dict) -> None:
        annotation["category_name"] = theirs.get(annotation["category_name"], annotation["category_name"])

    path = changed(labelled, tmp_path, rename)
    places = (
        f"data.omni3d.labels=[{path}]",
        "data.omni3d.rename={Dining Table: table}",
        "data.omni3d.add=[throne]",
    )
    settings = images_of(labelled, *places, "optimisation.steps=1")
    run = Run(settings, tmp_path / "run")
    sizes = run.network.config
    assert sizes.categories == (*CATEGORIES, "throne")
    boxes = [
        one.box.extents
        for image in Omni3DLabels(path).images
        for one in image.objects
        if one.category == "throne"
    ]
    np.testing.assert_allclose(sizes.mean_extents[-1], np.mean(boxes, 0))
    images = run.frames.images.training
    taught = {one.category for image in images for one in image.objects}
    assert {"table", "throne"} <= taught and not taught & {"dining table", "chair", "cupboard"}
    assert any("cupboard" in image.others for image in images)
    assert all("cupboard" not in image.labelled and "table" in image.labelled for image in images)
    introduce(run)
    said = " ".join(capsys.readouterr().out.split())
    assert "boxes whose category the network does not know (cupboard" in said
    assert "data.omni3d.add and data.omni3d.rename make them known" in said


def test_pictures_that_are_missing_or_damaged_are_counted_and_named(labelled: Path, tmp_path: Path, capsys):
    folder = tmp_path / "images"
    shutil.copytree(labelled.parent, folder)
    names = [image.file_path for image in Omni3DLabels(labelled).images]
    (folder / names[0]).unlink()
    for name in (names[3], names[-1]):  # one to train on, one that is held out
        data = (folder / name).read_bytes()
        (folder / name).write_bytes(data[: len(data) // 2])
    run = Run(images_of(labelled, f"data.omni3d.images={folder}", "optimisation.steps=10"), tmp_path / "run")
    assert f"1 images of ROOMS_train that are not in {folder}" in " ".join(run.frames.images.summary())
    train(run)
    said = "".join(capsys.readouterr().out.split("\n"))
    for name in (names[3], names[-1]):
        assert f"{name} cannot be read as a picture; another image is taken in its place" in said
    assert run.gaps["pictures"] >= 1 and not run.gaps["batches"]
    assert "images could not be read as their labels describe them" in said


def test_frames_that_do_not_tell_how_they_hang_are_counted(labelled: Path, tmp_path: Path):
    content = json.loads(labelled.read_text())
    for image in content["images"]:
        image["src_flagged"] = True
    path = tmp_path / "FLAGGED_train.json"
    path.write_text(json.dumps(content))
    run = Run(images_of(labelled, f"data.omni3d.labels=[{path}]"), tmp_path / "run")
    before = run.network.box_head.gravity[-1].bias.detach().clone()
    terms = run.learn(next(run.batches()))
    run.agree(False, False)
    assert terms["gravity"] == terms["yaw"] == 0.0 < terms["depth"] and run.gaps["gravity"] == 4
    torch.testing.assert_close(run.network.box_head.gravity[-1].bias.detach(), before)


def test_held_out_images_come_from_the_end_of_every_file(labelled: Path, tmp_path: Path):
    content = json.loads(labelled.read_text())
    content["images"] = content["images"][:10]
    short = tmp_path / "SHORT_train.json"
    short.write_text(json.dumps(content))
    settings = images_of(labelled, f"data.omni3d.labels=[{labelled}, {short}]", "data.validation=10")
    found = Run(settings, tmp_path / "run").frames.images
    assert [image.id for image in found.held_out] == [*range(32, 40), 8, 9]
    assert [image.id for image in found.training] == [*range(32), *range(8)]


def test_a_smoke_run_of_the_shipped_configuration_needs_no_data(tmp_path: Path):
    small = words(
        *TINY,
        "optimisation.steps=20",
        "optimisation.learning_rate=0.003",
        "network.branch_options.channels=8",
    )
    command = ["--config", str(OMNI3D), "--output", str(tmp_path), "--smoke", *small]
    answer = CliRunner().invoke(app, command)
    assert answer.exit_code == 0, answer.output
    said = " ".join(answer.output.split())
    assert "88 labelled images to train on, 8 held out, of rooms_train" in said and "the loss fell" in said
    assert (tmp_path / "omni3d/rooms_train.json").exists()


def test_the_preset_of_depth_and_poses_still_takes_rooms_alone():
    assert load_config(IDE3D).losses.privileged == (
        "depth_map",
        "depth_map_confidence",
        "depth_map_gradient",
        "cross_view",
        "cross_view_consistency",
        "alignment",
    )
