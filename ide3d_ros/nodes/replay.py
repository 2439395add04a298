# SPDX-License-Identifier: Apache-2.0
"""Play a recording as a camera: images, camera_info and TF on the same topics as a driver's, stamped now.

Everything is moved in time by the same amount, so that transforms still fit the images they were recorded
with. Playing begins when somebody listens to the images.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from pathlib import Path

from geometry_msgs.msg import TransformStamped
from rclpy.node import Node
from sensor_msgs.msg import Image
from std_msgs.msg import Header
from std_srvs.srv import Trigger
from tf2_msgs.msg import TFMessage

from ide3d_ros.conversions.images import ImageError
from ide3d_ros.conversions.stamps import nanoseconds_from_time, time_from_nanoseconds
from ide3d_ros.nodes.camera_topics import CameraTopics
from ide3d_ros.nodes.parameters import Parameter, ParameterSet
from ide3d_ros.nodes.recordings import Recording, RecordingError, Sample, open_recording
from ide3d_ros.nodes.reporting import Reporter
from ide3d_ros.nodes.running import run_node

REPLAY_PARAMETERS: tuple[Parameter, ...] = (
    Parameter("replay.path", "", "A folder of pictures with calibration.json, or an .mcap bag."),
    Parameter("replay.rate_hz", 10.0, "Pictures a second, for a folder of pictures.", bounds=(0.05, 240.0)),
    Parameter("replay.speed", 1.0, "How many times faster than recorded.", bounds=(0.01, 100.0)),
    Parameter("replay.loop", True, "Whether to begin again at the end."),
    Parameter("replay.stepped", False, "Whether each picture waits for a call of ~/play_next."),
    Parameter("camera.frame_id", "camera_optical_frame", "Optical frame of the pictures of a folder."),
    Parameter(
        "camera.reliability",
        "reliable",
        "Reliability of the camera topics.",
        choices=("reliable", "best_effort"),
    ),
    Parameter("world.frame_id", "map", "The frame that a folder's poses lead to."),
    Parameter("bag.image_topic", "", "Image topic of a bag; empty takes its first one."),
    Parameter(
        "bag.info_topic", "", "Topic of a bag with camera_info; empty takes the one beside the image topic."
    ),
    Parameter(
        "bag.depth_topic", "", "Topic of a bag with depth in the pixels of the image; empty plays none."
    ),
)


class ReplayNode(Node):
    """Publish a recording as camera topics."""

    def __init__(self, **node_arguments: object) -> None:
        """Create the node and open the recording.

        Args:
            node_arguments: for rclpy's Node: context, namespace, parameter_overrides, cli_args.

        Raises:
            ParameterError: if a parameter is unknown or not allowed.
            RecordingError: if there is nothing to play.
        """
        super().__init__("replay", **node_arguments)
        self.parameters = ParameterSet(self, REPLAY_PARAMETERS, lambda _: None)
        self.finished = threading.Event()
        self._report = Reporter(self.get_logger(), self.context.ok)
        self._recording: Recording = open_recording(
            Path(self.parameters["replay.path"]).expanduser(),
            rate_hz=self.parameters["replay.rate_hz"],
            frame_id=self.parameters["camera.frame_id"],
            world_frame_id=self.parameters["world.frame_id"],
            image_topic=self.parameters["bag.image_topic"],
            info_topic=self.parameters["bag.info_topic"],
            depth_topic=self.parameters["bag.depth_topic"],
        )
        self._topics = CameraTopics(self, self.parameters["camera.reliability"])
        self._static: dict[str, TransformStamped] = {}
        self._stopping = threading.Event()
        self._steps = threading.Semaphore(0)
        self.create_service(Trigger, "~/play_next", self._play_next)
        self._player = threading.Thread(target=self._play, name="ide3d-replay", daemon=True)
        self._player.start()

    def destroy_node(self) -> None:
        """Stop playing, then the node."""
        self._stopping.set()
        self._player.join(5.0)
        super().destroy_node()

    def _play_next(self, _request: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        if self.parameters["replay.stepped"] and not self.finished.is_set():
            self._steps.release()
            response.success = True
        elif self.finished.is_set():
            response.message = "the recording has been played to its end"
        else:
            response.message = "the recording plays by itself; replay.stepped changes that"
        return response

    def _play(self) -> None:
        try:
            while not self._stopping.wait(0.05):
                if self._topics.are_watched():
                    break
            while not self._stopping.is_set():
                self._play_once()
                if not self.parameters["replay.loop"]:
                    self.get_logger().info("the recording has been played to its end")
                    break
        except Exception as error:
            if not self._stopping.is_set():
                self._report.fault("the recording", error)
        finally:
            self.finished.set()

    def _play_once(self) -> None:
        begin_s, begin_ns = time.monotonic(), nanoseconds_from_time(self.get_clock().now().to_msg())
        speed = self.parameters["replay.speed"]
        shift: Shift | None = None
        for sample in self._recording.samples():
            if not self.parameters["replay.stepped"]:
                ahead_s = begin_s + sample.time_s / speed - time.monotonic()
                if self._stopping.wait(max(0.0, ahead_s)):
                    return
            elif sample.images:
                if not self._await_step():
                    return
                # However long it took to be called for, the picture is one of now.
                begin_ns = nanoseconds_from_time(self.get_clock().now().to_msg())
                begin_ns -= round(1e9 * sample.time_s / speed)
                shift = None
            if shift is None and (first_ns := _first_stamp(sample)) is not None:
                shift = Shift(first_ns, begin_ns + round(1e9 * sample.time_s / speed), speed)
            self._publish(sample, shift)

    def _await_step(self) -> bool:
        """Wait for a call of ~/play_next; False when the node ends instead."""
        while not self._stopping.is_set():
            if self._steps.acquire(timeout=0.1):
                return True
        return False

    def _publish(self, sample: Sample, shift: Shift | None) -> None:
        for one in [*sample.transforms, *sample.infos, *sample.images]:
            shift.move(one.header)
        if sample.static_transforms:
            # A latched topic keeps one message of each publisher, so every one holds all that are known.
            self._static.update({one.child_frame_id: one for one in sample.static_transforms})
            self._topics.tf_static.publish(TFMessage(transforms=list(self._static.values())))
        if sample.transforms:
            self._topics.tf.publish(TFMessage(transforms=sample.transforms))
        for info in sample.infos:
            self._topics.infos.publish(info)
        for image in sample.images:
            (self._topics.images if isinstance(image, Image) else self._topics.compressed).publish(image)
        if shift is None or self._topics.depths.get_subscription_count() == 0:
            return
        for make in sample.depths:
            try:
                depth = make()
            except (ImageError, RecordingError) as error:
                self._report.error("depth", f"depth is left out: {error}")
                continue
            shift.move(depth.header)
            self._topics.depths.publish(depth)


@dataclass(frozen=True)
class Shift:
    """Move recorded stamps to the time of playing.

    Attributes:
        first_ns: the recording's first stamp.
        now_ns: when it is played.
        speed: how many times faster than recorded.
    """

    first_ns: int
    now_ns: int
    speed: float

    def move(self, stamped: Header) -> None:
        """Move one header's stamp; one that was never set stays zero: the fault is not ours to hide."""
        stamp_ns = nanoseconds_from_time(stamped.stamp)
        if stamp_ns > 0:
            moved_ns = self.now_ns + round((stamp_ns - self.first_ns) / self.speed)
            stamped.stamp = time_from_nanoseconds(max(1, moved_ns))


def _first_stamp(sample: Sample) -> int | None:
    stamps = [
        nanoseconds_from_time(one.header.stamp) for one in [*sample.images, *sample.infos, *sample.transforms]
    ]
    return stamps[0] if stamps else None


def main(args: list[str] | None = None) -> None:
    """Play a recording until the node is told to stop."""
    run_node(ReplayNode, args)
