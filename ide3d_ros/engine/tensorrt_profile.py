# SPDX-License-Identifier: Apache-2.0
"""Which lengths a plan must serve: the bundle's limits as TensorRT's least, usual and greatest shapes.

Plans are fastest at the usual lengths, which are those of a robot that looks at one frame at a time and asks
for one thing; they work at all others up to the greatest. Buffers are sized for the greatest.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod

import numpy as np

from ide3d_ros.bundle import Manifest
from ide3d_ros.bundle.manifest import TensorSpec

MAX_PROMPTS = 16
"""Prompts of one pass; the engine cuts a larger batch into several, as prompts do not see one another."""
_USUAL_TEXT_TOKENS = 16
_USUAL_PAST_TOKENS = 24

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Lengths:
    """State the least, usual and greatest value of a length that changes from call to call."""

    least: int
    usual: int
    greatest: int

    def __str__(self) -> str:
        return f"{self.least}..{self.greatest} (usually {self.usual})"


@dataclass(frozen=True)
class ShapeProfile:
    """State the least, usual and greatest shape of an input."""

    least: Shape
    usual: Shape
    greatest: Shape


def free_lengths(manifest: Manifest) -> dict[str, Lengths]:
    """Return the range of each free length of a bundle's inputs, by its symbol.

    Symbols are those of `ide3d_ros.bundle.interface`: F frames, B prompts, T text tokens, t past tokens.
    """
    limits = manifest.limits
    past = limits.max_text_tokens + limits.max_answer_tokens - 1  # the last token of an answer is not read
    return {
        "F": Lengths(1, 1, limits.max_frames),
        "B": Lengths(1, 1, MAX_PROMPTS),
        "T": Lengths(1, min(_USUAL_TEXT_TOKENS, limits.max_text_tokens), limits.max_text_tokens),
        "t": Lengths(1, min(_USUAL_PAST_TOKENS, past), past),
    }


def input_profiles(manifest: Manifest, graph: str) -> dict[str, ShapeProfile]:
    """Return the shapes of those inputs of a graph that have a free length, by name."""
    lengths = free_lengths(manifest)

    def shape(tensor: TensorSpec, which: str) -> Shape:
        return tuple(getattr(lengths[n], which) if isinstance(n, str) else n for n in tensor.shape)

    return {
        tensor.name: ShapeProfile(*(shape(tensor, which) for which in ("least", "usual", "greatest")))
        for tensor in manifest.graphs.by_name()[graph].inputs
        if any(isinstance(n, str) for n in tensor.shape)
    }


def spell_profile(manifest: Manifest, graph: str) -> str:
    """Spell the ranges that a graph's plan is built for, such as "F 1..8 (usually 1)", in one fixed way."""
    symbols = {n for one in manifest.graphs.by_name()[graph].inputs for n in one.shape if isinstance(n, str)}
    return ", ".join(
        f"{symbol} {lengths}" for symbol, lengths in free_lengths(manifest).items() if symbol in symbols
    )


def read_lengths(graph: str, inputs: tuple[TensorSpec, ...], shapes: Mapping[str, Shape]) -> dict[str, int]:
    """Read the free lengths of a call from the shapes of its inputs.

    Args:
        graph: its name, for the text of an error.
        inputs: the manifest's tensors.
        shapes: of the arrays that are fed, by name.

    Raises:
        ValueError: if a shape is not of the manifest's form, or one length has two values.
    """
    lengths: dict[str, int] = {}
    for tensor in inputs:
        shape = shapes[tensor.name]
        fits = len(shape) == len(tensor.shape) and all(
            n == (m if isinstance(m, int) else lengths.setdefault(m, n))
            for n, m in zip(shape, tensor.shape, strict=True)
        )
        if not fits:
            wanted = ", ".join(str(lengths.get(m, m)) for m in tensor.shape)
            raise ValueError(f"{graph}: {tensor.name} has shape {list(shape)} instead of [{wanted}]")
    return lengths


def check_lengths(lengths: Mapping[str, int], allowed: Mapping[str, Lengths]) -> None:
    """Raise ValueError for a length outside the range that plans are built for."""
    names = {"F": "frames", "B": "prompts", "T": "text tokens", "t": "text tokens before this one"}
    for symbol, length in lengths.items():
        range_ = allowed[symbol]
        if not range_.least <= length <= range_.greatest:
            raise ValueError(
                f"{length} {names[symbol]} are outside the bundle's {range_.least} to {range_.greatest}"
            )


def output_shape(tensor: TensorSpec, lengths: Mapping[str, int], tokens: int) -> Shape:
    """Return the shape of an output.

    Args:
        tensor: the manifest's.
        lengths: free lengths of the call.
        tokens: visual tokens of a frame.
    """
    known = {**lengths}
    if "F" in known:
        known["S"] = known["F"] * tokens + 1
    if "t" in known:
        known["u"] = known["t"] + 1
    return tuple(n if isinstance(n, int) else known[n] for n in tensor.shape)


def greatest_bytes(manifest: Manifest, graph: str) -> dict[str, int]:
    """Return the bytes of every input and output of a graph at the greatest lengths, by name."""
    spec = manifest.graphs.by_name()[graph]
    lengths = {symbol: one.greatest for symbol, one in free_lengths(manifest).items()}
    return {
        tensor.name: prod(output_shape(tensor, lengths, manifest.network.tokens))
        * np.dtype(tensor.dtype).itemsize
        for tensor in (*spec.inputs, *spec.outputs)
    }
