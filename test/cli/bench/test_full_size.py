# SPDX-License-Identifier: Apache-2.0
"""`ide3d bench --network` measures a full-size network, or says why it cannot."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from rich.console import Console
from tiny_checkpoints import save_checkpoint

from ide3d_ros.cli.bench.full_size import FullSizeSettings, check_memory, figures, run_full_size_bench
from ide3d_ros.cli.bench.rounds import BenchError

Command = tuple[list[str], dict[str, str]]
STAGES = ("vision", "prefix", "prompt", "answer", "follow-up prompt", "follow-up answer")
GIB = 1 << 30


def run(command: Command, *words: str) -> subprocess.CompletedProcess[str]:
    start, environment = command
    return subprocess.run(
        [*start, "bench", *words], env=environment, capture_output=True, text=True, timeout=300
    )


@pytest.fixture(autouse=True)
def threads() -> Iterator[None]:
    """Give this process its number of threads back."""
    former = torch.get_num_threads()
    yield
    torch.set_num_threads(former)


def bench(folder: Path, **options: object) -> dict:
    """Measure a tiny checkpoint in this process and return what was written."""
    file = folder / "out" / "figures.json"
    sizes = {"frames": 2, "prompt_tokens": 4, "answer_tokens": 3, "repetitions": 1, "threads": 1}
    settings = {**sizes, **options}
    run_full_size_bench(FullSizeSettings(f"hf:{folder}", json=file, **settings), Console(quiet=True))
    return json.loads(file.read_text())


def test_the_command_measures_stages_and_the_second_encoder(ide3d_command: Command, tmp_path: Path) -> None:
    save_checkpoint("llava_onevision", tmp_path)
    file = tmp_path / "figures.json"
    words = ("--network", f"hf:{tmp_path}", "--window", "2", "--repetitions", "1", "--answer-tokens", "3")
    done = run(
        ide3d_command, *words, "--dual-encoder", "--dtype", "float32", "--threads", "1", "--json", str(file)
    )
    assert done.returncode == 0, done.stderr
    report = json.loads(file.read_text())
    assert set(report["stages_ms"]) == {*STAGES, "second encoder"}
    assert report["settings"]["frames"] == 2 and report["settings"]["repetitions"] == 1
    assert report["subject"]["weights"] == "loaded" and report["subject"]["precision"] == "float32"
    assert report["subject"]["device"].startswith("cpu") and report["machine"]["cores"] >= 1
    assert report["dual_encoder_ratio"] > 1 and report["published_dual_encoder_ratio"] == 2.24
    assert "dual_encoder_ratio" in done.stdout and "tokens per second" in done.stdout


@pytest.mark.parametrize("kind", ["qwen2_5_vl", "qwen3_vl"])
def test_a_config_is_measured_with_random_weights(kind: str, tmp_path: Path) -> None:
    save_checkpoint(kind, tmp_path)
    (tmp_path / "model.safetensors").unlink()
    report = bench(tmp_path)
    assert report["subject"]["weights"] == "random" and report["subject"]["precision"] == "bfloat16"
    assert tuple(report["stages_ms"]) == STAGES and "dual_encoder_ratio" not in report
    assert report["tokens_per_second"] > 0 and report["follow_up_ratio"] > 0


def test_what_does_not_fit_is_refused_before_it_is_built() -> None:
    with pytest.raises(
        BenchError, match=r"'big' needs 20\.0 GiB in bfloat16 with 32 frames, and 16\.0 GiB are free"
    ):
        check_memory("big", FullSizeSettings("hf:big"), needed=20 * GIB, free=16 * GIB)
    check_memory("big", FullSizeSettings("hf:big"), needed=20 * GIB, free=20 * GIB)
    check_memory("big", FullSizeSettings("hf:big"), needed=20 * GIB, free=None)


def test_a_network_larger_than_this_machine_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ide3d_ros.cli.bench.full_size.free_memory_mb", lambda: 8192.0)
    with pytest.raises(BenchError, match=r"'llava-video-7b' needs 18\.\d GiB .* and 8\.0 GiB are free"):
        run_full_size_bench(FullSizeSettings("hf:llava-video-7b"), Console(quiet=True))


def test_a_first_question_pays_for_its_window_and_a_follow_up_does_not() -> None:
    times = dict(zip(STAGES, ([100.0], [50.0], [5.0], [45.0], [4.0], [46.0]), strict=True))
    found = figures({**times, "second encoder": [300.0]}, answer_tokens=10)
    assert found["cases_ms"]["first question"]["p50"] == 200.0
    assert found["cases_ms"]["follow-up question"]["p50"] == 50.0
    assert found["cases_ms"]["first question, dual encoder"]["p50"] == 500.0
    assert found["follow_up_ratio"] == 0.25 and found["dual_encoder_ratio"] == 2.5
    assert found["dual_encoder_vision_ratio"] == 4.0
    assert found["tokens_per_second"] == pytest.approx(1e3 * 18 / 91, abs=1e-3)
    assert figures(times, answer_tokens=1)["tokens_per_second"] is None


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"device": "cuda:7"}, r"device 'cuda:7' is not here.*give another --device"),
        ({"device": "tpu"}, "device 'tpu' is not here"),
        ({"dtype": "int8"}, "--dtype must be one of bfloat16, float16, float32, not 'int8'"),
    ],
)
def test_a_device_or_type_that_is_not_there_is_refused(options: dict, told: str, tmp_path: Path) -> None:
    with pytest.raises(BenchError, match=told):
        bench(tmp_path, **options)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--dual-encoder",), "--dual-encoder is for networks; see --network"),
        (("--answer-tokens", "3"), "--answer-tokens is for networks; see --network"),
        (
            ("--network", "hf:x", "--bundle", "nano"),
            "--bundle is not for networks; leave it out with --network",
        ),
        (("--network", "hf:x", "--answer-tokens", "0"), "--answer-tokens must be at least 1, not 0"),
    ],
)
def test_options_of_one_subject_are_refused_for_the_other(
    ide3d_command: Command, words: tuple[str, ...], told: str
) -> None:
    done = run(ide3d_command, *words)
    assert done.returncode == 2 and told in done.stderr


def test_a_checkpoint_that_is_not_there_ends_in_one_line(ide3d_command: Command) -> None:
    done = run(ide3d_command, "--network", "hf:nowhere")
    assert done.returncode == 1 and "'nowhere' is neither a folder" in done.stderr
    assert "Traceback" not in done.stderr
