# SPDX-License-Identifier: Apache-2.0
"""YAML files from outside are read within limits, and refused by name."""

from __future__ import annotations

from pathlib import Path

import pytest

from ide3d_ros.cli.yaml_files import MAX_FILE_BYTES, YamlFileError, read_yaml


def test_content_and_bytes_are_returned(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text("a: [1, x]\n")
    assert read_yaml(path) == ({"a": [1, "x"]}, b"a: [1, x]\n")


@pytest.mark.parametrize("text", ["a: [", "a: \x00", "!!python/object:os.system {}"])
def test_what_is_no_yaml_is_named(tmp_path: Path, text: str) -> None:
    path = tmp_path / "a.yaml"
    path.write_text(text)
    with pytest.raises(YamlFileError, match=r"a\.yaml is no YAML: "):
        read_yaml(path)


def test_bytes_that_are_no_text_are_named(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_bytes(b"a: \xff\xfe\xfa")
    with pytest.raises(YamlFileError, match="is no YAML"):
        read_yaml(path)


def test_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(YamlFileError, match=r"none\.yaml cannot be read: No such file"):
        read_yaml(tmp_path / "none.yaml")


def test_file_that_is_too_long_is_not_parsed(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text("#" * (MAX_FILE_BYTES + 1))
    with pytest.raises(YamlFileError, match=f"is longer than {MAX_FILE_BYTES} bytes"):
        read_yaml(path)


def test_levels_without_end_are_refused_at_once(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text("a: " + "[" * 100_000)
    with pytest.raises(YamlFileError, match=r"line 1: more than 32 levels"):
        read_yaml(path)


def test_aliases_that_would_stand_for_more_than_any_memory_holds_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    lines = ["a0: &a0 [x]"] + [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 30)]
    path.write_text("\n".join(lines))
    with pytest.raises(YamlFileError, match=r"line 2: an alias \(\*a0\)"):
        read_yaml(path)
