# SPDX-License-Identifier: Apache-2.0
"""Tell the decoder's matrices from those of the box head, in graphs whose weights have lost their names.

Prefix, prompt and step run the same decoder, so its matrices stand in more than one of them with the same
values; each matrix of the box head stands in one alone. No name is needed, and no list that a change of the
network would leave behind.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping

import onnx
from onnx import TensorProto, numpy_helper

DECODER_GRAPHS = ("prefix", "prompt", "step")


def matrix_digests(model: onnx.ModelProto) -> dict[str, str]:
    """Hash the float32 matrices among a graph's initializers.

    Returns:
        Name -> digest of shape and values.
    """
    return {
        tensor.name: _digest(tensor)
        for tensor in model.graph.initializer
        if tensor.data_type == TensorProto.FLOAT and len(tensor.dims) == 2
    }


def decoder_digests(models: Mapping[str, onnx.ModelProto]) -> frozenset[str]:
    """Return the digests of the matrices that more than one of the decoder's graphs hold."""
    held = Counter(digest for name in DECODER_GRAPHS for digest in set(matrix_digests(models[name]).values()))
    return frozenset(digest for digest, graphs in held.items() if graphs > 1)


def _digest(tensor: TensorProto) -> str:
    values = numpy_helper.to_array(tensor)
    return hashlib.sha256(repr(values.shape).encode() + values.tobytes()).hexdigest()
