# SPDX-License-Identifier: Apache-2.0
"""The library API: frames in, boxes and answers out."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np

from ide3d_ros.bundle import Bundle, UnsealedBundle, open_bundle
from ide3d_ros.engine import (
    CacheBudget,
    Engine,
    EngineDescription,
    EngineError,
    FrameCache,
    Generation,
    PromptOutput,
    Window,
    select_engine,
)
from ide3d_ros.geometry.camera import Camera
from ide3d_ros.geometry.transform import checked
from ide3d_ros.scene.answering import AnswerStream
from ide3d_ros.scene.detecting import DetectionReader, View
from ide3d_ros.scene.preprocessing import FrameError, prepare_depth, prepare_image
from ide3d_ros.scene.results import Answer, Detection, Frame, Latency, Location
from ide3d_ros.scene.status import Status
from ide3d_ros.scene.tokenization import PromptTokenizer
from ide3d_ros.scene.validation import RequestError, check_count, check_text

PROMPTS_PER_PASS = 32
"""Most prompts in one pass; longer lists take several, so that their number does not decide the memory."""

_log = logging.getLogger(__name__)
_NO_FRAMES = "no frame has arrived yet; add one first (on a robot: check the image and camera_info topics)"


class Scene:
    """Look at the newest frames of one camera and answer in metres.

    Work is shared: a frame is encoded once when it arrives, its keys and values are computed once when the
    first question needs them, and every later question about the same frames costs only its own text.

    One thread adds frames and asks; `frames`, `vocabulary` and `memory_bytes` may be read, and a stream
    cancelled, from any thread. An answer that is being streamed keeps the window it began with, whatever is
    added meanwhile.

    Bad requests and engine faults come back as a status, never as an exception; `open` and `add_frame` raise.
    """

    def __init__(
        self,
        bundle: Bundle | UnsealedBundle,
        engine: Engine,
        *,
        window: int = 1,
        budget: CacheBudget | None = None,
    ):
        """Join an opened bundle and a started engine; `Scene.open` does both in one call.

        Args:
            bundle: what the engine runs; unsealed for a `TorchEngine`, which brings the network itself.
            engine: any engine, started for this bundle.
            window: newest frames that a question is asked about, 1..the bundle's limits.max_frames.
            budget: limit of memory for frames, which scenes on one thread may share; None sets none.

        Raises:
            ValueError: if the bundle does not allow such a window.
            TokenizerError: if the bundle's tokenizer does not fit.
        """
        longest = bundle.manifest.limits.max_frames
        if not 1 <= window <= longest:
            raise ValueError(f"window is {window} frames; bundle '{bundle.name}' allows 1 to {longest}")
        self._bundle = bundle
        self._engine = engine
        self._tokenizer = PromptTokenizer(bundle)
        self._cache: FrameCache[View] = FrameCache(engine, window, budget=budget)
        self._reader = DetectionReader(bundle)

    @classmethod
    def open(
        cls,
        bundle: str | Path = "nano",
        *,
        engine: str = "auto",
        window: int = 1,
        threads: int | None = None,
        cache_mb: float | None = None,
    ) -> Scene:
        """Open a bundle and start an engine for it.

        Args:
            bundle: the name of an embedded bundle, or the path of a bundle folder.
            engine: "auto" or the name of an engine.
            window: newest frames that a question is asked about, 1..the bundle's limits.max_frames.
            threads: CPU threads of one pass; None = one for each core this process may use.
            cache_mb: memory for the frames' tokens, keys and values, MiB; the oldest frames beyond it are
                forgotten, the newest one never. None sets no limit but the window.

        Raises:
            BundleError: if the bundle is unknown, damaged or of another schema.
            EngineError: if the engine cannot run here.
            ValueError: if the bundle does not allow such a window, or cache_mb is not positive.
        """
        opened = open_bundle(bundle)
        budget = None if cache_mb is None else CacheBudget(cache_mb)
        selection = select_engine(opened, engine, threads=threads)
        _log.log(logging.WARNING if selection.is_fallback else logging.INFO, "%s", selection.reason)
        return cls(opened, selection.engine, window=window, budget=budget)

    def add_frame(
        self,
        image: np.ndarray,
        camera: Camera,
        *,
        stamp_ns: int,
        frame_id: str,
        depth: np.ndarray | None = None,
        world_from_camera: np.ndarray | None = None,
    ) -> Frame:
        """Encode an image at once and keep it as the newest frame of the window.

        Args:
            image: (H, W, 3) uint8 RGB.
            camera: of the same height and width.
            stamp_ns: when the image was taken, nanoseconds.
            frame_id: name of the camera's optical frame.
            depth: (H, W) floating, metres along the optical axis in the pixels of the image; 0 or not finite
                where unknown. Read only where the bundle's manifest lists it in `extra_inputs`, as the next.
            world_from_camera: (4, 4) pose of the optical frame in a world that all frames share, metres.

        Raises:
            FrameError: if image, stamp or frame_id is not usable, or the bundle reads something that is not
                given; the window is left as it was.
            EngineError: if the engine fails; the window is left as it was.
        """
        extra = {"depth": depth, "world_from_camera": world_from_camera}
        return self._look(self._cache.add, image, camera, stamp_ns, frame_id, extra)

    def replace_newest_frame(
        self,
        image: np.ndarray,
        camera: Camera,
        *,
        stamp_ns: int,
        frame_id: str,
        depth: np.ndarray | None = None,
        world_from_camera: np.ndarray | None = None,
    ) -> Frame:
        """Encode an image at once and keep it in the place of the newest frame of the window.

        Args:
            image, camera, stamp_ns, frame_id, depth, world_from_camera: as in `add_frame`.

        Raises:
            FrameError, EngineError: as in `add_frame`.
        """
        extra = {"depth": depth, "world_from_camera": world_from_camera}
        return self._look(self._cache.replace_newest, image, camera, stamp_ns, frame_id, extra)

    def locate(self, expression: str) -> Location:
        """Find the things that an expression refers to, such as "the red mug".

        Args:
            expression: one line of text, at most 512 characters.

        Returns:
            Every thing that matches, best score first; NO_TARGET when nothing does.
        """
        return self.locate_all([expression])[0]

    def locate_all(self, expressions: Sequence[str]) -> list[Location]:
        """Find what each expression refers to, all in one batched pass.

        Args:
            expressions: 1 to 256 expressions.

        Returns:
            One location for each expression, in order; those of unusable expressions say INVALID_REQUEST.
        """
        try:
            check_count(expressions, "list of expressions")
        except RequestError as error:
            count = 1 if isinstance(expressions, str) else len(expressions)
            return [Location(Status.INVALID_REQUEST, str(error))] * count
        locations: dict[int, Location] = {}
        texts: dict[int, str] = {}
        prompts: list[list[int]] = []
        for i, expression in enumerate(expressions):
            try:
                text = check_text(expression, "expression")
                prompts.append(self._tokenizer.locate(text))
                texts[i] = text
            except RequestError as error:
                locations[i] = Location(Status.INVALID_REQUEST, str(error))
        found = self._locate_prompts(prompts, list(texts.values())) if prompts else []
        locations.update(zip(texts, found, strict=True))
        return [locations[i] for i in range(len(expressions))]

    def detect(self, vocabulary: Sequence[str] | None = None) -> Location:
        """Find everything of a vocabulary; iterate over the result to get the detections.

        Args:
            vocabulary: 1 to 256 phrases, searched in one batched pass; a thing that several phrases fit
                keeps the one with the best score. None = every category the network knows, read without any
                prompt.

        Returns:
            What was found, best score first; NO_TARGET when nothing was.
        """
        if vocabulary is None:
            return self._detect_categories()
        try:
            check_count(vocabulary, "vocabulary")
        except RequestError as error:
            return Location(Status.INVALID_REQUEST, str(error))
        locations = self.locate_all(vocabulary)
        for location in locations:
            if location.status not in (Status.OK, Status.NO_TARGET):
                return location
        kept = self._reader.keep(detection for location in locations for detection in location)
        return _location(kept, locations[0].latency, "nothing of the vocabulary is in view")

    def ask(self, question: str, *, canceled: Callable[[], bool] | None = None) -> Answer:
        """Answer a question in text.

        Args:
            question: one line of text, at most 512 characters.
            canceled: asked before each token; True ends the answer with the status CANCELED.
        """
        return self.ask_stream(question, canceled=canceled).read_all()

    def ask_stream(self, question: str, *, canceled: Callable[[], bool] | None = None) -> AnswerStream:
        """Answer a question piece by piece; the stream's `answer` holds the whole when it has ended.

        The window is the one at the time of the call.

        Args:
            question, canceled: as in `ask`.
        """
        try:
            prompt = self._tokenizer.ask(check_text(question, "question"))
        except RequestError as error:
            return AnswerStream(Answer(Status.INVALID_REQUEST, str(error)))
        return self._generate(prompt, canceled)

    def describe(self, *, canceled: Callable[[], bool] | None = None) -> Answer:
        """Describe what the window shows in one sentence; `canceled` as in `ask`."""
        return self._generate(self._tokenizer.describe(), canceled).read_all()

    def reset(self) -> None:
        """Forget all frames."""
        self._cache.clear()

    @property
    def frames(self) -> tuple[Frame, ...]:
        """Return the window, oldest first."""
        return tuple(view.frame for view in self._cache.keys)

    @property
    def vocabulary(self) -> tuple[str, ...]:
        """Return the categories that `detect()` knows."""
        return tuple(category.name for category in self._bundle.manifest.categories)

    @property
    def bundle(self) -> Bundle | UnsealedBundle:
        """Return the bundle that answers."""
        return self._bundle

    @property
    def engine(self) -> EngineDescription:
        """Say what runs the bundle."""
        return self._engine.describe()

    @property
    def memory_bytes(self) -> int:
        """Return the memory held by the frames' tokens, keys and values, bytes."""
        return self._cache.bytes

    def _look(
        self,
        keep: Callable[..., None],
        image: np.ndarray,
        camera: Camera,
        stamp_ns: int,
        frame_id: str,
        extra: Mapping[str, np.ndarray | None],
    ) -> Frame:
        begin = time.perf_counter()
        if stamp_ns < 0 or not frame_id:
            raise FrameError(
                f"the frame has stamp {stamp_ns} ns and frame_id '{frame_id}'; give a time and a name"
            )
        sizes = self._bundle.manifest.network
        prepared = prepare_image(image, camera, sizes.width, sizes.height)
        read = [self._prepare_extra(name, extra[name], camera) for name in self._bundle.manifest.extra_inputs]
        frame = Frame(frame_id, int(stamp_ns), camera)
        keep(
            View(frame, prepared.camera),
            prepared.pixels,
            prepared.camera.K,
            *read,
            preprocess_ms=_since(begin),
        )
        return frame

    def _prepare_extra(self, name: str, value: np.ndarray | None, camera: Camera) -> np.ndarray:
        """Check what the bundle reads besides RGB and intrinsics, and bring it to the network's size."""
        if value is None:
            needed = " and ".join(self._bundle.manifest.extra_inputs)
            raise FrameError(
                f"bundle '{self._bundle.name}' reads {needed} of every frame, and {name} is not given; pass "
                "it with the frame, or take a bundle that reads RGB alone"
            )
        if name == "depth":
            sizes = self._bundle.manifest.network
            return prepare_depth(value, camera, sizes.width, sizes.height)
        try:
            return checked(value).astype(np.float32)
        except ValueError as error:
            raise FrameError(f"world_from_camera: {error}") from None

    def _locate_prompts(self, prompts: list[list[int]], labels: list[str]) -> list[Location]:
        passes: list[tuple[PromptOutput, list[str]]] = []
        prompt_ms = 0.0
        try:
            window = self._cache.window()
            if window is None:
                return [Location(Status.NO_FRAMES, _NO_FRAMES)] * len(prompts)
            for start in range(0, len(prompts), PROMPTS_PER_PASS):
                together = slice(start, start + PROMPTS_PER_PASS)
                output, spent = self._read_prompts(window, prompts[together])
                passes.append((output, labels[together]))
                prompt_ms += spent
        except EngineError as error:
            return [Location(Status.ENGINE_ERROR, str(error))] * len(prompts)
        begin = time.perf_counter()
        found = [
            detections
            for output, named in passes
            for detections in self._reader.read_prompts(window, output, named)
        ]
        latency = _latency(window, prompt_ms, begin)
        return [
            _location(detections, latency, f"nothing in view matches '{label}'")
            for detections, label in zip(found, labels, strict=True)
        ]

    def _detect_categories(self) -> Location:
        try:
            window = self._cache.window()
        except EngineError as error:
            return Location(Status.ENGINE_ERROR, str(error))
        if window is None:
            return Location(Status.NO_FRAMES, _NO_FRAMES)
        begin = time.perf_counter()
        detections = self._reader.read_field(window)
        latency = _latency(window, 0.0, begin)
        return _location(detections, latency, "nothing of a known category is in view")

    def _generate(self, prompt: list[int], canceled: Callable[[], bool] | None) -> AnswerStream:
        try:
            window = self._cache.window()
            if window is None:
                return AnswerStream(Answer(Status.NO_FRAMES, _NO_FRAMES))
            output, prompt_ms = self._read_prompts(window, [prompt])
        except EngineError as error:
            return AnswerStream(Answer(Status.ENGINE_ERROR, str(error)))
        begin = time.perf_counter()
        draft = Answer(
            Status.OK,
            evidence=self._reader.read_prompts(window, output, [None])[0],
            frames=tuple(view.frame for view in window.keys),
            latency=_latency(window, prompt_ms, begin),
        )
        generation = Generation(
            self._engine,
            window.prefix,
            output,
            end_token=self._tokenizer.end_token,
            max_tokens=self._bundle.manifest.limits.max_answer_tokens,
            canceled=canceled or (lambda: False),
        )
        return AnswerStream.generating(draft, generation, self._tokenizer.text_stream())

    def _read_prompts(self, window: Window[View], prompts: list[list[int]]) -> tuple[PromptOutput, float]:
        """Run one batched pass; return its output and its milliseconds."""
        begin = time.perf_counter()
        output = self._engine.prompt(window.prefix, *self._tokenizer.batch(prompts))
        return output, _since(begin)


def _location(detections: tuple[Detection, ...], latency: Latency, nothing: str) -> Location:
    if detections:
        return Location(Status.OK, "", detections, latency)
    return Location(Status.NO_TARGET, nothing, (), latency)


def _latency(window: Window[View], prompt_ms: float, decoding_since: float) -> Latency:
    return Latency(
        window.preprocess_ms, window.vision_ms, window.prefix_ms, prompt_ms, _since(decoding_since)
    )


def _since(begin: float) -> float:
    return (time.perf_counter() - begin) * 1e3
