# SPDX-License-Identifier: Apache-2.0
"""Where the cameras are: TF, asked at the stamp of each frame when the frame is accepted.

An engine may take longer for a frame than TF is remembered, so the transform is looked up when the frame
comes and kept with it. A transform that is a little late is waited for; one that is missing is not.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Protocol

import numpy as np
from geometry_msgs.msg import TransformStamped
from rclpy.duration import Duration
from rclpy.node import Node
from rclpy.time import Time
from tf2_msgs.msg import TFMessage

from ide3d_ros.conversions.stamps import nanoseconds_from_time
from ide3d_ros.conversions.transforms import matrix_from_transform
from ide3d_ros.geometry.transform_tree import TransformLookupError, TransformTree
from ide3d_ros.nodes import qos
from ide3d_ros.nodes.reporting import Reporter
from ide3d_ros.scene.placing import NoTransformError

try:
    import tf2_ros
except ImportError:  # PyPI has no wheel of it
    tf2_ros = None

MEMORY_S = 10.0
_POLL_S = 0.005
_MOST_OPEN = 64


class TransformSource(Protocol):
    """Know how frames lay in one another; safe to ask from any thread."""

    def lookup(self, target: str, source: str, stamp_ns: int) -> np.ndarray:
        """Return (4, 4) target_from_source at a time, or raise `TransformLookupError`."""
        ...


class TransformListener(TransformSource, Protocol):
    """Follow TF on a graph."""

    def close(self) -> None:
        """Stop listening."""
        ...


def listen_to_transforms(node: Node, report: Reporter) -> TransformListener:
    """Listen to /tf and /tf_static, through tf2_ros where it is installed."""
    return OwnTransforms(node, report) if tf2_ros is None else Tf2Transforms(node)


class Tf2Transforms:
    """Ask tf2_ros."""

    def __init__(self, node: Node) -> None:
        """Listen on a node's executor."""
        self._buffer = tf2_ros.Buffer(cache_time=Duration(seconds=MEMORY_S))
        self._listener = tf2_ros.TransformListener(self._buffer, node, spin_thread=False)

    def lookup(self, target: str, source: str, stamp_ns: int) -> np.ndarray:
        """Return (4, 4) target_from_source at a time, or raise `TransformLookupError`."""
        try:
            found = self._buffer.lookup_transform(target, source, Time(nanoseconds=stamp_ns))
        except tf2_ros.TransformException as error:
            raise TransformLookupError(
                str(error), may_come=self._newest_ns(target, source, stamp_ns) < stamp_ns
            ) from error
        return matrix_from_transform(found.transform)

    def close(self) -> None:
        """Stop listening."""
        self._listener.unregister()

    def _newest_ns(self, target: str, source: str, otherwise_ns: int) -> int:
        try:
            return self._buffer.get_latest_common_time(target, source).nanoseconds
        except tf2_ros.TransformException:  # unknown frames, or not connected
            return otherwise_ns


class OwnTransforms:
    """Follow the rules of tf2 where tf2_ros is not installed."""

    def __init__(self, node: Node, report: Reporter) -> None:
        """Listen on a node's executor.

        Args:
            node: the node that listens.
            report: where transforms that are none are named.
        """
        self._node = node
        self._report = report
        self._tree = TransformTree(MEMORY_S)
        self._lock = threading.Lock()
        self._subscriptions = [
            node.create_subscription(TFMessage, topic, report.guarded(topic, callback), profile)
            for topic, callback, profile in (
                ("/tf", self._take, qos.TRANSFORMS),
                ("/tf_static", self._take_static, qos.STATIC_TRANSFORMS_INPUT),
            )
        ]

    def lookup(self, target: str, source: str, stamp_ns: int) -> np.ndarray:
        """Return (4, 4) target_from_source at a time, or raise `TransformLookupError`."""
        with self._lock:
            return self._tree.lookup(target, source, stamp_ns)

    def close(self) -> None:
        """Stop listening."""
        for subscription in self._subscriptions:
            self._node.destroy_subscription(subscription)

    def _take(self, message: TFMessage, *, is_static: bool = False) -> None:
        for one in message.transforms:
            try:
                with self._lock:
                    add_transform(self._tree, one, is_static=is_static)
            except ValueError as error:
                text = f"/tf: a transform of {one.child_frame_id[:80]!r} is left out: {error}"
                self._report.warn("tf", text)

    def _take_static(self, message: TFMessage) -> None:
        self._take(message, is_static=True)


