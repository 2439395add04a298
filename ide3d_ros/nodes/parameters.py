# SPDX-License-Identifier: Apache-2.0
"""ROS parameters from one table for each node: default, meaning, range, and whether it may change while
running.

The tables are the only place that a default is written in code; a test holds them equal to config/*.yaml.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from rcl_interfaces.msg import FloatingPointRange, IntegerRange, ParameterDescriptor, SetParametersResult
from rclpy.node import Node
from rclpy.parameter import Parameter as RosParameter

Value = bool | int | float | str | list[str]


class ParameterError(ValueError):
    """A parameter's name is unknown or its value is not allowed; the sentence names it."""


@dataclass(frozen=True)
class Parameter:
    """Describe one parameter.

    Attributes:
        name: dotted, with the unit as a suffix.
        default: its type is the parameter's type. An empty list is written [""], as a YAML file cannot give
            ROS an empty one.
        text: what it does, for people.
        bounds: smallest and largest value of a number.
        choices: the words that a text may be; empty allows any.
        dynamic: whether it may be set while the node runs.
    """

    name: str
    default: Value
    text: str
    bounds: tuple[float, float] | None = None
    choices: tuple[str, ...] = ()
    dynamic: bool = False

    def check(self, value: object) -> None:
        """Raise ParameterError unless `value` is of the right type and allowed."""
        wanted = type(self.default)
        if type(value) is not wanted and not (wanted is float and type(value) is int):
            raise ParameterError(f"parameter {self.name} is {value!r}; it must be of type {wanted.__name__}")
        if self.bounds is not None and not self.bounds[0] <= value <= self.bounds[1]:
            low, high = self.bounds
            raise ParameterError(
                f"parameter {self.name} is {value!r}; it must lie within {low:g} to {high:g}"
            )
        if self.choices and value not in self.choices:
            raise ParameterError(
                f"parameter {self.name} is {value!r}; it must be one of {', '.join(self.choices)}"
            )

    def descriptor(self) -> ParameterDescriptor:
        """Describe the parameter to `ros2 param describe`."""
        descriptor = ParameterDescriptor(description=self.text, read_only=not self.dynamic)
        if self.choices:
            descriptor.additional_constraints = "one of " + ", ".join(self.choices)
        if self.bounds is not None:
            low, high = self.bounds
            if isinstance(self.default, int):
                descriptor.integer_range = [IntegerRange(from_value=int(low), to_value=int(high))]
            else:
                descriptor.floating_point_range = [
                    FloatingPointRange(from_value=float(low), to_value=float(high))
                ]
        return descriptor


class ParameterSet:
    """Declare a table on a node, hold its values and keep them checked."""

    def __init__(
        self, node: Node, table: tuple[Parameter, ...], on_change: Callable[[Mapping[str, Value]], None]
    ) -> None:
        """Declare every parameter of the table.

        Args:
            node: the node; values from its command line and files are applied.
            table: its parameters.
            on_change: called with all values after a dynamic parameter was set.

        Raises:
            ParameterError: if a value is not allowed, or a file or command line names a parameter that the
                node does not have (a misspelt one would otherwise silently do nothing).
        """
        self._table = {parameter.name: parameter for parameter in table}
        self._on_change = on_change
        self._refuse_unknown(node)
        self._values: dict[str, Value] = {}
        for parameter in table:
            try:
                declared = node.declare_parameter(parameter.name, parameter.default, parameter.descriptor())
            except (
                Exception
            ) as error:  # rclpy raises one of several types for a value of the wrong kind or range
                raise ParameterError(f"parameter {parameter.name} is not allowed: {error}") from error
            parameter.check(self._plain(declared))
            self._values[parameter.name] = self._plain(declared)
        node.add_on_set_parameters_callback(self._check)
        node.add_post_set_parameters_callback(self._apply)

    def __getitem__(self, name: str) -> Value:
        return self._values[name]

    def words(self, name: str) -> tuple[str, ...]:
        """Return a list of texts without its empty entries."""
        return tuple(word for word in self._values[name] if word)

    def _refuse_unknown(self, node: Node) -> None:
        # rclpy keeps what files and the command line set in this one attribute and has no public way to list
        # it.
        given = set(getattr(node, "_parameter_overrides", {}))
        unknown = sorted(
            name
            for name in given - set(self._table)
            if name != "use_sim_time"
            and not name.startswith(("qos_overrides.", "start_type_description_service"))
        )
        if unknown:
            raise ParameterError(
                f"{node.get_name()} has no parameter {', '.join(unknown)}; it has {', '.join(self._table)}"
            )

    def _check(self, parameters: list[RosParameter]) -> SetParametersResult:
        for given in parameters:
            known = self._table.get(given.name)
            if known is None:
                continue
            try:
                known.check(self._plain(given))
            except ParameterError as error:
                return SetParametersResult(successful=False, reason=str(error))
        return SetParametersResult(successful=True)

    def _apply(self, parameters: list[RosParameter]) -> None:
        changed = [given for given in parameters if given.name in self._table]
        for given in changed:
            self._values[given.name] = self._plain(given)
        if changed:
            self._on_change(dict(self._values))

    @staticmethod
    def _plain(parameter: RosParameter) -> Value:
        value = parameter.value
        return list(value) if isinstance(value, (list, tuple)) else value
