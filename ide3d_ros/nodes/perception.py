# SPDX-License-Identifier: Apache-2.0
"""The perception node: a camera in; 3D boxes, markers and answers out.

The executor's one thread only takes messages in and sends replies; all inference runs on the worker's thread,
which also publishes what it detects. So a camera callback never waits for the engine, and a request is
accepted while a frame is being looked at.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

from diagnostic_msgs.msg import DiagnosticArray
from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.node import Node
from sensor_msgs.msg import CameraInfo, CompressedImage, Image
from std_msgs.msg import Header
from vision_msgs.msg import Detection3DArray
from visualization_msgs.msg import MarkerArray

from ide3d_msgs.msg import Answer as AnswerMessage
from ide3d_msgs.srv import Ask, Describe, Locate, Reset, SetVocabulary
from ide3d_ros.conversions.answers import answer_message, locate_response, status_message
from ide3d_ros.conversions.boxes import detection_array, is_publishable
from ide3d_ros.conversions.images import image_from_rgb
from ide3d_ros.conversions.markers import marker_array
from ide3d_ros.conversions.overlay import draw_detections
from ide3d_ros.conversions.stamps import header
from ide3d_ros.nodes import qos
from ide3d_ros.nodes.answer_action import AnswerAction
from ide3d_ros.nodes.diagnostics import PerceptionHealth
from ide3d_ros.nodes.dialogue import (
    ask_request,
    describe_request,
    locate_request,
    own_categories_request,
    reset_request,
)
from ide3d_ros.nodes.frames import FrameInput, FrameResult
from ide3d_ros.nodes.futures import outcome_of
from ide3d_ros.nodes.intake import FrameIntake, IntakeError
from ide3d_ros.nodes.parameters import ParameterError, ParameterSet, Value
from ide3d_ros.nodes.perception_parameters import PERCEPTION_PARAMETERS
from ide3d_ros.nodes.reporting import Reporter
from ide3d_ros.nodes.requests import Outcome, Request
from ide3d_ros.nodes.running import run_node
from ide3d_ros.nodes.silence import SilenceWatch
from ide3d_ros.nodes.vocabulary import refused_labels, text_fault
from ide3d_ros.nodes.worker import InferenceWorker, Pace
from ide3d_ros.scene.results import Answer
from ide3d_ros.scene.scene import Scene
from ide3d_ros.scene.status import Status

SceneFactory = Callable[[ParameterSet], Scene]
MAX_TIMEOUT_S = 600.0
_EXPIRY_PERIOD_S = 0.1


def open_scene(parameters: ParameterSet) -> Scene:
    """Open the scene that the parameters name."""
    return Scene.open(
        parameters["model.bundle"],
        engine=parameters["model.engine"],
        window=parameters["model.window"],
        threads=parameters["model.threads"] or None,
    )


class PerceptionNode(Node):
    """Join one camera and the ROS interface to an inference worker."""

    def __init__(self, scene_factory: SceneFactory = open_scene, **node_arguments: object) -> None:
        """Create the node and start opening the scene.

        Args:
            scene_factory: opens the scene, on the worker's thread.
            node_arguments: for rclpy's Node: context, namespace, parameter_overrides, cli_args.

        Raises:
            ParameterError: if a parameter is unknown or not allowed.
        """
        super().__init__("perception", **node_arguments)
        self.parameters = ParameterSet(self, PERCEPTION_PARAMETERS, self._apply_parameters)
        self._report = Reporter(self.get_logger())
        self._worker = InferenceWorker(
            lambda: scene_factory(self.parameters),
            on_result=self._publish_result,
            on_fault=self._report_fault,
            pace=self._pace(),
        )
        self._worker.vocabulary = self._first_vocabulary()
        self._create_outputs()
        self._create_inputs()
        self._create_services()
        self._worker.start()

    def destroy_node(self) -> None:
        """Stop the worker, then the node."""
        if not self._worker.close():
            self.get_logger().warning("the engine is still busy; its thread ends with it")
        self._answer_action.destroy()
        super().destroy_node()

    def _first_vocabulary(self) -> tuple[str, ...] | None:
        labels = self.parameters.words("detection.vocabulary")
        for label, reason in refused_labels(labels).items():
            raise ParameterError(f"parameter detection.vocabulary: label {label[:80]!r}: {reason}")
        return labels or None

    def _create_outputs(self) -> None:
        self._detections = self.create_publisher(
            Detection3DArray, "detections", qos.RESULT, qos_overriding_options=qos.overridable()
        )
        self._markers = self.create_publisher(
            MarkerArray, "markers", qos.NEWEST_RESULT, qos_overriding_options=qos.overridable()
        )
        self._answers = self.create_publisher(
            AnswerMessage, "answers", qos.RESULT, qos_overriding_options=qos.overridable()
        )
        self._overlay = self.create_publisher(
            Image, "overlay", qos.NEWEST_RESULT, qos_overriding_options=qos.overridable()
        )
        # Absolute, as every node's diagnostics meet on this one topic.
        self._diagnostics = self.create_publisher(DiagnosticArray, "/diagnostics", qos.RESULT)

    def _create_inputs(self) -> None:
        compressed = self.parameters["camera.transport"] == "compressed"
        topic, kind = ("image/compressed", CompressedImage) if compressed else ("image", Image)
        self._intake = FrameIntake(
            self.parameters["camera.images"],
            image_topic=self.resolve_topic_name(topic),
            info_topic=self.resolve_topic_name("camera_info"),
        )
        self._take = self._intake.take_compressed if compressed else self._intake.take_image
        guarded = self._report.guarded
        self.create_subscription(
            kind,
            topic,
            guarded("image", self._on_image),
            qos.SENSOR_INPUT,
            qos_overriding_options=qos.overridable(),
        )
        self.create_subscription(
            CameraInfo,
            "camera_info",
            guarded("camera_info", self._on_info),
            qos.SENSOR_INPUT,
            qos_overriding_options=qos.overridable(),
        )
        self._silence = SilenceWatch(self, self.resolve_topic_name(topic), self._report)
        self._health = PerceptionHealth(
            self._intake,
            self._worker,
            name=self.get_fully_qualified_name(),
            bundle=self.parameters["model.bundle"],
            engine=self.parameters["model.engine"],
        )
        self.create_timer(
            self.parameters["diagnostics.period_s"], guarded("diagnostics", self._publish_diagnostics)
        )
        self.create_timer(_EXPIRY_PERIOD_S, guarded("timeouts", self._worker.expire))

    def _create_services(self) -> None:
        # A waiting reply counts as a running callback, so these must not exclude one another.
        together = ReentrantCallbackGroup()
        for kind, name, callback in (
            (Locate, "~/locate", self._locate),
            (Ask, "~/ask", self._ask),
            (Describe, "~/describe", self._describe),
            (SetVocabulary, "~/set_vocabulary", self._set_vocabulary),
            (Reset, "~/reset", self._reset),
        ):
            self.create_service(kind, name, self._answering(name, callback), callback_group=together)
        self._answer_action = AnswerAction(
            self,
            self._worker,
            self._submit,
            self._publish_answer,
            self._timeout,
            self._report,
            callback_group=together,
        )

    def _answering(self, name: str, callback: Callable) -> Callable:
        """Wrap a service callback: an unexpected error becomes a reply; escaping, it would end the node."""

        async def answer(request: object, response: object) -> object:
            try:
                return await callback(request, response)
            except Exception as error:
                self._report.fault(name, error)
                status = status_message(
                    Status.ENGINE_ERROR, f"{name} failed: {type(error).__name__}: {error}"
                )
                target = response.answer if hasattr(response, "answer") else response
                target.status = status
                return response

        return answer

    def _on_image(self, message: Image | CompressedImage) -> None:
        try:
            frame: FrameInput = self._take(message, received_s=time.monotonic())
        except IntakeError as error:
            # At the start an image often comes before its camera_info: no error yet, but worth a line.
            complain = self._report.warn if error.kind == "no_camera_info" else self._report.error
            complain(f"image:{error.kind}", str(error))
            return
        self._worker.offer(frame)

    def _report_fault(self, what: str, error: Exception) -> None:
        if self.context.ok():  # at the end the worker may find its publishers gone, which is no fault
            self._report.fault(what, error)

    def _on_info(self, message: CameraInfo) -> None:
        try:
            self._intake.take_info(message)
        except IntakeError as error:
            self._report.error("camera_info", str(error))

    async def _locate(self, request: Locate.Request, _response: Locate.Response) -> Locate.Response:
        wanted = locate_request(request.expression, self._timeout(request.timeout_s))
        self._submit(wanted, request.timeout_s, text_fault(request.expression, "expression"))
        outcome = await outcome_of(self, wanted)
        location = outcome.result
        answer = Answer(
            status=location.status,
            message=location.message,
            evidence=location.detections,
            frames=outcome.frames,
            latency=location.latency,
        )
        self._publish_answer(request.expression, answer, outcome)
        return locate_response(location, outcome.frames, queue_ms=outcome.queue_ms, total_ms=outcome.total_ms)

    async def _ask(self, request: Ask.Request, response: Ask.Response) -> Ask.Response:
        wanted = ask_request(request.question, self._timeout(request.timeout_s))
        self._submit(wanted, request.timeout_s, text_fault(request.question, "question"))
        outcome = await outcome_of(self, wanted)
        response.answer = self._publish_answer(request.question, outcome.result, outcome)
        return response

    async def _describe(self, request: Describe.Request, response: Describe.Response) -> Describe.Response:
        wanted = describe_request(self._timeout(request.timeout_s))
        self._submit(wanted, request.timeout_s)
        outcome = await outcome_of(self, wanted)
        response.answer = self._publish_answer("", outcome.result, outcome)
        return response

    async def _reset(self, _request: Reset.Request, response: Reset.Response) -> Reset.Response:
        self._worker.cancel_all("the node was reset")
        self._worker.forget_frames()
        wanted = reset_request(self._timeout(0.0))
        self._worker.submit(wanted)
        outcome = await outcome_of(self, wanted)
        response.status = status_message(outcome.result.status, outcome.result.message)
        return response

    async def _set_vocabulary(
        self, request: SetVocabulary.Request, response: SetVocabulary.Response
    ) -> SetVocabulary.Response:
        labels = [] if list(request.labels) == [""] else list(request.labels)
        refused = refused_labels(labels)
        if refused:
            response.rejected = list(refused)
            response.reasons = list(refused.values())
            response.vocabulary = list(self._worker.vocabulary or ())
            response.status = status_message(
                Status.INVALID_REQUEST,
                f"{len(refused)} labels were refused, so nothing was changed; see reasons",
            )
            return response
        own: list[str] = []
        wanted = own_categories_request(self._timeout(0.0), own.extend)
        self._worker.submit(wanted)
        outcome = await outcome_of(self, wanted)
        response.status = status_message(outcome.result.status, outcome.result.message)
        if outcome.result.status is Status.OK:
            self._worker.vocabulary = tuple(labels) or None
        response.vocabulary = list(self._worker.vocabulary or own)
        return response

    def _submit(self, request: Request, timeout_s: float, fault: str = "") -> None:
        """Hand a request to the worker, unless what came with it is unusable."""
        if not 0.0 <= timeout_s <= MAX_TIMEOUT_S:
            fault = f"timeout_s is {timeout_s:g}; give 0 for the node's own, or up to {MAX_TIMEOUT_S:g}"
        if fault:
            self._worker.refuse(request, Status.INVALID_REQUEST, fault)
        else:
            self._worker.submit(request)

    def _timeout(self, requested_s: float) -> float:
        """Take a request's own timeout when it is one, else the parameter."""
        return requested_s if 0.0 < requested_s <= MAX_TIMEOUT_S else self.parameters["query.timeout_s"]

    def _publish_answer(self, prompt: str, answer: Answer, outcome: Outcome) -> AnswerMessage:
        message = answer_message(prompt, answer, queue_ms=outcome.queue_ms, total_ms=outcome.total_ms)
        self._answers.publish(message)
        return message

    def _publish_result(self, result: FrameResult) -> None:
        """Publish one frame's detections; called on the worker's thread."""
        if not self.context.ok():
            return
        if result.location.status not in (Status.OK, Status.NO_TARGET):
            self._report.error(
                "detection", f"detection: {result.location.status.name}: {result.location.message}"
            )
        minimum = self.parameters["detection.min_score"]
        detections = [
            one for one in result.location.detections if one.score >= minimum and is_publishable(one)
        ]
        stamped = header(result.frame.frame_id, result.frame.stamp_ns)
        self._detections.publish(detection_array(detections, stamped))
        self._markers.publish(
            marker_array(detections, stamped, lifetime_s=self.parameters["markers.lifetime_s"])
        )
        if self._overlay.get_subscription_count() > 0:
            seen_here = [one for one in detections if one.frame == result.frame]
            drawn = draw_detections(result.image, seen_here, result.frame.camera)
            self._overlay.publish(
                image_from_rgb(drawn, stamp_ns=result.frame.stamp_ns, frame_id=result.frame.frame_id)
            )

    def _publish_diagnostics(self) -> None:
        now_s = time.monotonic()
        self._silence.look(self._intake.received, now_s, self.parameters["diagnostics.silence_s"])
        stamped = Header(stamp=self.get_clock().now().to_msg())
        self._diagnostics.publish(self._health.message(stamped, now_s, self._report.last_error))

    def _pace(self) -> Pace:
        return Pace(
            rate_hz=self.parameters["detection.rate_hz"],
            freshness_s=self.parameters["query.freshness_s"],
            max_frame_age_s=self.parameters["query.max_frame_age_s"],
            queue_size=self.parameters["query.queue_size"],
        )

    def _apply_parameters(self, _values: Mapping[str, Value]) -> None:
        self._worker.pace = self._pace()


def main(args: list[str] | None = None) -> None:
    """Run the perception node until it is told to stop."""
    run_node(PerceptionNode, args)
