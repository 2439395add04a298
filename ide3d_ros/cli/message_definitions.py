# SPDX-License-Identifier: Apache-2.0
"""The text of a ROS message type with all types it is made of, as a bag carries it (encoding "ros2msg")."""

from __future__ import annotations

import re
from pathlib import Path

from ament_index_python import PackageNotFoundError, get_package_share_directory

_SEPARATOR = "=" * 80
_FIELD_TYPE = re.compile(r"^(?P<name>[A-Za-z][\w/]*?)(?:<=\d+)?(?:\[[^\]]*\])?$")
_BUILTIN = {
    *("bool", "byte", "char", "float32", "float64", "string", "wstring"),
    *(f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)),
}


class DefinitionError(LookupError):
    """The .msg file of a type is not where its package installs it."""


def schema_text(type_name: str) -> str:
    """Return a message definition, followed by those of every type in it.

    Args:
        type_name: such as "sensor_msgs/msg/Image".

    Returns:
        The .msg text; then, for each type that it uses directly or through others, a line of 80 "=", a line
        "MSG: package/Name" and the type's .msg text.

    Raises:
        DefinitionError: if a type's package does not install its .msg file.
    """
    package, name = type_name.split("/")[0], type_name.split("/")[-1]
    root = _definition(package, name)
    parts, seen, waiting = [root], {(package, name)}, _used_types(root, package)
    while waiting:
        used = waiting.pop(0)
        if used in seen:
            continue
        seen.add(used)
        text = _definition(*used)
        parts.append(f"{_SEPARATOR}\nMSG: {used[0]}/{used[1]}\n{text}")
        waiting += _used_types(text, used[0])
    return "\n".join(part.rstrip("\n") for part in parts) + "\n"


def _definition(package: str, name: str) -> str:
    try:
        path = Path(get_package_share_directory(package)) / "msg" / f"{name}.msg"
        return path.read_text(encoding="utf-8")
    except (PackageNotFoundError, OSError) as error:
        raise DefinitionError(
            f"the definition of {package}/msg/{name} is not installed ({error}); a bag needs its text"
        ) from error


def _used_types(text: str, package: str) -> list[tuple[str, str]]:
    """List the message types of a definition's fields as (package, name)."""
    used = []
    for line in text.splitlines():
        words = line.split("#")[0].split()
        match = _FIELD_TYPE.match(words[0]) if words else None
        if match is None or match["name"] in _BUILTIN:
            continue
        parts = match["name"].split("/")
        used.append((parts[0] if len(parts) > 1 else package, parts[-1]))
    return used
