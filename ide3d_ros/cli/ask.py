# SPDX-License-Identifier: Apache-2.0
"""`ide3d ask`: one sentence to a running perception node, and its reply."""

from __future__ import annotations

import os
import queue
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import rclpy
from rclpy.action import ActionClient
from rclpy.context import Context
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor
from rclpy.node import Node
from rclpy.signals import SignalHandlerOptions
from rclpy.task import Future
from rich.console import Console

from ide3d_msgs.action import AnswerQuestion
from ide3d_msgs.msg import Answer
from ide3d_msgs.srv import Ask, Describe, Locate
from ide3d_ros.cli.graph_names import LOCATE_TYPE, node_names, perception_nodes
from ide3d_ros.cli.replies import GOOD, print_answer, print_location, printable, status_of
from ide3d_ros.cli.wording import ASK, DESCRIBE, LOCATE, Request
from ide3d_ros.nodes.ros_environment import prepare_ros_environment
from ide3d_ros.nodes.vocabulary import text_fault

NODE_NAME = "ide3d_ask"
_SERVICES = {LOCATE: Locate, ASK: Ask, DESCRIBE: Describe}
_KINDS = {LOCATE: "expression", ASK: "question"}
_START = "start one: ros2 launch ide3d_ros bringup.launch.py, or: ide3d run --params config/perception.yaml"
_POLL_S = 0.005
# Without a change until all nodes are known; Fast DDS announces them once a second. Where the first was long
# in coming, as on a busy machine, the next may be as long, but it may also have been started that late.
_SETTLE_S, _LONGEST_SETTLE_S = 1.0, 3.0
_GRACE_S = 3.0  # for a reply that says TIMEOUT to arrive
_CANCEL_S = 10.0
_NAMED = 5
Found = TypeVar("Found")


class AskError(RuntimeError):
    """Nobody answered, or the sentence cannot be sent; the sentence of the error says why."""


@dataclass(frozen=True)
class AskSettings:
    """Say what to ask whom.

    Attributes:
        request: what to ask.
        node: name of the perception node, with its namespace; empty takes the only one there is.
        timeout_s: to find the node in, and again for its reply.
        stream: show the text while it comes, through the action.
        camera: which of the node's cameras; empty takes the first.
    """

    request: Request
    node: str
    timeout_s: float
    stream: bool
    camera: str


def run_ask(settings: AskSettings, console: Console) -> bool:
    """Ask and print the reply.

    Args:
        settings: what to ask whom.
        console: where the reply goes.

    Returns:
        Whether the reply says something about what the camera sees; not so STALE, TIMEOUT and the like.

    Raises:
        AskError: if the text cannot be sent, or no node answers.
        KeyboardInterrupt: after an answer that was being streamed has been cancelled and printed.
    """
    request = settings.request
    fault = text_fault(request.text, _KINDS[request.kind]) if request.kind in _KINDS else ""
    if fault:
        raise AskError(fault)
    prepare_ros_environment()
    client = PerceptionClient()
    try:
        node = client.find(settings.node, settings.timeout_s)
        try:
            if settings.stream:
                return client.stream(node, request.text, settings.timeout_s, console, settings.camera)
            return client.call(node, request, settings.timeout_s, console, settings.camera)
        except AskError:
            if not settings.node:
                client.check_choice()  # the node that was meant may have been announced late
            raise
    finally:
        client.close()


