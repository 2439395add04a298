# SPDX-License-Identifier: Apache-2.0
"""Several studies share one results file, and each replaces nothing but its own section."""

from __future__ import annotations

from ide3d_training.compare.results import table, write_section


def test_a_section_replaces_its_earlier_self_and_nothing_else(tmp_path):
    path = tmp_path / "RESULTS.md"
    write_section(path, "one", "first of one")
    write_section(path, "two", "first of two")
    path.write_text(path.read_text().replace("# Results", "# Results, edited by hand"))
    write_section(path, "one", r"second of one \1")
    text = path.read_text()
    assert r"second of one \1" in text and "first of two" in text and "edited by hand" in text
    assert "first of one" not in text
    assert text.index("one: begin") < text.index("two: begin")
    assert text.count("study one") == text.count("study two") == 2


def test_a_table_has_one_cell_under_each_heading():
    lines = table(["arm", "EM"], [["rgb", "1.0"], ["ide3d", "2.0"]]).splitlines()
    assert lines == ["| arm | EM |", "| --- | ---: |", "| rgb | 1.0 |", "| ide3d | 2.0 |"]
