# SPDX-License-Identifier: Apache-2.0
"""Pack the prompts of a frame into one row, and frames into a batch."""

from __future__ import annotations

from dataclasses import dataclass, fields, is_dataclass
from typing import Any

import numpy as np
import torch

from ide3d_ros.network import PackedPrompts
from ide3d_ros.network.language import ANSWER, PADDING, QUERY, TEXT

IGNORED = -100
"""Label of a place where no next token is to be predicted, or of a token whose colour is not known."""


@dataclass(frozen=True)
class Prompt:
    """One prompt of a frame, in token ids.

    Attributes:
        text: ids of the prompt, its instruction token first.
        answer: ids of the answer, its end token last; empty for an expression.
        objects: rows of the frame's targets (in `FrameTargets`) that it refers to, at most K.
    """

    text: tuple[int, ...]
    answer: tuple[int, ...]
    objects: tuple[int, ...]


@dataclass(frozen=True)
class FrameTargets:
    """What the visual tokens of one frame should say; N tokens, O objects.

    Attributes:
        object_tokens: (O, N) bool, tokens that lie on each object.
        object_boxes: (O, 15) float32 centre, extents and rotation (row by row) of each object's box, metres,
            optical frame; NaN where too little of it is seen to ask for its box.
        token_category: (N,) int64; number of categories = background, -1 = undecided.
        token_weight: (N,) float32; 0 where no box is asked for.
        token_color: (N,) int64; IGNORED where the colour is not known.
        token_offset: (N, 2), token_depth: (N,), token_extents: (N, 3), token_yaw: (N, 2), token_front: (N,),
            all float32, as `BoxCode` lays them out.
        gravity: (2,) float32 pitch and roll, radians.
        gravity_known: () bool; where it is False, gravity, yaw and front say nothing.
    """

    object_tokens: np.ndarray
    object_boxes: np.ndarray
    token_category: np.ndarray
    token_weight: np.ndarray
    token_color: np.ndarray
    token_offset: np.ndarray
    token_depth: np.ndarray
    token_extents: np.ndarray
    token_yaw: np.ndarray
    token_front: np.ndarray
    gravity: np.ndarray
    gravity_known: np.bool_


@dataclass(frozen=True)
class PrivilegedFrame:
    """What only training may see of a frame.

    Attributes:
        depth: (H, W) float32, metres along the optical axis, 0 where unknown.
        world_from_camera: (4, 4) float32 pose of the optical frame; NaN where unknown.
        room: number of the room within the data set; frames of one room share a world.
        teacher: (N, C) float16 features of a frozen teacher, one row a visual token, or None without one.
    """

    depth: np.ndarray
    world_from_camera: np.ndarray
    room: int
    teacher: np.ndarray | None


@dataclass(frozen=True)
class Sample:
    """One frame with its prompts and targets.

    Attributes:
        image: (H, W, 3) uint8 RGB.
        intrinsics: (3, 3) float32.
        prompts: the prompts to pack behind the frame; none where nothing can be asked.
        targets: what its tokens should say.
        privileged: what only training may see, or None where nothing asks for it.
        unreadable: files in whose place this frame was taken, as they could not be read.
    """

    image: np.ndarray
    intrinsics: np.ndarray
    prompts: tuple[Prompt, ...]
    targets: FrameTargets
    privileged: PrivilegedFrame | None = None
    unreadable: tuple[str, ...] = ()


@dataclass
class PrivilegedBatch:
    """Stacked `PrivilegedFrame`s.

    Attributes:
        depth: (B, H, W) float32, metres, 0 where unknown.
        world_from_camera: (B, 4, 4) float32.
        room: (B,) int64; frames of one room stand next to one another, in the order of their recording.
        teacher: (B, N, C) float16, or None.
    """

    depth: torch.Tensor
    world_from_camera: torch.Tensor
    room: torch.Tensor
    teacher: torch.Tensor | None


@dataclass
class Batch:
    """Packed samples as tensors; first axis B. Fields named as in `FrameTargets` are its stacked arrays.

    Attributes:
        images, intrinsics: (B, H, W, 3) uint8 and (B, 3, 3) float32.
        prompts: packed rows.
        labels: (B, R) int64 next token wanted at each place, IGNORED where none is.
        target_tokens: (B, P, K, N) bool, tokens that lie on each target of each prompt.
        target_boxes: (B, P, K, 15) float32, their boxes as `FrameTargets.object_boxes`; NaN where none is.
        target_count: (B, P) int64 targets of each prompt, at most K; -1 where a row has fewer prompts.
        privileged: what only training may see, or None where nothing asks for it.
        unreadable: files in whose place frames were taken, as they could not be read.
    """

    images: torch.Tensor
    intrinsics: torch.Tensor
    prompts: PackedPrompts
    labels: torch.Tensor
    target_tokens: torch.Tensor
    target_boxes: torch.Tensor
    target_count: torch.Tensor
    token_category: torch.Tensor
    token_weight: torch.Tensor
    token_color: torch.Tensor
    token_offset: torch.Tensor
    token_depth: torch.Tensor
    token_extents: torch.Tensor
    token_yaw: torch.Tensor
    token_front: torch.Tensor
    gravity: torch.Tensor
    gravity_known: torch.Tensor
    privileged: PrivilegedBatch | None
    unreadable: tuple[str, ...]

    def to(self, device: torch.device) -> Batch:
        """Return the batch on a device."""
        return moved(self, device)


