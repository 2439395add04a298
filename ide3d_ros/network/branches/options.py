# SPDX-License-Identifier: Apache-2.0
"""Read the options of a branch from plain values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any, TypeVar

Options = TypeVar("Options")


def read_options(options: type[Options], branch: str, values: Mapping[str, Any]) -> Options:
    """Build the options of a branch.

    Args:
        options: dataclass that documents them.
        branch: its name, for the text of an error.
        values: `NetworkConfig.branch_options`.

    Raises:
        ValueError: if an option is unknown, or the dataclass refuses one.
    """
    known = [field.name for field in fields(options)]
    if unknown := sorted(set(values) - set(known)):
        raise ValueError(
            f"branch {branch!r} has no option {unknown[0]!r}; its options are: {', '.join(known)}"
        )
    return options(**values)
