# SPDX-License-Identifier: Apache-2.0
"""A lifecycle node that says what went wrong.

rclpy swallows what a transition raises, and an illegal transition that is asked for raises in the executor
and ends the node. Here the first is logged with its traceback, the second answered with `success: false`.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable
from enum import Enum

from lifecycle_msgs.srv import ChangeState
from rclpy.clock import Clock, ClockType
from rclpy.lifecycle import LifecycleNode, LifecycleState, TransitionCallbackReturn


class Phase(Enum):
    """Name the primary states of a lifecycle node."""

    UNCONFIGURED = "unconfigured"
    INACTIVE = "inactive"
    ACTIVE = "active"
    FINALIZED = "finalized"


class TransitionRefused(Exception):
    """A transition cannot be made now; the node stays in the state that it was in. The sentence says why."""


class ManagedNode(LifecycleNode):
    """Add logged failures, answered illegal transitions and a start without a manager to a lifecycle node.

    A subclass says what each transition does in `configure`, `activate`, `deactivate` and `release`, which
    may raise `TransitionRefused` to stay where they are; any other exception leads through `release` back to
    unconfigured.

    Attributes:
        phase: the state that the node is in.
        failure: why the last transition was not made; empty when it was.
    """

    def __init__(self, name: str, **node_arguments: object) -> None:
        """Create the node, unconfigured.

        Args:
            name: of the node.
            node_arguments: for rclpy's Node: context, namespace, parameter_overrides, cli_args.
        """
        self.phase = Phase.UNCONFIGURED
        self.failure = ""
        super().__init__(name, **node_arguments)
        for service in self.services:
            if service.srv_type is ChangeState:
                service.callback = self._answering_illegal_transitions(service.callback)

    def destroy_node(self) -> None:
        """Take the node off the graph."""
        super().destroy_node()
        # rclpy leaves this to the garbage collector and offers no other way. Until then it holds on to the
        # node, which stays on the graph with its lifecycle services as long as the process lives.
        self._state_machine.destroy_when_not_in_use()

    def configure(self) -> None:
        """Get everything ready that does not need to see anything."""

    def activate(self) -> None:
        """Begin to work; publishers are enabled just before."""

    def deactivate(self) -> None:
        """Stop working and keep what was loaded; publishers are disabled just after."""

    def release(self) -> None:
        """Let go of everything that `configure` and `activate` made, however far they came."""

    def start_by_itself(self) -> None:
        """Configure and activate as soon as the node is spun; a failure is logged and leaves it as it is."""

        def start() -> None:
            timer.cancel()
            if (
                self.phase is Phase.UNCONFIGURED
                and self.trigger_configure() != TransitionCallbackReturn.SUCCESS
            ):
                return
            if self.phase is Phase.INACTIVE:
                self.trigger_activate()

        timer = self.create_steady_timer(0.0, start)

    def create_steady_timer(self, period_s: float, callback: Callable[[], None]) -> object:
        """Create a timer that also runs while a simulation's /clock stands still."""
        return self.create_timer(period_s, callback, clock=Clock(clock_type=ClockType.STEADY_TIME))

    def on_configure(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Make the transition to inactive."""
        return self._make("configure", self.configure, super().on_configure, state, Phase.INACTIVE)

    def on_activate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Make the transition to active."""

        def enable_and_activate() -> None:
            super(ManagedNode, self).on_activate(state)
            try:
                self.activate()
            except Exception:
                super(ManagedNode, self).on_deactivate(state)
                raise

        return self._make("activate", enable_and_activate, None, state, Phase.ACTIVE)

    def on_deactivate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Make the transition to inactive."""
        return self._make("deactivate", self.deactivate, super().on_deactivate, state, Phase.INACTIVE)

    def on_cleanup(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Make the transition to unconfigured."""
        return self._make("cleanup", self.release, super().on_deactivate, state, Phase.UNCONFIGURED)

    def on_shutdown(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Make the transition to finalized."""
        return self._make("shutdown", self.release, super().on_deactivate, state, Phase.FINALIZED)

    def on_error(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Recover from a transition that raised: release everything and be unconfigured."""
        failure = self.failure
        outcome = self._make("recover", self.release, super().on_deactivate, state, Phase.UNCONFIGURED)
        if outcome is TransitionCallbackReturn.SUCCESS:
            self.failure = failure
            return outcome
        self.phase = Phase.FINALIZED
        return TransitionCallbackReturn.FAILURE

    def _make(
        self,
        name: str,
        work: Callable[[], None],
        entities: Callable[[LifecycleState], TransitionCallbackReturn] | None,
        state: LifecycleState,
        reached: Phase,
    ) -> TransitionCallbackReturn:
        """Do the work of a transition, then tell the managed publishers, and report how it went."""
        try:
            work()
            if entities is not None:
                entities(state)
        except TransitionRefused as refusal:
            self.failure = str(refusal)
            self.get_logger().error(f"{name}: {refusal}")
            return TransitionCallbackReturn.FAILURE
        except Exception as error:
            self.failure = f"{name} failed: {type(error).__name__}: {error}"
            self.get_logger().error(f"{name} failed:\n{''.join(traceback.format_exception(error))}")
            return TransitionCallbackReturn.ERROR
        self.failure = ""
        self.phase = reached
        self.get_logger().info(f"{name}: {reached.value} now")
        return TransitionCallbackReturn.SUCCESS

    def _answering_illegal_transitions(self, change_state: Callable) -> Callable:
        def answer(request: ChangeState.Request, response: ChangeState.Response) -> ChangeState.Response:
            try:
                return change_state(request, response)
            except Exception as error:  # rclpy raises RCLError, which it does not export
                wanted = request.transition.label or request.transition.id
                self.get_logger().warning(
                    f"transition {wanted!r} is not possible while {self.phase.value}: {_first_line(error)}"
                )
                response.success = False
                return response

        return answer


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0] if str(error) else type(error).__name__
