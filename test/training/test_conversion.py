# SPDX-License-Identifier: Apache-2.0
"""A sealed bundle becomes another one in float16 or int8, smaller, and says where it came from."""

from __future__ import annotations

import numpy as np
import pytest

from ide3d_ros.bundle import open_bundle
from ide3d_ros.engine.onnx_engine import OnnxEngine
from ide3d_ros.geometry import Camera
from ide3d_ros.scene import Scene, Status
from ide3d_training.export import convert_cli
from ide3d_training.export.bundle_writing import export_bundle
from ide3d_training.export.conversion import convert_bundle
from ide3d_training.export.float16 import PrecisionError


@pytest.mark.parametrize(("precision", "most"), [("float16", 0.7), ("int8", 0.75)])
def test_a_converted_bundle_is_smaller_says_its_source_and_runs(tiny_export, tmp_path, precision, most):
    source = tiny_export.bundle
    converted = convert_bundle(source, tmp_path / "new", precision)
    manifest = open_bundle(tmp_path / "new").manifest
    assert (manifest.name, manifest.precision) == ("tiny", precision)
    origin = {"name": "tiny", "precision": "float32", "weights": source.manifest.weights.sha256}
    assert manifest.training["converted_from"] == origin
    assert manifest.weights.bytes < most * source.manifest.weights.bytes
    scene = Scene(converted, OnnxEngine(converted, threads=1))
    scene.add_frame(np.zeros((96, 128, 3), np.uint8), Camera.from_fov(128, 96, 1.0), stamp_ns=1, frame_id="c")
    assert scene.ask("is there a mug?").status == Status.OK


def test_float32_to_float32_keeps_every_byte_of_the_graphs(tiny_export, tmp_path):
    converted = convert_bundle(tiny_export.bundle, tmp_path, "float32")
    assert converted.manifest.weights == tiny_export.bundle.manifest.weights
    assert converted.manifest.graphs == tiny_export.bundle.manifest.graphs


def test_an_export_in_float16_is_the_conversion_of_the_export(tiny_export, tmp_path):
    exported = export_bundle(
        tiny_export.network, tiny_export.tokenizer_file, tmp_path / "a", name="tiny", precision="float16"
    )
    converted = convert_bundle(tiny_export.bundle, tmp_path / "b", "float16")
    assert exported.manifest.precision == "float16"
    assert exported.manifest.weights == converted.manifest.weights
    assert exported.manifest.graphs == converted.manifest.graphs


def test_what_is_rounded_already_is_not_rounded_again(tiny_export, tmp_path):
    half = convert_bundle(tiny_export.bundle, tmp_path / "half", "float16")
    with pytest.raises(PrecisionError, match="is float16 already.*convert the float32 bundle"):
        convert_bundle(half, tmp_path / "int8", "int8")
    assert not (tmp_path / "int8").exists()


def test_a_bundle_is_not_written_over_itself(tiny_export):
    with pytest.raises(PrecisionError, match="write to another folder"):
        convert_bundle(tiny_export.bundle, tiny_export.bundle.folder, "float16")
    assert open_bundle(tiny_export.bundle.folder).manifest.precision == "float32"


def convert(monkeypatch, *arguments: str) -> None:
    monkeypatch.setattr("sys.argv", ["ide3d-convert", *arguments])
    convert_cli.main()


def test_the_command_prints_both_sizes(monkeypatch, capsys, fake_bundle, tmp_path):
    source, folder = str(fake_bundle.folder), str(tmp_path / "half")
    arguments = "--bundle", source, "--precision", "float16", "--name", "new"
    convert(monkeypatch, *arguments, "--output", folder)
    said = capsys.readouterr().out
    assert said.startswith(f"bundle 'new' at {folder}: float16, ") and "(float32: " in said
    assert open_bundle(folder).manifest.precision == "float16"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--bundle", "no_such", "--precision", "int8"), "no bundle is called 'no_such'"),
        (("--precision", "int4"), "'int4' is not one of"),
    ],
)
def test_the_command_refuses_what_it_cannot_convert(monkeypatch, capsys, tmp_path, arguments, message):
    with pytest.raises(SystemExit) as stop:
        convert(monkeypatch, *arguments, "--output", str(tmp_path / "new"))
    assert stop.value.code == 2
    said = capsys.readouterr().err
    assert said.startswith("ide3d-convert: ") and message in said
    assert not (tmp_path / "new").exists()
