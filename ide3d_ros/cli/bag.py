# SPDX-License-Identifier: Apache-2.0
"""Write ROS messages to an MCAP bag that Foxglove and `ros2 bag play` open."""

from __future__ import annotations

import threading
from pathlib import Path
from types import TracebackType

from mcap.well_known import MessageEncoding, Profile, SchemaEncoding
from mcap.writer import Writer
from rclpy.serialization import serialize_message

from ide3d_ros.cli.message_definitions import schema_text


class Bag:
    """Write messages of any number of topics, from any thread."""

    def __init__(self, path: Path) -> None:
        """Begin a bag; a file that is there already is replaced."""
        self.path = path
        self.counts: dict[str, int] = {}
        self._lock = threading.Lock()
        self._stream = path.open("wb")
        self._writer = Writer(self._stream)
        self._writer.start(profile=Profile.ROS2, library="ide3d_ros")
        self._schemas: dict[str, int] = {}
        self._channels: dict[str, int] = {}

    def __enter__(self) -> Bag:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def write(self, topic: str, message: object, *, stamp_ns: int) -> None:
        """Write a message object; see `write_serialized`."""
        name = message_type_name(type(message))
        self.write_serialized(topic, name, serialize_message(message), stamp_ns=stamp_ns)

    def write_serialized(self, topic: str, type_name: str, data: bytes, *, stamp_ns: int) -> None:
        """Write a message as it came over the wire; after `close` it is dropped.

        Args:
            topic: full name.
            type_name: such as "sensor_msgs/msg/Image"; a topic keeps its first one.
            data: CDR with its header.
            stamp_ns: when it was received, nanoseconds.

        Raises:
            DefinitionError: if the type's definition is not installed.
        """
        with self._lock:
            if self._stream.closed:
                return
            if topic not in self._channels:
                self._channels[topic] = self._writer.register_channel(
                    topic, MessageEncoding.CDR, self._schema(type_name)
                )
                self.counts[topic] = 0
            self._writer.add_message(
                self._channels[topic],
                log_time=stamp_ns,
                data=data,
                publish_time=stamp_ns,
                sequence=self.counts[topic],
            )
            self.counts[topic] += 1

    def close(self) -> None:
        """Write the index, without which a bag is damaged, and close the file."""
        with self._lock:
            if not self._stream.closed:
                self._writer.finish()
                self._stream.close()

    def _schema(self, type_name: str) -> int:
        if type_name not in self._schemas:
            self._schemas[type_name] = self._writer.register_schema(
                type_name, SchemaEncoding.ROS2, schema_text(type_name).encode()
            )
        return self._schemas[type_name]


def message_type_name(kind: type) -> str:
    """Return the ROS name of a message class, such as "sensor_msgs/msg/Image"."""
    package, section = kind.__module__.split(".")[:2]
    return f"{package}/{section}/{kind.__name__}"
