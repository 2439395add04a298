# SPDX-License-Identifier: Apache-2.0
"""Recorded frames to play: a folder of pictures (`FrameFolder`), or the camera topics of an MCAP bag."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from io import SEEK_END
from pathlib import Path
from typing import Any, BinaryIO, Protocol

import numpy as np
from geometry_msgs.msg import TransformStamped
from mcap.exceptions import McapError
from mcap.reader import SeekingReader
from rclpy.serialization import deserialize_message
from sensor_msgs.msg import CameraInfo, CompressedImage, Image
from tf2_msgs.msg import TFMessage

from ide3d_ros.conversions.cameras import info_from_camera
from ide3d_ros.conversions.compressed_depth import depth_from_compressed
from ide3d_ros.conversions.images import image_from_depth, image_from_rgb
from ide3d_ros.conversions.stamps import nanoseconds_from_time
from ide3d_ros.conversions.transforms import transform_from_matrix
from ide3d_ros.recordings import FolderFrame, FrameFolder, RecordingError

MAX_CHUNK_BYTES = 512 * 2**20
"""Largest part of a bag that is held in memory at once; what comes from outside has a limit."""
MAX_UNCHUNKED_BYTES = 2 * 2**30
_BAG_TYPES = {
    "sensor_msgs/msg/Image": Image,
    "sensor_msgs/msg/CompressedImage": CompressedImage,
    "sensor_msgs/msg/CameraInfo": CameraInfo,
    "tf2_msgs/msg/TFMessage": TFMessage,
}


@dataclass(frozen=True)
class Sample:
    """Hold what is played at one moment. Stamps are those of the recording; whoever plays it moves them.

    Attributes:
        time_s: since the recording's start.
        images: raw or compressed.
        infos: the cameras of the images.
        depths: each makes a 32FC1 or 16UC1 message when it is called, which takes its time.
        transforms: for TF.
        static_transforms: for TF, valid at all times.
    """

    time_s: float
    images: list[Image | CompressedImage] = field(default_factory=list)
    infos: list[CameraInfo] = field(default_factory=list)
    depths: list[Callable[[], Image]] = field(default_factory=list)
    transforms: list[TransformStamped] = field(default_factory=list)
    static_transforms: list[TransformStamped] = field(default_factory=list)


class Recording(Protocol):
    """A recording that can be played any number of times."""

    def samples(self) -> Iterator[Sample]:
        """Read it from the start, in the order of time."""
        ...


class PlayedFolder(FrameFolder):
    """Play a folder of pictures at a fixed rate."""

    def __init__(self, folder: Path, *, rate_hz: float, frame_id: str, world_frame_id: str) -> None:
        """Read what lies beside the pictures.

        Args:
            folder: as in `FrameFolder`.
            rate_hz: pictures a second.
            frame_id: the camera's optical frame.
            world_frame_id: the frame that poses lead to.

        Raises:
            RecordingError: if there are no pictures or no calibration, or a file is damaged.
        """
        super().__init__(folder)
        self._rate_hz = rate_hz
        self._frame_id, self._world_frame_id = frame_id, world_frame_id

    def samples(self) -> Iterator[Sample]:
        """Read the pictures in the order of their names."""
        for place, frame in enumerate(self.frames):
            time_s = place / self._rate_hz
            stamped = {"stamp_ns": round(1e9 * time_s) + 1, "frame_id": self._frame_id}
            transforms = []
            if frame.world_from_camera is not None:
                transforms.append(
                    transform_from_matrix(
                        frame.world_from_camera,
                        target_frame_id=self._world_frame_id,
                        source_frame_id=self._frame_id,
                        stamp_ns=stamped["stamp_ns"],
                    )
                )
            image = image_from_rgb(self.read(frame), **stamped)
            infos = [info_from_camera(self.camera, **stamped)]
            depths = [partial(self._depth, frame, **stamped)] if self._has_depth(frame) else []
            yield Sample(time_s, [image], infos, depths, transforms)

    def _has_depth(self, frame: FolderFrame) -> bool:
        return self.depth_is_registered and self.depth_path(frame).exists()

    def _depth(self, frame: FolderFrame, **stamped: Any) -> Image:
        depth = self.read_depth(frame)
        return image_from_depth(np.where(depth > 0, depth, np.nan), **stamped)


class Bag:
    """Play one camera and the transforms of an MCAP bag."""

    def __init__(
        self, path: Path, *, image_topic: str = "", info_topic: str = "", depth_topic: str = ""
    ) -> None:
        """Choose the topics.

        Args:
            path: an .mcap file of ROS 2 messages.
            image_topic: an Image or CompressedImage topic; empty takes the bag's first, raw before
                compressed.
            info_topic: its camera_info; empty takes the one beside the image topic.
            depth_topic: depth in the pixels of the images, Image or compressedDepth; empty takes none.

        Raises:
            RecordingError: if the file is not such a bag or has no such topics.
        """
        self._path = path
        types = self._topic_types()
        wanted = [name for name, kind in types.items() if kind == "sensor_msgs/msg/Image"]
        wanted += [name for name, kind in types.items() if kind == "sensor_msgs/msg/CompressedImage"]
        self.image_topic = image_topic or next((name for name in wanted if name != depth_topic), "")
        if self.image_topic not in wanted:
            raise RecordingError(
                f"{path} has no image topic {image_topic or 'at all'}; it has {_listed(types)}"
            )
        stem = self.image_topic.removesuffix("/compressed").rsplit("/", 1)[0]
        self.info_topic = info_topic or f"{stem}/camera_info"
        if types.get(self.info_topic) != "sensor_msgs/msg/CameraInfo":
            raise RecordingError(
                f"{path} has no camera_info topic {self.info_topic}; name another one. "
                f"It has {_listed(types)}"
            )
        self.depth_topic = depth_topic
        if depth_topic and depth_topic not in wanted:
            raise RecordingError(f"{path} has no depth topic {depth_topic}; it has {_listed(types)}")
        self._types = {
            name: _BAG_TYPES[kind]
            for name, kind in types.items()
            if name in (self.image_topic, self.info_topic, depth_topic) or kind == "tf2_msgs/msg/TFMessage"
        }

    def samples(self) -> Iterator[Sample]:
        """Read the bag in the order in which it was recorded.

        Raises:
            RecordingError: where the bag is damaged.
        """
        start_ns: int | None = None
        for time_ns, topic, message in self._messages(self._types):
            start_ns = time_ns if start_ns is None else start_ns
            time_s = (time_ns - start_ns) / 1e9
            if topic == self.image_topic:
                yield Sample(time_s, images=[message])
            elif topic == self.info_topic:
                yield Sample(time_s, infos=[message])
            elif topic == self.depth_topic:
                yield Sample(time_s, depths=[partial(_raw_depth, message)])
            elif topic.endswith("tf_static"):
                yield Sample(time_s, static_transforms=list(message.transforms))
            else:
                yield Sample(time_s, transforms=list(message.transforms))

    def images(self) -> Iterator[Image | CompressedImage]:
        """Read the images alone; raises as `samples` does."""
        return (message for _, _, message in self._messages([self.image_topic]))

    def infos(self) -> Iterator[CameraInfo]:
        """Read the camera_info messages alone; raises as `samples` does."""
        return (message for _, _, message in self._messages([self.info_topic]))

    def _messages(self, topics: Iterable[str]) -> Iterator[tuple[int, str, Any]]:
        """Read (time of recording in nanoseconds, topic, message)."""
        topic = ""
        try:
            with self._path.open("rb") as stream:
                for _, channel, recorded in _reader(stream).iter_messages(topics=list(topics)):
                    topic = channel.topic
                    yield recorded.log_time, topic, deserialize_message(recorded.data, self._types[topic])
        except Exception as error:  # the decompressors' and rclpy's errors share no base class
            place = f"after a message of {topic}" if topic else "before its first message"
            raise RecordingError(
                f"{self._path} is damaged {place} ({type(error).__name__} {error}); try `mcap recover`"
            ) from error

    def _topic_types(self) -> dict[str, str]:
        try:
            with self._path.open("rb") as stream:
                summary = _reader(stream).get_summary()
                size = stream.seek(0, SEEK_END)
        except OSError as error:
            raise RecordingError(f"{self._path} cannot be read: {error.strerror}") from error
        except (McapError, struct.error, ValueError) as error:
            raise RecordingError(
                f"{self._path} is not a whole MCAP bag ({type(error).__name__} {error}); try `mcap recover`"
            ) from error
        if summary is None or not summary.channels:
            raise RecordingError(f"{self._path} has no index; repair it with `mcap recover`")
        largest = max((chunk.uncompressed_size for chunk in summary.chunk_indexes), default=0)
        if largest > MAX_CHUNK_BYTES:
            raise RecordingError(
                f"{self._path} has a chunk of {largest} bytes, more than {MAX_CHUNK_BYTES}; "
                "write it anew with smaller chunks (`ros2 bag convert`)"
            )
        if not summary.chunk_indexes and size > MAX_UNCHUNKED_BYTES:
            raise RecordingError(
                f"{self._path} has no chunks and is longer than {MAX_UNCHUNKED_BYTES} bytes; "
                "write it anew with chunks (`ros2 bag convert`)"
            )
        return {
            channel.topic: summary.schemas[channel.schema_id].name
            for channel in summary.channels.values()
            if channel.schema_id in summary.schemas and channel.message_encoding == "cdr"
        }


def open_recording(
    path: Path,
    *,
    rate_hz: float,
    frame_id: str,
    world_frame_id: str,
    image_topic: str = "",
    info_topic: str = "",
    depth_topic: str = "",
) -> Recording:
    """Open a folder of pictures or an MCAP bag.

    Args:
        path: a folder with pictures, an .mcap file, or a folder that holds one .mcap file.
        rate_hz: pictures a second, for a folder of pictures.
        frame_id: the camera's optical frame, for a folder of pictures.
        world_frame_id: the frame that poses lead to, for a folder of pictures.
        image_topic, info_topic, depth_topic: as in `Bag`.

    Raises:
        RecordingError: if there is no recording of a known form.
    """
    if not path.exists():
        raise RecordingError(
            f"there is no recording at {path}; set replay.path to a folder of pictures or a bag"
        )
    bags = [path] if path.is_file() else sorted(path.glob("*.mcap"))
    if len(bags) == 1:
        return Bag(bags[0], image_topic=image_topic, info_topic=info_topic, depth_topic=depth_topic)
    return PlayedFolder(path, rate_hz=rate_hz, frame_id=frame_id, world_frame_id=world_frame_id)


def _raw_depth(message: Image | CompressedImage) -> Image:
    if isinstance(message, Image):
        return message
    depth, stamp = depth_from_compressed(message), message.header.stamp
    return image_from_depth(depth, stamp_ns=nanoseconds_from_time(stamp), frame_id=message.header.frame_id)


def _reader(stream: BinaryIO) -> SeekingReader:
    return SeekingReader(stream, validate_crcs=True, record_size_limit=MAX_CHUNK_BYTES)


def _listed(types: dict[str, str]) -> str:
    return ", ".join(f"{name} ({kind})" for name, kind in sorted(types.items())) or "no ROS 2 topics"
