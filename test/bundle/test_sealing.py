# SPDX-License-Identifier: Apache-2.0
"""Sealing writes a manifest that holds, and only for a complete folder."""

from __future__ import annotations

from pathlib import Path

import pytest
from fake_bundle import describe

from ide3d_ros.bundle import HashMismatchError, MissingFileError, open_bundle, seal_bundle


def test_sealing_again_after_a_change_accepts_the_change(bundle_copy: Path) -> None:
    description = describe(open_bundle(bundle_copy).manifest.network.vocab)
    tokenizer = bundle_copy / "tokenizer.json"
    tokenizer.write_text(tokenizer.read_text().replace("zebra", "zebrA"))
    with pytest.raises(HashMismatchError):
        open_bundle(bundle_copy)
    assert seal_bundle(bundle_copy, description) == open_bundle(bundle_copy)


def test_an_incomplete_folder_is_not_sealed(bundle_copy: Path) -> None:
    description = describe(open_bundle(bundle_copy).manifest.network.vocab)
    (bundle_copy / "manifest.json").unlink()
    (bundle_copy / "step.onnx").unlink()
    with pytest.raises(MissingFileError, match=r"step\.onnx"):
        seal_bundle(bundle_copy, description)
    assert not (bundle_copy / "manifest.json").exists()


def test_sealing_leaves_nothing_but_the_bundle(bundle_copy: Path) -> None:
    names = sorted(file.name for file in bundle_copy.iterdir())
    assert names == sorted(
        [
            "manifest.json",
            "prefix.onnx",
            "prompt.onnx",
            "step.onnx",
            "tokenizer.json",
            "vision.onnx",
            "weights.bin",
        ]
    )
