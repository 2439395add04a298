# SPDX-License-Identifier: Apache-2.0
"""Lengths are read in the units that people say."""

from __future__ import annotations

import pytest

from ide3d_training.evaluate.lengths import length_in_metres, length_tolerance


@pytest.mark.parametrize(
    ("text", "metres"),
    [
        ("1.4 m", 1.4),
        ("about 1.4 metres away", 1.4),
        ("1.4 meters", 1.4),
        ("80 cm", 0.8),
        ("80 centimeters", 0.8),
        ("35mm", 0.035),
        ("2", None),
        ("3 mugs", None),
        ("the chair", None),
        ("", None),
    ],
)
def test_length_is_read(text, metres):
    assert length_in_metres(text) == (None if metres is None else pytest.approx(metres))


def test_tolerance_grows_with_the_length():
    assert length_tolerance(0.4) == 0.1
    assert length_tolerance(3.0) == pytest.approx(0.3)
