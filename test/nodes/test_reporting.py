# SPDX-License-Identifier: Apache-2.0
"""Complaints are logged once in a while, and only by a node that still runs."""

from __future__ import annotations

import pytest

from ide3d_ros.nodes.reporting import Reporter


class Lines(list):
    """Stand in for a logger."""

    def error(self, line: str) -> None:
        self.append(line)

    def debug(self, line: str) -> None:
        assert "Traceback" in line


def fail() -> None:
    raise RuntimeError("the context is invalid")


@pytest.mark.parametrize(
    ("is_running", "lines"), [(True, ["frame: RuntimeError: the context is invalid"]), (False, [])]
)
def test_a_callback_that_fails_is_reported_unless_the_node_is_ending(is_running: bool, lines: list) -> None:
    logger = Lines()
    callback = Reporter(logger, lambda: is_running).guarded("frame", fail)
    callback()
    callback()  # a moment later it is the same complaint
    assert logger == lines
