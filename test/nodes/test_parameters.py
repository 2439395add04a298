# SPDX-License-Identifier: Apache-2.0
"""Parameter tables: equal to the files that users edit, and strict about what they take."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from rcl_interfaces.msg import ParameterDescriptor

from ide3d_ros.nodes.parameters import Parameter, ParameterError
from ide3d_ros.nodes.perception_parameters import PERCEPTION_PARAMETERS
from ide3d_ros.nodes.replay import REPLAY_PARAMETERS
from ide3d_ros.nodes.sim_camera import SIM_CAMERA_PARAMETERS

CONFIG = Path(__file__).parents[2] / "config"
TABLES = {
    "perception": PERCEPTION_PARAMETERS,
    "sim_camera": SIM_CAMERA_PARAMETERS,
    "replay": REPLAY_PARAMETERS,
}


def flat(tree: dict, prefix: str = "") -> dict[str, object]:
    """Join nested keys with dots."""
    found: dict[str, object] = {}
    for key, value in tree.items():
        found.update(flat(value, f"{prefix}{key}.") if isinstance(value, dict) else {f"{prefix}{key}": value})
    return found


@pytest.mark.parametrize("name", TABLES)
def test_file_holds_every_parameter_with_its_default_and_type(name: str) -> None:
    content = yaml.safe_load((CONFIG / f"{name}.yaml").read_text())
    assert list(content) == ["/**"], "a fixed node name would not survive a remap"
    given = flat(content["/**"]["ros__parameters"])
    expected = {parameter.name: parameter.default for parameter in TABLES[name]}
    assert given == expected
    assert {key: type(value) for key, value in given.items()} == {key: type(v) for key, v in expected.items()}


@pytest.mark.parametrize("name", TABLES)
def test_file_marks_exactly_the_dynamic_parameters(name: str) -> None:
    lines = (CONFIG / f"{name}.yaml").read_text().splitlines()
    marked = {
        line.split(":")[0].strip() for line in lines if "[DYNAMIC]" in line and not line.startswith("#")
    }
    assert marked == {parameter.name.split(".")[-1] for parameter in TABLES[name] if parameter.dynamic}


@pytest.mark.parametrize(
    "parameter", [one for table in TABLES.values() for one in table], ids=lambda one: one.name
)
def test_every_default_is_allowed_and_every_text_is_a_sentence(parameter: Parameter) -> None:
    parameter.check(parameter.default)
    assert parameter.text[0].isupper()
    assert parameter.text.endswith(".")
    if isinstance(parameter.default, (int, float)) and not isinstance(parameter.default, bool):
        assert parameter.bounds, f"{parameter.name} has no range"
    descriptor: ParameterDescriptor = parameter.descriptor()
    assert descriptor.description == parameter.text
    assert descriptor.read_only is not parameter.dynamic


@pytest.mark.parametrize(
    ("value", "cause"),
    [(0.5, "within 1 to 9"), ("3", "of type float"), (True, "of type float"), (float("nan"), "within")],
)
def test_value_outside_is_refused_by_name(value: object, cause: str) -> None:
    with pytest.raises(ParameterError, match=f"engine.rate.*{cause}"):
        Parameter("engine.rate", 2.0, "Speed.", bounds=(1, 9)).check(value)


def test_word_outside_the_choices_is_refused() -> None:
    with pytest.raises(ParameterError, match="must be one of raw, compressed"):
        Parameter("transport", "raw", "Kind.", choices=("raw", "compressed")).check("pigeon")


def test_whole_number_serves_as_a_fraction() -> None:
    Parameter("engine.rate", 2.0, "Speed.", bounds=(1, 9)).check(3)
