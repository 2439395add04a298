# SPDX-License-Identifier: Apache-2.0
"""A labelled recording to read and to damage."""

from __future__ import annotations

from pathlib import Path

import pytest
from recorded_corner import write_recording

from ide3d_ros.bundle import Bundle


@pytest.fixture
def recording(tmp_path: Path, fake_bundle: Bundle) -> Path:
    """Write a labelled recording of this test's own."""
    folder = tmp_path / "corner"
    folder.mkdir()
    return write_recording(folder, fake_bundle)
