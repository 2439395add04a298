# SPDX-License-Identifier: Apache-2.0
"""A hand-built bundle of a few kB with the real interface and readable behaviour, for tests.

It sees patches of pure colour on black: a red patch is a chair, a green one a table, a blue one a ball. Each
box is centred on its patch, at a virtual depth of 2 m, with the category's extents, its front towards the
camera.

Box query 0 looks at the left half of a frame, box query 1 at the right half. Expressions match by the words
in them that name a colour or category ("the red chair"); anything else ("the zebra") points at none.

Answers are a fixed chain of words, except that a question ending in "color" is answered with the colour that
fills most of the window. `describe` yields "a room" and ends.

With `extra_inputs` it reads depth, and puts a box at its patch's mean depth (times the focal length over
`FOCAL_VIRTUAL`); and the camera's pose, and sees nothing where that is a metre or more west (-x) of the
world's origin.

Everything is float32, exact and the same on every machine, so tests may compare numbers.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

from ide3d_ros.bundle import Bundle, BundleDescription, Category, Limits, NetworkSizes, seal_bundle

WIDTH, HEIGHT, STRIDE = 64, 48, 16
ROWS, COLUMNS = HEIGHT // STRIDE, WIDTH // STRIDE
TOKENS, DIM, HEAD_DIM, QUERIES = ROWS * COLUMNS, 8, 4, 2
FOCAL_VIRTUAL = 50.0
VIRTUAL_DEPTH = 2.0
GRAVITY = (0.2, 0.0)  # pitch and roll of every frame, radians

THINGS = {"red": "chair", "green": "table", "blue": "ball"}
EXTENTS = {"chair": (0.5, 0.5, 1.0), "table": (1.2, 0.8, 0.75), "ball": (0.3, 0.3, 0.3)}
RGB = {"red": (255, 0, 0), "green": (0, 255, 0), "blue": (0, 0, 255)}
SPECIAL = ("<pad>", "<end>", "<locate>", "<ask>", "<describe>")
SENTENCES = (
    " the red chair a green table a blue ball which color is there yes no a room zebra",
    " how many one two",
)
CHAIN = {
    " chair": " yes",
    " zebra": " no",
    " yes": "<end>",
    " no": "<end>",
    "<describe>": " a",
    " a": " room",
    " room": "<end>",
    " red": "<end>",
    " green": "<end>",
    " blue": "<end>",
    " many": " many",  # never ends: for limits and cancels
}

_DTYPES = {"float32": TensorProto.FLOAT, "int64": TensorProto.INT64, "uint8": TensorProto.UINT8}


def write_fake_bundle(
    folder: Path, *, score_threshold: float = 0.3, extra_inputs: tuple[str, ...] = ()
) -> Bundle:
    """Write the bundle into an existing empty folder and open it."""
    tokenizer = build_tokenizer()
    tokenizer.save(str(folder / "tokenizer.json"))
    description = describe(tokenizer.get_vocab_size(), score_threshold, extra_inputs)
    weights = bytearray()
    for name, build in (("vision", _vision), ("prefix", _prefix), ("prompt", _prompt), ("step", _step)):
        graph = _Graph(name, description)
        build(graph, description, tokenizer)
        (folder / f"{name}.onnx").write_bytes(graph.serialize(weights))
    (folder / "weights.bin").write_bytes(weights)
    return seal_bundle(folder, description)


def describe(
    vocab: int, score_threshold: float = 0.3, extra_inputs: tuple[str, ...] = ()
) -> BundleDescription:
    """Describe the fake network."""
    return BundleDescription(
        name="fake",
        preset="explicit_pe" if extra_inputs else "rgb",
        network=NetworkSizes(
            width=WIDTH,
            height=HEIGHT,
            tokens=TOKENS,
            grid=(ROWS, COLUMNS),
            dim=DIM,
            layers=1,
            kv_heads=1,
            head_dim=HEAD_DIM,
            box_queries=QUERIES,
            vocab=vocab,
        ),
        limits=Limits(max_frames=4, max_text_tokens=128, max_answer_tokens=8),
        precision="float32",
        categories=tuple(Category(name=name, extents=EXTENTS[name]) for name in THINGS.values()),
        colors=tuple(THINGS),
        focal_virtual=FOCAL_VIRTUAL,
        extra_inputs=extra_inputs,
        score_threshold=score_threshold,
        overlap_threshold=0.5,
        memory_mb=50.0,
        training={"by": "hand"},
        licence="Apache-2.0",
    )


def build_tokenizer() -> Tokenizer:
    """Train the byte-level BPE tokenizer in which each word of `SENTENCES` is one token."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=600,
        special_tokens=list(SPECIAL),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(list(SENTENCES) * 3, trainer)
    return tokenizer


