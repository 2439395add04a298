# SPDX-License-Identifier: Apache-2.0
"""Which texts from outside a node hands on to its scene. Knows nothing of ROS."""

from __future__ import annotations

from collections.abc import Sequence

from ide3d_ros.scene.validation import RequestError, check_text

MAX_LABELS = 64


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
