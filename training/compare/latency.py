# SPDX-License-Identifier: Apache-2.0
"""Latency of several bundles side by side.

They take turns, so that what else a machine does hits all alike.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from ide3d_ros.geometry.camera import Camera
from ide3d_ros.scene import Scene, Status

EXPRESSION = "the red chair"
WIDTH, HEIGHT = 640, 480


class LatencyError(RuntimeError):
    """Raised where a bundle does not answer, so that nothing can be timed."""


def interleaved(
    bundles: Mapping[str, Path], repetitions: int, threads: int = 1
) -> dict[str, dict[str, list[float]]]:
    """Time every bundle in turns, each round in another order.

    Args:
        bundles: folder of each bundle, by name.
        repetitions: rounds; one more comes first and is not counted.
        threads: CPU threads of an engine.

    Returns:
        By name, milliseconds of every round: "cold", a new frame and its first expression; "follow_up", one
        more expression about the same frame.

    Raises:
        LatencyError: if a bundle does not answer.
    """
    rng = np.random.default_rng(0)
    image = rng.integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8)
    camera = Camera.from_fov(WIDTH, HEIGHT, np.deg2rad(65.0))
    # For those bundles that read them; the others take no notice.
    extra = {"depth": rng.uniform(0.5, 5.0, (HEIGHT, WIDTH)), "world_from_camera": np.eye(4)}
    scenes = {name: Scene.open(folder, threads=threads) for name, folder in bundles.items()}
    times: dict[str, dict[str, list[float]]] = {name: {"cold": [], "follow_up": []} for name in scenes}
    for repetition in range(repetitions + 1):
        for name in rng.permutation(list(scenes)):
            scene, spent = scenes[name], []
            begin = time.perf_counter()
            scene.add_frame(image, camera, stamp_ns=repetition + 1, frame_id="camera", **extra)
            results = [scene.locate(EXPRESSION)]
            spent.append(time.perf_counter() - begin)
            begin = time.perf_counter()
            results.append(scene.locate(EXPRESSION))
            spent.append(time.perf_counter() - begin)
            for result in results:
                if result.status not in (Status.OK, Status.NO_TARGET, Status.AMBIGUOUS):
                    raise LatencyError(f"bundle {bundles[name]}: {result.status.name}: {result.message}")
            if repetition:
                for case, seconds in zip(times[name].values(), spent, strict=True):
                    case.append(1e3 * seconds)
    return times


def median_ratio(times: list[float], reference: list[float]) -> tuple[float, tuple[float, float]]:
    """Return the median of the rounds' ratios, and the quartiles: the noise that is left."""
    low, middle, high = np.quantile(np.divide(times, reference), (0.25, 0.5, 0.75))
    return float(middle), (float(low), float(high))
