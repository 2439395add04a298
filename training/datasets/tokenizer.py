# SPDX-License-Identifier: Apache-2.0
"""Byte-level BPE tokenizer of the nano network, fitted to the worlds' language."""

from __future__ import annotations

from collections.abc import Iterable

from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

SPECIAL_TOKENS = ("<pad>", "<locate>", "<ask>", "<describe>", "<end>")
"""Ids 0 to 4: padding, the three instructions, end of an answer."""


def fit_tokenizer(texts: Iterable[str], vocabulary: int) -> Tokenizer:
    """Fit a tokenizer that knows the given texts' words whole and spells every other word in bytes.

    Args:
        texts: prompts and answers as people write them.
        vocabulary: number of ids, the 256 bytes and the special tokens included.

    Returns:
        a lower-casing, space-collapsing byte-level BPE tokenizer.
    """
    tokenizer = Tokenizer(models.BPE())
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.NFKC(), normalizers.Lowercase(), normalizers.Strip(), normalizers.Replace("  ", " ")]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        special_tokens=list(SPECIAL_TOKENS),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    return tokenizer
