# SPDX-License-Identifier: Apache-2.0
"""`ide3d bench --network hf:NAME`: what a network of several billion parameters costs on this machine."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console

from ide3d_ros.cli.bench.figures import ratio, summaries
from ide3d_ros.cli.bench.machine import peak_memory_mb
from ide3d_ros.cli.bench.report import new_report, print_report, write_report
from ide3d_ros.cli.bench.rounds import BenchError, Times, take_turns
from ide3d_ros.nodes.opening import free_memory_mb

if TYPE_CHECKING:
    from ide3d_ros.network.full_size import Checkpoint
    from ide3d_ros.network.full_size.memory import MemoryNeed
    from ide3d_ros.network.full_size.trial import Device

PUBLISHED_RATIO = 3.60 / 1.61
"""Mean seconds of a question, VG-LLM-8B by 3D-IDE (arXiv 2604.03296); on what machine is not stated."""
_GIB = 1 << 30
_MIB = 1 << 20


@dataclass(frozen=True)
class FullSizeSettings:
    """Say what to measure and how.

    Attributes:
        network: `hf:` and a shipped config, a folder, a config file or a fetched checkpoint.
        frames: of the window.
        dual_encoder: whether a second encoder is measured as well.
        device: "auto" (a GPU where there is one), "cpu", or a GPU such as "cuda" or "cuda:1".
        dtype: type of the weights.
        prompt_tokens: tokens of a question.
        answer_tokens: tokens of its answer.
        repetitions: of each stage.
        threads: CPU threads; 0 takes all cores.
        json: file for the figures; None writes none.
    """

    network: str
    frames: int = 32
    dual_encoder: bool = False
    device: str = "auto"
    dtype: str = "bfloat16"
    prompt_tokens: int = 32
    answer_tokens: int = 64
    repetitions: int = 3
    threads: int = 0
    json: Path | None = None


def run_full_size_bench(settings: FullSizeSettings, console: Console) -> None:
    """Count the memory, build the network, measure, print tables, and write JSON if asked.

    Raises:
        CheckpointError: if the network is none that can be built.
        BenchError: if torch, the device or memory is missing, or the figures cannot be written.
    """
    try:
        from ide3d_ros.network.full_size import find_checkpoint, trial
    except ImportError as error:
        raise BenchError(
            f"--network needs torch and transformers ({error}); install them with: "
            "python3 -m pip install -r requirements/training.txt"
        ) from error
    if settings.dtype not in trial.DTYPES:
        raise BenchError(f"--dtype must be one of {', '.join(trial.DTYPES)}, not '{settings.dtype}'")
    try:
        device = trial.find_device(settings.device, settings.threads)
    except trial.DeviceError as error:
        raise BenchError(f"{error}; give another --device") from error
    checkpoint = find_checkpoint(settings.network)
    tried = trial.TrialSettings(
        frames=settings.frames,
        prompt_tokens=settings.prompt_tokens,
        answer_tokens=settings.answer_tokens,
        dual_encoder=settings.dual_encoder,
        dtype=settings.dtype,
    )
    need = trial.needed_memory(checkpoint, tried)
    console.print(f"{checkpoint.name}: {_stated(need)}; {settings.dtype} on {device.name}")
    lengths = f"{settings.prompt_tokens} tokens asked, {settings.answer_tokens} answered"
    console.print(f"{settings.frames} frames, {lengths}")
    check_memory(checkpoint.name, settings, need.total, _free_bytes(device))
    with console.status("building the network"):
        stages = trial.Trial(checkpoint, tried, device).stages()
    with console.status(f"{settings.repetitions} rounds, and one to warm up"):
        times = take_turns(stages, settings.repetitions)
    asked = {name: value for name, value in asdict(settings).items() if name != "json"}
    report = new_report(_subject(checkpoint, settings, need, device), asked)
    report |= figures(times, settings.answer_tokens)
    report["memory_peak_mb"] = {"program": peak_memory_mb()}
    if device.peak is not None:
        report["memory_peak_mb"]["device"] = round(device.peak / _MIB, 1)
    print_report(report, console)
    if report["tokens_per_second"] is not None:
        console.print(f"tokens per second: {report['tokens_per_second']:.2f}")
    if settings.json is not None:
        write_report(report, settings.json)


def check_memory(name: str, settings: FullSizeSettings, needed: int, free: int | None) -> None:
    """Refuse a network that does not fit, before any memory is taken.

    Args:
        name: of the network.
        settings: of the run.
        needed: bytes.
        free: bytes; None where the system does not say.

    Raises:
        BenchError: if less is free than needed.
    """
    if free is not None and free < needed:
        raise BenchError(
            f"network '{name}' needs {needed / _GIB:.1f} GiB in {settings.dtype} with {settings.frames} "
            f"frames, and {free / _GIB:.1f} GiB are free; end other programs, take fewer frames (--window), "
            "or a smaller network such as --network hf:llava-video-7b-thin"
        )


def figures(times: Times, answer_tokens: int) -> dict[str, Any]:
    """Turn the times of the stages into what the report states.

    Args:
        times: milliseconds by stage, as `take_turns` returns them.
        answer_tokens: tokens of an answer; the prompt gives the first, a step each of the others.
    """
    from ide3d_ros.network.full_size.trial import FIRST, FOLLOW_UP, SECOND_ENCODER

    def together(*stages: str) -> list[float]:
        return [sum(values) for values in zip(*(times[stage] for stage in stages), strict=True)]

    first = together(*FIRST)
    cases = {"first question": first, "follow-up question": together(*FOLLOW_UP)}
    ratios = {"follow_up_ratio": ratio(cases["follow-up question"], first)}
    if SECOND_ENCODER in times:
        cases["first question, dual encoder"] = both = together(SECOND_ENCODER, *FIRST)
        ratios["dual_encoder_ratio"] = ratio(both, first)
        ratios["dual_encoder_vision_ratio"] = ratio(together(SECOND_ENCODER, "vision"), times["vision"])
        ratios["published_dual_encoder_ratio"] = round(PUBLISHED_RATIO, 2)
    answers = times["answer"] + times["follow-up answer"]
    steps = answer_tokens - 1
    return {
        **ratios,
        "tokens_per_second": round(1e3 * steps * len(answers) / sum(answers), 3) if steps else None,
        "stages_ms": summaries(times),
        "cases_ms": summaries(cases),
    }


def _free_bytes(device: Device) -> int | None:
    if device.free is not None:
        return device.free
    free = free_memory_mb()
    return None if free is None else round(free * _MIB)


def _stated(need: MemoryNeed) -> str:
    parts = ((need.weights, "weights"), (need.cache, "keys and values"), (need.work, "work"))
    shown = ", ".join(f"{part / _GIB:.2f} {word}" for part, word in parts)
    total = f"needs {need.total / _GIB:.1f} GiB"
    return f"{need.parameters / 1e9:.2f} G parameters, {total} ({shown}, libraries, spare)"


def _subject(
    checkpoint: Checkpoint, settings: FullSizeSettings, need: MemoryNeed, device: Device
) -> dict[str, Any]:
    return {
        "network": checkpoint.name,
        "weights": "loaded" if checkpoint.has_weights else "random",
        "parameters": need.parameters,
        "precision": settings.dtype,
        "device": device.name,
        "memory_needed_mb": round(need.total / _MIB),
    }