def picture(*patches: tuple[str, int, int], width: int = WIDTH, height: int = HEIGHT) -> np.ndarray:
    """Paint patches (colour, row, column) of the token grid on black: (height, width, 3) uint8 RGB."""
    image = np.zeros((height, width, 3), np.uint8)
    cell_h, cell_w = height // ROWS, width // COLUMNS
    for color, row, column in patches:
        image[row * cell_h : (row + 1) * cell_h, column * cell_w : (column + 1) * cell_w] = RGB[color]
    return image


class _Graph:
    """Collect nodes and initializers of one graph; every method returns the name of its result."""

    def __init__(self, name: str, description: BundleDescription):
        self.name, self.description = name, description
        self.nodes: list[onnx.NodeProto] = []
        self.constants: dict[str, np.ndarray] = {}

    def constant(self, values: object, dtype: type = np.float32) -> str:
        name = f"constant_{len(self.constants)}"
        self.constants[name] = np.asarray(values, dtype)
        return name

    def node(self, kind: str, *inputs: str, result: str | None = None, **attributes: object) -> str:
        output = result or f"{kind}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, list(inputs), [output], **attributes))
        return output

    def serialize(self, weights: bytearray) -> bytes:
        initializers = []
        for name, values in self.constants.items():
            if values.nbytes < 1024:  # shapes and scalars stay inside, where shape inference can read them
                initializers.append(numpy_helper.from_array(values, name))
                continue
            kind = helper.np_dtype_to_tensor_dtype(values.dtype)
            tensor = TensorProto(
                name=name, data_type=kind, dims=values.shape, data_location=TensorProto.EXTERNAL
            )
            data = values.tobytes()
            for key, value in (("location", "weights.bin"), ("offset", len(weights)), ("length", len(data))):
                tensor.external_data.add(key=key, value=str(value))
            weights += data + bytes(-len(data) % 64)
            initializers.append(tensor)
        sides = {
            side: [
                helper.make_tensor_value_info(t.name, _DTYPES[t.dtype], t.shape)
                for t in self.description.tensors(self.name, side)
            ]
            for side in ("inputs", "outputs")
        }
        graph = helper.make_graph(self.nodes, self.name, sides["inputs"], sides["outputs"], initializers)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=9)
        return model.SerializeToString()


