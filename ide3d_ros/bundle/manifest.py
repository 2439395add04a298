# SPDX-License-Identifier: Apache-2.0
"""The schema of manifest.json: everything a robot must know about a bundle before it loads a byte of it."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, JsonValue, model_validator

from ide3d_ros.bundle.interface import DYNAMIC, TensorInterface, graph_interface
from ide3d_ros.geometry.box_code import BoxCode

SCHEMA_VERSION = 1

Count = Annotated[int, Field(ge=1, le=1_000_000)]
Metres = Annotated[float, Field(gt=0, lt=100, allow_inf_nan=False)]
# Plain names only: with no separator and no leading dot, a manifest cannot reach outside its folder.
FileName = Annotated[str, Field(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.-]*$", max_length=128)]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_.:-]*$", max_length=64)]
Precision = Literal["float32", "float16", "int8"]


class _Strict(BaseModel):
    """Refuse unknown fields and lossy conversions: a typo in a manifest must not pass for a default."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class SealedFile(_Strict):
    """Pin one file of the bundle."""

    file: FileName = Field(description="file name inside the bundle folder")
    bytes: Annotated[int, Field(ge=1)] = Field(description="length of the file")
    sha256: Sha256 = Field(description="hash of the file, lower-case hex")


class TensorSpec(_Strict):
    """Describe one input or output of a graph."""

    name: Annotated[str, Field(min_length=1, max_length=64)] = Field(description="tensor name in the graph")
    dtype: Literal["float32", "int64", "uint8"] = Field(description="element type")
    shape: tuple[int | str, ...] = Field(
        description="lengths; a letter stands for one that changes from call to call"
    )


class GraphFile(SealedFile):
    """Pin one ONNX graph with its inputs and outputs."""

    inputs: tuple[TensorSpec, ...] = Field(description="tensors fed to the graph, in order")
    outputs: tuple[TensorSpec, ...] = Field(description="tensors that the graph yields, in order")


class GraphFiles(_Strict):
    """Name the four graphs; `ide3d_ros.bundle.interface` says what each one is for."""

    vision: GraphFile = Field(description="frame to tokens")
    prefix: GraphFile = Field(description="tokens to keys, values, pointer keys and fields")
    prompt: GraphFile = Field(description="text behind a window to logits, pointers and text keys and values")
    step: GraphFile = Field(description="one more token of an answer")

    def by_name(self) -> dict[str, GraphFile]:
        """Return the graphs keyed by name, in the order in which they run."""
        return {name: getattr(self, name) for name in type(self).model_fields}


class NetworkSizes(_Strict):
    """State the sizes that the graphs were built with."""

    width: Count = Field(description="width of the network image, pixels")
    height: Count = Field(description="height of the network image, pixels")
    tokens: Count = Field(description="visual tokens of a frame")
    grid: tuple[Count, Count] = Field(description="rows and columns of visual tokens")
    dim: Count = Field(description="width of a token")
    layers: Count = Field(description="decoder layers")
    kv_heads: Count = Field(description="key/value heads of a layer")
    head_dim: Count = Field(description="width of a head")
    box_queries: Count = Field(description="box queries behind a prompt: the most boxes it can yield")
    vocab: Count = Field(description="rows of the token embedding")

    @model_validator(mode="after")
    def _check_grid(self) -> Self:
        rows, columns = self.grid
        if rows * columns != self.tokens:
            raise ValueError(f"grid {rows}x{columns} has {rows * columns} cells but tokens is {self.tokens}")
        if self.width * rows != self.height * columns or self.width % columns:
            raise ValueError(
                f"grid {rows}x{columns} does not cut {self.width}x{self.height} pixels into square cells"
            )
        return self

    @property
    def stride(self) -> int:
        """Side of a visual token, pixels of the network image."""
        return self.width // self.grid[1]


class Limits(_Strict):
    """State how far the network was trained and tested to go."""

    max_frames: Count = Field(description="largest window, frames")
    max_text_tokens: Count = Field(description="longest prompt, tokens with its instruction")
    max_answer_tokens: Count = Field(description="longest answer, tokens")


class Category(_Strict):
    """Name a category and its prior."""

    name: Annotated[str, Field(min_length=1, max_length=64)] = Field(description="noun, lower case")
    extents: tuple[Metres, Metres, Metres] = Field(
        description="mean full extents along the box's x, y, z; metres"
    )