class PerceptionClient:
    """Spin a node in a thread; the main thread waits, and so can be interrupted."""

    def __init__(self, domain_id: int | None = None) -> None:
        """Join the graph.

        Args:
            domain_id: ROS domain; None takes that of the environment.
        """
        self._context = Context()
        rclpy.init(context=self._context, domain_id=domain_id, signal_handler_options=SignalHandlerOptions.NO)
        self._node = Node(NODE_NAME, context=self._context)
        self._executor = SingleThreadedExecutor(context=self._context)
        self._executor.add_node(self._node)
        self._thread = threading.Thread(target=self._spin, name="ide3d-ask", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Leave the graph."""
        self._executor.shutdown()
        self._context.try_shutdown()
        self._thread.join(5.0)
        self._node.destroy_node()

    def find(self, wanted: str, limit_s: float) -> str:
        """Return the full name of the node to ask.

        Raises:
            AskError: if it is not there, or no name is wanted and several nodes are there.
        """
        name = f"/{wanted.lstrip('/')}" if wanted else ""

        def look() -> list[str]:
            found = perception_nodes(self._node)
            return [one for one in found if one == name] if name else found

        begin_s = time.monotonic()
        if not self._wait(look, limit_s):
            raise AskError(self._nobody(name, limit_s))
        if name:
            return name
        since_s, known = time.monotonic(), self._known()
        settle_s = min(max(since_s - begin_s, _SETTLE_S), _LONGEST_SETTLE_S)

        def at_rest() -> bool:
            nonlocal since_s, known
            before, known = known, self._known()
            if known != before:
                since_s = time.monotonic()
            return time.monotonic() - since_s >= settle_s

        self._wait(at_rest, settle_s + limit_s)  # some graphs never come to rest
        found = self.check_choice()
        if not found:
            raise AskError(self._nobody(name, limit_s))
        return found[0]

    def check_choice(self) -> list[str]:
        """Return the full names of the nodes that could answer.

        Raises:
            AskError: if they are several.
        """
        found = perception_nodes(self._node)
        if len(found) > 1:
            raise AskError(f"{len(found)} nodes could answer; name one: --node {' or --node '.join(found)}")
        return found

    def _known(self) -> tuple[list[str], list[str]]:
        """List all nodes, and those that could answer: a node's services are announced after its name."""
        return node_names(self._node), perception_nodes(self._node)

    def call(self, node: str, request: Request, timeout_s: float, console: Console, camera: str = "") -> bool:
        """Call a service about a camera (empty: the first one) and print the reply."""
        service = _SERVICES[request.kind]
        fields: dict[str, Any] = {"timeout_s": timeout_s, "camera": camera}
        if request.kind in _KINDS:
            fields[_KINDS[request.kind]] = request.text
        name = f"{node}/{request.kind}"
        client = self._node.create_client(service, name)
        if not self._wait(client.service_is_ready, timeout_s):
            raise AskError(f"{node} is there, but its service {name} did not appear within {timeout_s:g} s")
        begin = time.monotonic()
        # A service may know this client's request writer but not yet its reply reader, and then drops the
        # reply; so a call that stays unanswered for half of the time is made once more.
        futures = [client.call_async(service.Request(**fields))]
        reply = self._wait(lambda: _done(futures), timeout_s / 2)
        if reply is None:
            futures.append(client.call_async(service.Request(**fields)))
            reply = self._wait(lambda: _done(futures), timeout_s / 2 + _GRACE_S)
        if reply is None:
            raise AskError(
                f"{name} did not reply within {timeout_s:g} s; see {node}'s log, or `ide3d doctor`"
            )
        spent_ms = 1e3 * (time.monotonic() - begin)
        response = reply.result()
        if request.kind == LOCATE:
            print_location(response, request.text, spent_ms, console)
            return status_of(response.status) in GOOD
        print_answer(response.answer, spent_ms, console)
        return status_of(response.answer.status) in GOOD

    def stream(self, node: str, question: str, timeout_s: float, console: Console, camera: str = "") -> bool:
        """Send a goal about a camera, print the text while it comes, and the rest when it has ended."""
        name = f"{node}/answer_question"
        client = ActionClient(self._node, AnswerQuestion, name)
        try:
            if not self._wait(client.server_is_ready, timeout_s):
                raise AskError(
                    f"{node} is there, but its action {name} did not appear within {timeout_s:g} s"
                )
            begin = time.monotonic()
            deltas: queue.SimpleQueue[str] = queue.SimpleQueue()
            goal = AnswerQuestion.Goal(question=question, timeout_s=timeout_s, camera=camera)
            accepting = client.send_goal_async(goal, lambda message: deltas.put(message.feedback.delta))
            if not self._wait(accepting.done, timeout_s):
                raise AskError(f"{name} did not take the question within {timeout_s:g} s; see {node}'s log")
            handle = accepting.result()
            if not handle.accepted:
                raise AskError(
                    f"{name} answers another question just now; try again, or ask without --stream"
                )
            ending = handle.get_result_async()
            shown: list[str] = []

            def print_end() -> Answer:
                answer = ending.result().result.answer
                print_answer(answer, 1e3 * (time.monotonic() - begin), console, shown="".join(shown))
                return answer

            try:
                self._print_while(ending, deltas, shown, timeout_s + _GRACE_S, console)
            except KeyboardInterrupt:
                handle.cancel_goal_async()
                if self._wait(ending.done, _CANCEL_S):
                    print_end()
                raise
            if not ending.done():
                handle.cancel_goal_async()
                raise AskError(f"{name} did not end within {timeout_s:g} s; see {node}'s log")
            return status_of(print_end().status) in GOOD
        finally:
            client.destroy()

    def _print_while(
        self,
        ending: Future,
        deltas: queue.SimpleQueue[str],
        shown: list[str],
        limit_s: float,
        console: Console,
    ) -> None:
        """Print pieces of text, and keep them in `shown`, until the result is there.

        The last ones may come together with it.
        """

        def look() -> bool:
            ended = ending.done()
            while not deltas.empty():
                shown.append(deltas.get())
                console.print(printable(shown[-1]), end="", soft_wrap=True, highlight=False)
            return ended

        self._wait(look, limit_s)

    def _nobody(self, name: str, limit_s: float) -> str:
        domain = os.environ.get("ROS_DOMAIN_ID") or "0"
        own = self._node.get_fully_qualified_name()
        others = [one for one in node_names(self._node) if one != own]
        seen = ", ".join(others[:_NAMED]) + (", ..." if len(others) > _NAMED else "")
        return (
            f"no node answers: looked {limit_s:g} s for {name or 'any node'} with a service of type "
            f"{LOCATE_TYPE} in ROS domain {domain}, and saw {seen or 'no other node'}; {_START}"
        )

    def _wait(self, look: Callable[[], Found], limit_s: float) -> Found | None:
        """Wait until `look` finds something, and return it; None when it is too late."""
        end = time.monotonic() + limit_s
        while True:
            found = look()
            if found:
                return found
            if time.monotonic() > end:
                return None
            time.sleep(_POLL_S)

    def _spin(self) -> None:
        try:
            self._executor.spin()
        except ExternalShutdownException:
            pass


def _done(futures: list[Future]) -> Future | None:
    return next((one for one in futures if one.done()), None)
