# SPDX-License-Identifier: Apache-2.0
"""The full-size network: a vision-language model of transformers with this project's box queries on top.

Order of a sequence: an optional preamble (the chat's opening), the frames of the window, the prompt's text,
K box queries; answer text continues the prompt's text and never sees the queries. Attention is causal, as
these models were trained, so a frame knows the frames before it: a window grows at its end, and what stands
in the prefix is never computed again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from torch import nn
from transformers import Cache

from ide3d_ros.network.box_head import BoxHead
from ide3d_ros.network.full_size.adapter import Adapter, Sight
from ide3d_ros.network.full_size.kv_cache import roomy_cache
from ide3d_ros.network.full_size.second_encoder import SecondEncoder


@dataclass(frozen=True)
class BoxSettings:
    """Name what the box head knows and how large it is.

    Attributes:
        categories: names of the categories, in class order.
        mean_extents: mean full extents of each category, metres.
        colors: names of the colours, in class order.
        queries: learned queries behind each prompt; the most boxes one prompt can yield.
        hidden: hidden width of the fields.
        focal_virtual: focal length of the virtual camera, pixels of the network image.
    """

    categories: tuple[str, ...] = ()
    mean_extents: tuple[tuple[float, float, float], ...] = ()
    colors: tuple[str, ...] = ()
    queries: int = 4
    hidden: int = 1024
    focal_virtual: float = 400.0

    def __post_init__(self) -> None:
        if len(self.mean_extents) != len(self.categories):
            raise ValueError(
                f"{len(self.categories)} categories but {len(self.mean_extents)} mean extents; give one each"
            )


@dataclass
class Prefix:
    """What a window has become: keys and values, and what its frames say without being asked.

    Attributes:
        cache: keys and values; a question is written behind them and taken back by the next one.
        length: places of the cache that belong to the prefix.
        position: position at which a prompt begins.
        keys: (F * N, dim) pointer keys of all grid tokens, frame by frame.
        fields: (F, N, P) field vectors.
        gravity: (F, 2) pitch and roll, radians.
    """

    cache: Cache
    length: int
    position: int
    keys: torch.Tensor
    fields: torch.Tensor
    gravity: torch.Tensor


@dataclass(frozen=True)
class PromptReply:
    """What one pass over a prompt yields.

    Attributes:
        logits: (V,) scores of the first answer token.
        pointer: (K, F * N + 1) log-probabilities over all grid tokens and "none".
    """

    logits: torch.Tensor
    pointer: torch.Tensor


@dataclass(frozen=True)
class TrainingPass:
    """What a pass without a cache yields, gradients included.

    Attributes:
        logits: (R, V) next-token scores at each place of the text.
        pointer: (K, F * N + 1) log-probabilities over all grid tokens and "none".
        fields: (F, N, P) field vectors.
        gravity: (F, 2) pitch and roll, radians.
        visual_states: (F, N, dim) last states of the grid tokens, for training-only objectives.
        levels: (F, patches, width) each, the hidden levels of the vision tower that were asked for.
    """

    logits: torch.Tensor
    pointer: torch.Tensor
    fields: torch.Tensor
    gravity: torch.Tensor
    visual_states: torch.Tensor
    levels: tuple[torch.Tensor, ...]


@dataclass
class _Sequence:
    """Embeddings and positions of a piece of a sequence, and where its grid tokens are."""

    embeddings: list[torch.Tensor] = field(default_factory=list)
    positions: list[torch.Tensor] = field(default_factory=list)
    grid: list[torch.Tensor] = field(default_factory=list)

    def add(
        self, embeddings: torch.Tensor, positions: torch.Tensor, grid: torch.Tensor | None = None
    ) -> None:
        self.embeddings.append(embeddings)
        self.positions.append(positions)
        nothing = torch.zeros(len(embeddings), dtype=torch.bool, device=embeddings.device)
        self.grid.append(nothing if grid is None else grid)


class FullSizeNetwork(nn.Module):
    """A transformers model behind its adapter, box queries, the box head, and a second encoder if wanted.

    The box head is kept in float32 whatever the language model's type: half precision would move boxes by
    centimetres.
    """

    def __init__(self, adapter: Adapter, boxes: BoxSettings, second: SecondEncoder | None = None):
        super().__init__()
        self.adapter = adapter
        self.boxes = boxes
        self.second = second
        code = adapter.layout.box_code(len(boxes.categories), len(boxes.colors), boxes.focal_virtual)
        self.queries = nn.Parameter(torch.randn(boxes.queries, adapter.dim) * 0.02)
        self.box_head = BoxHead(adapter.dim, boxes.hidden, code)

    def encode(self, frames: torch.Tensor, levels: Sequence[int] = ()) -> Sight:
        """Turn frames into visual tokens, the second encoder's share included.

        Args:
            frames: (F, height, width, 3) uint8 RGB at the network size.
            levels: hidden levels of the vision tower to return as well.
        """
        sight = self.adapter.see(frames, levels)
        if self.second is None:
            return sight
        return Sight(sight.grid + self.second(frames), sight.deep, sight.levels)

    @torch.no_grad()
    def prefix(self, sight: Sight, preamble: torch.Tensor | None = None) -> Prefix:
        """Compute what all questions about a window share.

        Args:
            sight: its frames, from `encode`.
            preamble: (A,) int64 token ids in front of the frames, such as the chat's opening.
        """
        dim, size = self.adapter.dim, self.box_head.fields[-1].out_features
        empty = self.queries.new_zeros
        start = Prefix(roomy_cache(), 0, 0, empty(0, dim), empty(0, sight.grid.shape[1], size), empty(0, 2))
        piece = _Sequence()
        if preamble is not None:
            self._add_text(piece, self.adapter.embed(preamble), 0)
        return self._append(start, sight, piece)

    @torch.no_grad()
    def extend(self, prefix: Prefix, sight: Sight) -> Prefix:
        """Add frames at the end of a window; only they are computed. The given prefix is used up.

        Raises:
            ValueError: if the network has a second encoder, whose features of the former frames would change.
        """
        if self.second is not None:
            raise ValueError(
                "the second encoder attends across all frames, so a window cannot grow; encode all its "
                "frames again and make a new prefix"
            )
        self._take_back(prefix)
        return self._append(prefix, sight, _Sequence())

    @torch.no_grad()
    def prompt(self, prefix: Prefix, text: torch.Tensor) -> PromptReply:
        """Ask: one pass over the prompt's text and the box queries. Ends whatever was asked before.

        Args:
            prefix: of the window that is asked about.
            text: (L,) int64 token ids, at least one.
        """
        self._take_back(prefix)
        piece = _Sequence()
        embedded = torch.cat([self.adapter.embed(text), self.queries.to(self.adapter.dtype)])
        self._add_text(piece, embedded, prefix.position)
        states = self._decode(piece, prefix.cache)
        prefix.cache.crop(-len(self.queries))  # answers must not see them
        pointer = self.box_head.point(states[len(text) :].float(), prefix.keys)
        return PromptReply(self.adapter.logits(states[len(text) - 1]), pointer)

    @torch.no_grad()
    def step(self, prefix: Prefix, token: torch.Tensor) -> torch.Tensor:
        """Continue the answer to the last prompt by one token.

        Args:
            prefix: that `prompt` was called with.
            token: () int64, the answer's newest token.

        Returns:
            (V,) scores of the next one.
        """
        piece = _Sequence()
        asked = prefix.cache.get_seq_length() - prefix.length
        self._add_text(piece, self.adapter.embed(token[None]), prefix.position + asked)
        return self.adapter.logits(self._decode(piece, prefix.cache)[-1])

    def forward(
        self,
        frames: torch.Tensor,
        text: torch.Tensor,
        answer: torch.Tensor | None = None,
        preamble: torch.Tensor | None = None,
        levels: Sequence[int] = (),
    ) -> TrainingPass:
        """Run prompt and answer in one pass that can be differentiated (training).

        Args:
            frames: (F, height, width, 3) uint8 RGB at the network size.
            text: (L,) int64 token ids of the prompt.
            answer: (A,) int64 token ids of the answer, for teacher forcing; logits are then (L + A, V).
            preamble: (P,) int64 token ids in front of the frames.
            levels: hidden levels of the vision tower to return.
        """
        sight = self.encode(frames, levels)
        piece = _Sequence()
        start = 0 if preamble is None else self._add_text(piece, self.adapter.embed(preamble), 0)
        start = self._add_frames(piece, sight, start)
        start = self._add_text(piece, self.adapter.embed(text), start)
        self._add_text(piece, self.queries.to(self.adapter.dtype), start)
        if answer is not None:
            self._add_text(piece, self.adapter.embed(answer), start)
        grid = torch.cat(piece.grid)
        behind = 0 if answer is None else len(answer)
        queries = slice(len(grid) - behind - len(self.queries), len(grid) - behind)
        mask = _hiding(len(grid), queries, grid.device) if behind else None
        states = self._decode(piece, None, sight.deep, mask)
        visual = states[grid].unflatten(0, sight.grid.shape[:2])
        keys, fields, gravity = self.box_head.read_frame(visual.float())
        words = torch.cat([states[queries.start - len(text) : queries.start], states[queries.stop :]])
        return TrainingPass(
            logits=self.adapter.logits(words),
            pointer=self.box_head.point(states[queries].float(), keys.flatten(0, 1)),
            fields=fields,
            gravity=gravity,
            visual_states=visual,
            levels=sight.levels,
        )

    def _append(self, prefix: Prefix, sight: Sight, piece: _Sequence) -> Prefix:
        before = sum(map(len, piece.embeddings))
        position = self._add_frames(piece, sight, prefix.position + before)
        states = self._decode(piece, prefix.cache, sight.deep)
        visual = states[torch.cat(piece.grid)].unflatten(0, sight.grid.shape[:2])
        keys, fields, gravity = self.box_head.read_frame(visual.float())
        return Prefix(
            cache=prefix.cache,
            length=prefix.cache.get_seq_length(),
            position=position,
            keys=torch.cat([prefix.keys, keys.flatten(0, 1)]),
            fields=torch.cat([prefix.fields, fields]),
            gravity=torch.cat([prefix.gravity, gravity]),
        )

    def _take_back(self, prefix: Prefix) -> None:
        prefix.cache.crop(prefix.length - prefix.cache.get_seq_length())

    def _add_text(self, piece: _Sequence, embedded: torch.Tensor, start: int) -> int:
        positions = torch.arange(start, start + len(embedded), device=embedded.device)
        piece.add(embedded, positions.expand(3, -1))
        return start + len(embedded)

    def _add_frames(self, piece: _Sequence, sight: Sight, start: int) -> int:
        """Add frames from a position on and return the position behind them."""
        layout, device = self.adapter.layout, sight.grid.device
        positions = torch.as_tensor(layout.positions, device=device)
        grid = torch.zeros(layout.tokens, dtype=torch.bool, device=device)
        grid[torch.as_tensor(layout.grid, device=device)] = True
        for tokens in self.adapter.lay_out(sight.grid):
            piece.add(tokens, positions + start, grid)
            start += layout.span
        return start

    def _decode(
        self,
        piece: _Sequence,
        cache: Cache | None,
        deep: tuple[torch.Tensor, ...] = (),
        mask: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """Run a piece behind what the cache holds; return its last states (S, dim)."""
        return self.adapter.decode(
            torch.cat(piece.embeddings).to(self.adapter.dtype)[None],
            torch.cat(piece.positions, 1),
            cache,
            tuple(level.flatten(0, 1) for level in deep),
            torch.cat(piece.grid) if deep else None,
            mask,
        )[0]


def _hiding(length: int, queries: slice, device: torch.device) -> torch.Tensor:
    """Return the causal (1, 1, S, S) bool mask in which what stands behind the queries cannot see them."""
    mask = torch.ones(length, length, dtype=torch.bool, device=device).tril_()
    mask[queries.stop :, queries] = False
    return mask[None, None]
