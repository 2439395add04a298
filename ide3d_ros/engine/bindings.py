# SPDX-License-Identifier: Apache-2.0
"""Compare the tensors that a runtime finds in a graph with those of the manifest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ide3d_ros.bundle.manifest import TensorSpec


@dataclass(frozen=True)
class Binding:
    """Describe an input or output as a runtime found it.

    Attributes:
        name: of the tensor.
        dtype: numpy's name of the element type, or the runtime's own where numpy has none.
        shape: lengths; whatever is no int is free.
    """

    name: str
    dtype: str
    shape: tuple[int | str | None, ...]


def find_differences(side: str, declared: Sequence[TensorSpec], found: Sequence[Binding]) -> list[str]:
    """Compare names and order, types, ranks and fixed lengths.

    Args:
        side: "input" or "output", for the text.
        declared: the manifest's tensors.
        found: the runtime's.

    Returns:
        A phrase for each difference; empty when the graph is the one that the manifest describes.
    """
    names = [tensor.name for tensor in declared], [tensor.name for tensor in found]
    if names[0] != names[1]:
        return [f"{side}s are {', '.join(names[1]) or 'none'} instead of {', '.join(names[0])}"]
    differences = []
    for wanted, tensor in zip(declared, found, strict=True):
        if tensor.dtype != wanted.dtype:
            differences.append(f"{side} {wanted.name} is {tensor.dtype} instead of {wanted.dtype}")
        # A length that must be free but is fixed (a graph traced with one frame) is as wrong as another
        # number; one that the graph leaves free where the manifest has a number is not.
        fits = len(tensor.shape) == len(wanted.shape) and all(
            n == m or not isinstance(m, int) for n, m in zip(wanted.shape, tensor.shape, strict=True)
        )
        if not fits:
            differences.append(
                f"{side} {wanted.name} has shape {list(tensor.shape)} instead of {list(wanted.shape)}"
            )
    return differences
