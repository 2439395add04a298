# SPDX-License-Identifier: Apache-2.0
"""The perception node: cameras in; 3D boxes, markers and answers out.

The executor's one thread only takes messages in and sends replies; all inference runs on the worker's thread,
which also publishes what it detects. So a camera callback never waits for the engine, and a request is
accepted while a frame is being looked at.

It is a lifecycle node. Configuring opens the bundle and loads the engine, activating warms the engine up and
subscribes to the cameras. Services are there in every state; until the node is active their replies say so.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence

from diagnostic_msgs.msg import DiagnosticArray
from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.logging import get_logger
from rclpy.publisher import Publisher
from std_msgs.msg import Header
from vision_msgs.msg import LabelInfo

from ide3d_msgs.msg import Answer as AnswerMessage
from ide3d_ros.conversions.vocabulary import label_info
from ide3d_ros.engine import Selection
from ide3d_ros.nodes import qos
from ide3d_ros.nodes.answer_action import AnswerAction
from ide3d_ros.nodes.camera_input import CameraInput
from ide3d_ros.nodes.camera_output import CameraOutput
from ide3d_ros.nodes.diagnostics import PerceptionHealth
from ide3d_ros.nodes.dialogue import reset_request, warm_up_request
from ide3d_ros.nodes.extra_inputs import ExtraInputs, depth_topic_fault, given_inputs, unread_warning
from ide3d_ros.nodes.frames import UNNAMED, FrameResult, FrameTally
from ide3d_ros.nodes.managed import ManagedNode, Phase, TransitionRefused
from ide3d_ros.nodes.opening import open_scenes
from ide3d_ros.nodes.pace import Pace
from ide3d_ros.nodes.parameters import ParameterError, ParameterSet, Value
from ide3d_ros.nodes.perception_parameters import PERCEPTION_PARAMETERS
from ide3d_ros.nodes.reporting import Reporter
from ide3d_ros.nodes.request_desk import RequestDesk
from ide3d_ros.nodes.running import run_node
from ide3d_ros.nodes.services import PerceptionServices
from ide3d_ros.nodes.transforms import FrameTransforms, TransformListener, listen_to_transforms
from ide3d_ros.nodes.vocabulary import camera_names_fault, refused_labels
from ide3d_ros.nodes.worker import InferenceWorker, State
from ide3d_ros.scene.keyframes import KeyframeRule
from ide3d_ros.scene.scene import Scene
from ide3d_ros.scene.status import Status

SceneFactory = Callable[[ParameterSet, Sequence[str]], Mapping[str, Scene]]
_EXPIRY_PERIOD_S = 0.1
_WAY_OUT = {
    Phase.UNCONFIGURED: "configure and activate it",
    Phase.INACTIVE: "activate it",
    Phase.ACTIVE: "ask again in a moment",  # between two transitions
    Phase.FINALIZED: "start it anew",
}
# What lifecycle managers wait for a transition is 5 s (nav2's service_timeout).
_PATIENCE_S = 3.0


def scenes_from_parameters(parameters: ParameterSet, cameras: Sequence[str]) -> Mapping[str, Scene]:
    """Open the scenes that the parameters name, one for each camera."""
    return open_scenes(
        parameters["model.bundle"],
        cameras,
        engine=parameters["model.engine"],
        window=parameters["model.window"],
        threads=parameters["model.threads"] or None,
        cache_mb=parameters["model.cache_mb"] or None,
        on_selected=_log_selection,
        given_inputs=given_inputs(parameters),
    )


def _log_selection(selection: Selection) -> None:
    """Say once which engine runs; an engine that could be faster but does not start is worth a warning."""
    logger = get_logger("perception.engine")
    if selection.is_fallback:
        logger.warning(selection.reason)
    else:
        logger.info(selection.reason)


class PerceptionNode(ManagedNode):
    """Join cameras and the ROS interface to an inference worker."""

    def __init__(
        self, scene_factory: SceneFactory = scenes_from_parameters, **node_arguments: object
    ) -> None:
        """Create the node; it configures and activates itself when it is spun, unless `autostart` is false.

        Args:
            scene_factory: opens the scenes of cameras, on the worker's thread.
            node_arguments: for rclpy's Node: context, namespace, parameter_overrides, cli_args.

        Raises:
            ParameterError: if a parameter is unknown or not allowed.
        """
        super().__init__("perception", **node_arguments)
        self.parameters = ParameterSet(self, PERCEPTION_PARAMETERS, self._apply_parameters)
        self._cameras = self._camera_names()
        self._check_depth_topic()
        self._vocabulary = self._first_vocabulary()
        self._scene_factory = scene_factory
        self._report = Reporter(self.get_logger(), self.context.ok)
        self._worker: InferenceWorker | None = None
        self._tf: TransformListener | None = None
        self._transforms: FrameTransforms | None = None
        self._poses: FrameTransforms | None = None
        self._inputs: dict[str, CameraInput] = {}
        self._extra_inputs: dict[str, ExtraInputs] = {}
        self._outputs: dict[str, CameraOutput] = {}
        self._vocabulary_output: Publisher | None = None
        self._create_services()
        self._create_diagnostics()
        if self.parameters["autostart"]:
            self.start_by_itself()

    @property
    def frame_tallies(self) -> Mapping[str, FrameTally]:
        """Return what became of each camera's frames; nothing while the node is unconfigured."""
        return {} if self._worker is None else {name: lane.tally for name, lane in self._worker.lanes.items()}

    def destroy_node(self) -> None:
        """Stop the worker, then the node."""
        self._desk.close(Status.CANCELED, "the node is shutting down")
        self._stop_worker()
        self._answer_action.destroy()
        super().destroy_node()

    def configure(self) -> None:
        """Open the bundle and load the engine, on the worker's thread, and create the publishers.

        Raises:
            TransitionRefused: if the bundle or the engine cannot be used; the node stays unconfigured.
        """
        self._worker = InferenceWorker(
            lambda: self._scene_factory(self.parameters, self._cameras),
            on_result=self._publish_result,
            on_fault=self._report_fault,
            pace=self._pace(),
            cameras=self._cameras,
            target_frame_id=self.parameters["target_frame"],
            keyframes=self._keyframe_rule(),
        )
        self._worker.vocabulary = self._vocabulary
        self._worker.start()
        self._worker.wait_until_open()
        if self._worker.state is not State.READY:
            failure = self._worker.failure
            self.release()
            raise TransitionRefused(failure)
        if unread := unread_warning(self._scene().bundle.name, self._reads(), self.parameters):
            self.get_logger().warning(unread)
        self._follow_transforms()
        self._vocabulary_output = self.create_lifecycle_publisher(LabelInfo, "vocabulary", qos.LATCHED)
        self._outputs = {name: CameraOutput(self, self.parameters, name) for name in self._cameras}

    def activate(self) -> None:
        """Warm the engine up, then listen to the cameras.

        Raises:
            TransitionRefused: if the engine fails on its first pass; the node stays inactive.
        """
        self._warm_up()
        self._desk.open(self._worker)
        self._publish_vocabulary()
        extra_inputs = self._reads()
        for name, lane in self._worker.lanes.items():
            on_frame = lane.offer
            if extra_inputs:
                extra = self._extra_inputs[name] = ExtraInputs(
                    self,
                    self._report,
                    lane.offer,
                    camera=name,
                    parameters=self.parameters,
                    extra_inputs=extra_inputs,
                    poses=self._poses,
                )
                on_frame = extra.take
            self._inputs[name] = CameraInput(
                self,
                self._report,
                on_frame,
                camera=name,
                transforms=self._transforms,
                transport=self.parameters["camera.transport"],
                images=self.parameters["camera.images"],
            )

    def deactivate(self) -> None:
        """Stop listening, end what is open and forget all frames; the engine stays loaded."""
        self._stop_listening()
        self._desk.close(Status.INACTIVE, "the node was deactivated")
        self._worker.forget_frames()
        for name in self._cameras:
            self._worker.submit(reset_request(_PATIENCE_S, name))

    def release(self) -> None:
        """Free the engine and everything else."""
        self._stop_listening()
        self._desk.close(Status.INACTIVE, "the node was stopped")
        self._stop_worker()
        if self._tf is not None:
            self._tf.close()
        self._tf = self._transforms = self._poses = None
        if self._vocabulary_output is not None:
            self.destroy_lifecycle_publisher(self._vocabulary_output)
            self._vocabulary_output = None
        while self._outputs:
            self._outputs.popitem()[1].close()

    def _warm_up(self) -> None:
        ended = threading.Event()
        request = warm_up_request(_PATIENCE_S)
        request.on_end(lambda _: ended.set())
        self._worker.submit(request)
        if not ended.wait(_PATIENCE_S):
            self._worker.refuse(request, Status.TIMEOUT, "the engine is slow")
            self.get_logger().warning(
                f"the engine's first pass takes more than {_PATIENCE_S:g} s; activated all the same"
            )
        elif request.outcome.result.status is Status.ENGINE_ERROR:
            raise TransitionRefused(request.outcome.result.message)

    def _why_closed(self) -> tuple[Status, str]:
        if self.phase is Phase.UNCONFIGURED and self.failure:
            return Status.ENGINE_ERROR, f"{self.failure}; mend that, then configure the node"
        return Status.INACTIVE, f"the node is {self.phase.value}; {_WAY_OUT[self.phase]}"

    def _stop_listening(self) -> None:
        for inputs in (self._inputs, self._extra_inputs):
            while inputs:
                inputs.popitem()[1].close()

    def _stop_worker(self) -> None:
        if self._worker is not None and not self._worker.close(_PATIENCE_S):
            self.get_logger().warning("the engine is still busy; its thread ends with it")
        self._worker = None

    def _scene(self) -> Scene:
        """Return the scene of the first camera; all run the same bundle."""
        return next(iter(self._worker.lanes.values())).scene

    def _reads(self) -> tuple[str, ...]:
        """List what the bundle reads of a frame besides image and camera_info."""
        return self._scene().bundle.manifest.extra_inputs

    def _follow_transforms(self) -> None:
        """Listen to TF where boxes are wanted in another frame, or the bundle reads where the camera is."""
        target, reads_pose = self.parameters["target_frame"], "world_from_camera" in self._reads()
        if target or reads_pose:
            self._tf = listen_to_transforms(self, self._report)
        if target:
            self._transforms = FrameTransforms(self._tf, target, self.parameters["target_frame_wait_s"])
        if reads_pose:
            self._poses = FrameTransforms(
                self._tf, self.parameters["fixed_frame"], self.parameters["depth.wait_s"]
            )

    def _keyframe_rule(self) -> KeyframeRule | None:
        if self.parameters["model.window"] == 1:
            return None
        return KeyframeRule(self.parameters["keyframes.motion"], self.parameters["keyframes.gap_s"])

    def _camera_names(self) -> tuple[str, ...]:
        names = self.parameters.words("cameras")
        if fault := camera_names_fault(names):
            raise ParameterError(f"parameter cameras: {fault}")
        return names or (UNNAMED,)

    def _check_depth_topic(self) -> None:
        if fault := depth_topic_fault(self.parameters["depth.topic"], self._cameras):
            raise ParameterError(f"parameter depth.topic: {fault}")

    def _first_vocabulary(self) -> tuple[str, ...] | None:
        labels = self.parameters.words("detection.vocabulary")
        for label, reason in refused_labels(labels).items():
            raise ParameterError(f"parameter detection.vocabulary: label {label[:80]!r}: {reason}")
        return labels or None

    def _create_services(self) -> None:
        self._answers = self.create_lifecycle_publisher(
            AnswerMessage, "answers", qos.RESULT, qos_overriding_options=qos.overridable()
        )
        self._desk = RequestDesk(
            self._cameras, self._answers.publish, self._why_closed, self.parameters["query.timeout_s"]
        )
        # A waiting reply counts as a running callback, so these must not exclude one another.
        together = ReentrantCallbackGroup()
        self._services_offered = PerceptionServices(
            self, self._desk, self._report, self._publish_vocabulary, callback_group=together
        )
        self._answer_action = AnswerAction(self, self._desk, self._report, callback_group=together)

    def _create_diagnostics(self) -> None:
        # Absolute, as every node's diagnostics meet on this one topic.
        self._diagnostics = self.create_publisher(DiagnosticArray, "/diagnostics", qos.RESULT)
        self._health = PerceptionHealth(
            self.get_fully_qualified_name(),
            bundle=self.parameters["model.bundle"],
            engine=self.parameters["model.engine"],
        )
        guarded = self._report.guarded
        self.create_steady_timer(
            self.parameters["diagnostics.period_s"], guarded("diagnostics", self._publish_diagnostics)
        )
        self.create_steady_timer(_EXPIRY_PERIOD_S, guarded("timeouts", self._expire))

    def _expire(self) -> None:
        if self._worker is not None:
            self._worker.expire()
        for transforms in filter(None, (self._transforms, self._poses)):
            transforms.retry()

    def _publish_diagnostics(self) -> None:
        now_s = time.monotonic()
        for camera in self._inputs.values():
            camera.silence.look(camera.intake.received, now_s, self.parameters["diagnostics.silence_s"])
        for extra in self._extra_inputs.values():
            extra.look_for_silence(now_s, self.parameters["diagnostics.silence_s"])
        self._diagnostics.publish(
            self._health.message(
                Header(stamp=self.get_clock().now().to_msg()),
                now_s,
                phase=self.phase,
                failure=self.failure,
                intakes={name: camera.intake for name, camera in self._inputs.items()},
                extra_inputs=self._extra_inputs,
                worker=self._worker,
                last_error=self._report.last_error,
            )
        )

    def _publish_result(self, result: FrameResult) -> None:
        """Publish one frame's detections; called on the worker's thread."""
        output = self._outputs.get(result.camera_name)
        if output is None or not self.context.ok():
            return
        if result.location.status not in (Status.OK, Status.NO_TARGET):
            self._report.error(
                "detection", f"detection: {result.location.status.name}: {result.location.message}"
            )
        if result.placed.status is Status.NO_TRANSFORM:
            target = self.parameters["target_frame"]
            self._report.error("transform", f"no boxes in target_frame {target!r}: {result.placed.message}")
        output.publish(result)

    def _publish_vocabulary(self) -> None:
        """Say what is detected from now on, also to those who subscribe later."""
        scene = self._scene()
        threshold = max(scene.bundle.manifest.score_threshold, self.parameters["detection.min_score"])
        stamped = Header(stamp=self.get_clock().now().to_msg())
        labels = self._worker.vocabulary or scene.vocabulary
        self._vocabulary_output.publish(label_info(labels, threshold, stamped))

    def _report_fault(self, what: str, error: Exception) -> None:
        if self.context.ok():  # at the end the worker may find its publishers gone, which is no fault
            self._report.fault(what, error)

    def _pace(self) -> Pace:
        return Pace(
            rate_hz=self.parameters["detection.rate_hz"],
            freshness_s=self.parameters["query.freshness_s"],
            max_frame_age_s=self.parameters["query.max_frame_age_s"],
            queue_size=self.parameters["query.queue_size"],
        )

    def _apply_parameters(self, _values: Mapping[str, Value]) -> None:
        self._desk.default_timeout_s = self.parameters["query.timeout_s"]
        if self._worker is not None:
            self._worker.pace = self._pace()
        if self._transforms is not None:
            self._transforms.wait_s = self.parameters["target_frame_wait_s"]
        if self._poses is not None:
            self._poses.wait_s = self.parameters["depth.wait_s"]
        for extra in self._extra_inputs.values():
            extra.completion.wait_s = self.parameters["depth.wait_s"]
        if self.phase is Phase.ACTIVE:
            self._publish_vocabulary()


def main(args: list[str] | None = None) -> None:
    """Run the perception node until it is told to stop."""
    run_node(PerceptionNode, args)
