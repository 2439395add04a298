# SPDX-License-Identifier: Apache-2.0
"""A full-size network put on a device and asked two questions, stage by stage, so that each can be timed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import torch

from ide3d_ros.network.full_size.building import build_random, load
from ide3d_ros.network.full_size.checkpoint import Checkpoint
from ide3d_ros.network.full_size.memory import MemoryNeed, memory_need
from ide3d_ros.network.full_size.network import BoxSettings, FullSizeNetwork

DTYPES = {"bfloat16": torch.bfloat16, "float16": torch.float16, "float32": torch.float32}
FIRST = ("vision", "prefix", "prompt", "answer")
"""Stages of the first question about a window; a dual encoder adds `SECOND_ENCODER`."""
FOLLOW_UP = ("follow-up prompt", "follow-up answer")
SECOND_ENCODER = "second encoder"


class DeviceError(ValueError):
    """Report a device that is not here."""


@dataclass(frozen=True)
class TrialSettings:
    """Say what is tried.

    Attributes:
        frames: of the window.
        prompt_tokens: tokens of each question.
        answer_tokens: tokens of each answer.
        dual_encoder: whether there is a second encoder.
        dtype: one of `DTYPES`.
    """

    frames: int
    prompt_tokens: int
    answer_tokens: int
    dual_encoder: bool
    dtype: str


@dataclass(frozen=True)
class Device:
    """Where a trial runs.

    Attributes:
        torch_device: the device.
        name: what a person calls it.
        free: bytes that are free on it; None on a CPU, whose memory the system knows better.
    """

    torch_device: torch.device
    name: str
    free: int | None

    @property
    def peak(self) -> int | None:
        """Most bytes that were taken on a GPU so far; None on a CPU."""
        gpu = self.torch_device.type == "cuda"
        return torch.cuda.max_memory_allocated(self.torch_device) if gpu else None


def find_device(name: str, threads: int = 0) -> Device:
    """Find the device of a name.

    Args:
        name: "auto" (a GPU where there is one), "cpu", or a GPU such as "cuda" or "cuda:1".
        threads: CPU threads; 0 leaves the number as it is.

    Raises:
        DeviceError: if there is none of that name.
    """
    if threads:
        torch.set_num_threads(threads)
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    if name == "cpu":
        return Device(torch.device("cpu"), f"cpu, {torch.get_num_threads()} threads", None)
    gpus = torch.cuda.device_count()
    if name not in ("cuda", *(f"cuda:{index}" for index in range(gpus))) or not gpus:
        raise DeviceError(
            f"device '{name}' is not here; torch {torch.__version__} sees the cpu and {gpus} GPUs"
        )
    device = torch.device(name)
    return Device(device, torch.cuda.get_device_name(device), torch.cuda.mem_get_info(device)[0])


def needed_memory(checkpoint: Checkpoint, settings: TrialSettings) -> MemoryNeed:
    """Count the memory of a trial without taking it."""
    sizes = _made(build_random, checkpoint, settings, torch.device("meta"))
    return memory_need(sizes, settings.frames, settings.prompt_tokens + settings.answer_tokens)


class Trial:
    """A network with a window and two questions of noise; what they are made of changes no time.

    Args:
        checkpoint: the network; its weights where it has some, else random ones.
        settings: what is tried.
        device: where.
    """

    def __init__(self, checkpoint: Checkpoint, settings: TrialSettings, device: Device):
        self._settings = settings
        self._device = device.torch_device
        make = load if checkpoint.has_weights else build_random
        self.network = _made(make, checkpoint, settings, self._device)
        layout = self.network.adapter.layout
        random = torch.Generator().manual_seed(0)
        size = (settings.frames, layout.height, layout.width, 3)
        self._frames = torch.randint(0, 256, size, dtype=torch.uint8, generator=random).to(self._device)
        vocabulary = self.network.adapter.model.config.text_config.vocab_size
        words = torch.randint(0, vocabulary, (2, settings.prompt_tokens), generator=random)
        self._questions = words.to(self._device)

    def stages(self) -> dict[str, Callable[[], None]]:
        """Return the stages in their order; each rests on the ones before and returns when it is done."""
        stages = {"vision": self._see}
        if self.network.second is not None:
            stages[SECOND_ENCODER] = self._see_again
        stages |= {
            "prefix": self._fill,
            "prompt": lambda: self._ask(0),
            "answer": self._answer,
            "follow-up prompt": lambda: self._ask(1),
            "follow-up answer": self._answer,
        }
        return {name: self._awaited(stage) for name, stage in stages.items()}

    def _awaited(self, stage: Callable[[], None]) -> Callable[[], None]:
        @torch.no_grad()
        def run() -> None:
            stage()
            if self._device.type == "cuda":
                torch.cuda.synchronize(self._device)

        return run

    def _see(self) -> None:
        self._sight = self.network.adapter.see(self._frames)

    def _see_again(self) -> None:
        self._sight = replace(self._sight, grid=self._sight.grid + self.network.second(self._frames))

    def _fill(self) -> None:
        self._prefix = None  # lets go of the former one's memory first
        self._prefix = self.network.prefix(self._sight)

    def _ask(self, question: int) -> None:
        self._logits = self.network.prompt(self._prefix, self._questions[question]).logits

    def _answer(self) -> None:
        for _ in range(self._settings.answer_tokens - 1):  # the prompt gave the first
            self._logits = self.network.step(self._prefix, self._logits.argmax())


def _made(
    make: Callable[..., FullSizeNetwork],
    checkpoint: Checkpoint,
    settings: TrialSettings,
    device: torch.device,
) -> FullSizeNetwork:
    return make(
        checkpoint,
        BoxSettings(),
        dual_encoder=settings.dual_encoder,
        dtype=DTYPES[settings.dtype],
        device=device,
    )
