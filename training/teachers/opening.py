# SPDX-License-Identifier: Apache-2.0
"""Open a teacher by what a person types."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from ide3d_training.generators.wan import WanGenerator
from ide3d_training.teachers.dinov2 import Dinov2Teacher
from ide3d_training.teachers.geometry_teacher import GeometryTeacher
from ide3d_training.teachers.protocol import Teacher
from ide3d_training.teachers.vggt import VggtTeacher

_KINDS: dict[str, Callable[[Path], Teacher]] = {
    "vggt": VggtTeacher,
    "dinov2": Dinov2Teacher,
    "wan": WanGenerator,
}


def open_teacher(text: str) -> Teacher:
    """Open a directory of a run of `ide3d-teacher train`, or KIND:PATH of other weights.

    Raises:
        TeacherError: if it cannot be used; the sentence says what to install or give.
    """
    kind, separator, path = text.partition(":")
    if separator and kind in _KINDS:
        return _KINDS[kind](Path(path))
    return GeometryTeacher(Path(text))
