# SPDX-License-Identifier: Apache-2.0
"""The precisions that a bundle can be exported or converted to."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import onnx

from ide3d_ros.bundle.manifest import Precision
from ide3d_training.export.float16 import to_float16
from ide3d_training.export.int8 import to_int8

Graphs = Mapping[str, onnx.ModelProto]

_REWRITINGS: dict[Precision, Callable[[Graphs], Graphs]] = {
    "float32": lambda models: models,
    "float16": to_float16,
    "int8": to_int8,
}


def restate(models: Graphs, precision: Precision) -> Graphs:
    """State float32 graphs in another precision.

    Args:
        models: graph's name -> float32 model with its weights inside; left as they are.
        precision: of the result.

    Returns:
        Graph's name -> model with the same inputs and outputs, their types included.

    Raises:
        PrecisionError: if the graphs cannot be stated in it.
    """
    return _REWRITINGS[precision](models)
