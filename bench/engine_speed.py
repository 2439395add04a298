# SPDX-License-Identifier: Apache-2.0
"""What the onnx engine takes against torch: the same weights, graphs, arrays and threads.

    tools/run python bench/engine_speed.py --json engine_speed.json

A network of nano's sizes with random weights is exported, and each graph runs on both engines in turns, in
one process. Ratios are of the fastest repetitions, which other work on the machine disturbs least, and of the
medians.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from rich.console import Console
from rich.table import Table
from tokenizers import Tokenizer

from ide3d_ros.bundle import open_bundle
from ide3d_ros.engine import Engine, Prefix
from ide3d_ros.engine.onnx_engine import OnnxEngine
from ide3d_ros.engine.torch_engine import TorchEngine
from ide3d_ros.network import Ide3dNetwork, NetworkConfig
from ide3d_training.export.bundle_writing import export_bundle

TARGETS = {"vision": 0.8, "step": 0.4}
"""Most that the onnx engine should take, as a share of torch."""
TEXT_TOKENS = 12


def main() -> None:
    """Measure, print a table, and write JSON if asked."""
    arguments = _arguments()
    with tempfile.TemporaryDirectory(prefix="ide3d_engine_speed_") as folder:
        with Console(stderr=True).status("exporting the network"):
            engines = start_engines(Path(folder), arguments.threads)
        times = measure(engines, arguments.frames, arguments.repetitions)
    report = {
        "engines": {name: str(engine.describe()) for name, engine in engines.items()},
        "cpu_cores": os.cpu_count(),
        "threads": arguments.threads,
        "window_frames": arguments.frames,
        "repetitions": arguments.repetitions,
        "graphs": {graph: summarise(graph, spent) for graph, spent in times.items()},
    }
    _print(report)
    if arguments.json:
        arguments.json.write_text(json.dumps(report, indent=2) + "\n")


def start_engines(folder: Path, threads: int) -> dict[str, Engine]:
    """Build a network of nano's sizes, export it into a folder, and start both engines."""
    nano = open_bundle("nano")
    config = NetworkConfig(
        preset="rgb",
        vocabulary=Tokenizer.from_file(str(nano.tokenizer_file)).get_vocab_size(),
        categories=tuple(category.name for category in nano.manifest.categories),
        mean_extents=tuple(category.extents for category in nano.manifest.categories),
        colors=nano.manifest.colors,
    )
    torch.manual_seed(0)
    network = Ide3dNetwork(config).eval()
    bundle = export_bundle(network, nano.tokenizer_file, folder)
    return {"torch": TorchEngine(network, threads=threads), "onnx": OnnxEngine(bundle, threads=threads)}


def measure(engines: dict[str, Engine], frames: int, repetitions: int) -> dict[str, dict[str, list[float]]]:
    """Time every graph on every engine.

    Args:
        engines: by name.
        frames: of the window behind which prompt and step run; vision and prefix take one frame.
        repetitions: counted ones; three more come first.

    Returns:
        Graph -> engine -> milliseconds of each repetition.

    Raises:
        SystemExit: if the engines disagree, as their times would then say nothing.
    """
    rng = np.random.default_rng(0)
    image = rng.integers(0, 256, (1, 192, 256, 3), np.uint8)
    intrinsics = np.array([[[200.0, 0, 127.5], [0, 200, 95.5], [0, 0, 1]]], np.float32)
    text, length = rng.integers(5, 300, (1, TEXT_TOKENS)), np.array([TEXT_TOKENS])

    onnx = engines["onnx"]
    tokens = onnx.vision(image, intrinsics)
    window: Prefix = onnx.prefix(np.repeat(tokens, frames, 0))
    past = onnx.prompt(window, text, length)
    graphs: dict[str, Callable[[Engine], object]] = {
        "vision": lambda engine: engine.vision(image, intrinsics),
        "prefix": lambda engine: engine.prefix(tokens).fields,
        "prompt": lambda engine: engine.prompt(window, text, length).logits,
        "step": lambda engine: engine.step(window, past.text_key, past.text_value, 7).logits,
    }
    times: dict[str, dict[str, list[float]]] = {}
    for graph, run in graphs.items():
        apart = float(np.abs(run(engines["onnx"]) - run(engines["torch"])).max())
        if apart > 1e-3:
            raise SystemExit(f"graph {graph}: the engines are {apart:.3g} apart, so their times mean nothing")
        times[graph] = {name: [] for name in engines}
    for repetition in range(-3, repetitions):
        for graph, run in graphs.items():
            for name, engine in engines.items():
                begin = time.perf_counter()
                run(engine)
                if repetition >= 0:
                    times[graph][name].append(1e3 * (time.perf_counter() - begin))
    return times


def summarise(graph: str, times: dict[str, list[float]]) -> dict[str, object]:
    """Return minimum and median of each engine, milliseconds, their ratios onnx / torch, and the target's."""
    low = {name: round(float(np.min(spent)), 3) for name, spent in times.items()}
    middle = {name: round(float(np.median(spent)), 3) for name, spent in times.items()}
    return {
        "min_ms": low,
        "median_ms": middle,
        "ratio_min": round(low["onnx"] / low["torch"], 3),
        "ratio_median": round(middle["onnx"] / middle["torch"], 3),
        "target": TARGETS.get(graph),
    }


def _print(report: dict) -> None:
    title = f"{report['threads']} threads, window of {report['window_frames']}, {report['cpu_cores']} cores"
    table = Table(title=title)
    columns = ("graph", "torch min", "onnx min", "ratio", "torch median", "onnx median", "ratio", "target")
    for column in columns:
        table.add_column(column, justify="left" if column == "graph" else "right")
    for graph, row in report["graphs"].items():
        cells = [graph]
        for kind in ("min", "median"):
            spent = row[f"{kind}_ms"]
            cells += [f"{spent['torch']:.2f} ms", f"{spent['onnx']:.2f} ms", f"{row[f'ratio_{kind}']:.2f}"]
        table.add_row(*cells, "" if row["target"] is None else f"<= {row['target']}")
    console = Console(width=120)
    console.print(table)
    for line in report["engines"].values():
        console.print(line)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)), help="of both engines")
    parser.add_argument("--frames", type=int, default=1, help="of the window behind prompt and step")
    parser.add_argument("--repetitions", type=int, default=40)
    parser.add_argument("--json", type=Path, help="file for the figures")
    return parser.parse_args()


if __name__ == "__main__":
    main()
