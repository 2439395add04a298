# SPDX-License-Identifier: Apache-2.0
"""Learning-rate schedule, weight average and precision of a run."""

from __future__ import annotations

import math
import time
from collections.abc import Callable

import torch

from ide3d_training.config import ConfigError, Optimisation


def learning_rate(step: int, options: Optimisation) -> float:
    """Return the rate of a step: linear warm-up, a plateau, then half a cosine down to zero.

    Nothing before the decay depends on the length of the run, so a run can be stopped early, or made longer,
    by resuming with other `steps`.
    """
    if step < options.warmup:
        return options.learning_rate * (step + 1) / options.warmup
    decay = max(1, round(options.steps * options.decay))
    left = max(0, options.steps - step) / decay
    return options.learning_rate * (1.0 if left >= 1 else 0.5 - 0.5 * math.cos(math.pi * left))


def warming_average(decay: float) -> Callable[[list[torch.Tensor], list[torch.Tensor], torch.Tensor], None]:
    """Make the update of the averaged weights, an exponential average that forgets its beginning.

    With a fixed decay of 0.999 the random initial weights would still weigh 37 % after 1,000 steps; so
    the decay grows with the number n of steps as (1 + n) / (10 + n) until it reaches `decay`.
    """

    @torch.no_grad()
    def update(average: list[torch.Tensor], current: list[torch.Tensor], count: torch.Tensor) -> None:
        n = int(count)
        torch._foreach_lerp_(average, current, 1.0 - min(decay, (1 + n) / (10 + n)))

    return update


def computes_on_cpu(name: str) -> bool:
    """Resolve `Optimisation.device`: whether a run computes on the CPU.

    Raises:
        ConfigError: if the name is unknown, or CUDA is asked for where there is none.
    """
    if name not in ("auto", "cpu", "cuda"):
        raise ConfigError(f"optimisation.device is {name!r}; use auto, cpu or cuda")
    there = torch.cuda.is_available()
    if name == "cuda" and not there:
        raise ConfigError(
            "optimisation.device is cuda, but torch finds no CUDA device; install a torch built for this "
            "machine's driver, or use auto"
        )
    return name == "cpu" or not there


def choose_precision(name: str, device: str = "cpu") -> torch.dtype:
    """Resolve `Optimisation.precision` on a kind of device.

    Processors differ by a factor of sixty in how they treat bfloat16, and say nothing reliable about it; so
    "auto" times one matrix product of the network's size in both.
    """
    if name == "auto" and device == "cuda":
        native = torch.cuda.is_bf16_supported(including_emulation=False)
        return torch.bfloat16 if native else torch.float32
    if name == "auto":
        seconds = {dtype: _product_seconds(dtype) for dtype in (torch.float32, torch.bfloat16)}
        return torch.bfloat16 if seconds[torch.bfloat16] < 0.7 * seconds[torch.float32] else torch.float32
    known = {"float32": torch.float32, "bfloat16": torch.bfloat16}
    if name not in known:
        raise ConfigError(f"optimisation.precision is {name!r}; use auto, float32 or bfloat16")
    return known[name]


def _product_seconds(dtype: torch.dtype) -> float:
    """Best of three timings of a few (2048, 192) x (192, 768) products, in seconds of this process's own.

    A clock on the wall would let other programs on the machine decide.
    """
    a, b = torch.ones(2048, 192, dtype=dtype), torch.ones(192, 768, dtype=dtype)
    best = math.inf
    for _ in range(3):
        start = time.process_time()
        for _ in range(3):
            a @ b
        best = min(best, time.process_time() - start)
    return best
