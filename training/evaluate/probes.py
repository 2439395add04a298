# SPDX-License-Identifier: Apache-2.0
"""What frozen tokens know of space: a linear depth probe, and agreement of the views of one place.

Neither trains anything of the network. Each level of the vision tower, the visual tokens and the language
model's last states are asked the same.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from ide3d_ros.network import Ide3dNetwork, NetworkConfig
from ide3d_training.datasets.packing import Prompt, pack_prompts, pack_row
from ide3d_training.evaluate.probe_frames import ProbeError, ProbeFrame
from ide3d_training.metrics.depth import DELTA
from ide3d_training.metrics.intervals import bootstrap_interval
from ide3d_training.objectives.levels import LevelTap

VOXEL_M = 0.1
"""Side of the voxels in which tokens count as seeing the same place (3DRS, arXiv 2506.01946)."""
STATES = "language model"
PROJECTED = "visual tokens"
_RIDGE = 1e-3
_BATCH = 16
_PROMPT = Prompt((1,), (), ())  # visual tokens never see it


def level_name(level: int) -> str:
    """Name a level of the vision tower, counted from 1."""
    return f"vision level {level}"


def level_names(config: NetworkConfig) -> list[str]:
    """Name all levels that tokens are taken from, shallow to deep."""
    return [*(level_name(level) for level in range(1, config.vision_layers + 1)), PROJECTED, STATES]


@torch.no_grad()
def frozen_tokens(network: Ide3dNetwork, frames: Sequence[ProbeFrame]) -> dict[str, np.ndarray]:
    """Run a network and keep what its tokens are at every level.

    Args:
        network: put into evaluation mode.
        frames: F frames of the network's image size.

    Returns:
        (F, N, dim) float32 by name: the vision tower's levels, shallow to deep, the visual tokens that enter
        the language model, and their last states there.

    Raises:
        ProbeError: if a frame has another size.
    """
    config = network.config
    for frame in frames:
        if frame.image.shape != (config.height, config.width, 3):
            height, width = frame.image.shape[:2]
            raise ProbeError(
                f"room {frame.room} is drawn at {width}x{height}, the network reads "
                f"{config.width}x{config.height}: render the rooms at that size"
            )
    network.eval()
    tap = LevelTap(network.vision.encoder.layers, range(1, config.vision_layers + 1))
    found: dict[str, list[np.ndarray]] = defaultdict(list)
    projected: list[torch.Tensor] = []
    hook = network.vision.register_forward_hook(lambda _module, _inputs, output: projected.append(output))
    try:
        for start in range(0, len(frames), _BATCH):
            part = frames[start : start + _BATCH]
            images = torch.from_numpy(np.stack([frame.image for frame in part]))
            intrinsics = torch.from_numpy(np.stack([frame.intrinsics for frame in part]))
            prompts, _ = pack_prompts([pack_row((_PROMPT,), config.box_queries)] * len(part))
            output = network(images, intrinsics, prompts, extra_tensors(part, config))
            levels = [*tap.take(), projected.pop(), output.visual_states]
            for name, tokens in zip(level_names(config), levels, strict=True):
                found[name].append(tokens.numpy())
    finally:
        hook.remove()
        tap.remove()
    return {name: np.concatenate(parts) for name, parts in found.items()}


def extra_tensors(frames: Sequence[ProbeFrame], config: NetworkConfig) -> tuple[torch.Tensor, ...]:
    """Stack what a network reads besides RGB and intrinsics; most presets read nothing else."""
    return tuple(
        torch.from_numpy(np.stack([getattr(frame, name) for frame in frames]).astype(np.float32))
        for name in config.extra_inputs
    )


@dataclass(frozen=True)
class TokenPlaces:
    """Where the tokens of some frames look: the pixel in the middle of each token.

    Attributes:
        depth: (F, N) metres along the optical axis, 0 where unknown.
        log_virtual: (F, N) log of the depth in the virtual camera, which is what heads state; 0 where
            unknown.
        points: (F, N, 3) in the room's world, metres.
        rooms: (F,) int64 seeds.
    """

    depth: np.ndarray
    log_virtual: np.ndarray
    points: np.ndarray
    rooms: np.ndarray

    @property
    def known(self) -> np.ndarray:
        """(F, N) bool, where there is a true depth."""
        return self.depth > 0


def token_places(frames: Sequence[ProbeFrame], config: NetworkConfig) -> TokenPlaces:
    """Read true depth and place of every token; one pixel each, because depths of two surfaces do not mix."""
    stride, middle = config.stride, config.stride // 2
    v, u = np.mgrid[middle : config.height : stride, middle : config.width : stride].reshape(2, -1)
    pixels = np.stack([u, v, np.ones_like(u)], -1).astype(np.float64)  # (N, 3)
    depth = np.stack([frame.depth[v, u] for frame in frames]).astype(np.float64)
    depth[~np.isfinite(depth) | (depth < 0)] = 0.0
    focal = np.array([frame.intrinsics[1, 1] for frame in frames], np.float64)[:, None]
    virtual = depth * config.focal_virtual / focal
    points = []
    for frame, metres in zip(frames, depth, strict=True):
        rays = pixels @ np.linalg.inv(frame.intrinsics.astype(np.float64)).T
        pose = frame.world_from_camera
        points.append(rays * metres[:, None] @ pose[:3, :3].T + pose[:3, 3])
    return TokenPlaces(
        depth,
        np.log(np.where(depth > 0, virtual, 1.0)),
        np.stack(points),
        np.array([frame.room for frame in frames]),
    )


@dataclass(frozen=True)
class DepthProbe:
    """A linear map from tokens to log virtual depth.

    Attributes:
        mean, scale: (dim,) that features are standardised with.
        weights: (dim,).
        bias: of the standardised features.
    """

    mean: np.ndarray
    scale: np.ndarray
    weights: np.ndarray
    bias: float

    @classmethod
    def fit(cls, tokens: np.ndarray, places: TokenPlaces) -> DepthProbe:
        """Fit by ridge regression in closed form.

        Args:
            tokens: (F, N, dim) frozen.
            places: of the same frames.

        Raises:
            ProbeError: if fewer depths are known than the tokens have channels.
        """
        features = tokens[places.known].astype(np.float64)
        wanted = places.log_virtual[places.known]
        count, dim = features.shape
        if count <= dim:
            raise ProbeError(f"{count} tokens with a known depth cannot fit {dim} weights: probe more rooms")
        mean, scale = features.mean(0), features.std(0)
        scale = np.where(scale > 1e-9, scale, 1.0)
        standard = (features - mean) / scale
        bias = float(wanted.mean())
        gram = standard.T @ standard / count + _RIDGE * np.eye(dim)
        return cls(mean, scale, np.linalg.solve(gram, standard.T @ (wanted - bias) / count), bias)

    def read(self, tokens: np.ndarray) -> np.ndarray:
        """Return the log virtual depth (F, N) that tokens (F, N, dim) state."""
        return (tokens - self.mean) / self.scale @ self.weights + self.bias


def depth_figures(stated: np.ndarray, places: TokenPlaces) -> dict[str, Any]:
    """Compare stated log depths (F, N) with the truth.

    Returns:
        JSON-ready: `abs_rel` = mean |d - d*| / d*, `delta` = share with max(d / d*, d* / d) < 1.25, both in
        percent with a 95 % `interval` (rooms resampled), and the number of `tokens`.

    Raises:
        ProbeError: if no depth is known.
    """
    known = places.known
    if not known.any():
        raise ProbeError("no token of the measured rooms has a known depth: there is nothing to compare")
    ratio = np.exp(stated - places.log_virtual)[known]  # focal lengths cancel
    values = {"abs_rel": np.abs(ratio - 1.0), "delta": np.maximum(ratio, 1.0 / ratio) < DELTA}
    groups = np.broadcast_to(places.rooms[:, None], known.shape)[known]
    figures: dict[str, Any] = {name: 100.0 * float(value.mean()) for name, value in values.items()}
    figures["interval"] = {
        name: [100.0 * end for end in bootstrap_interval(value, groups, np.random.default_rng(0))]
        for name, value in values.items()
    }
    return figures | {"tokens": int(known.sum())}


def depth_floors(fitted: TokenPlaces, measured: TokenPlaces) -> dict[str, Any]:
    """Return `depth_figures` of guesses that see no token: one depth, and one for each place in the image."""
    count = np.maximum(fitted.known.sum(0), 1)
    overall = fitted.log_virtual[fitted.known].mean()
    by_place = np.where(fitted.known.any(0), (fitted.log_virtual * fitted.known).sum(0) / count, overall)
    shape = measured.depth.shape
    return {
        "one depth": depth_figures(np.full(shape, overall), measured),
        "one depth a place": depth_figures(np.broadcast_to(by_place, shape), measured),
    }


def view_agreement(tokens: np.ndarray, places: TokenPlaces, rng: np.random.Generator) -> dict[str, Any]:
    """Measure whether the views of one place yield one feature, as 3DRS does (arXiv 2506.01946).

    Tokens are lifted with true depth and pose into voxels of 0.1 m. A voxel's agreement is the mean cosine of
    tokens in it that come from different frames; `agreement` is the mean over voxels. All tokens of a network
    may be alike, which raises any cosine; so `chance` is the same of as many random pairs of tokens of the
    same two frames, and `above_chance` = (agreement - chance) / (1 - chance).

    Args:
        tokens: (F, N, dim) frozen.
        places: of the same frames.
        rng: draws the random pairs.

    Returns:
        JSON-ready; all three in percent, `above_chance` with a 95 % `interval` (rooms resampled), and the
        number of `voxels`; None for what cannot be measured because no voxel is seen twice.
    """
    unit = tokens / np.maximum(np.linalg.norm(tokens, axis=-1, keepdims=True), 1e-12)
    agreed, chance, rooms = [], [], []
    voxels = np.floor(places.points / VOXEL_M).astype(np.int64)
    for room in np.unique(places.rooms):
        frames = np.flatnonzero(places.rooms == room)
        usable = {int(frame): np.flatnonzero(places.known[frame]) for frame in frames}
        members: dict[tuple[int, ...], list[tuple[int, int]]] = defaultdict(list)
        for frame, seen in usable.items():
            for token in seen:
                members[tuple(voxels[frame, token])].append((frame, int(token)))
        for inside in members.values():
            pairs = [(a, b) for i, a in enumerate(inside) for b in inside[i + 1 :] if a[0] != b[0]]
            if pairs:
                agreed.append(np.mean([unit[a] @ unit[b] for a, b in pairs]))
                drawn = [
                    (unit[f, rng.choice(usable[f])], unit[g, rng.choice(usable[g])])
                    for (f, _), (g, _) in pairs
                ]
                chance.append(np.mean([a @ b for a, b in drawn]))
                rooms.append(int(room))
    if not agreed:
        return {"voxels": 0, "agreement": None, "chance": None, "above_chance": None, "interval": None}
    level = float(np.mean(chance))
    above = (np.array(agreed) - level) / max(1.0 - level, 1e-9)
    return {
        "voxels": len(agreed),
        "agreement": 100.0 * float(np.mean(agreed)),
        "chance": 100.0 * level,
        "above_chance": 100.0 * float(above.mean()),
        "interval": [100.0 * end for end in bootstrap_interval(above, rooms, np.random.default_rng(0))],
    }


def probe_network(
    network: Ide3dNetwork, fitted: Sequence[ProbeFrame], measured: Sequence[ProbeFrame]
) -> tuple[dict[str, Any], dict[str, DepthProbe]]:
    """Probe every level of a network.

    Args:
        network: frozen.
        fitted: frames that the depth probes are fitted to.
        measured: frames of other rooms, that everything is measured on.

    Returns:
        JSON-ready figures: by level `depth` (`depth_figures`) and `views` (`view_agreement`); and the probes.

    Raises:
        ProbeError: if frames have another size, share rooms, or know too little depth.
    """
    if shared := {frame.room for frame in fitted} & {frame.room for frame in measured}:
        raise ProbeError(f"room {min(shared)} is both fitted and measured: take different rooms")
    fit_places, places = (token_places(frames, network.config) for frames in (fitted, measured))
    probes = {
        name: DepthProbe.fit(tokens, fit_places) for name, tokens in frozen_tokens(network, fitted).items()
    }
    figures = {}
    for name, tokens in frozen_tokens(network, measured).items():
        figures[name] = {
            "depth": depth_figures(probes[name].read(tokens), places),
            "views": view_agreement(tokens, places, np.random.default_rng(0)),
        }
    return figures, probes
