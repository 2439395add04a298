# SPDX-License-Identifier: Apache-2.0
"""A frame's transform is captured when it comes, waited for when it is late, and never guessed."""

from __future__ import annotations

import threading
import time
from types import SimpleNamespace

import numpy as np
import pytest
from geometry_msgs.msg import TransformStamped
from rclpy.duration import Duration
from rclpy.time import Time

from ide3d_ros.conversions.transforms import transform_from_matrix
from ide3d_ros.geometry.transform_tree import TransformLookupError, TransformTree
from ide3d_ros.nodes import transforms
from ide3d_ros.nodes.transforms import FrameTransforms, Tf2Transforms, listen_to_transforms
from ide3d_ros.scene.placing import NoTransformError

S = 1_000_000_000


class TreeSource:
    """A source that a test fills."""

    def __init__(self) -> None:
        self.tree = TransformTree()
        self.asked = 0

    def lookup(self, target: str, source: str, stamp_ns: int) -> np.ndarray:
        """Look into the tree."""
        self.asked += 1
        return self.tree.lookup(target, source, stamp_ns)

    def close(self) -> None:
        """Do nothing."""


@pytest.fixture
def source() -> TreeSource:
    """Know the base at 1 s."""
    made = TreeSource()
    made.tree.add("base", "map", np.eye(4), 1 * S)
    return made


def test_transform_that_is_there_is_kept_with_the_frame(source: TreeSource) -> None:
    capture = FrameTransforms(source, "map", 0.0).capture("base", 1 * S)
    source.tree.add("base", "map", np.eye(4), 1000 * S)  # TF has long forgotten when the engine is done
    with pytest.raises(TransformLookupError):
        source.lookup("map", "base", 1 * S)
    np.testing.assert_array_equal(capture.target_from_optical(), np.eye(4))


def test_leading_slash_of_an_old_driver_s_frame_id_is_no_other_frame(source: TreeSource) -> None:
    capture = FrameTransforms(source, "/map", 0.0).capture("/base", 1 * S)
    np.testing.assert_array_equal(capture.target_from_optical(), np.eye(4))


def test_transform_that_comes_late_ends_the_waiting(source: TreeSource) -> None:
    capture = FrameTransforms(source, "map", 30.0).capture("base", 2 * S)
    timer = threading.Timer(0.05, source.tree.add, ("base", "map", np.eye(4), 2 * S))
    timer.start()
    np.testing.assert_array_equal(capture.target_from_optical(), np.eye(4))
    timer.join()


def test_late_transform_is_caught_by_the_timer_before_tf_forgets_it(source: TreeSource) -> None:
    frames = FrameTransforms(source, "map", 30.0)
    capture = frames.capture("base", 2 * S)
    source.tree.add("base", "map", np.eye(4), 2 * S)
    frames.retry()
    source.tree.add("base", "map", np.eye(4), 1000 * S)
    np.testing.assert_array_equal(capture.target_from_optical(), np.eye(4))
    asked = source.asked
    frames.retry()
    assert source.asked == asked, "what is settled is not asked for again"


def test_transform_that_does_not_come_in_time_is_given_up(source: TreeSource) -> None:
    capture = FrameTransforms(source, "map", 0.05).capture("base", 2 * S)
    with pytest.raises(NoTransformError, match="older than the frame"):
        capture.target_from_optical()


