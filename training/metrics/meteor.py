# SPDX-License-Identifier: Apache-2.0
"""METEOR 1.5 through its authors' Java program (Denkowski and Lavie, WMT 2014), and through nothing else.

METEOR rests on tables of stems, synonyms and paraphrases that come inside the program's jar, so it is not
computed again here: without Java or the jar there is no figure, only the reason why.
"""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .inputs import check_references, check_same_length

JAR_NAME = "meteor-1.5.jar"
_SEPARATOR = "|||"
_OPTIONS = ("-", "-", "-stdio", "-l", "en", "-norm")
_TIMEOUT_S = 1800.0


class MeteorUnavailable(RuntimeError):
    """METEOR cannot be computed on this machine; the message says why and what to do."""


@dataclass(frozen=True, eq=False)
class Meteor:
    """Hold METEOR of a corpus and of its items.

    Attributes:
        corpus: over the summed statistics of all items, as papers report it (times 100); in 0..1.
        items: (N,) float64 in 0..1; their mean is not the corpus figure.
    """

    corpus: float
    items: np.ndarray


@dataclass(frozen=True)
class MeteorProgram:
    """Name the Java runtime and the jar that METEOR runs with."""

    java: Path
    jar: Path

    @classmethod
    def find(cls, jar: Path | None = None) -> MeteorProgram:
        """Find Java on the PATH and the jar, if not given, in the installed package `pycocoevalcap`.

        Raises:
            MeteorUnavailable: if either is missing.
        """
        java = shutil.which("java")
        if java is None:
            raise MeteorUnavailable("METEOR not computed: no java on the PATH; install a Java runtime")
        if jar is None:
            package = importlib.util.find_spec("pycocoevalcap")
            if package is None or not package.submodule_search_locations:
                raise MeteorUnavailable(
                    f"METEOR not computed: {JAR_NAME} was not given, and the package pycocoevalcap, "
                    "which carries it, is not installed"
                )
            jar = Path(next(iter(package.submodule_search_locations)), "meteor", JAR_NAME)
        if not jar.is_file():
            raise MeteorUnavailable(f"METEOR not computed: there is no file {jar}")
        return cls(Path(java), jar)

    def score(self, predictions: Sequence[str], references: Sequence[Sequence[str]]) -> Meteor:
        """Return METEOR with the program's English parameters and its own normalisation (`-l en -norm`).

        Args:
            predictions: N texts; may be empty texts.
            references: for each, at least one text; the best one counts.

        Raises:
            MetricInputError: if the lengths differ, there is no item or an item has no reference.
            MeteorUnavailable: if the program fails.
        """
        items = check_same_length(predictions=predictions, references=references)
        check_references(references)
        asked = [
            f" {_SEPARATOR} ".join(["SCORE", *map(_field, texts), _field(said)])
            for said, texts in zip(predictions, references, strict=True)
        ]
        statistics = self._answers(asked, items)
        figures = self._answers([f" {_SEPARATOR} ".join(["EVAL", *statistics])], items + 1)
        try:
            values = np.array([float(figure) for figure in figures])
        except ValueError as error:
            raise MeteorUnavailable(f"METEOR not computed: {self.jar} answered {error}") from error
        return Meteor(float(values[-1]), values[:-1])

    def _answers(self, lines: list[str], expected: int) -> list[str]:
        """Send lines to a fresh run of the program and return what it prints."""
        command = [str(self.java), "-Dfile.encoding=UTF-8", "-Xmx2G", "-jar", str(self.jar), *_OPTIONS]
        try:
            run = subprocess.run(
                command,
                input="".join(f"{line}\n" for line in lines),
                capture_output=True,
                encoding="utf-8",
                timeout=_TIMEOUT_S,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise MeteorUnavailable(f"METEOR not computed: {error}") from error
        answers = run.stdout.splitlines()
        if run.returncode or len(answers) != expected:
            said = (run.stderr.strip().splitlines() or ["nothing on stderr"])[-1]
            raise MeteorUnavailable(
                f"METEOR not computed: {self.jar} ended with status {run.returncode} after {len(answers)} of "
                f"{expected} answers: {said}"
            )
        return answers


def _field(text: str) -> str:
    """Return a text that fits between two separators of the program's line protocol."""
    return " ".join(text.replace(_SEPARATOR, " ").split())
