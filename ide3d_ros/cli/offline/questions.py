# SPDX-License-Identifier: Apache-2.0
"""The questions file: what to ask about a bag, and at which of its frames. See docs/offline.md."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from ide3d_ros.cli.yaml_files import read_yaml
from ide3d_ros.scene.validation import check_text

MAX_QUESTIONS = 1000
_SHOWN_PROBLEMS = 3

Topic = Annotated[str, Field(pattern=r"^(/[A-Za-z_]\w*)+$", max_length=255)]


class QuestionsError(ValueError):
    """A questions file cannot be used; the sentence names the file, the entry and the fault."""


class _Strict(BaseModel):
    """Refuse unknown keys and values of another type: a misspelt key must not pass for a default."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class Question(_Strict):
    """Ask one thing, at one frame or at many."""

    locate: str | None = Field(None, description="expression whose boxes are wanted")
    ask: str | None = Field(None, description="question whose answer is wanted")
    describe: Literal[True] | None = Field(None, description="true: a description is wanted")
    at_s: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None = Field(
        None, strict=False, description="at the first frame this long after the bag's first one, seconds"
    )
    stamp_ns: Annotated[int, Field(ge=0)] | None = Field(
        None, description="at the first frame with this stamp or a later one, nanoseconds"
    )
    every_frames: Annotated[int, Field(ge=1)] | None = Field(
        None, description="at the first frame and at every N-th after it"
    )

    @model_validator(mode="after")
    def _check_choice(self) -> Self:
        for names in (("locate", "ask", "describe"), ("at_s", "stamp_ns", "every_frames")):
            given = [name for name in names if getattr(self, name) is not None]
            if len(given) != 1:
                raise ValueError(f"give one of {', '.join(names)}, not {' and '.join(given) or 'none'}")
        if self.locate is not None:
            check_text(self.locate, "expression")
        if self.ask is not None:
            check_text(self.ask, "question")
        return self

    @property
    def kind(self) -> str:
        """Return "locate", "ask" or "describe"."""
        return next(name for name in ("locate", "ask", "describe") if getattr(self, name) is not None)

    @property
    def text(self) -> str:
        """Return the expression or question; empty for a description."""
        return self.locate or self.ask or ""


class Questions(_Strict):
    """Hold a questions file."""

    image_topic: Topic | None = Field(None, description="image topic of the bag; without it its first one")
    camera_info_topic: Topic | None = Field(
        None, description="its camera_info; without it the one beside the images"
    )
    depth_topic: Topic | None = Field(
        None, description="depth in the pixels of the images, for bundles that read it"
    )
    fixed_frame: Annotated[str, Field(min_length=1, max_length=255)] | None = Field(
        None, description="frame that stands still, for bundles that read the camera's pose: from TF"
    )
    images: Literal["raw", "rectified"] = Field(
        "raw", description="raw: K and distortion hold; rectified: P holds (image_rect)"
    )
    questions: Annotated[list[Question], Field(min_length=1, max_length=MAX_QUESTIONS)] = Field(
        description="what to ask"
    )


def read_questions(path: Path) -> tuple[Questions, bytes]:
    """Read a questions file.

    Returns:
        What it asks, and its bytes.

    Raises:
        YamlFileError: if the file cannot be read or is no YAML.
        QuestionsError: if it does not follow the schema; entries are counted from 1.
    """
    content, text = read_yaml(path)
    try:
        return Questions.model_validate(content), text
    except ValidationError as error:
        problems = error.errors(include_url=False, include_context=False, include_input=False)
        told = [_told(problem["loc"], problem["msg"]) for problem in problems[:_SHOWN_PROBLEMS]]
        if len(problems) > _SHOWN_PROBLEMS:
            told.append(f"and {len(problems) - _SHOWN_PROBLEMS} more")
        raise QuestionsError(f"{path}: {'; '.join(told)}") from error


def _told(location: tuple[str | int, ...], message: str) -> str:
    place = " ".join(str(part + 1) if isinstance(part, int) else part for part in location)
    return f"{place or 'the file'}: {message.removeprefix('Value error, ')}"
