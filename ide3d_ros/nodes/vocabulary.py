# SPDX-License-Identifier: Apache-2.0
"""Which texts and names from outside a node takes. Knows nothing of ROS."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ide3d_ros.scene.validation import RequestError, check_text

MAX_LABELS = 64
_CAMERA_NAME = re.compile(r"[A-Za-z][A-Za-z0-9]*(_[A-Za-z0-9]+)*")


def text_fault(text: str, kind: str) -> str:
    """Say what is wrong with a text before it waits for the engine; empty when nothing is.

    Args:
        text: as it came in a ROS message.
        kind: what it is: "expression", "question" or "label".
    """
    if "\ufffd" in text:
        return f"the {kind} is not UTF-8 (it decodes to U+FFFD); send UTF-8"
    try:
        check_text(text, kind)
    except RequestError as error:
        return str(error)
    return ""


def refused_labels(labels: Sequence[str]) -> dict[str, str]:
    """Find the labels that cannot be detected.

    Returns:
        The reason for each refused label.
    """
    if len(labels) > MAX_LABELS:  # before anything that walks over them
        first = labels[MAX_LABELS]
        return {first: f"a vocabulary holds at most {MAX_LABELS} labels, not {len(labels)}"}
    refused: dict[str, str] = {}
    seen: set[str] = set()
    for label in labels:
        reason = text_fault(label, "label")
        if not reason and label in seen:
            reason = "it is listed twice"
        if reason:
            refused[label] = reason
        seen.add(label)
    return refused


def camera_names_fault(names: Sequence[str]) -> str:
    """Say what is wrong with the names of cameras; empty when nothing is.

    Args:
        names: each becomes the prefix of its camera's topics.
    """
    for name in names:
        if not _CAMERA_NAME.fullmatch(name):
            return f"{name[:80]!r} cannot begin topic names; use letters, digits and _, such as front_left"
        if list(names).count(name) > 1:
            return f"{name!r} is listed twice"
    return ""
