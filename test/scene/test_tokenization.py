# SPDX-License-Identifier: Apache-2.0
"""Prompts are what the network was trained on, whatever a person writes into them."""

from __future__ import annotations

from pathlib import Path

import pytest
from fake_bundle import describe
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer

from ide3d_ros.bundle import Bundle, open_bundle, seal_bundle
from ide3d_ros.scene.tokenization import PromptTokenizer, TokenizerError
from ide3d_ros.scene.validation import RequestError
from ide3d_training.datasets.tokenizer import fit_tokenizer


@pytest.fixture(scope="module")
def tokenizer(fake_bundle: Bundle) -> PromptTokenizer:
    return PromptTokenizer(fake_bundle)


@pytest.fixture(scope="module")
def plain(fake_bundle: Bundle) -> Tokenizer:
    """The library's own tokenizer, which reads special tokens anywhere: what training uses."""
    return Tokenizer.from_file(str(fake_bundle.tokenizer_file))


def decode(tokenizer: PromptTokenizer, ids: list[int]) -> str:
    stream = tokenizer.text_stream()
    return "".join(stream.push(token) for token in ids)


def test_a_prompt_is_instruction_blank_text(tokenizer: PromptTokenizer, plain: Tokenizer) -> None:
    assert tokenizer.locate("the red chair") == plain.encode("<locate> the red chair").ids
    assert tokenizer.ask("which color") == plain.encode("<ask> which color").ids
    assert tokenizer.describe() == plain.encode("<describe>").ids


@pytest.mark.parametrize("special", ["<pad>", "<end>", "<locate>", "<ask>", "<describe>"])
def test_special_tokens_in_text_stay_text(tokenizer: PromptTokenizer, plain: Tokenizer, special: str) -> None:
    ids = tokenizer.locate(f"the {special} chair")
    assert plain.token_to_id(special) not in ids[1:]
    assert plain.decode(ids) == f" the {special} chair"


def test_a_batch_is_padded_on_the_right(tokenizer: PromptTokenizer, plain: Tokenizer) -> None:
    text, lengths = tokenizer.batch([tokenizer.locate("the red chair"), tokenizer.describe()])
    assert lengths.tolist() == [4, 1]
    assert text.dtype == lengths.dtype == "int64"
    assert text[0].tolist() == tokenizer.locate("the red chair")
    assert text[1].tolist() == [plain.token_to_id("<describe>"), *[plain.token_to_id("<pad>")] * 3]


def test_a_prompt_longer_than_the_bundle_allows_is_refused(tokenizer: PromptTokenizer) -> None:
    assert len(tokenizer.ask(" ".join(["the"] * 127))) == 128
    with pytest.raises(RequestError, match="the question is 129 tokens .* at most 128"):
        tokenizer.ask(" ".join(["the"] * 128))


def test_streamed_text_waits_for_whole_characters(tokenizer: PromptTokenizer, plain: Tokenizer) -> None:
    ids = plain.encode(" a 红 chair").ids
    stream = tokenizer.text_stream()
    pieces = [stream.push(token) for token in ids]
    assert "".join(pieces) == "a 红 chair"
    assert "" in pieces and not any("\ufffd" in piece for piece in pieces)


@given(
    text=st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=12).filter(
        lambda t: t == t.strip(" ")
    )
)
def test_any_text_survives_encoding_and_streaming(tokenizer: PromptTokenizer, text: str) -> None:
    ids = tokenizer.ask(text)
    assert decode(tokenizer, ids[1:]) == text


@given(ids=st.lists(st.integers(0, 320), max_size=20))
def test_no_sequence_of_tokens_breaks_the_stream(tokenizer: PromptTokenizer, ids: list[int]) -> None:
    assert not decode(tokenizer, ids).startswith(" ")


def test_special_tokens_in_an_answer_are_not_shown(tokenizer: PromptTokenizer, plain: Tokenizer) -> None:
    ids = plain.encode(" yes<pad><ask> no").ids
    assert decode(tokenizer, ids) == "yes no"


def swap_tokenizer(folder: Path, text: str) -> Bundle:
    vocab = open_bundle(folder).manifest.network.vocab
    (folder / "tokenizer.json").write_text(text)
    return seal_bundle(folder, describe(vocab))


@pytest.mark.parametrize(
    "text",
    ["the red chair", "The RED chair.", "Which color is the café's lamp?", "two  blanks", "naïve 红 🪑"],
)
def test_prompts_equal_those_that_training_writes(bundle_copy: Path, text: str) -> None:
    trained = fit_tokenizer(["the red chair", "which color is the lamp"], 300)
    tokenizer = PromptTokenizer(swap_tokenizer(bundle_copy, trained.to_str()))
    assert tokenizer.locate(text) == trained.encode(f"<locate> {text}").ids
    assert tokenizer.ask(text) == trained.encode(f"<ask> {text}").ids


def test_a_file_that_is_no_tokenizer_is_named(bundle_copy: Path) -> None:
    with pytest.raises(TokenizerError, match=r"tokenizer\.json does not load"):
        PromptTokenizer(swap_tokenizer(bundle_copy, "{}"))


def test_a_tokenizer_without_an_instruction_is_refused(bundle_copy: Path) -> None:
    text = (bundle_copy / "tokenizer.json").read_text().replace("<ask>", "<say>")
    with pytest.raises(TokenizerError, match="lacks <ask>"):
        PromptTokenizer(swap_tokenizer(bundle_copy, text))


def test_a_tokenizer_larger_than_the_network_is_refused(bundle_copy: Path) -> None:
    larger = Tokenizer.from_file(str(bundle_copy / "tokenizer.json"))
    larger.add_tokens(["extra"])
    with pytest.raises(TokenizerError, match=r"has \d+ tokens, the network \d+"):
        PromptTokenizer(swap_tokenizer(bundle_copy, larger.to_str()))
