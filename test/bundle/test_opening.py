# SPDX-License-Identifier: Apache-2.0
"""A bundle opens only when every byte of it is what was sealed, and says what is wrong otherwise."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ide3d_ros.bundle import (
    Bundle,
    BundleError,
    HashMismatchError,
    InvalidManifestError,
    MissingFileError,
    SchemaVersionError,
    TruncatedFileError,
    UnknownBundleError,
    embedded_bundles,
    open_bundle,
    opening,
)


def edit_manifest(folder: Path, **changes: object) -> None:
    file = folder / "manifest.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | changes))


def test_a_sealed_folder_opens_by_its_path(fake_bundle: Bundle) -> None:
    opened = open_bundle(fake_bundle.folder)
    assert opened.manifest == fake_bundle.manifest
    assert opened.name == "fake"
    assert opened.graph_file("step") == fake_bundle.folder / "step.onnx"


def test_a_path_may_be_given_as_text(fake_bundle: Bundle) -> None:
    assert open_bundle(str(fake_bundle.folder)).name == "fake"


def test_an_unknown_name_lists_the_embedded_bundles(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UnknownBundleError, match="'nani'") as caught:
        open_bundle("nani")
    assert all(name in str(caught.value) for name in embedded_bundles())


def test_an_embedded_bundle_opens_by_name_from_anywhere(
    bundle_copy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(opening, "_EMBEDDED", bundle_copy.parent)
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert embedded_bundles() == ("bundle",)
    assert open_bundle("bundle").folder == bundle_copy


@pytest.mark.parametrize("name", ["", "no/such/folder", "zero\0byte"])
def test_names_that_are_no_folder_are_unknown(name: str) -> None:
    with pytest.raises(UnknownBundleError):
        open_bundle(name)


def test_every_embedded_bundle_opens() -> None:
    for name in embedded_bundles():
        assert open_bundle(name).name == name


@pytest.mark.parametrize("file", ["manifest.json", "vision.onnx", "weights.bin", "tokenizer.json"])
def test_a_missing_file_is_named(bundle_copy: Path, file: str) -> None:
    (bundle_copy / file).unlink()
    with pytest.raises(MissingFileError, match=f"{file} does not exist"):
        open_bundle(bundle_copy)


def test_a_folder_in_place_of_a_file_is_an_error_of_the_bundle(bundle_copy: Path) -> None:
    (bundle_copy / "manifest.json").unlink()
    (bundle_copy / "manifest.json").mkdir()
    with pytest.raises(MissingFileError, match="cannot be read"):
        open_bundle(bundle_copy)


@pytest.mark.parametrize("file", ["vision.onnx", "prefix.onnx", "prompt.onnx", "step.onnx", "weights.bin"])
def test_a_truncated_file_is_named_with_both_lengths(bundle_copy: Path, file: str) -> None:
    whole = (bundle_copy / file).read_bytes()
    (bundle_copy / file).write_bytes(whole[:-7])
    with pytest.raises(
        TruncatedFileError, match=f"{file} has {len(whole) - 7} bytes, its manifest says {len(whole)}"
    ):
        open_bundle(bundle_copy)


@pytest.mark.parametrize("file", ["vision.onnx", "step.onnx", "weights.bin", "tokenizer.json"])
def test_one_flipped_bit_is_noticed(bundle_copy: Path, file: str) -> None:
    changed = bytearray((bundle_copy / file).read_bytes())
    changed[len(changed) // 2] ^= 1
    (bundle_copy / file).write_bytes(changed)
    with pytest.raises(HashMismatchError, match=file):
        open_bundle(bundle_copy)


@pytest.mark.parametrize("version", [0, 2, "1", True, None])
def test_another_schema_version_is_refused_by_its_number(bundle_copy: Path, version: object) -> None:
    edit_manifest(bundle_copy, schema_version=version)
    with pytest.raises(SchemaVersionError, match="reads 1"):
        open_bundle(bundle_copy)


def test_a_manifest_from_the_future_is_refused_for_its_version_not_for_its_fields(bundle_copy: Path) -> None:
    edit_manifest(bundle_copy, schema_version=9, warp_drive=True)
    with pytest.raises(SchemaVersionError, match="schema_version 9"):
        open_bundle(bundle_copy)


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "null", '"manifest"', "{'schema_version': 1}", "[" * 100_000, "\udcff"]
)
def test_what_is_not_a_json_object_is_refused(bundle_copy: Path, text: str) -> None:
    (bundle_copy / "manifest.json").write_bytes(text.encode(errors="surrogateescape"))
    with pytest.raises(InvalidManifestError, match=r"manifest\.json is not a valid manifest"):
        open_bundle(bundle_copy)


def test_an_endless_manifest_is_not_read_to_its_end(bundle_copy: Path) -> None:
    (bundle_copy / "manifest.json").write_bytes(b" " * (2 << 20))
    with pytest.raises(InvalidManifestError, match="longer than"):
        open_bundle(bundle_copy)


def test_a_wrong_value_is_named_by_its_field(bundle_copy: Path) -> None:
    edit_manifest(bundle_copy, memory_mb="lots")
    with pytest.raises(InvalidManifestError, match="memory_mb"):
        open_bundle(bundle_copy)


@pytest.mark.parametrize(
    "outside", ["../weights.bin", "/etc/passwd", "sub/weights.bin", "..", ".hidden", "", "a\\b"]
)
def test_a_manifest_cannot_name_files_outside_its_folder(bundle_copy: Path, outside: str) -> None:
    values = json.loads((bundle_copy / "manifest.json").read_text())
    values["weights"]["file"] = outside
    edit_manifest(bundle_copy, **values)
    with pytest.raises(InvalidManifestError, match=r"weights\.file"):
        open_bundle(bundle_copy)


def test_every_error_is_a_bundle_error_with_a_way_out(bundle_copy: Path) -> None:
    (bundle_copy / "weights.bin").unlink()
    with pytest.raises(BundleError, match="copy the whole bundle folder again"):
        open_bundle(bundle_copy)