def _vision(g: _Graph, d: BundleDescription, _: Tokenizer) -> None:
    # A token is (r, g, b of its patch in 0..1, fx, fy, cx, cy in hundreds of pixels, 1).
    pixels = g.node("Transpose", g.node("Cast", "image", to=TensorProto.FLOAT), perm=[0, 3, 1, 2])
    pooled = g.node("AveragePool", pixels, kernel_shape=[STRIDE, STRIDE], strides=[STRIDE, STRIDE])
    flat = g.node("Reshape", pooled, g.constant([0, 3, TOKENS], np.int64))
    color = g.node("Div", g.node("Transpose", flat, perm=[0, 2, 1]), g.constant(255.0))
    matrix = g.node("Reshape", "intrinsics", g.constant([0, 9], np.int64))
    camera = g.node("Gather", matrix, g.constant([0, 4, 2, 5, 8], np.int64), axis=1)
    scaled = g.node("Mul", camera, g.constant([0.01, 0.01, 0.01, 0.01, 1.0]))
    wide = g.node(
        "Expand", g.node("Unsqueeze", scaled, g.constant([1], np.int64)), g.constant([1, TOKENS, 1], np.int64)
    )
    if "world_from_camera" in d.extra_inputs:
        x = g.node(
            "Gather",
            g.node("Reshape", "world_from_camera", g.constant([0, 16], np.int64)),
            g.constant([3], np.int64),
            axis=1,
        )
        sees = g.node("Clip", g.node("Add", x, g.constant(1.0)), g.constant(0.0), g.constant(1.0))
        color = g.node("Mul", color, g.node("Unsqueeze", sees, g.constant([1], np.int64)))
    if "depth" in d.extra_inputs:
        image = g.node("Unsqueeze", "depth", g.constant([1], np.int64))
        mean = g.node("AveragePool", image, kernel_shape=[STRIDE, STRIDE], strides=[STRIDE, STRIDE])
        mean = g.node("Reshape", g.node("Max", mean, g.constant(0.01)), g.constant([0, TOKENS, 1], np.int64))
        fours = g.node(
            "Slice", wide, g.constant([0], np.int64), g.constant([4], np.int64), g.constant([2], np.int64)
        )
        wide = g.node("Concat", fours, g.node("Log", mean), axis=2)
    g.node("Concat", color, wide, result="tokens", axis=2)


def _prefix(g: _Graph, d: BundleDescription, _: Tokenizer) -> None:
    code = d.box_code
    weight, bias = np.zeros((DIM, code.size)), np.zeros(code.size)
    if "depth" in d.extra_inputs:
        weight[7, code.depth] = 1.0
    else:
        bias[code.depth] = np.log(VIRTUAL_DEPTH)
    bias[code.yaw.start], bias[code.front], bias[code.log_scale] = 1.0, 5.0, -3.0
    weight[range(3), range(code.category.start, code.category.start + 3)] = 20.0
    weight[range(3), range(code.color.start, code.color.start + 3)] = 20.0
    bias[
        code.category.start : code.category.start + 3
    ] = -10.0  # the background's logit stays 0: black wins it
    g.node("Add", g.node("MatMul", "tokens", g.constant(weight)), g.constant(bias), result="fields")

    mean = g.node("ReduceMean", "tokens", g.constant([1], np.int64), keepdims=0)
    flat = g.node("MatMul", mean, g.constant(np.zeros((DIM, 2))))
    g.node("Add", flat, g.constant(GRAVITY), result="gravity")

    g.node("Identity", "tokens", result="pointer_key")
    narrow = g.node("MatMul", "tokens", g.constant(np.eye(DIM, HEAD_DIM)))
    axes = g.constant([1, 2], np.int64)
    g.node("Unsqueeze", narrow, axes, result="key")
    g.node("Mul", g.node("Unsqueeze", narrow, axes), g.constant(2.0), result="value")