@pytest.mark.parametrize(("frame_id", "stamp_ns"), [("base", S // 2), ("nowhere", S)])
def test_what_waiting_cannot_mend_is_refused_at_once(
    source: TreeSource, frame_id: str, stamp_ns: int
) -> None:
    capture = FrameTransforms(source, "map", 3600.0).capture(frame_id, stamp_ns)
    with pytest.raises(NoTransformError):
        capture.target_from_optical()


class StandInBuffer:
    """Answer as tf2_ros.Buffer does, out of a tree that knows the base at 1 s."""

    def __init__(self, cache_time: Duration) -> None:
        assert cache_time.nanoseconds == transforms.MEMORY_S * S
        self._tree = TreeSource().tree
        self._tree.add("base", "map", np.diag([-1.0, -1.0, 1.0, 1.0]), 1 * S)

    def lookup_transform(self, target: str, source: str, stamp: Time) -> TransformStamped:
        """Look a transform up."""
        try:
            matrix = self._tree.lookup(target, source, stamp.nanoseconds)
        except TransformLookupError as error:
            raise StandInException(str(error)) from error
        return transform_from_matrix(matrix, target_frame_id=target, source_frame_id=source, stamp_ns=0)

    def get_latest_common_time(self, target: str, source: str) -> Time:
        """Return when the newest transform holds."""
        self.lookup_transform(target, source, Time(nanoseconds=S))
        return Time(nanoseconds=S)


class StandInException(Exception):
    """The base of what tf2_ros raises."""


def test_answers_of_tf2_ros_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    left: list[object] = []

    class Listener:
        def __init__(self, buffer: object, node: object, *, spin_thread: bool) -> None:
            assert isinstance(buffer, StandInBuffer) and node == "node" and not spin_thread

        def unregister(self) -> None:
            left.append(self)

    stand_in = SimpleNamespace(
        Buffer=StandInBuffer, TransformListener=Listener, TransformException=StandInException
    )
    monkeypatch.setattr(transforms, "tf2_ros", stand_in)
    source = listen_to_transforms("node", None)
    np.testing.assert_allclose(source.lookup("map", "base", S), np.diag([-1.0, -1.0, 1.0, 1.0]), atol=1e-9)
    for frame_id, stamp_ns, may_come in (("base", 2 * S, True), ("base", S // 2, False), ("x", S, False)):
        with pytest.raises(TransformLookupError) as error:
            source.lookup("map", frame_id, stamp_ns)
        assert error.value.may_come is may_come
    source.close()
    assert left


def test_tf2_ros_and_the_tree_agree_where_both_are_there() -> None:
    pytest.importorskip("tf2_ros")
    import rclpy
    from rclpy.context import Context
    from rclpy.executors import SingleThreadedExecutor
    from rclpy.node import Node
    from tf2_msgs.msg import TFMessage

    from ide3d_ros.nodes import qos

    context = Context()
    rclpy.init(context=context, domain_id=78)
    node = Node("tf_parity", context=context)
    executor = SingleThreadedExecutor(context=context)
    executor.add_node(node)
    tree, tf2 = TransformTree(transforms.MEMORY_S), Tf2Transforms(node)
    publisher = node.create_publisher(TFMessage, "/tf", qos.TRANSFORMS)
    generator = np.random.default_rng(0)
    for second in (1, 2):
        motion = np.eye(4)
        motion[:3, 3] = generator.normal(size=3)
        angle = generator.uniform(-3, 3)
        motion[:2, :2] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
        tree.add("base", "map", motion, second * S)
        sample = transform_from_matrix(
            motion, target_frame_id="map", source_frame_id="base", stamp_ns=second * S
        )
        end = time.monotonic() + 20
        while time.monotonic() < end:
            publisher.publish(TFMessage(transforms=[sample]))
            executor.spin_once(timeout_sec=0.1)
            try:
                tf2.lookup("map", "base", second * S)
                break
            except TransformLookupError:
                continue
    for stamp_ns in (S, S + S // 3, 2 * S):
        np.testing.assert_allclose(
            tf2.lookup("map", "base", stamp_ns), tree.lookup("map", "base", stamp_ns), atol=1e-9
        )
    for target, stamp_ns in (("map", 3 * S), ("map", S // 2), ("nowhere", S)):
        for source in (tf2, tree):
            with pytest.raises(TransformLookupError) as error:
                source.lookup(target, "base", stamp_ns)
            assert error.value.may_come is (stamp_ns == 3 * S)
    tf2.close()
    node.destroy_node()
    context.try_shutdown()
