# SPDX-License-Identifier: Apache-2.0
"""`ide3d bench --network hf:NAME`: what a network of several billion parameters costs on this machine."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console

from ide3d_ros.cli.bench.figures import ratio, summaries
from ide3d_ros.cli.bench.machine import peak_memory_mb
from ide3d_ros.cli.bench.report import new_report, print_ratios, times_table, write_report
from ide3d_ros.cli.bench.rounds import BenchError, Times, take_turns
from ide3d_ros.nodes.opening import free_memory_mb

if TYPE_CHECKING:
    import torch

    from ide3d_ros.network.full_size import Checkpoint, FullSizeNetwork
    from ide3d_ros.network.full_size.memory import MemoryNeed

DTYPES = ("bfloat16", "float16", "float32")
PUBLISHED_RATIO = 3.60 / 1.61
"""Mean seconds a question of VG-LLM-8B and of 3D-IDE (arXiv 2604.03296); hardware and lengths are not stated."""
_GIB = 1 << 30
_MIB = 1 << 20
_FIRST = ("vision", "prefix", "prompt", "answer")
_FOLLOW_UP = ("follow-up prompt", "follow-up answer")


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
        BenchError: if torch or memory is missing, or the figures cannot be written.
    """
    try:
        import torch

        from ide3d_ros.network.full_size import find_checkpoint
    except ImportError as error:
        raise BenchError(
            f"--network needs torch and transformers ({error}); python3 -m pip install -r requirements/training.txt"
        ) from error
    if settings.threads:
        torch.set_num_threads(settings.threads)
    device = _device(settings.device)
    checkpoint = find_checkpoint(settings.network)
    need = _need(checkpoint, settings)
    console.print(f"{checkpoint.name}: {_sizes(need)}; {settings.dtype} on {_named(device)}")
    check_memory(checkpoint.name, settings, need.total, _free_bytes(device))
    network = _build(checkpoint, settings, device, console)
    times = _Rounds(network, settings, device).measure(console)
    report = new_report(_subject(checkpoint, settings, need, device), _asked(settings)) | figures(times, settings)
    report["memory_peak_mb"] = {"program": peak_memory_mb(), **_device_peak(device)}
    _show(report, console)
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
            f"network '{name}' needs {needed / _GIB:.1f} GiB in {settings.dtype} with {settings.frames} frames, "
            f"and {free / _GIB:.1f} GiB are free; end other programs, take fewer frames (--window), or a smaller "
            "network such as --network hf:llava-video-7b-thin"
        )


def figures(times: Times, settings: FullSizeSettings) -> dict[str, Any]:
    """Turn the times of the stages into what the report states.

    Args:
        times: milliseconds by stage, as `take_turns` returns them.
        settings: of the run.
    """

    def together(*stages: str) -> list[float]:
        return [sum(values) for values in zip(*(times[stage] for stage in stages), strict=True)]

    cases = {"first question": together(*_FIRST), "follow-up question": together(*_FOLLOW_UP)}
    ratios = {"follow_up_ratio": ratio(cases["follow-up question"], cases["first question"])}
    if settings.dual_encoder:
        cases["first question, dual encoder"] = together("second encoder", *_FIRST)
        ratios["dual_encoder_ratio"] = ratio(cases["first question, dual encoder"], cases["first question"])
        ratios["dual_encoder_vision_ratio"] = ratio(together("vision", "second encoder"), times["vision"])
        ratios["published_dual_encoder_ratio"] = round(PUBLISHED_RATIO, 2)
    answers = times["answer"] + times["follow-up answer"]
    steps = settings.answer_tokens - 1
    return {
        **ratios,
        "tokens_per_second": round(1e3 * steps * len(answers) / sum(answers), 3) if steps else None,
        "stages_ms": summaries(times),
        "cases_ms": summaries(cases),
    }


class _Rounds:
    """The stages of two questions about one window, each of which rests on the one before."""

    def __init__(self, network: FullSizeNetwork, settings: FullSizeSettings, device: torch.device):
        import torch

        self.network = network
        self.settings = settings
        self.device = device
        layout = network.adapter.layout
        random = torch.Generator().manual_seed(0)
        size = (settings.frames, layout.height, layout.width, 3)
        self.frames = torch.randint(0, 256, size, dtype=torch.uint8, generator=random).to(device)
        vocabulary = network.adapter.model.config.text_config.vocab_size
        words = torch.randint(0, vocabulary, (2, settings.prompt_tokens), generator=random)
        self.first, self.second = words.to(device)

    def measure(self, console: Console) -> Times:
        """Time every stage in turns."""
        import torch

        cases = {"vision": self._see}
        if self.network.second is not None:
            cases["second encoder"] = lambda: self.network.second(self.frames)
        cases |= {
            "prefix": self._fill,
            "prompt": lambda: self._ask(self.first),
            "answer": self._answer,
            "follow-up prompt": lambda: self._ask(self.second),
            "follow-up answer": self._answer,
        }
        with torch.no_grad(), console.status(f"{self.settings.repetitions} rounds and one to warm up"):
            return take_turns(
                {name: self._awaited(run) for name, run in cases.items()}, self.settings.repetitions
            )

    def _awaited(self, run: Callable[[], object]) -> Callable[[], None]:
        def timed() -> None:
            import torch

            run()
            if self.device.type == "cuda":
                torch.cuda.synchronize(self.device)

        return timed

    def _see(self) -> None:
        self.sight = self.network.adapter.see(self.frames)

    def _fill(self) -> None:
        self.prefix = None  # the former one's memory first
        self.prefix = self.network.prefix(self.sight)

    def _ask(self, text: torch.Tensor) -> None:
        self.logits = self.network.prompt(self.prefix, text).logits

    def _answer(self) -> None:
        for _ in range(self.settings.answer_tokens - 1):
            self.logits = self.network.step(self.prefix, self.logits.argmax())