def add_transform(tree: TransformTree, message: TransformStamped, *, is_static: bool) -> None:
    """Put what a message of /tf or /tf_static says into a tree.

    Raises:
        ValueError: if it is no transform, or does not fit the tree.
    """
    child, parent = message.child_frame_id.lstrip("/"), message.header.frame_id.lstrip("/")
    matrix = matrix_from_transform(message.transform)
    if is_static:
        tree.add_static(child, parent, matrix)
    else:
        tree.add(child, parent, matrix, nanoseconds_from_time(message.header.stamp))


class Capture:
    """Keep where one frame's camera was, from the moment that it is known."""

    def __init__(
        self,
        source: TransformSource,
        target: str,
        frame_id: str,
        stamp_ns: int,
        *,
        until_s: float,
        clock: Callable[[], float],
    ) -> None:
        """Look at once.

        Args:
            source: what is asked.
            target: the frame that boxes are taken to.
            frame_id: the optical frame.
            stamp_ns: of the image, nanoseconds.
            until_s: when to stop waiting for a transform that is late, seconds of the clock.
            clock: seconds, monotonic.
        """
        self._ask = lambda: source.lookup(target, frame_id, stamp_ns)
        self._until_s = until_s
        self._clock = clock
        self._matrix: np.ndarray | None = None
        self._failure: TransformLookupError | None = None
        self.look()

    @property
    def is_open(self) -> bool:
        """Tell whether the transform may still come."""
        return self._matrix is None and self._failure.may_come and self._clock() <= self._until_s

    def look(self) -> None:
        """Look again."""
        try:
            self._matrix, self._failure = self._ask(), None
        except TransformLookupError as error:
            self._failure = error

    def known(self) -> np.ndarray | None:
        """Look again and return (4, 4); None while it may still come. It does not wait.

        Raises:
            NoTransformError: if it will not come.
        """
        if self._matrix is None:
            self.look()
        if self.is_open:
            return None
        return self.target_from_optical()

    def target_from_optical(self) -> np.ndarray:
        """Return (4, 4), waiting a moment for a transform that is late; not to be called on the executor.

        Raises:
            NoTransformError: if it is not known.
        """
        while self.is_open:
            time.sleep(_POLL_S)
            self.look()
        if self._matrix is None:
            raise NoTransformError(str(self._failure))
        return self._matrix


class FrameTransforms:
    """Capture where the camera was for every frame that is accepted.

    Attributes:
        target: the frame that boxes are taken to.
    """

    def __init__(
        self,
        source: TransformSource,
        target: str,
        wait_s: float,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Capture from a source.

        Args:
            source: what is asked.
            target: the frame that boxes are taken to.
            wait_s: how long a transform may come after its frame, seconds.
            clock: seconds, monotonic.
        """
        self.target = target
        self.wait_s = wait_s
        self._source = source
        self._clock = clock
        self._open: deque[Capture] = deque(maxlen=_MOST_OPEN)

    def capture(self, frame_id: str, stamp_ns: int) -> Capture:
        """Look up a frame's transform; call it when the frame is accepted."""
        made = Capture(
            self._source,
            self.target.lstrip("/"),  # TF's names have no leading slash, those of old drivers may
            frame_id.lstrip("/"),
            stamp_ns,
            until_s=self._clock() + self.wait_s,
            clock=self._clock,
        )
        if made.is_open:
            self._open.append(made)
        return made

    def retry(self) -> None:
        """Look again for transforms that were late; call it a few times a second."""
        for _ in range(len(self._open)):
            capture = self._open.popleft()
            capture.look()
            if capture.is_open:
                self._open.append(capture)
