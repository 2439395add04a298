# SPDX-License-Identifier: Apache-2.0
"""Turn requests into prompts of token ids, and generated ids back into text."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from tokenizers import Tokenizer
from tokenizers.decoders import DecodeStream

from ide3d_ros.bundle import Bundle, BundleError, UnsealedBundle
from ide3d_ros.scene.validation import RequestError

PAD, END = "<pad>", "<end>"
LOCATE, ASK, DESCRIBE = "<locate>", "<ask>", "<describe>"


class TokenizerError(BundleError):
    """Report a tokenizer file that does not fit its bundle."""


class PromptTokenizer:
    """Build the prompts that a bundle's network was trained on.

    Args:
        bundle: holds tokenizer.json and the longest prompt.

    Raises:
        TokenizerError: if the file does not load, lacks a special token, or has more tokens than the network.
    """

    def __init__(self, bundle: Bundle | UnsealedBundle):
        file = bundle.tokenizer_file
        try:
            self._tokenizer = Tokenizer.from_file(str(file))
        except Exception as error:  # the library raises plain Exception
            raise TokenizerError(
                f"tokenizer {file} does not load ({error}); export the bundle again"
            ) from error
        # Text that comes from outside must never turn into instructions: "<end>" is five characters there.
        self._tokenizer.encode_special_tokens = True
        self._tokenizer.no_padding()
        self._tokenizer.no_truncation()
        self._special = {
            name: self._tokenizer.token_to_id(name) for name in (PAD, END, LOCATE, ASK, DESCRIBE)
        }
        missing = [name for name, token in self._special.items() if token is None]
        if missing:
            raise TokenizerError(f"tokenizer {file} lacks {', '.join(missing)}; export the bundle again")
        size, rows = self._tokenizer.get_vocab_size(), bundle.manifest.network.vocab
        if size > rows:
            raise TokenizerError(
                f"tokenizer {file} has {size} tokens, the network {rows}; export the bundle again"
            )
        self._max_tokens = bundle.manifest.limits.max_text_tokens

    @property
    def end_token(self) -> int:
        """Id of the token that ends an answer."""
        return self._special[END]

    def locate(self, expression: str) -> list[int]:
        """Return the prompt that locates what an expression refers to.

        Raises:
            RequestError: if the prompt is longer than the bundle allows.
        """
        return self._prompt(LOCATE, expression, "expression")

    def ask(self, question: str) -> list[int]:
        """Return the prompt that asks a question.

        Raises:
            RequestError: if the prompt is longer than the bundle allows.
        """
        return self._prompt(ASK, question, "question")

    def describe(self) -> list[int]:
        """Return the prompt that asks for a description."""
        return [self._special[DESCRIBE]]

    def batch(self, prompts: Sequence[list[int]]) -> tuple[np.ndarray, np.ndarray]:
        """Lay prompts side by side.

        Returns:
            text (B, T) int64, padded on the right, and text_length (B,) int64.
        """
        lengths = np.array([len(prompt) for prompt in prompts], np.int64)
        text = np.full((len(prompts), int(lengths.max())), self._special[PAD], np.int64)
        for row, prompt in zip(text, prompts, strict=True):
            row[: len(prompt)] = prompt
        return text, lengths

    def text_stream(self) -> TextStream:
        """Return a decoder for one answer."""
        return TextStream(self._tokenizer)

    def _prompt(self, instruction: str, text: str, kind: str) -> list[int]:
        # The blank belongs to the training format "<locate> the red chair"; byte-level tokens carry it.
        ids = [self._special[instruction], *self._tokenizer.encode(f" {text}").ids]
        if len(ids) > self._max_tokens:
            raise RequestError(
                f"the {kind} is {len(ids)} tokens with its instruction; "
                f"this bundle reads at most {self._max_tokens}"
            )
        return ids


class TextStream:
    """Decode an answer token by token; bytes of a character wait until it is whole."""

    def __init__(self, tokenizer: Tokenizer):
        self._tokenizer = tokenizer
        self._stream = DecodeStream(skip_special_tokens=True)
        self._begun = False

    def push(self, token: int) -> str:
        """Take one token id; return the text that it completes, often one word, sometimes nothing."""
        piece = self._stream.step(self._tokenizer, token) or ""
        if not self._begun:  # byte-level words begin with a blank, an answer does not
            piece = piece.lstrip(" ")
            self._begun = bool(piece)
        return piece
