# SPDX-License-Identifier: Apache-2.0
"""What some bundles read of every frame besides the image: depth from a topic, the camera's pose from TF."""

from __future__ import annotations

from collections.abc import Callable, Collection

from rclpy.exceptions import InvalidTopicNameException
from rclpy.validate_topic_name import validate_topic_name
from sensor_msgs.msg import CompressedImage, Image

from ide3d_ros.nodes import qos
from ide3d_ros.nodes.depth_intake import DEPTH_TRANSPORTS, DepthIntake
from ide3d_ros.nodes.frame_completion import FrameCompletion
from ide3d_ros.nodes.frames import FrameInput, camera_topic
from ide3d_ros.nodes.intake import IntakeError
from ide3d_ros.nodes.managed import ManagedNode
from ide3d_ros.nodes.parameters import ParameterSet
from ide3d_ros.nodes.reporting import Reporter
from ide3d_ros.nodes.silence import SilenceWatch
from ide3d_ros.nodes.transforms import FrameTransforms

INPUT_PARAMETERS = {"depth": "depth.topic", "world_from_camera": "fixed_frame"}
"""The parameter that says where an input of `Manifest.extra_inputs` comes from."""
_LOOK_PERIOD_S = 0.01


def given_inputs(parameters: ParameterSet) -> tuple[str, ...]:
    """List the extra inputs that the node's parameters say where to take from."""
    return tuple(name for name, parameter in INPUT_PARAMETERS.items() if parameters[parameter])


def unread_warning(bundle: str, extra_inputs: Collection[str], parameters: ParameterSet) -> str:
    """Say which inputs are given in vain; empty when all that are given are read.

    Args:
        bundle: its name.
        extra_inputs: what it reads.
        parameters: of the node.
    """
    unread = [INPUT_PARAMETERS[name] for name in given_inputs(parameters) if name not in extra_inputs]
    if not unread:
        return ""
    reads = ", ".join(("image", "camera_info", *extra_inputs))
    return f"bundle '{bundle}' reads no more than {reads}; {' and '.join(unread)} will not be listened to"


def depth_topic_fault(topic: str, cameras: Collection[str]) -> str:
    """Say what is wrong with the parameter depth.topic; empty when nothing is.

    Args:
        topic: its value.
        cameras: names of the cameras, each the prefix of a topic; one empty name is one camera without.
    """
    if not topic:
        return ""
    if topic.startswith(("/", "~")) and any(cameras):
        return f"{topic[:80]!r} is one topic for several cameras; leave its beginning to their names"
    try:
        validate_topic_name(topic)
    except InvalidTopicNameException as error:
        return f"{topic[:80]!r} is no topic name: {str(error).splitlines()[0]}"
    return ""


class ExtraInputs:
    """Complete the frames of one camera with depth and pose before they go to the worker.

    Attributes:
        intake: what became of the depth messages; None for a bundle that reads no depth.
        completion: what became of the frames.
    """

    def __init__(
        self,
        node: ManagedNode,
        report: Reporter,
        on_frame: Callable[[FrameInput], object],
        *,
        camera: str,
        parameters: ParameterSet,
        extra_inputs: Collection[str],
        poses: FrameTransforms | None,
    ) -> None:
        """Subscribe to depth, if it is read.

        Args:
            node: the node that listens.
            report: where refusals go.
            on_frame: takes every frame that is complete.
            camera: its name.
            parameters: of the node.
            extra_inputs: what the bundle reads, as in its manifest.
            poses: captures where the camera is in the fixed frame; None for a bundle that does not read it.
        """
        self._node = node
        self._report = report
        self._subscription = None
        self._silence: SilenceWatch | None = None
        self.intake: DepthIntake | None = None
        if "depth" in extra_inputs:
            kind, ending = DEPTH_TRANSPORTS[parameters["depth.transport"]]
            topic = camera_topic(camera, parameters["depth.topic"] + ending)
            full_name = node.resolve_topic_name(topic)
            self.intake = DepthIntake(full_name)
            self._silence = SilenceWatch(node, full_name, report)
            self._subscription = node.create_subscription(
                kind,
                topic,
                report.guarded(topic, self._on_depth),
                qos.SENSOR_INPUT,
                qos_overriding_options=qos.overridable(),
            )
        self.completion = FrameCompletion(
            on_frame,
            lambda _, what, text: report.error(f"{camera}:{what}", text),
            depth=self.intake,
            poses=poses,
            wait_s=parameters["depth.wait_s"],
        )
        # TF is not told to anyone when it comes, so it is looked for while a frame waits.
        self._timer = node.create_steady_timer(_LOOK_PERIOD_S, report.guarded("waiting frames", self._look))
        self._timer.cancel()

    def close(self) -> None:
        """Unsubscribe."""
        self._node.destroy_timer(self._timer)
        if self._subscription is not None:
            self._node.destroy_subscription(self._subscription)

    def take(self, frame: FrameInput) -> None:
        """Take the camera's next frame."""
        self.completion.take(frame)
        if self.completion.is_waiting and self._timer.is_canceled():
            self._timer.reset()

    def look_for_silence(self, now_s: float, limit_s: float) -> None:
        """Name the publishers of a depth topic that stands still; arguments as in `SilenceWatch.look`."""
        if self._silence is not None:
            self._silence.look(self.intake.received, now_s, limit_s)

    def _on_depth(self, message: Image | CompressedImage) -> None:
        try:
            depth = self.intake.take(message)
        except IntakeError as error:
            self._report.error(f"{self.intake.topic}:{error.kind}", str(error))
            return
        self.completion.add_depth(depth)

    def _look(self) -> None:
        self.completion.look()
        if not self.completion.is_waiting:
            self._timer.cancel()
