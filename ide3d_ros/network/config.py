# SPDX-License-Identifier: Apache-2.0
"""Sizes of an `Ide3dNetwork`: the one dataclass that says what is built."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field

from ide3d_ros.geometry.box_code import BoxCode

BOX_SOURCES = ("token", "query")
EXTRA_INPUTS: dict[str, tuple[str, ...]] = {
    "camera_position": ("depth",),
    "world_position": ("depth", "world_from_camera"),
}
"""By branch: "depth" (F, H, W) float32 metres, 0 unknown; "world_from_camera" (F, 4, 4) float32."""


@dataclass(frozen=True)
class NetworkConfig:
    """Name every size of the network; the defaults are `nano`.

    Attributes:
        preset: name of the method the network was trained with.
        width, height: network image, pixels; multiples of `stride`.
        stem_channels: channels of the convolutional stem at strides 2, 4 and 8.
        dim: width of vision tower and language model.
        vision_layers, language_layers: transformer blocks of each.
        heads, kv_heads: attention heads, and key/value heads of the language model.
        vision_mlp, language_mlp: hidden widths of their feed-forward layers.
        box_queries: learned queries behind each prompt; the most boxes one prompt can yield.
        field_hidden: hidden width of the box head.
        vocabulary: rows of the token embedding.
        categories: names of the categories, in class order.
        mean_extents: mean full extents of each category, metres.
        colors: names of the colours, in class order.
        focal_virtual: focal length of the virtual camera, pixels of the network image; None has depths stated
            as they are, without a virtual camera.
        box_source: what states the box of a located thing: "token", the visual token that a box query points
            at, or "query", the query itself (LLMI3D); the pointer chooses in both.
        branch: name of what is added to the visual tokens (see `branches`); empty for nothing.
        branch_options: sizes of the branch, as its module documents them.
    """

    preset: str
    vocabulary: int
    categories: tuple[str, ...]
    mean_extents: tuple[tuple[float, float, float], ...]
    colors: tuple[str, ...]
    width: int = 256
    height: int = 192
    stem_channels: tuple[int, int, int] = (32, 64, 128)
    dim: int = 192
    vision_layers: int = 4
    language_layers: int = 4
    heads: int = 4
    kv_heads: int = 2
    vision_mlp: int = 768
    language_mlp: int = 512
    box_queries: int = 4
    field_hidden: int = 256
    focal_virtual: float | None = 200.0
    box_source: str = "token"
    branch: str = ""
    branch_options: dict = field(default_factory=dict)

    stride = 16

    def __post_init__(self) -> None:
        if self.width % self.stride or self.height % self.stride:
            raise ValueError(
                f"network image {self.width}x{self.height} is not a multiple of the token stride "
                f"{self.stride}; choose a width and height that are"
            )
        if self.dim % self.heads or self.heads % self.kv_heads:
            raise ValueError(
                f"dim {self.dim}, heads {self.heads} and kv_heads {self.kv_heads} do not divide evenly"
            )
        if self.box_source not in BOX_SOURCES:
            raise ValueError(f"box_source is {self.box_source!r}; use one of: {', '.join(BOX_SOURCES)}")
        if self.focal_virtual is not None and self.focal_virtual <= 0:
            raise ValueError(f"focal_virtual is {self.focal_virtual}; use pixels above 0, or null for none")
        if len(self.mean_extents) != len(self.categories):
            raise ValueError(
                f"{len(self.categories)} categories but {len(self.mean_extents)} mean extents; give one each"
            )

    @property
    def rows(self) -> int:
        """Token rows of a frame."""
        return self.height // self.stride

    @property
    def columns(self) -> int:
        """Token columns of a frame."""
        return self.width // self.stride

    @property
    def tokens(self) -> int:
        """Visual tokens of a frame."""
        return self.rows * self.columns

    @property
    def head_dim(self) -> int:
        """Width of one attention head."""
        return self.dim // self.heads

    @property
    def extra_inputs(self) -> tuple[str, ...]:
        """Names of what the network reads of a frame besides RGB and intrinsics; nothing in most presets."""
        return EXTRA_INPUTS.get(self.branch, ())

    @property
    def box_code(self) -> BoxCode:
        """Layout of the field vector that each visual token yields."""
        return BoxCode(len(self.categories), len(self.colors), float(self.stride), self.focal_virtual)

    def to_dict(self) -> dict:
        """Return plain values for a checkpoint or a manifest."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict) -> NetworkConfig:
        """Rebuild a config from `to_dict` (lists become tuples again)."""
        frozen = {
            key: tuple(tuple(v) if isinstance(v, list) else v for v in value)
            if isinstance(value, list)
            else value
            for key, value in values.items()
        }
        return cls(**frozen)
