# SPDX-License-Identifier: Apache-2.0
"""The four graphs of a bundle: which tensors go in and out of each.

Letters stand for lengths that change from call to call: F frames in the window, B prompts in the batch, T
text tokens of the longest prompt, S visual tokens of the window plus one ("none"), t past and u = t + 1 text
tokens. Names in lower case are sizes of the network, found in the manifest.
"""

from __future__ import annotations

from dataclasses import dataclass

from ide3d_ros.geometry import query_code

Shape = tuple[int | str, ...]


@dataclass(frozen=True)
class TensorInterface:
    """Name one tensor, its dtype and its shape in symbols.

    Attributes:
        name, dtype, shape: of the tensor.
        box_source: it exists only in bundles whose boxes come from there; empty for all.
    """

    name: str
    dtype: str
    shape: Shape
    box_source: str = ""


@dataclass(frozen=True)
class GraphInterface:
    """List the tensors that go into a graph and come out of it, in order."""

    inputs: tuple[TensorInterface, ...]
    outputs: tuple[TensorInterface, ...]

    def for_boxes_from(self, source: str) -> GraphInterface:
        """Leave out the tensors that bundles with this source of boxes do not have."""
        return GraphInterface(
            *(
                tuple(tensor for tensor in side if tensor.box_source in ("", source))
                for side in (self.inputs, self.outputs)
            )
        )

    def reading(self, extra: tuple[str, ...]) -> GraphInterface:
        """Append what some bundles read of a frame besides RGB and intrinsics; names of `EXTRA_TENSORS`."""
        return GraphInterface((*self.inputs, *(EXTRA_TENSORS[name] for name in extra)), self.outputs)


DYNAMIC = frozenset("FBTStu")
"""Symbols that stay free; every other symbol is a size of the network."""

_KEY = TensorInterface("key", "float32", ("F", "layers", "kv_heads", "tokens", "head_dim"))
_VALUE = TensorInterface("value", "float32", ("F", "layers", "kv_heads", "tokens", "head_dim"))
_POINTER_KEY = TensorInterface("pointer_key", "float32", ("F", "tokens", "dim"))
_TOKENS = TensorInterface("tokens", "float32", ("F", "tokens", "dim"))


EXTRA_TENSORS: dict[str, TensorInterface] = {
    # Metres along the optical axis of the network image, 0 where unknown.
    "depth": TensorInterface("depth", "float32", ("F", "height", "width")),
    # Pose of the optical frame in a world that all frames share.
    "world_from_camera": TensorInterface("world_from_camera", "float32", ("F", 4, 4)),
}
"""Inputs of the vision graph that exist only in bundles whose manifest lists them."""


def _text_cache(prefix: str, batch: int | str, length: str) -> tuple[TensorInterface, TensorInterface]:
    shape: Shape = (batch, "layers", "kv_heads", length, "head_dim")
    return TensorInterface(f"{prefix}_key", "float32", shape), TensorInterface(
        f"{prefix}_value", "float32", shape
    )


GRAPHS: dict[str, GraphInterface] = {
    # A frame becomes tokens.
    "vision": GraphInterface(
        inputs=(
            TensorInterface("image", "uint8", ("F", "height", "width", 3)),
            TensorInterface("intrinsics", "float32", ("F", 3, 3)),
        ),
        outputs=(_TOKENS,),
    ),
    # Tokens become what every later question reads; frames do not see one another.
    "prefix": GraphInterface(
        inputs=(_TOKENS,),
        outputs=(
            _KEY,
            _VALUE,
            _POINTER_KEY,
            TensorInterface("fields", "float32", ("F", "tokens", "field_size")),
            TensorInterface("gravity", "float32", ("F", 2)),
        ),
    ),
    # A batch of prompts reads the window.
    "prompt": GraphInterface(
        inputs=(
            _KEY,
            _VALUE,
            _POINTER_KEY,
            TensorInterface("text", "int64", ("B", "T")),
            TensorInterface("text_length", "int64", ("B",)),
        ),
        outputs=(
            TensorInterface("logits", "float32", ("B", "vocab")),
            TensorInterface("pointer", "float32", ("B", "box_queries", "S")),
            *_text_cache("text", "B", "T"),
            TensorInterface("query_box", "float32", ("B", "box_queries", query_code.SIZE), "query"),
        ),
    ),
    # One more token of one answer.
    "step": GraphInterface(
        inputs=(_KEY, _VALUE, *_text_cache("past", 1, "t"), TensorInterface("token", "int64", (1, 1))),
        outputs=(TensorInterface("logits", "float32", (1, "vocab")), *_text_cache("text", 1, "u")),
    ),
}


def graph_interface(graph: str, box_source: str, extra_inputs: tuple[str, ...]) -> GraphInterface:
    """Return the tensors of a graph of one bundle.

    Args:
        graph: vision, prefix, prompt or step.
        box_source: where its boxes come from.
        extra_inputs: what it reads of a frame besides RGB and intrinsics, names of `EXTRA_TENSORS`.
    """
    interface = GRAPHS[graph].for_boxes_from(box_source)
    return interface.reading(extra_inputs) if graph == "vision" else interface