def _prompt(g: _Graph, d: BundleDescription, tokenizer: Tokenizer) -> None:
    # Pointers: each colour or category word votes for its colour and against the others.
    votes = np.zeros((d.network.vocab, DIM))
    for channel, (color, category) in enumerate(THINGS.items()):
        for word in (color, category):
            votes[_token(tokenizer, f" {word}"), :3] = -1.0
            votes[_token(tokenizer, f" {word}"), channel] = 1.0
    total = g.node(
        "ReduceSum", g.node("Gather", g.constant(votes), "text"), g.constant([1], np.int64), keepdims=0
    )
    asked = g.node("Clip", total, g.constant(-1.0), g.constant(1.0))
    asked = g.node("Mul", g.node("Unsqueeze", asked, g.constant([1, 2], np.int64)), g.constant(20.0))
    match = g.node("ReduceSum", g.node("Mul", asked, "pointer_key"), g.constant([3], np.int64), keepdims=0)
    half = np.zeros((1, QUERIES, 1, ROWS, COLUMNS))
    half[:, 0, ..., COLUMNS // 2 :] = -100.0
    half[:, 1, ..., : COLUMNS // 2] = -100.0
    match = g.node("Unsqueeze", match, g.constant([1], np.int64))
    scores = g.node("Add", match, g.constant(half.reshape(1, QUERIES, 1, TOKENS)))  # (B, K, F, N)
    scores = g.node("Reshape", scores, g.constant([0, 0, -1], np.int64))
    blank = g.node("Mul", g.node("ReduceMax", scores, g.constant([2], np.int64)), g.constant(0.0))
    none = g.node("Add", blank, g.constant(10.0))
    g.node("LogSoftmax", g.node("Concat", scores, none, axis=2), result="pointer", axis=2)

    last = g.node("Sub", "text_length", g.constant(1, np.int64))
    last = g.node("GatherElements", "text", g.node("Unsqueeze", last, g.constant([1], np.int64)), axis=1)
    chain = _follow_chain(g, d, tokenizer, g.node("Squeeze", last, g.constant([1], np.int64)))
    # A question that ends in "color" is answered by the window's mean colour, read from keys and values
    # alike.
    seen = g.node("Add", "key", "value")
    seen = g.node("ReduceMean", seen, g.constant([0, 1, 2, 3], np.int64), keepdims=0)
    words = np.zeros((HEAD_DIM, d.network.vocab))
    for channel, color in enumerate(THINGS):
        words[channel, _token(tokenizer, f" {color}")] = 100.0
    gate = np.zeros((d.network.vocab, 1))
    gate[_token(tokenizer, " color")] = 1.0
    gate = g.node("Squeeze", g.node("Gather", g.constant(gate), last), g.constant([1], np.int64))
    color = g.node("Mul", gate, g.node("MatMul", seen, g.constant(words)))
    g.node("Add", chain, color, result="logits")
    _cache_text(g, d, "text", "text_key", "text_value")


def _step(g: _Graph, d: BundleDescription, tokenizer: Tokenizer) -> None:
    chain = _follow_chain(g, d, tokenizer, g.node("Squeeze", "token", g.constant([1], np.int64)))
    seen = g.node("ReduceMean", g.node("Add", "key", "value"), keepdims=0)
    g.node("Add", chain, g.node("Mul", seen, g.constant(0.0)), result="logits")
    key, value = _cache_text(g, d, "token", "token_key", "token_value")
    g.node("Concat", "past_key", key, result="text_key", axis=3)
    g.node("Concat", "past_value", value, result="text_value", axis=3)


def _follow_chain(g: _Graph, d: BundleDescription, tokenizer: Tokenizer, last: str) -> str:
    """Score 10 for the word that follows `last` (B,) in CHAIN, 0 for all others: (B, V)."""
    following = np.full(d.network.vocab, _token(tokenizer, " yes"))
    following[_token(tokenizer, " color")] = _token(tokenizer, "<end>")
    for word, successor in CHAIN.items():
        following[_token(tokenizer, word)] = _token(tokenizer, successor)
    chosen = g.node("Gather", g.constant(following, np.int64), last)
    return g.node("OneHot", chosen, g.constant(d.network.vocab, np.int64), g.constant([0.0, 10.0]), axis=-1)


def _cache_text(g: _Graph, d: BundleDescription, text: str, key: str, value: str) -> tuple[str, str]:
    """Write keys (the token's id in every channel) and values (twice that): (B, 1, 1, T, d)."""
    ids = np.repeat(np.arange(d.network.vocab)[:, None], HEAD_DIM, 1)
    states = g.node("Unsqueeze", g.node("Gather", g.constant(ids), text), g.constant([1, 2], np.int64))
    return g.node("Identity", states, result=key), g.node("Mul", states, g.constant(2.0), result=value)


def _token(tokenizer: Tokenizer, word: str) -> int:
    ids = tokenizer.encode(word).ids
    if len(ids) != 1:
        raise ValueError(f"{word!r} is {len(ids)} tokens; add it to SENTENCES")
    return ids[0]