def moved(record: Any, device: torch.device) -> Any:
    """Return a dataclass of tensors (and of such dataclasses) on a device."""
    values = {}
    for field in fields(record):
        value = getattr(record, field.name)
        if isinstance(value, torch.Tensor):
            value = value.to(device, non_blocking=True)
        elif is_dataclass(value):
            value = moved(value, device)
        values[field.name] = value
    return type(record)(**values)


def pack_row(prompts: tuple[Prompt, ...], box_queries: int) -> dict[str, np.ndarray]:
    """Lay prompts end to end: text, box queries, answer (all but its last token, which is only predicted).

    Returns:
        int64 arrays "text", "prompt", "kind", "position", "label" of one length R, and "queries" (P, K).
    """
    text, index, kind, position, label, queries = [], [], [], [], [], []
    for number, prompt in enumerate(prompts):
        length, start = len(prompt.text), len(text)
        heard = prompt.answer[:-1]
        text += [*prompt.text, *range(box_queries), *heard]
        kind += [TEXT] * length + [QUERY] * box_queries + [ANSWER] * len(heard)
        position += [
            *range(length),
            *range(length, length + box_queries),
            *range(length, length + len(heard)),
        ]
        index += [number] * (length + box_queries + len(heard))
        first = prompt.answer[0] if prompt.answer else IGNORED
        label += [IGNORED] * (length - 1) + [first] + [IGNORED] * box_queries + [*prompt.answer[1:]]
        queries.append(np.arange(box_queries) + start + length)
    columns = {"text": text, "prompt": index, "kind": kind, "position": position, "label": label}
    return {name: np.asarray(column, np.int64) for name, column in columns.items()} | {
        "queries": np.asarray(queries, np.int64).reshape(len(prompts), box_queries)
    }


def pack_prompts(rows: list[dict[str, np.ndarray]]) -> tuple[PackedPrompts, torch.Tensor]:
    """Pad packed rows to one length; return the prompts and their labels (B, R)."""
    longest = max(len(row["text"]) for row in rows)
    most = max(len(row["queries"]) for row in rows)
    empty = {"text": 0, "prompt": -1, "kind": PADDING, "position": 0, "label": IGNORED}

    def stack(name: str) -> torch.Tensor:
        out = np.full((len(rows), longest), empty[name], np.int64)
        for line, row in zip(out, rows, strict=True):
            line[: len(row[name])] = row[name]
        return torch.from_numpy(out)

    queries = np.zeros((len(rows), most, rows[0]["queries"].shape[1]), np.int64)
    for line, row in zip(queries, rows, strict=True):
        line[: len(row["queries"])] = row["queries"]
    packed = PackedPrompts(
        stack("text"), stack("prompt"), stack("kind"), stack("position"), torch.from_numpy(queries)
    )
    return packed, stack("label")


def collate(samples: list[Sample], box_queries: int) -> Batch:
    """Turn samples into one batch of tensors."""
    prompts, labels = pack_prompts([pack_row(sample.prompts, box_queries) for sample in samples])
    most = max(len(sample.prompts) for sample in samples)
    tokens = np.zeros((len(samples), most, box_queries, samples[0].targets.object_tokens.shape[1]), bool)
    boxes = np.full((*tokens.shape[:3], 15), np.nan, np.float32)
    count = np.full((len(samples), most), -1, np.int64)
    for row, sample in enumerate(samples):
        for index, prompt in enumerate(sample.prompts):
            count[row, index] = len(prompt.objects)
            objects = list(prompt.objects)
            tokens[row, index, : len(objects)] = sample.targets.object_tokens[objects]
            boxes[row, index, : len(objects)] = sample.targets.object_boxes[objects]
    stacked = {
        field.name: torch.from_numpy(np.stack([getattr(sample.targets, field.name) for sample in samples]))
        for field in fields(FrameTargets)
        if not field.name.startswith("object_")
    }
    return Batch(
        images=torch.from_numpy(np.stack([sample.image for sample in samples])),
        intrinsics=torch.from_numpy(np.stack([sample.intrinsics for sample in samples])),
        prompts=prompts,
        labels=labels,
        target_tokens=torch.from_numpy(tokens),
        target_boxes=torch.from_numpy(boxes),
        target_count=torch.from_numpy(count),
        privileged=stack_privileged([sample.privileged for sample in samples]),
        unreadable=tuple(name for sample in samples for name in sample.unreadable),
        **stacked,
    )


def stack_privileged(frames: list[PrivilegedFrame | None]) -> PrivilegedBatch | None:
    """Stack what only training may see; None if there is nothing."""
    if any(frame is None for frame in frames):
        return None
    with_teacher = frames[0].teacher is not None
    return PrivilegedBatch(
        depth=torch.from_numpy(np.stack([frame.depth for frame in frames])),
        world_from_camera=torch.from_numpy(np.stack([frame.world_from_camera for frame in frames])),
        room=torch.tensor([frame.room for frame in frames]),
        teacher=torch.from_numpy(np.stack([frame.teacher for frame in frames])) if with_teacher else None,
    )
