# SPDX-License-Identifier: Apache-2.0
"""Read YAML files that a person hands to a command, within limits."""

from __future__ import annotations

from pathlib import Path

import yaml

MAX_FILE_BYTES = 256 * 1024
MAX_DEPTH = 32


class YamlFileError(ValueError):
    """A YAML file cannot be read; the sentence names it."""


def read_yaml(path: Path) -> tuple[object, bytes]:
    """Read one document.

    Args:
        path: the file, at most MAX_FILE_BYTES long, and MAX_DEPTH deep, as a deeper one takes minutes to
            parse. It may hold no aliases: a few lines of them can stand for more than any memory holds, and
            ROS takes none either.

    Returns:
        Plain types, and the bytes that were read.

    Raises:
        YamlFileError: if it is missing, too long or no such document.
    """
    try:
        with path.open("rb") as stream:
            text = stream.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise YamlFileError(f"{path} cannot be read: {error.strerror}") from error
    if len(text) > MAX_FILE_BYTES:
        raise YamlFileError(f"{path} is longer than {MAX_FILE_BYTES} bytes")
    try:
        _check_structure(path, text)
        return yaml.safe_load(text), text
    except (yaml.YAMLError, RecursionError, UnicodeDecodeError) as error:
        raise YamlFileError(f"{path} is no YAML: {' '.join(str(error).split())[:200]}") from error


def _check_structure(path: Path, text: bytes) -> None:
    depth = 0
    for event in yaml.parse(text):
        line = event.start_mark.line + 1
        if isinstance(event, yaml.AliasEvent):
            raise YamlFileError(f"{path}, line {line}: an alias (*{event.anchor}) stands here; write it out")
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > MAX_DEPTH:
            raise YamlFileError(f"{path}, line {line}: more than {MAX_DEPTH} levels lie in one another")
