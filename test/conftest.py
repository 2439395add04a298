# SPDX-License-Identifier: Apache-2.0
"""Fixtures that several test folders share."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from fake_bundle import write_fake_bundle

from ide3d_ros.bundle import Bundle

if TYPE_CHECKING:
    from tiny_network import TinyExport


@pytest.fixture(scope="session")
def fake_bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    """Write the hand-built bundle of `fake_bundle.py` once; do not change its files."""
    return write_fake_bundle(tmp_path_factory.mktemp("fake_bundle"))


@pytest.fixture(scope="session")
def depth_bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    """Write the hand-built bundle that reads depth and pose once; do not change its files."""
    return write_fake_bundle(
        tmp_path_factory.mktemp("depth_bundle"), extra_inputs=("depth", "world_from_camera")
    )


@pytest.fixture
def bundle_copy(tmp_path: Path) -> Path:
    """Write the hand-built bundle into a folder of this test's own, to be damaged."""
    folder = tmp_path / "bundle"
    folder.mkdir()
    return write_fake_bundle(folder).folder


@pytest.fixture(scope="session")
def tiny_export(tmp_path_factory: pytest.TempPathFactory) -> TinyExport:
    """Export the network of `tiny_network.py` once; do not change its files or weights."""
    from tiny_network import export_tiny  # torch takes its time, and few tests need it

    return export_tiny(tmp_path_factory.mktemp("tiny_export"))
