# SPDX-License-Identifier: Apache-2.0
"""The inference worker: one thread, newest frame wins, questions first, and nothing ends it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator

import numpy as np
import pytest
from slow_scene import CAMERA, SlowScene

from ide3d_ros.nodes.dialogue import (
    ask_request,
    describe_request,
    locate_request,
    own_categories_request,
    reset_request,
    stream_request,
)
from ide3d_ros.nodes.frames import FrameInput, FrameResult
from ide3d_ros.nodes.pace import Pace
from ide3d_ros.nodes.requests import Request
from ide3d_ros.nodes.worker import InferenceWorker, State
from ide3d_ros.scene.keyframes import KeyframeRule
from ide3d_ros.scene.status import Status


class Bench:
    """A worker on a slow scene, with what it published and complained about."""

    def __init__(self, scene: SlowScene, *, keyframes: KeyframeRule | None = None, **pace: float) -> None:
        self.scene = scene
        self.results: list[FrameResult] = []
        self.faults: list[tuple[str, Exception]] = []
        self.worker = InferenceWorker(
            lambda: {"": scene},
            on_result=self.results.append,
            on_fault=lambda what, error: self.faults.append((what, error)),
            pace=Pace(**{"rate_hz": 50.0, "max_frame_age_s": 60.0, **pace}),
            keyframes=keyframes,
        )
        self.worker.start()

    def frame(
        self, stamp_ns: int, *, age_s: float = 0.0, read: Callable[[], np.ndarray] | None = None
    ) -> bool:
        """Offer a frame that arrived `age_s` seconds ago."""
        picture = np.zeros((6, 8, 3), np.uint8)
        return self.worker.offer(
            FrameInput(read or (lambda: picture), CAMERA, stamp_ns, "eye", time.monotonic() - age_s)
        )

    def answer(self, request: Request, wait_s: float = 20.0):
        """Submit a request and wait for its outcome."""
        ended = threading.Event()
        request.on_end(lambda _: ended.set())
        self.worker.submit(request)
        assert ended.wait(wait_s), "the request did not end"
        return request.outcome


def until(condition: Callable[[], bool], wait_s: float = 20.0) -> None:
    """Wait for a condition."""
    end = time.monotonic() + wait_s
    while not condition():
        assert time.monotonic() < end, "it did not come about"
        time.sleep(0.002)


@pytest.fixture
def benches() -> Iterator[Callable[..., Bench]]:
    """Make benches whose threads end with the test."""
    made: list[Bench] = []

    def make(scene: SlowScene | None = None, **settings: object) -> Bench:
        made.append(Bench(scene or SlowScene(), **settings))
        return made[-1]

    yield make
    for bench in made:
        assert bench.worker.close(20.0), "the worker's thread did not end"


def test_detections_carry_the_stamp_of_their_frame(benches) -> None:
    bench = benches()
    bench.frame(11)
    until(lambda: bench.results)
    (result,) = bench.results
    assert (result.frame.stamp_ns, result.frame.frame_id) == (11, "eye")
    assert result.location.detections[0].frame is result.frame
    assert result.image.shape == (6, 8, 3)


def test_times_of_a_published_frame_add_up(benches) -> None:
    bench = benches(SlowScene(encode_s=0.02))

    def read() -> np.ndarray:
        time.sleep(0.01)
        return np.zeros((6, 8, 3), np.uint8)

    bench.frame(11, age_s=0.5, read=read)
    until(lambda: bench.worker.lanes[""].tally.times)
    (times,) = bench.worker.lanes[""].tally.times
    assert times.stamp_ns == 11
    assert times.latency is bench.results[0].location.latency
    assert times.wait_ms >= 500 and times.read_ms >= 10 and times.publish_ms > 0
    assert times.total_ms >= times.wait_ms + times.read_ms + 20 + times.publish_ms


def test_newest_frame_wins_and_the_rest_is_counted(benches) -> None:
    bench = benches(SlowScene(encode_s=0.5), rate_hz=100.0)
    bench.frame(1)
    until(lambda: bench.scene.log == ["encode 1"])
    assert [bench.frame(stamp) for stamp in (2, 3, 4, 5)] == [False, True, True, True]
    until(lambda: len(bench.results) == 2)
    assert [result.frame.stamp_ns for result in bench.results] == [1, 5]
    tally = bench.worker.lanes[""].tally
    assert (tally.offered, tally.dropped, tally.encoded, tally.detected) == (5, 3, 2, 2)


def test_all_inference_runs_on_one_thread_that_is_not_the_caller_s(benches) -> None:
    bench = benches()
    bench.frame(1)
    for request in (ask_request("q?", 20), locate_request("x", 20), describe_request(20), reset_request(20)):
        bench.answer(request)
    assert len(bench.scene.threads) == 1
    assert threading.get_ident() not in bench.scene.threads


def test_question_goes_before_frames_that_wait(benches) -> None:
    bench = benches(SlowScene(encode_s=0.5), freshness_s=5.0)
    bench.frame(1)
    until(lambda: bench.results)
    bench.frame(2)
    until(lambda: "encode 2" in bench.scene.log)
    bench.frame(3)
    assert bench.answer(ask_request("q?", 20)).result.status is Status.OK
    until(lambda: "encode 3" in bench.scene.log)
    assert bench.scene.log.index("ask") < bench.scene.log.index("encode 3")


def submit_behind_a_frame(bench: Bench, *requests: Request) -> list[Request]:
    """Submit requests that all wait while a frame is encoded, and wait until each has ended."""
    bench.frame(1)
    until(lambda: bench.results)
    bench.frame(2)
    until(lambda: "encode 2" in bench.scene.log)
    for request in requests:
        bench.worker.submit(request)
    until(lambda: all(request.withdrawn() for request in requests))
    return list(requests)


def test_expressions_that_wait_together_share_one_pass(benches) -> None:
    bench = benches(SlowScene(encode_s=0.5), freshness_s=5.0)
    texts = ("red chair", "mug", "door")
    waiting = [locate_request(text, 20) for text in texts]
    submit_behind_a_frame(bench, waiting[0], ask_request("q?", 20), *waiting[1:])
    assert [entry for entry in bench.scene.log if "locate" in entry] == ["locate_all 3"]
    for text, request in zip(texts, waiting, strict=True):
        assert request.outcome.result.detections[0].label == text
        assert request.outcome.frames == (bench.scene.frames[0],)
        assert 0 < request.outcome.queue_ms <= request.outcome.total_ms
    assert bench.worker.tally.answered == 4


def test_an_expression_does_not_overtake_a_reset(benches) -> None:
    bench = benches(SlowScene(encode_s=0.5), freshness_s=5.0, rate_hz=1.0)
    first, _, last = submit_behind_a_frame(
        bench, locate_request("mug", 20), reset_request(20), locate_request("door", 20)
    )
    log = [entry for entry in bench.scene.log if entry in ("locate", "reset")]
    assert log[:2] == ["locate", "reset"] and "locate_all 2" not in bench.scene.log
    assert first.outcome.result.detections[0].label == "mug"
    assert last.outcome is not None


def test_a_shared_pass_that_fails_is_made_again_one_by_one(benches) -> None:
    bench = benches(SlowScene(encode_s=0.5), freshness_s=5.0)
    bench.scene.failing.add("locate_all")
    waiting = submit_behind_a_frame(bench, *(locate_request(text, 20) for text in ("mug", "door")))
    assert [request.outcome.result.status for request in waiting] == [Status.OK, Status.OK]
    assert bench.scene.log.count("locate") == 2


def test_waiting_frame_is_encoded_first_when_what_is_known_is_old(benches) -> None:
    bench = benches(rate_hz=0.0, freshness_s=0.5)
    bench.frame(1)
    assert [f.stamp_ns for f in bench.answer(ask_request("q?", 20)).frames] == [1]
    time.sleep(0.6)
    bench.frame(2)
    assert [f.stamp_ns for f in bench.answer(ask_request("q?", 20)).frames] == [2]
    bench.frame(3)  # what is known is 0 s old now, so the question need not wait for this one
    assert [f.stamp_ns for f in bench.answer(ask_request("q?", 20)).frames] == [2]


def test_rate_is_held_while_frames_come_faster(benches) -> None:
    bench = benches(rate_hz=20.0)
    begin_s = time.monotonic()
    stamp = 0
    while (spent_s := time.monotonic() - begin_s) < 1.0:
        stamp += 1
        bench.frame(stamp)
        time.sleep(0.004)
    assert 0.5 * 20 * spent_s <= len(bench.results) <= 20 * spent_s + 2


def test_zero_rate_touches_frames_only_for_requests(benches) -> None:
    bench = benches(rate_hz=0.0)
    bench.frame(1)
    time.sleep(0.1)
    assert bench.scene.log == []
    assert bench.answer(locate_request("x", 20)).result.status is Status.OK
    assert bench.scene.log == ["encode 1", "locate"]
    assert bench.results == []


def test_flood_of_questions_does_not_starve_detection(benches) -> None:
    bench = benches(SlowScene(ask_s=0.02), rate_hz=20.0, patience_s=0.2, freshness_s=0.1, queue_size=500)
    requests = [ask_request("q?", 20) for _ in range(60)]
    bench.frame(1)
    until(lambda: bench.results)
    for request in requests:
        bench.worker.submit(request)
    stamp = 1
    while not requests[-1].withdrawn():
        stamp += 1
        bench.frame(stamp)
        time.sleep(0.01)
    assert len(bench.results) >= 4
    assert bench.results[-1].frame.stamp_ns > 30


def test_request_before_any_frame_says_so(benches) -> None:
    outcome = benches().answer(ask_request("q?", 20))
    assert outcome.result.status is Status.NO_FRAMES
    assert "camera_info" in outcome.result.message


def test_request_long_after_the_last_frame_is_stale(benches) -> None:
    bench = benches(max_frame_age_s=0.5)
    bench.frame(1)
    assert bench.answer(ask_request("q?", 20)).result.status is Status.OK
    time.sleep(0.6)
    outcome = bench.answer(ask_request("q?", 20))
    assert outcome.result.status is Status.STALE
    assert "query.max_frame_age_s" in outcome.result.message
    bench.frame(2)
    assert bench.answer(ask_request("q?", 20)).result.status is Status.OK


def test_overdue_request_ends_while_the_engine_still_works_on_it(benches) -> None:
    bench = benches(SlowScene(ask_s=2.0))
    bench.frame(1)
    until(lambda: bench.results)
    request, waiting = ask_request("q?", 0.1), ask_request("q?", 0.1)
    bench.worker.submit(request)
    bench.worker.submit(waiting)
    time.sleep(0.15)
    bench.worker.expire()
    for late in (request, waiting):
        assert late.outcome.result.status is Status.TIMEOUT
        assert late.outcome.total_ms < 1500
    assert bench.answer(describe_request(20)).result.status is Status.OK
    assert bench.scene.log.count("ask") == 1, "nobody waited for the second question any more"


def test_stream_gives_every_piece_in_order(benches) -> None:
    bench = benches()
    bench.frame(1)
    pieces: list[str] = []
    outcome = bench.answer(stream_request("q?", 3, pieces.append))
    assert outcome.result.status is Status.OK
    assert "".join(pieces) == outcome.result.text == "word0 word1 word2 "


def test_canceled_stream_stops_at_the_next_word_and_keeps_what_was_said(benches) -> None:
    bench = benches()
    bench.scene.words, bench.scene.word_s = 1000, 0.01
    bench.frame(1)
    pieces: list[str] = []
    request = stream_request("q?", 30, pieces.append)
    bench.worker.submit(request)
    until(lambda: len(pieces) > 3)
    bench.worker.refuse(request, Status.CANCELED, "canceled by the caller")
    assert request.outcome.result.status is Status.CANCELED
    assert request.outcome.result.text == "".join(pieces)
    assert bench.answer(ask_request("q?", 1)).result.status is Status.OK  # the engine is free again
    assert request.outcome.result.text == "".join(pieces)


def test_end_all_ends_what_runs_and_what_waits(benches) -> None:
    bench = benches(SlowScene(ask_s=0.3))
    bench.frame(1)
    until(lambda: bench.results)
    requests = [ask_request("q?", 20) for _ in range(3)]
    for request in requests:
        bench.worker.submit(request)
    until(lambda: "ask" in bench.scene.log)
    bench.worker.end_all(Status.CANCELED, "reset")
    assert {request.outcome.result.status for request in requests} == {Status.CANCELED}


def test_reset_leaves_no_frame_to_answer_from(benches) -> None:
    bench = benches()
    bench.frame(1)
    until(lambda: bench.results)
    bench.worker.forget_frames()
    assert bench.answer(reset_request(20)).result.status is Status.OK
    assert bench.answer(ask_request("q?", 20)).result.status is Status.NO_FRAMES


def test_full_queue_refuses_at_once_and_names_the_parameter(benches) -> None:
    bench = benches(SlowScene(ask_s=0.4), queue_size=2)
    bench.frame(1)
    until(lambda: bench.results)
    running = ask_request("q?", 20)
    bench.worker.submit(running)
    until(lambda: "ask" in bench.scene.log)
    for _ in range(2):
        bench.worker.submit(ask_request("q?", 20))
    refused = ask_request("q?", 20)
    bench.worker.submit(refused)
    assert refused.outcome.result.status is Status.TIMEOUT
    assert "query.queue_size" in refused.outcome.result.message
    assert running.outcome is None


@pytest.mark.parametrize("stage", ["encode", "detect", "ask"])
def test_worker_outlives_a_failing_engine(benches, stage: str) -> None:
    bench = benches()
    bench.frame(1)
    until(lambda: bench.results)
    bench.scene.failing = {stage}
    bench.frame(2)
    outcome = bench.answer(ask_request("q?", 20))
    if stage == "ask":
        assert outcome.result.status is Status.ENGINE_ERROR
        assert "failed on purpose" in outcome.result.message
    until(lambda: bench.faults)
    bench.scene.failing = set()
    bench.frame(3)
    until(lambda: bench.results[-1].frame.stamp_ns == 3)
    assert bench.answer(ask_request("q?", 20)).result.status is Status.OK
    assert bench.worker.tally.faults + bench.worker.lanes[""].tally.faults >= 1


def test_frame_that_cannot_be_read_is_not_the_engine_s_fault(benches) -> None:
    bench = benches()

    def read() -> np.ndarray:
        raise ValueError("compressed image is damaged")

    bench.frame(1, read=read)
    until(lambda: bench.faults)
    assert (bench.worker.lanes[""].tally.unreadable, bench.worker.lanes[""].tally.faults) == (1, 0)
    bench.frame(2)
    until(lambda: bench.results)


def test_request_does_not_wait_for_ever_behind_frames_that_all_fail(benches) -> None:
    bench = benches(rate_hz=0.0)

    def read() -> np.ndarray:
        time.sleep(0.02)
        bench.frame(1, read=read)  # the camera is faster than the reading: the next bad frame waits already
        raise ValueError("damaged")

    bench.frame(1, read=read)
    assert bench.answer(ask_request("q?", 20)).result.status is Status.NO_FRAMES


def test_request_that_has_ended_is_not_run() -> None:
    scene = SlowScene()
    request = ask_request("q?", 20)
    assert request.refuse(Status.CANCELED, "too late")
    request.run(scene)
    assert scene.log == []
    assert not request.refuse(Status.TIMEOUT, "later still")
    assert request.outcome.result.status is Status.CANCELED


def test_publisher_that_raises_does_not_stop_detection(benches) -> None:
    bench = benches()
    published: list[int] = []

    def publish(result: FrameResult) -> None:
        published.append(result.frame.stamp_ns)
        raise RuntimeError("publisher is gone")

    bench.worker.lanes[""]._on_result = publish
    for count in (1, 2):
        bench.frame(count)
        until(lambda wanted=count: len(published) == wanted)
    assert bench.faults[0][0] == "publishing"


def test_scene_that_cannot_be_opened_answers_with_the_reason() -> None:
    reported = threading.Event()

    def open_scenes() -> dict[str, SlowScene]:
        raise ValueError("bundle 'nano' is damaged: weights.bin is truncated")

    worker = InferenceWorker(open_scenes, on_result=print, on_fault=lambda *_: reported.set())
    early = ask_request("q?", 20)
    worker.submit(early)
    worker.start()
    assert reported.wait(20)
    late = locate_request("x", 20)
    worker.submit(late)
    for request in (early, late):
        assert request.outcome.result.status is Status.ENGINE_ERROR
        assert "weights.bin is truncated" in request.outcome.result.message
    assert worker.state is State.FAILED
    worker.offer(FrameInput(lambda: None, CAMERA, 1, "eye", time.monotonic()))
    assert worker.close(20)


def test_requests_during_opening_are_answered_after_it(benches) -> None:
    opened = threading.Event()
    scene = SlowScene()

    def open_slowly() -> dict[str, SlowScene]:
        opened.wait(20)
        return {"": scene}

    worker = InferenceWorker(open_slowly, on_result=lambda _: None, on_fault=lambda *_: None)
    worker.start()
    names: list[str] = []
    known = own_categories_request(5, names.extend)
    impatient = own_categories_request(0.05, names.extend)
    for request in (known, impatient):
        worker.submit(request)
    time.sleep(0.1)
    worker.expire()
    assert "bundle to open" in impatient.outcome.result.message
    opened.set()
    until(known.withdrawn)
    assert names == ["chair", "table"]
    assert worker.close(20)


def test_closing_ends_requests_and_refuses_new_ones(benches) -> None:
    bench = benches(SlowScene(ask_s=0.2))
    bench.frame(1)
    until(lambda: bench.results)
    request = ask_request("q?", 20)
    bench.worker.submit(request)
    assert bench.worker.close(20)
    assert request.outcome.result.status in (Status.CANCELED, Status.OK)
    late = ask_request("q?", 20)
    bench.worker.submit(late)
    assert late.outcome.result.status is Status.CANCELED


def test_vocabulary_changes_what_the_next_frame_is_searched_for(benches) -> None:
    bench = benches()
    bench.worker.vocabulary = ("mug", "blue ball")
    bench.frame(1)
    until(lambda: bench.results)
    assert [one.label for one in bench.results[0].location.detections] == ["mug", "blue ball"]


def test_window_of_several_frames_keeps_those_that_differ(benches) -> None:
    bench = benches(SlowScene(), keyframes=KeyframeRule(0.1, 3600.0), rate_hz=1000.0)
    bench.scene.window = 3
    shades = (0, 0, 0, 255, 255, 255)
    for stamp_ns, shade in enumerate(shades, start=1):
        picture = np.full((6, 8, 3), shade, np.uint8)
        bench.frame(stamp_ns, read=lambda picture=picture: picture)
        until(lambda wanted=stamp_ns: len(bench.results) == wanted)
    assert [frame.stamp_ns for frame in bench.scene.frames] == [1, 4, 6]
    bench.worker.forget_frames()
    assert bench.answer(reset_request(20)).result.status is Status.OK
    bench.frame(7)
    until(lambda: len(bench.results) == 7)
    assert [frame.stamp_ns for frame in bench.scene.frames] == [7]


def test_frame_that_is_being_encoded_while_all_are_forgotten_does_not_come_back(benches) -> None:
    bench = benches(SlowScene(encode_s=0.5))
    bench.frame(1)
    until(lambda: "encode 1" in bench.scene.log)
    bench.worker.forget_frames()
    assert bench.answer(reset_request(20)).result.status is Status.OK
    assert bench.answer(ask_request("q?", 20)).result.status is Status.NO_FRAMES
    assert (bench.results, bench.faults) == ([], [])
    bench.frame(2)
    until(lambda: bench.results)
    assert [result.frame.stamp_ns for result in bench.results] == [2]