def _device(name: str) -> torch.device:
    import torch

    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise BenchError(f"--device '{name}' is no device: {str(error).splitlines()[0]}") from error
    if device.type not in ("cpu", "cuda"):
        raise BenchError(f"--device '{name}' is neither cpu nor a GPU that torch calls cuda")
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise BenchError(f"--device '{name}' is not here: torch {torch.__version__} sees no such GPU; see --device cpu")
    return device


def _named(device: torch.device) -> str:
    import torch

    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return f"cpu, {torch.get_num_threads()} threads"


def _need(checkpoint: Checkpoint, settings: FullSizeSettings) -> MemoryNeed:
    from ide3d_ros.network.full_size.memory import memory_need

    sizes = _random(checkpoint, settings, "meta")
    return memory_need(sizes, settings.frames, settings.prompt_tokens + settings.answer_tokens)


def _random(checkpoint: Checkpoint, settings: FullSizeSettings, device: torch.device | str) -> FullSizeNetwork:
    import torch

    from ide3d_ros.network.full_size import BoxSettings, build_random

    dtype = getattr(torch, settings.dtype)
    return build_random(checkpoint, BoxSettings(), dual_encoder=settings.dual_encoder, dtype=dtype, device=device)


def _build(
    checkpoint: Checkpoint, settings: FullSizeSettings, device: torch.device, console: Console
) -> FullSizeNetwork:
    import torch

    from ide3d_ros.network.full_size import BoxSettings, load

    if not checkpoint.has_weights:
        with console.status("building it with random weights"):
            return _random(checkpoint, settings, device)
    with console.status(f"loading the weights in {checkpoint.folder}"):
        return load(
            checkpoint,
            BoxSettings(),
            dual_encoder=settings.dual_encoder,
            dtype=getattr(torch, settings.dtype),
            device=device,
        )


def _free_bytes(device: torch.device) -> int | None:
    import torch

    if device.type == "cuda":
        return torch.cuda.mem_get_info(device)[0]
    free = free_memory_mb()
    return None if free is None else round(free * _MIB)


def _device_peak(device: torch.device) -> dict[str, float]:
    import torch

    if device.type != "cuda":
        return {}
    return {"device": round(torch.cuda.max_memory_allocated(device) / _MIB, 1)}


def _sizes(need: MemoryNeed) -> str:
    parts = ((need.weights, "weights"), (need.cache, "keys and values"), (need.work, "work"))
    shown = ", ".join(f"{part / _GIB:.2f} {word}" for part, word in parts)
    return f"{need.parameters / 1e9:.2f} G parameters, needs {need.total / _GIB:.1f} GiB ({shown}, libraries, spare)"


def _subject(
    checkpoint: Checkpoint, settings: FullSizeSettings, need: MemoryNeed, device: torch.device
) -> dict[str, Any]:
    return {
        "network": checkpoint.name,
        "weights": "loaded" if checkpoint.has_weights else "random",
        "parameters": need.parameters,
        "precision": settings.dtype,
        "device": _named(device),
        "memory_needed_mb": round(need.total / _MIB),
    }


def _asked(settings: FullSizeSettings) -> dict[str, Any]:
    return {name: value for name, value in asdict(settings).items() if name != "json"}


def _show(report: dict[str, Any], console: Console) -> None:
    asked = report["settings"]
    title = f"{asked['frames']} frames, {asked['prompt_tokens']} tokens asked, {asked['answer_tokens']} answered"
    console.print(times_table(title, report["cases_ms"], first="case"))
    console.print(times_table("stages", report["stages_ms"], first="stage"))
    if report["tokens_per_second"] is not None:
        console.print(f"tokens per second: {report['tokens_per_second']:.2f}")
    print_ratios(console, {name: value for name, value in report.items() if name.endswith("_ratio")})
    for name, peak in report["memory_peak_mb"].items():
        if peak is not None:
            console.print(f"memory peak, {name}: {peak:.0f} MiB")
