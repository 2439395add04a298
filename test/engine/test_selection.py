# SPDX-License-Identifier: Apache-2.0
"""Choosing an engine says why, and what is missing."""

from __future__ import annotations

import sys

import pytest

from ide3d_ros.bundle import Bundle
from ide3d_ros.engine import EngineError, select_engine
from ide3d_ros.engine.errors import MissingRuntimeError, UnknownEngineError


def test_auto_takes_onnx_and_says_why(fake_bundle: Bundle) -> None:
    selection = select_engine(fake_bundle, threads=1)
    assert selection.engine.describe().engine == "onnx"
    assert "auto" in selection.reason and "onnxruntime" in selection.reason


def test_an_engine_asked_for_by_name_says_so(fake_bundle: Bundle) -> None:
    assert "asked for by name" in select_engine(fake_bundle, "onnx", threads=1).reason


def test_threads_reach_the_engine(fake_bundle: Bundle) -> None:
    assert select_engine(fake_bundle, "onnx", threads=1).engine.describe().threads == 1


def test_an_unknown_engine_lists_the_known_ones(fake_bundle: Bundle) -> None:
    with pytest.raises(UnknownEngineError, match="'warp'; choose one of: auto, onnx"):
        select_engine(fake_bundle, "warp")


def test_a_missing_runtime_names_the_package_and_the_command(
    fake_bundle: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, "ide3d_ros.engine.onnx_engine", raising=False)
    monkeypatch.setitem(sys.modules, "onnxruntime", None)  # what an absent package looks like to `import`
    with pytest.raises(
        MissingRuntimeError, match="needs the Python package onnxruntime.*pip install onnxruntime"
    ):
        select_engine(fake_bundle, "onnx")


def test_every_failure_is_an_engine_error() -> None:
    assert issubclass(MissingRuntimeError, EngineError) and issubclass(UnknownEngineError, EngineError)