class BundleDescription(_Strict):
    """Describe a bundle: the part of a manifest that the exporter knows."""

    name: Name = Field(description="name of the bundle")
    preset: Name = Field(description="method preset the network was trained with")
    network: NetworkSizes = Field(description="sizes of the network")
    limits: Limits = Field(description="limits of a request")
    precision: Precision = Field(
        description="inside the graphs: float32; float16 weights and activations; int8 weights of the "
        "decoder. What goes in and out has the types listed with each graph"
    )
    categories: Annotated[tuple[Category, ...], Field(min_length=1)] = Field(
        description="categories in class order"
    )
    colors: tuple[Annotated[str, Field(min_length=1, max_length=64)], ...] = Field(
        description="colour names in class order"
    )
    focal_virtual: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = Field(
        description="focal length of the virtual camera, pixels of the network image; null for none"
    )
    box_source: Literal["token", "query"] = Field(
        default="token",
        description="what states the box of a located thing: the token pointed at, or the box query itself",
    )
    extra_inputs: tuple[Literal["depth", "world_from_camera"], ...] = Field(
        default=(), description="what it reads of every frame besides RGB and intrinsics; nothing in most"
    )
    score_threshold: Annotated[float, Field(ge=0, lt=1)] = Field(
        description="detections with a lower score are not reported"
    )
    overlap_threshold: Annotated[float, Field(gt=0, le=1)] = Field(
        description="boxes of one frame with at least this oriented IoU are one thing; the best score stays"
    )
    memory_mb: Annotated[float, Field(gt=0, allow_inf_nan=False)] = Field(
        description="resident memory that the bundle needs with a full window, MiB"
    )
    training: dict[str, JsonValue] = Field(description="provenance: how the weights came to be")
    licence: Literal["Apache-2.0", "LicenseRef-training-data"] = Field(
        description="of the weights; LicenseRef-training-data: what the licence of their training data allows"
    )

    @model_validator(mode="after")
    def _check_names(self) -> Self:
        names = [category.name for category in self.categories]
        listed = ("category", names), ("colour", list(self.colors)), ("extra input", list(self.extra_inputs))
        for kind, values in listed:
            twice = sorted({value for value in values if values.count(value) > 1})
            if twice:
                raise ValueError(f"{kind} {twice[0]!r} is listed twice")
        return self

    @property
    def box_code(self) -> BoxCode:
        """Return the layout of the field vector of a visual token."""
        return BoxCode(len(self.categories), len(self.colors), float(self.network.stride), self.focal_virtual)

    def tensors(self, graph: str, side: Literal["inputs", "outputs"]) -> tuple[TensorSpec, ...]:
        """Return the tensors that a graph of this network must have.

        Args:
            graph: vision, prefix, prompt or step.
            side: inputs or outputs.
        """
        sizes = {**self.network.model_dump(exclude={"grid"}), "field_size": self.box_code.size}

        def resolve(tensor: TensorInterface) -> TensorSpec:
            shape = tuple(n if isinstance(n, int) or n in DYNAMIC else sizes[n] for n in tensor.shape)
            return TensorSpec(name=tensor.name, dtype=tensor.dtype, shape=shape)

        interface = graph_interface(graph, self.box_source, self.extra_inputs)
        return tuple(resolve(tensor) for tensor in getattr(interface, side))


class Manifest(BundleDescription):
    """Describe a sealed bundle: its description and the hash of every file."""

    schema_version: Literal[1] = Field(description="version of this schema")
    graphs: GraphFiles = Field(description="the ONNX graphs")
    weights: SealedFile = Field(description="initializers of all graphs, once")
    tokenizer: SealedFile = Field(description="tokenizer.json of the `tokenizers` library")

    @model_validator(mode="after")
    def _check_tensors(self) -> Self:
        for name, graph in self.graphs.by_name().items():
            for side in ("inputs", "outputs"):
                wanted, declared = self.tensors(name, side), getattr(graph, side)
                if declared != wanted:
                    raise ValueError(
                        f"graph {name}: {side} are {_spell(declared)}, expected {_spell(wanted)}"
                    )
        return self

    @model_validator(mode="after")
    def _check_files(self) -> Self:
        names = [sealed.file for sealed in self.files()]
        if len(set(names)) < len(names):
            raise ValueError(f"two entries name the same file: {', '.join(names)}")
        return self

    def files(self) -> tuple[SealedFile, ...]:
        """Return every file of the bundle but the manifest itself."""
        return (*self.graphs.by_name().values(), self.weights, self.tokenizer)


def _spell(tensors: tuple[TensorSpec, ...]) -> str:
    return ", ".join(f"{t.name} {t.dtype}{list(t.shape)}" for t in tensors).replace("'", "")
