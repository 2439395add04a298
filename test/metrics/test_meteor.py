# SPDX-License-Identifier: Apache-2.0
"""METEOR comes from its authors' program or not at all."""

from __future__ import annotations

import importlib.util
import shutil
import sys
from pathlib import Path

import pytest

from ide3d_training.metrics.captions import NotComputed, caption_scores
from ide3d_training.metrics.inputs import MetricInputError
from ide3d_training.metrics.meteor import MeteorProgram, MeteorUnavailable

# Speaks the program's protocol: statistics for each SCORE line, a figure for each of EVAL's and one for all.
# Leaves what it was asked beside itself.
SPEAKING = """
import pathlib, sys
for line in sys.stdin:
    with pathlib.Path(__file__).with_name("asked").open("a") as asked:
        asked.write(line)
    fields = line.rstrip("\\n").split(" ||| ")
    if fields[0] == "SCORE":
        print(len(fields) - 1, 0)
    else:
        print(*[0.25] * (len(fields) - 1), 0.5, sep="\\n")
"""
FAILING = "import sys; sys.stdin.read(); print('1 0'); sys.exit('Error: no space for the paraphrase table')"


def program(folder: Path, source: str) -> MeteorProgram:
    java, jar = folder / "java", folder / "meteor-1.5.jar"
    java.write_text(f"#!{sys.executable}\n{source}")
    java.chmod(0o755)
    jar.touch()
    return MeteorProgram(java, jar)


def test_items_and_corpus_are_read_in_order_and_separators_cannot_be_smuggled_in(tmp_path):
    found = program(tmp_path, SPEAKING).score(["a ||| chair", ""], [["the chair", "a\nseat"], ["a table"]])
    assert found.corpus == 0.5
    assert found.items.tolist() == [0.25, 0.25]
    assert (tmp_path / "asked").read_text().splitlines() == [
        "SCORE ||| the chair ||| a seat ||| a chair",
        "SCORE ||| a table ||| ",
        "EVAL ||| 3 0 ||| 2 0",
    ]


def test_failure_of_the_program_is_told_in_its_own_words(tmp_path):
    with pytest.raises(MeteorUnavailable, match="1 of 2 answers: Error: no space for the paraphrase table"):
        program(tmp_path, FAILING).score(["a", "b"], [["a"], ["b"]])


def test_answer_that_is_no_number_is_refused(tmp_path):
    with pytest.raises(MeteorUnavailable, match="'hm'"):
        program(tmp_path, SPEAKING.replace("0.25", "'hm'")).score(["a"], [["a"]])


def test_wrong_lists_are_refused_before_anything_is_started(tmp_path):
    with pytest.raises(MetricInputError):
        program(tmp_path, FAILING).score(["a"], [])


def test_without_java_the_reason_stands_in_place_of_the_figure(corpus, no_java):
    scores = caption_scores(corpus.predictions, corpus.references)
    assert isinstance(scores.meteor, NotComputed)
    assert "no java" in scores.meteor.reason
    assert scores.reported()["meteor"] == scores.meteor
    assert scores.reported()["cider"] == pytest.approx(100 * sum(corpus.cider) / 4)
    assert scores.reported()["bleu4"] == pytest.approx(100 * corpus.bleu[3])
    assert scores.reported()["rouge_l"] == pytest.approx(100 * sum(corpus.rouge_l) / 4)


def test_jar_that_is_not_there_is_named(tmp_path, monkeypatch):
    program(tmp_path, SPEAKING)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MeteorUnavailable, match="no file .*other.jar"):
        MeteorProgram.find(tmp_path / "other.jar")
    assert MeteorProgram.find(tmp_path / "meteor-1.5.jar").java == tmp_path / "java"


@pytest.mark.skipif(importlib.util.find_spec("pycocoevalcap") is not None, reason="the jar is installed")
def test_without_the_jar_the_way_out_is_named(tmp_path, monkeypatch):
    program(tmp_path, SPEAKING)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MeteorUnavailable, match="pycocoevalcap, which carries it, is not installed"):
        MeteorProgram.find()


@pytest.mark.skipif(shutil.which("java") is None, reason="no Java runtime")
def test_agrees_with_the_values_that_pycocoevalcap_printed(corpus):
    pytest.importorskip("pycocoevalcap")
    found = MeteorProgram.find().score(corpus.predictions, corpus.references)
    assert found.corpus == pytest.approx(corpus.meteor)
    assert found.items == pytest.approx(corpus.meteor_items)
