# SPDX-License-Identifier: Apache-2.0
"""Each case of the library does just the work that its name says."""

from __future__ import annotations

import pytest
from counting_engine import CountingEngine

from ide3d_ros.bundle import Bundle
from ide3d_ros.cli.bench.library import LibraryTimes, measure_library, vocabulary_case
from ide3d_ros.cli.bench.rounds import BenchError
from ide3d_ros.cli.bench.run import library_figures
from ide3d_ros.engine import EngineError, select_engine

SIZES = {"window": 3, "phrases": 4, "image_size": (64, 48), "repetitions": 2}


@pytest.fixture
def engine(fake_bundle: Bundle) -> CountingEngine:
    return CountingEngine(select_engine(fake_bundle, threads=1).engine)


@pytest.fixture
def measured(fake_bundle: Bundle, engine: CountingEngine) -> LibraryTimes:
    return measure_library(fake_bundle, engine, **SIZES)


def test_every_case_counts_as_often_as_asked(measured: LibraryTimes) -> None:
    assert {len(values) for values in measured.cases.values()} == {2}
    vocabularies = {vocabulary_case(count, frames) for count in (1, 2, 4, 5, 10, 20) for frames in (1, 3)}
    assert vocabularies < set(measured.cases)
    assert "vocabulary of 1, 1 frame" in vocabularies and "vocabulary of 20, 3 frames" in vocabularies


def test_only_new_frames_are_encoded(engine: CountingEngine, measured: LibraryTimes) -> None:
    frames_a_round = 3 + 1 + 3 + 1  # first locate, one more frame, first question, a new frame
    assert engine.passes["vision"] == 3 * frames_a_round
    assert sum(engine.prefix_frames) == 3 * frames_a_round


def test_stages_are_those_of_one_frame_one_expression_and_one_token(measured: LibraryTimes) -> None:
    counts = {stage: len(values) for stage, values in measured.stages.items()}
    steps = counts.pop("step")
    assert counts == dict.fromkeys(("preprocess", "vision", "prefix", "prompt", "post"), 2)
    assert (
        steps % 4 == 0
    )  # of two questions in each of two rounds; the fake bundle's answers have many tokens
    assert all(value > 0 for values in measured.stages.values() for value in values)


def test_ratios_are_of_the_cases_that_they_name(measured: LibraryTimes) -> None:
    times = {name: [100.0] for name in measured.cases}
    times |= {"follow-up locate": [5.0], "locate after one more frame": [25.0]}
    times |= {vocabulary_case(1, 3): [5.0], vocabulary_case(4, 3): [15.0]}
    figures = library_figures(LibraryTimes(times, measured.stages, 3, 4))
    assert (figures["follow_up_ratio"], figures["keyframe_ratio"]) == (0.05, 0.25)
    assert figures["vocabulary_4_ratio"] == 3.0


def test_a_request_that_fails_is_no_time(fake_bundle: Bundle, engine: CountingEngine) -> None:
    engine.fail["prompt"] = EngineError("the device is gone")
    with pytest.raises(BenchError, match="ENGINE_ERROR: the device is gone"):
        measure_library(fake_bundle, engine, **SIZES)


def test_more_phrases_than_there_are_words_for_are_refused(
    fake_bundle: Bundle, engine: CountingEngine
) -> None:
    with pytest.raises(BenchError, match="1 to 64"):
        measure_library(fake_bundle, engine, **{**SIZES, "phrases": 65})
