# SPDX-License-Identifier: Apache-2.0
"""Memory of images stays with the process, up to a limit, unless somebody manages it already."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

# Counts how often the kernel had to give a page while images come and go.
_FAULTS = """
import resource, sys
from ide3d_ros.nodes.memory import keep_image_memory
kept = keep_image_memory()
def turn_over():
    for _ in range(100):
        blocks = [bytearray(921_600) for _ in range(4)]
        del blocks
turn_over()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
turn_over()
print(kept, resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def kept_and_faults(**variables: str) -> tuple[bool, int]:
    done = subprocess.run(
        [sys.executable, "-c", _FAULTS],
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    kept, faults = done.stdout.split()
    return kept == "True", int(faults)


def test_images_that_come_and_go_cost_no_new_pages() -> None:
    kept, faults = kept_and_faults()
    assert kept
    assert faults < 1000  # of 90,000 pages


@pytest.mark.parametrize(
    "variables",
    [{"MALLOC_TRIM_THRESHOLD_": "131072"}, {"GLIBC_TUNABLES": "glibc.malloc.trim_threshold=131072"}],
)
def test_who_sets_how_memory_is_managed_is_left_alone(variables: dict[str, str]) -> None:
    kept, faults = kept_and_faults(**variables)
    assert not kept
    assert faults > 10_000
