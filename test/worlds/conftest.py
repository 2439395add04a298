# SPDX-License-Identifier: Apache-2.0
"""Fixtures of the tests that draw."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ide3d_training.worlds.renderer import Rendered, RoomRenderer, render_frame


@pytest.fixture(scope="session")
def renderer() -> Iterator[RoomRenderer]:
    """Start OpenGL once, at the data sets' default size."""
    with RoomRenderer(256, 192) as renderer:
        yield renderer


@pytest.fixture(scope="session")
def frames(renderer: RoomRenderer) -> list[Rendered]:
    """Draw forty rooms; do not change the arrays."""
    return [render_frame(seed, renderer) for seed in range(40)]
