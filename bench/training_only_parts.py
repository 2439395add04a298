# SPDX-License-Identifier: Apache-2.0
"""What training-only parts cost at inference: latency of an `rgb` and an `ide3d` bundle, taking turns.

    tools/run python bench/training_only_parts.py --json parts.json

Without --rgb and --ide3d both are networks of nano's sizes with random weights, exported here: time does not
depend on what the weights are. `rgb` takes turns twice; the ratio of its two times is the noise.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from rich.console import Console
from rich.table import Table

from ide3d_ros.bundle import open_bundle
from ide3d_ros.network import Ide3dNetwork
from ide3d_training.compare.latency import interleaved, median_ratio
from ide3d_training.config import TrainConfig, load_config
from ide3d_training.datasets.tokenizer import fit_tokenizer
from ide3d_training.export.bundle_writing import export_bundle
from ide3d_training.run import network_config
from ide3d_training.supervision import SupervisedNetwork

CONFIGS = Path(__file__).parents[1] / "training" / "configs"
TEACHER_CHANNELS = 160


def main() -> None:
    """Measure, print a table, and write JSON if asked."""
    arguments = _arguments()
    with tempfile.TemporaryDirectory() as folder:
        rgb, ide3d = arguments.rgb, arguments.ide3d
        if rgb is None:
            rgb, ide3d = (exported(preset, Path(folder)) for preset in ("rgb", "ide3d"))
        bundles = {"rgb": rgb, "rgb again": rgb, "ide3d": ide3d}
        times = interleaved(bundles, arguments.repetitions, arguments.threads)
        weights = {name: open_bundle(path).manifest.weights.bytes for name, path in bundles.items()}
    report = {
        "cpu_cores": os.cpu_count(),
        "threads": arguments.threads,
        "repetitions": arguments.repetitions,
        "weights_bytes": weights,
        "cases": {case: _compared(times, case) for case in ("cold", "follow_up")},
    }
    _print(report)
    if arguments.json:
        arguments.json.write_text(json.dumps(report, indent=2) + "\n")


def exported(preset: str, folder: Path) -> Path:
    """Export a network of the preset's shipped configuration, with all that only training sees around it."""
    config = load_config(CONFIGS / f"nano_{preset}.yaml")
    tokenizer = fit_tokenizer([f"the red chair number {number}" for number in range(1000)], config.vocabulary)
    tokenizer.save(str(folder / "tokenizer.json"))
    network = Ide3dNetwork(replace(network_config(config, tokenizer.get_vocab_size()), preset=preset))
    parts = _around(network, config)
    size = sum(p.numel() for part in parts.values() for p in part.parameters())
    Console().print(
        f"{preset}: {size / 1e6:.2f} M parameters in training alone ({', '.join(parts) or 'none'})"
    )
    export_bundle(network, folder / "tokenizer.json", folder / preset, name=preset)
    return folder / preset


def _around(network: Ide3dNetwork, config: TrainConfig) -> dict[str, torch.nn.Module]:
    return SupervisedNetwork(network, config, TEACHER_CHANNELS).training_only()


def _compared(times: dict[str, dict[str, list[float]]], case: str) -> dict[str, dict]:
    """Return the median and p90 of each bundle, and the median ratio to `rgb` of the same round."""
    found = {}
    for name, cases in times.items():
        ratio, quartiles = median_ratio(cases[case], times["rgb"][case])
        found[name] = {
            "median_ms": round(float(np.median(cases[case])), 3),
            "p90_ms": round(float(np.percentile(cases[case], 90)), 3),
            "ratio": round(ratio, 4),
            "quartiles": [round(end, 4) for end in quartiles],
        }
    return found


def _print(report: dict) -> None:
    table = Table(
        title=f"{report['repetitions']} rounds, {report['threads']} threads, {report['cpu_cores']} cores"
    )
    for column in ("case", "bundle", "median ms", "p90 ms", "ratio to rgb", "quartiles"):
        table.add_column(column, justify="left" if column in ("case", "bundle") else "right")
    for case, rows in report["cases"].items():
        for name, row in rows.items():
            low, high = row["quartiles"]
            cells = f"{row['median_ms']:.1f}", f"{row['p90_ms']:.1f}", f"{row['ratio']:.3f}"
            table.add_row(case.replace("_", "-"), name, *cells, f"{low:.3f} to {high:.3f}")
    Console().print(table)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rgb", type=Path, help="bundle of a trained rgb network; with --ide3d")
    parser.add_argument("--ide3d", type=Path, help="bundle of a trained ide3d network; with --rgb")
    parser.add_argument("--repetitions", type=int, default=40)
    parser.add_argument("--threads", type=int, default=1, help="of the engines")
    parser.add_argument("--json", type=Path, help="file for the figures")
    arguments = parser.parse_args()
    if (arguments.rgb is None) != (arguments.ide3d is None):
        parser.error("give both --rgb and --ide3d, or neither")
    return arguments


if __name__ == "__main__":
    main()
