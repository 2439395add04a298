# SPDX-License-Identifier: Apache-2.0
"""Stream an answer: text out piece by piece, the whole answer at the end."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace

from ide3d_ros.engine import EngineError, Finish, Generation
from ide3d_ros.scene.results import Answer
from ide3d_ros.scene.status import Status
from ide3d_ros.scene.tokenization import TextStream


class AnswerStream(Iterator[str]):
    """Yield an answer's text piece by piece; the pieces joined are the answer's text.

    Read it from one thread; `cancel` may be called from any.

    Attributes:
        answer: the finished answer; None until the stream has ended.
    """

    def __init__(self, draft: Answer):
        """Begin a stream that has ended: the draft is the answer."""
        self._draft = draft
        self._generation: Generation | None = None
        self.answer: Answer | None = draft

    @classmethod
    def generating(cls, draft: Answer, generation: Generation, text: TextStream) -> AnswerStream:
        """Begin a stream whose text is still to come.

        Args:
            draft: the answer but for status, text, confidence and the time of generating.
            generation: yields the token ids.
            text: decodes them.
        """
        stream = cls(draft)
        stream.answer = None
        stream._generation, stream._text = generation, text
        stream._pieces, stream._decode_ms = [], draft.latency.decode_ms
        return stream

    def __next__(self) -> str:
        while self.answer is None:
            begin = time.perf_counter()
            try:
                token = next(self._generation, None)
            except EngineError as error:
                self._end(begin, Status.ENGINE_ERROR, str(error))
                break
            if token is None:
                self._end(begin, *_outcome(self._generation, "".join(self._pieces)))
                break
            piece = self._text.push(token)
            self._decode_ms += _since(begin)
            if piece:
                self._pieces.append(piece)
                return piece
        raise StopIteration

    def cancel(self) -> None:
        """Stop before the next token; the answer's status becomes CANCELED and keeps the text so far."""
        if self._generation is not None:
            self._generation.cancel()

    def read_all(self) -> Answer:
        """Read the stream to its end and return the answer."""
        for _ in self:
            pass
        return self.answer

    def _end(self, begin: float, status: Status, message: str) -> None:
        self.answer = replace(
            self._draft,
            status=status,
            message=message,
            text="".join(self._pieces),
            confidence=self._generation.confidence,
            latency=replace(self._draft.latency, decode_ms=self._decode_ms + _since(begin)),
        )


def _outcome(generation: Generation, text: str) -> tuple[Status, str]:
    if generation.finish is Finish.CANCELED:
        return Status.CANCELED, "the answer was canceled; its text ends where it stood"
    if generation.finish is Finish.LIMIT:
        return Status.OK, "the answer was cut at the longest length this bundle allows"
    return Status.OK, "" if text else "the network ended its answer without a word"


def _since(begin: float) -> float:
    return (time.perf_counter() - begin) * 1e3
