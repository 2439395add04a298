# SPDX-License-Identifier: Apache-2.0
"""The decoder as exported graphs run it: the numbers of `NetworkDecoding` in less than half the nodes.

A runtime pays for each node before it computes anything, and one token's products are small. So

- query, key and value come from one product, laid by key/value head as (its queries, key, value), and so do
  gate and up of the feed-forward layer; the scale of the attention is part of the query's weights;
- the queries that share a key/value head meet its keys by broadcasting, without copies of the keys;
- residuals enter the product behind them (Gemm's third input);
- a norm is written the way that runtimes know as one operation;
- a token reads the window where it lies: its scores over the window and over the text meet in one softmax.

Everything is standard ONNX.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import nn
from torch.nn import functional
from transformers import Qwen2Model
from transformers.models.qwen2.modeling_qwen2 import Qwen2DecoderLayer

from ide3d_ros.network.decoding import Reading

Rotation = tuple[torch.Tensor, torch.Tensor]
"""Cosines, and sines with the sign that rotary encoding gives each half: both (R, d)."""


class LeanDecoding(nn.Module):
    """Read as `Decoding` says, with a copy of a decoder's weights.

    Args:
        decoder: what is copied; float32.
    """

    def __init__(self, decoder: Qwen2Model):
        super().__init__()
        config = decoder.config
        self.kv_heads = config.num_key_value_heads
        self.group = config.num_attention_heads // self.kv_heads  # queries of one key/value head
        self.head_dim = config.hidden_size // config.num_attention_heads
        self.layers = nn.ModuleList(_Layer(layer, self.kv_heads, self.head_dim) for layer in decoder.layers)
        self.norm = _Norm(decoder.norm)
        self.register_buffer("frequency", decoder.rotary_emb.inv_freq.clone())

    def read_frames(self, tokens: torch.Tensor) -> Reading:
        """Read frames; see `Decoding.read_frames`."""
        frames, count, dim = tokens.shape
        rotation = self._rotation(torch.arange(count))
        keys, values = [], []

        def attend(layer: int, joint: torch.Tensor) -> torch.Tensor:
            query, key, value = self._split(self._by_head(joint, count), 2, rotation)
            keys.append(key.reshape(frames, 1, self.kv_heads, count, self.head_dim))
            values.append(value.reshape(frames, 1, self.kv_heads, count, self.head_dim))
            return _by_row((query @ key.mT).softmax(-1) @ value)

        states = self._run(tokens.reshape(-1, dim), attend)
        return states.reshape(tokens.shape), torch.cat(keys, 1), torch.cat(values, 1)

    def read_text(
        self,
        embedded: torch.Tensor,
        position: torch.Tensor,
        mask: torch.Tensor,
        asked: torch.Tensor,
        key: torch.Tensor,
        value: torch.Tensor,
    ) -> Reading:
        """Read rows behind a window; see `Decoding.read_text`.

        Many rows read the window's keys, so that laying these end to end costs less than their scores apart.
        In the last layer only the rows that are asked look at anything.
        """
        rows, tokens = embedded.shape[0], key.shape[3]
        rotation = self._rotation(tokens + position)
        window_keys, window_values = self._lay(key), self._lay(value)
        own = torch.zeros_like(mask, dtype=embedded.dtype).masked_fill(~mask, torch.finfo(embedded.dtype).min)
        added = torch.cat([own.new_zeros(rows, key.shape[0] * tokens), own], -1)
        keys, values = [], []

        def attend(layer: int, joint: torch.Tensor) -> torch.Tensor:
            query, own_key, own_value = self._split(self._by_head(joint, rows), 2, rotation)
            keys.append(own_key)
            values.append(own_value)
            last = layer == len(self.layers) - 1
            query, hidden = (query[:, :, :, asked], added[asked]) if last else (query, added)
            seen_key = torch.cat([window_keys[layer], own_key], 3)
            seen_value = torch.cat([window_values[layer], own_value], 3)
            return _by_row((query @ seen_key.mT + hidden).softmax(-1) @ seen_value)

        states = self._run(embedded, attend, asked)
        return states, torch.stack(keys, 1).squeeze(3), torch.stack(values, 1).squeeze(3)

    def read_token(
        self,
        embedded: torch.Tensor,
        key: torch.Tensor,
        value: torch.Tensor,
        past_key: torch.Tensor,
        past_value: torch.Tensor,
    ) -> Reading:
        """Read one more token; see `Decoding.read_token`."""
        frames, _, heads, tokens, dim = key.shape
        visual, past = frames * tokens, past_key.shape[3]
        rotation = self._rotation(past_key.new_zeros(1).long() + (tokens + past))
        window_keys, window_values = key.split(1, 1), value.split(1, 1)  # (F, 1, H, N, d) a layer
        past_keys, past_values = past_key.split(1, 1), past_value.split(1, 1)
        keys, values = [], []

        def attend(layer: int, joint: torch.Tensor) -> torch.Tensor:
            joint = joint.reshape(1, 1, heads, self.group + 2, dim)  # the group in the place of rows
            query, own_key, own_value = self._split(joint, 3, rotation)
            keys.append(torch.cat([past_keys[layer], own_key], 3))
            values.append(torch.cat([past_values[layer], own_value], 3))
            window = query @ window_keys[layer].mT  # (F, 1, H, group, N)
            window = window.permute(1, 2, 3, 0, 4).reshape(1, 1, heads, self.group, visual)
            weights = torch.cat([window, query @ keys[layer].mT], -1).softmax(-1)
            apart = weights[..., :visual].reshape(1, heads, self.group, frames, tokens)
            seen = (apart.permute(3, 0, 1, 2, 4) @ window_values[layer]).sum(0, keepdim=True)
            return (seen + weights[..., visual:] @ values[layer]).reshape(1, -1)

        states = self._run(embedded, attend)
        return states, torch.cat(keys, 1), torch.cat(values, 1)

    def _run(
        self,
        x: torch.Tensor,
        attend: Callable[[int, torch.Tensor], torch.Tensor],
        asked: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """Run all layers over rows (R, D), the last one's second half over the rows asked for, if some are.

        `attend` turns joint rows (R, H (group + 2) d) into (R, D), in the last layer into those asked for.
        """
        for index, layer in enumerate(self.layers):
            joint = torch.addmm(layer.joint_bias, layer.attention_norm(x), layer.joint)
            if asked is not None and index == len(self.layers) - 1:
                x = x[asked]
            x = torch.addmm(x, attend(index, joint), layer.out)
            gate, up = (layer.mlp_norm(x) @ layer.gate_up).chunk(2, -1)
            x = torch.addmm(x, functional.silu(gate) * up, layer.down)
        return self.norm(x)

    def _rotation(self, position: torch.Tensor) -> Rotation:
        angle = position.float()[:, None] * self.frequency
        cos, sin = angle.cos(), angle.sin()
        return torch.cat([cos, cos], -1), torch.cat([-sin, sin], -1)

    def _by_head(self, joint: torch.Tensor, rows: int) -> torch.Tensor:
        """Sort joint rows (F R, H (group + 2) d) as (F, H, group + 2, R, d)."""
        return joint.reshape(-1, rows, self.kv_heads, self.group + 2, self.head_dim).permute(0, 2, 3, 1, 4)

    def _split(
        self, joint: torch.Tensor, axis: int, rotation: Rotation
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Take queries, key and value apart along the axis of group + 2; queries and key are rotated."""
        turned, value = joint.split([self.group + 1, 1], axis)
        first, second = turned.chunk(2, -1)
        cos, sin = rotation
        query, key = (turned * cos + torch.cat([second, first], -1) * sin).split([self.group, 1], axis)
        return query, key, value

    def _lay(self, x: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """Lay frames end to end: (F, L, H, N, d) becomes (1, H, 1, F N, d) for each layer."""
        frames, layers, heads, tokens, dim = x.shape
        return x.permute(1, 2, 0, 3, 4).reshape(layers, heads, 1, frames * tokens, dim).split(1)


class _Layer(nn.Module):
    """Hold the weights of one layer, (in, out) each."""

    def __init__(self, layer: Qwen2DecoderLayer, kv_heads: int, head_dim: int):
        super().__init__()
        attention, mlp = layer.self_attn, layer.mlp

        def join(kind: str) -> torch.Tensor:
            """Join weights or biases as (out, in) or (out,), sorted by key/value head."""
            query, key, value = (
                getattr(projection, kind).detach()
                for projection in (attention.q_proj, attention.k_proj, attention.v_proj)
            )
            parts = (query * attention.scaling, key, value)
            sorted_parts = [part.reshape(kv_heads, -1, head_dim, *part.shape[1:]) for part in parts]
            return torch.cat(sorted_parts, 1).reshape(-1, *query.shape[1:])

        self.attention_norm = _Norm(layer.input_layernorm)
        self.register_buffer("joint", join("weight").T.contiguous())
        self.register_buffer("joint_bias", join("bias"))
        self.register_buffer("out", attention.o_proj.weight.detach().T.contiguous())
        self.mlp_norm = _Norm(layer.post_attention_layernorm)
        gate_up = torch.cat([mlp.gate_proj.weight, mlp.up_proj.weight]).detach()
        self.register_buffer("gate_up", gate_up.T.contiguous())
        self.register_buffer("down", mlp.down_proj.weight.detach().T.contiguous())


class _Norm(nn.Module):
    """x / sqrt(mean(x^2) + eps) * weight."""

    def __init__(self, norm: nn.Module):
        super().__init__()
        self.register_buffer("weight", norm.weight.detach().clone())
        self.eps = norm.variance_epsilon

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x / torch.sqrt(x.pow(2).mean(-1, keepdim=True) + self.eps) * self.weight


def _by_row(attended: torch.Tensor) -> torch.Tensor:
    """Bring (F, H, group, R, d) back to rows (F R, D)."""
    _, heads, group, _, dim = attended.shape
    return attended.permute(0, 3, 1, 2, 4).reshape(-1, heads * group * dim)
