# SPDX-License-Identifier: Apache-2.0
"""A scene locates, answers and detects, pays for each frame once, and turns every fault into a status."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest
from counting_engine import CountingEngine
from fake_bundle import EXTENTS, FOCAL_VIRTUAL, GRAVITY, HEIGHT, VIRTUAL_DEPTH, WIDTH, picture

from ide3d_ros.bundle import Bundle, BundleError
from ide3d_ros.engine import EngineError, select_engine
from ide3d_ros.geometry import Camera, gravity_angles
from ide3d_ros.scene import Frame, FrameError, Location, Scene, Status

CAMERA = Camera.from_fov(WIDTH, HEIGHT, 1.2)


@pytest.fixture
def engine(fake_bundle: Bundle) -> CountingEngine:
    return CountingEngine(select_engine(fake_bundle, threads=1).engine)


@pytest.fixture
def scene(fake_bundle: Bundle, engine: CountingEngine) -> Scene:
    return Scene(fake_bundle, engine)


def show(scene: Scene, *patches: tuple[str, int, int], stamp_ns: int = 1) -> Frame:
    return scene.add_frame(picture(*patches), CAMERA, stamp_ns=stamp_ns, frame_id="camera")


def labels(location: Location) -> list[str]:
    return [detection.label for detection in location]


# Locating


def test_a_thing_is_located_where_it_is_seen(scene: Scene) -> None:
    frame = show(scene, ("red", 1, 3))
    location = scene.locate("the red chair")
    assert (location.status, location.message) == (Status.OK, "")
    (detection,) = location
    assert detection.frame is frame
    assert (detection.label, detection.category, detection.color) == ("the red chair", "chair", "red")
    assert 0.99 < detection.score <= 1
    # The fake network says: centre of the patch, virtual depth 2 m, mean extents, front towards the camera.
    depth = VIRTUAL_DEPTH * CAMERA.focal / FOCAL_VIRTUAL
    np.testing.assert_allclose(detection.box.center, CAMERA.unproject([[55.5, 23.5]], [depth])[0], rtol=1e-5)
    np.testing.assert_allclose(detection.box.extents, EXTENTS["chair"], rtol=1e-6)
    np.testing.assert_allclose(np.ravel(gravity_angles(detection.box.rotation)), GRAVITY, atol=1e-6)
    towards_camera = -detection.box.center @ detection.box.rotation[:, 0]
    assert towards_camera > 0


def test_all_things_that_match_are_returned_best_first(scene: Scene) -> None:
    show(scene, ("red", 0, 0), ("red", 1, 2), ("red", 1, 3))
    location = scene.locate("red")
    assert len(location) == 2
    scores = [detection.score for detection in location]
    assert scores == sorted(scores, reverse=True)


def test_nothing_that_matches_is_an_answer(scene: Scene) -> None:
    show(scene, ("red", 0, 0))
    location = scene.locate("the zebra")
    assert (location.status, len(location)) == (Status.NO_TARGET, 0)
    assert "the zebra" in location.message


def test_without_a_frame_there_is_nothing_to_look_at(scene: Scene) -> None:
    for result in (
        scene.locate("a chair"),
        scene.detect(),
        scene.detect(["chair"]),
        scene.ask("why"),
        scene.describe(),
    ):
        assert result.status is Status.NO_FRAMES
        assert "camera_info" in result.message


def test_the_box_belongs_to_the_frame_that_shows_the_thing(
    fake_bundle: Bundle, engine: CountingEngine
) -> None:
    scene = Scene(fake_bundle, engine, window=2)
    first = show(scene, ("red", 0, 0), stamp_ns=1)
    second = show(scene, ("green", 0, 3), stamp_ns=2)
    assert scene.locate("the chair")[0].frame is first
    assert scene.locate("the table")[0].frame is second


def test_each_box_is_lifted_with_its_own_frames_camera(fake_bundle: Bundle, engine: CountingEngine) -> None:
    scene = Scene(fake_bundle, engine, window=2)
    near, far = CAMERA, Camera.from_fov(WIDTH, HEIGHT, 0.6)
    scene.add_frame(picture(("red", 1, 1)), near, stamp_ns=1, frame_id="camera")
    scene.add_frame(picture(("green", 1, 1)), far, stamp_ns=2, frame_id="camera")
    depths = [scene.locate(word)[0].box.center[2] for word in ("chair", "table")]
    assert depths[1] / depths[0] == pytest.approx(far.focal / near.focal, rel=1e-5)


def test_many_expressions_are_one_pass_and_equal_single_ones(scene: Scene, engine: CountingEngine) -> None:
    show(scene, ("red", 0, 0), ("blue", 2, 3))
    expressions = ["the red chair", "a zebra", "ball", "is there a blue ball"]
    together = scene.locate_all(expressions)
    assert engine.passes["prompt"] == 1
    for expression, location in zip(expressions, together, strict=True):
        alone = scene.locate(expression)
        assert (alone.status, labels(alone)) == (location.status, labels(location))
        for a, b in zip(alone, location, strict=True):
            np.testing.assert_array_equal(a.box.center, b.box.center)


def test_a_long_list_takes_several_passes_and_keeps_its_order(scene: Scene, engine: CountingEngine) -> None:
    show(scene, ("red", 0, 0))
    expressions = ["zebra"] * 60
    expressions[41] = "the red chair"
    locations = scene.locate_all(expressions)
    assert engine.passes["prompt"] == 2
    assert [i for i, location in enumerate(locations) if location.status is Status.OK] == [41]


def test_a_bad_expression_does_not_spoil_the_others(scene: Scene) -> None:
    show(scene, ("red", 0, 0))
    bad, good = scene.locate_all(["", "the red chair"])
    assert (bad.status, good.status) == (Status.INVALID_REQUEST, Status.OK)


# Work is done once


def test_a_follow_up_on_an_unchanged_window_runs_only_its_text(scene: Scene, engine: CountingEngine) -> None:
    show(scene, ("red", 0, 0))
    first = scene.locate("the red chair")
    assert engine.passes == {"vision": 1, "prefix": 1, "prompt": 1}
    assert first.latency.vision_ms > 0 and first.latency.prefix_ms > 0
    follow_up = scene.locate("the blue ball")
    assert engine.passes == {"vision": 1, "prefix": 1, "prompt": 2}
    assert follow_up.latency.vision_ms == 0
    scene.detect()
    scene.ask("is there a chair")
    assert (engine.passes["vision"], engine.passes["prefix"]) == (1, 1)


def test_boxes_that_a_frame_states_unasked_are_read_once(fake_bundle: Bundle, engine: CountingEngine) -> None:
    scene = Scene(fake_bundle, engine, window=2)
    show(scene, ("red", 0, 0), stamp_ns=1)
    (first,) = scene.detect()
    assert scene.detect()[0] is first
    show(scene, ("green", 0, 0), stamp_ns=2)
    assert [one.label for one in scene.detect() if one is not first] == ["table"]
    assert any(one is first for one in scene.detect())
    show(scene, ("blue", 0, 0), stamp_ns=3)
    assert first not in scene.detect().detections


def test_frames_beyond_the_memory_for_them_are_forgotten(fake_bundle: Bundle) -> None:
    scene = Scene.open(fake_bundle.folder, window=3, threads=1, cache_mb=1e-6)
    for stamp in (1, 2, 3):
        show(scene, ("red", 0, 0), stamp_ns=stamp)
    assert [frame.stamp_ns for frame in scene.frames] == [3]
    assert scene.locate("the red chair").status is Status.OK
    with pytest.raises(ValueError, match="cache_mb"):
        Scene.open(fake_bundle.folder, cache_mb=0.0)


def test_detecting_without_a_vocabulary_needs_no_prompt(scene: Scene, engine: CountingEngine) -> None:
    show(scene, ("red", 0, 0))
    scene.detect()
    assert engine.passes["prompt"] == 0


def test_locating_generates_no_text(scene: Scene, engine: CountingEngine) -> None:
    show(scene, ("red", 0, 0))
    scene.locate("the red chair")
    assert engine.passes["step"] == 0


def test_the_window_keeps_the_newest_frames(fake_bundle: Bundle, engine: CountingEngine) -> None:
    scene = Scene(fake_bundle, engine, window=2)
    for stamp in (1, 2, 3):
        show(scene, stamp_ns=stamp)
    assert [frame.stamp_ns for frame in scene.frames] == [2, 3]


def test_reset_forgets_frames_and_their_memory(scene: Scene) -> None:
    show(scene, ("red", 0, 0))
    assert scene.memory_bytes > 0
    scene.reset()
    assert scene.frames == () and scene.memory_bytes == 0
    assert scene.locate("the red chair").status is Status.NO_FRAMES


# Detecting


def test_detecting_finds_every_category_once(scene: Scene) -> None:
    show(scene, ("red", 0, 0), ("green", 2, 1), ("blue", 0, 3))
    location = scene.detect()
    assert location.status is Status.OK
    assert sorted(labels(location)) == ["ball", "chair", "table"]
    assert {detection.category: detection.color for detection in location} == {
        "chair": "red",
        "table": "green",
        "ball": "blue",
    }


def test_an_empty_room_holds_nothing(scene: Scene) -> None:
    show(scene)
    assert scene.detect().status is Status.NO_TARGET
    assert scene.detect(["chair"]).status is Status.NO_TARGET


def test_a_vocabulary_is_searched_in_one_pass(scene: Scene, engine: CountingEngine) -> None:
    show(scene, ("red", 0, 0), ("blue", 0, 3))
    location = scene.detect(["ball", "table", "chair"])
    assert engine.passes["prompt"] == 1
    assert sorted(labels(location)) == ["ball", "chair"]


def test_a_thing_that_two_phrases_fit_comes_once(scene: Scene) -> None:
    show(scene, ("red", 0, 0))
    assert len(scene.detect(["chair", "red chair"])) == 1


def test_a_vocabulary_with_an_unusable_phrase_is_refused(scene: Scene) -> None:
    show(scene, ("red", 0, 0))
    location = scene.detect(["chair", "x" * 513])
    assert location.status is Status.INVALID_REQUEST and "513 characters" in location.message


@pytest.mark.parametrize("vocabulary", [[], "chair", ["chair"] * 257])
def test_a_vocabulary_is_a_list_of_bounded_length(scene: Scene, vocabulary: list[str] | str) -> None:
    show(scene, ("red", 0, 0))
    assert scene.detect(vocabulary).status is Status.INVALID_REQUEST
    assert {location.status for location in scene.locate_all(vocabulary)} <= {Status.INVALID_REQUEST}


def test_weak_detections_are_not_reported(tmp_path: Path) -> None:
    from fake_bundle import write_fake_bundle

    strict = Scene.open(write_fake_bundle(tmp_path, score_threshold=0.99999).folder, threads=1)
    show(strict, ("red", 0, 0))
    assert strict.locate("the red chair").status is Status.NO_TARGET


# Asking


def test_an_answer_comes_with_its_evidence_and_frames(scene: Scene) -> None:
    frame = show(scene, ("red", 0, 0))
    answer = scene.ask("is there a red chair")
    assert (answer.status, answer.text) == (Status.OK, "yes")
    assert answer.frames == (frame,)
    assert [detection.label for detection in answer.evidence] == ["chair"]
    assert answer.confidence == pytest.approx(0.985, abs=0.01)


def test_an_answer_follows_what_is_seen(scene: Scene) -> None:
    show(scene, ("green", 0, 0))
    assert scene.ask("which color").text == "green"
    show(scene, ("blue", 2, 2))
    assert scene.ask("which color").text == "blue"


def test_a_description_is_generated(scene: Scene) -> None:
    show(scene)
    assert scene.describe().text == "a room"


def test_an_answer_without_a_word_says_so(scene: Scene) -> None:
    show(scene)
    answer = scene.ask("is there yes")  # the fake network ends right after this word
    assert (answer.status, answer.text) == (Status.OK, "")
    assert "without a word" in answer.message


def test_a_stream_adds_up_to_its_answer(scene: Scene) -> None:
    show(scene)
    stream = scene.ask_stream("how many")
    assert stream.answer is None
    pieces = list(stream)
    assert len(pieces) == 8 and "".join(pieces) == stream.answer.text == " ".join(["many"] * 8)
    assert stream.answer.status is Status.OK and "cut" in stream.answer.message


def test_a_stream_is_cancelled_between_tokens(scene: Scene, engine: CountingEngine) -> None:
    show(scene)
    stream = scene.ask_stream("how many")
    first = next(stream)
    canceler = threading.Thread(target=stream.cancel)
    canceler.start()
    canceler.join()
    assert list(stream) == []
    assert (stream.answer.status, stream.answer.text) == (Status.CANCELED, first)
    assert engine.passes["step"] == 0


def test_a_caller_can_cancel_a_question_as_a_whole(scene: Scene) -> None:
    show(scene)
    asked = iter([False, False, True])
    answer = scene.ask("how many", canceled=lambda: next(asked))
    assert (answer.status, answer.text) == (Status.CANCELED, "many many")


def test_a_running_stream_keeps_the_window_it_began_with(fake_bundle: Bundle, engine: CountingEngine) -> None:
    scene = Scene(fake_bundle, engine)
    begun = show(scene, ("red", 0, 0), stamp_ns=1)
    stream = scene.ask_stream("how many")
    next(stream)
    show(scene, ("blue", 0, 0), stamp_ns=2)
    scene.locate("ball")
    assert stream.read_all().frames == (begun,)


def test_special_tokens_in_a_question_are_only_text(scene: Scene) -> None:
    show(scene, ("red", 0, 0))
    # Taken as an instruction, "<describe>" would be the last token and begin a description.
    assert scene.ask("what is <describe>").text == "yes"


# Faults


@pytest.mark.parametrize(
    "text", ["", "   ", "x" * 513, "x" * 10_000, "two\nlines", "bell\x07", "half \ud800 pair", None, 7]
)
def test_unusable_text_gives_a_status_with_the_reason(scene: Scene, text: object) -> None:
    show(scene)
    for result in (scene.locate(text), scene.ask(text), scene.ask_stream(text).answer):
        assert result.status is Status.INVALID_REQUEST
        assert result.message


def test_text_of_too_many_tokens_is_refused_with_the_number(scene: Scene) -> None:
    show(scene)
    location = scene.locate("q" * 200)
    assert location.status is Status.INVALID_REQUEST and "at most 128" in location.message


def test_any_script_may_be_asked_in(scene: Scene) -> None:
    show(scene)
    assert scene.locate("红色的椅子 🪑").status is Status.NO_TARGET


@pytest.mark.parametrize("graph", ["prefix", "prompt"])
def test_an_engine_fault_becomes_a_status_and_passes(
    scene: Scene, engine: CountingEngine, graph: str
) -> None:
    show(scene, ("red", 0, 0))
    engine.fail[graph] = EngineError("out of memory")
    for result in (scene.locate("chair"), scene.ask("is there a chair"), scene.detect(["chair"])):
        assert (result.status, result.message) == (Status.ENGINE_ERROR, "out of memory")
    engine.fail.clear()
    assert scene.locate("chair").status is Status.OK


def test_an_engine_fault_in_the_middle_of_an_answer_keeps_the_text_so_far(
    scene: Scene, engine: CountingEngine
) -> None:
    show(scene)
    stream = scene.ask_stream("how many")
    first = next(stream)
    engine.fail["step"] = EngineError("out of memory")
    answer = stream.read_all()
    assert (answer.status, answer.text, answer.message) == (Status.ENGINE_ERROR, first, "out of memory")


def test_a_bad_image_raises_and_leaves_the_window(scene: Scene) -> None:
    kept = show(scene, ("red", 0, 0))
    with pytest.raises(FrameError, match="64x48 but its camera is 65x48"):
        scene.add_frame(picture(), Camera.from_fov(65, 48, 1.2), stamp_ns=2, frame_id="camera")
    with pytest.raises(FrameError, match="frame_id ''"):
        scene.add_frame(picture(), CAMERA, stamp_ns=2, frame_id="")
    with pytest.raises(FrameError, match="stamp -1"):
        scene.add_frame(picture(), CAMERA, stamp_ns=-1, frame_id="camera")
    assert scene.frames == (kept,)


@pytest.mark.parametrize("window", [0, 5])
def test_a_window_beyond_the_bundles_limit_is_refused(
    fake_bundle: Bundle, engine: CountingEngine, window: int
) -> None:
    with pytest.raises(ValueError, match=rf"window is {window} frames; bundle 'fake' allows 1 to 4"):
        Scene(fake_bundle, engine, window=window)


def test_open_joins_bundle_and_engine(fake_bundle: Bundle) -> None:
    scene = Scene.open(fake_bundle.folder, engine="onnx", window=2, threads=1)
    assert scene.bundle.name == "fake"
    assert (scene.engine.engine, scene.engine.threads) == ("onnx", 1)
    assert scene.vocabulary == ("chair", "table", "ball")


def test_open_names_an_unknown_bundle_and_an_unknown_engine(fake_bundle: Bundle) -> None:
    with pytest.raises(BundleError, match="no bundle is called 'nani'"):
        Scene.open("nani")
    with pytest.raises(EngineError, match="no engine is called 'warp'"):
        Scene.open(fake_bundle.folder, engine="warp")


def test_readers_never_wait_for_a_pass(fake_bundle: Bundle, engine: CountingEngine) -> None:
    scene = Scene(fake_bundle, engine)
    show(scene)
    running, go_on = threading.Event(), threading.Event()
    prefix = engine.prefix

    def slow_prefix(tokens: np.ndarray) -> object:
        running.set()
        assert go_on.wait(10)
        return prefix(tokens)

    engine.prefix = slow_prefix
    worker = threading.Thread(target=scene.locate, args=("chair",))
    worker.start()
    assert running.wait(10)
    assert len(scene.frames) == 1 and scene.memory_bytes > 0 and scene.vocabulary
    go_on.set()
    worker.join()
