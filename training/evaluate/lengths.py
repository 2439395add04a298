# SPDX-License-Identifier: Apache-2.0
"""Lengths in answers: reading them, and how far off still counts as right."""

from __future__ import annotations

import re

_LENGTH = re.compile(
    r"(?P<value>\d+(?:\.\d+)?) ?(?P<unit>millimet(?:re|er)s?|centimet(?:re|er)s?|mm|cm|m|met(?:re|er)s?)\b"
)
TOLERANCE, TOLERANCE_M = 0.1, 0.1
"""A length counts as right within this share of the true one, or within these metres, whichever is more."""
_UNITS_M = {"mm": 0.001, "mi": 0.001, "cm": 0.01, "ce": 0.01}


def length_in_metres(text: str) -> float | None:
    """Return the first length that a text states, in metres; None where it states none.

    Args:
        text: for example "about 1.4 m" or "80 cm"; a number without a unit is none.
    """
    length = _LENGTH.search(text.lower())
    if length is None:
        return None
    return float(length["value"]) * _UNITS_M.get(length["unit"][:2], 1.0)


def length_tolerance(value_m: float) -> float:
    """Return how far from a true length an answer may be to count as right, both in metres."""
    return max(TOLERANCE_M, TOLERANCE * value_m)
