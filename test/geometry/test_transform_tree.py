# SPDX-License-Identifier: Apache-2.0
"""The transform tree keeps tf2's rules: interpolate between samples, never guess beyond them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ide3d_ros.geometry import transform_tree
from ide3d_ros.geometry.rotation import quaternion_to_matrix, yaw_rotation
from ide3d_ros.geometry.transform import TransformError, compose, from_rotation_translation, inverse
from ide3d_ros.geometry.transform_tree import TransformLookupError, TransformTree

S = 1_000_000_000
QUATERNIONS = st.lists(st.floats(-1, 1), min_size=4, max_size=4).filter(lambda q: np.linalg.norm(q) > 0.1)
POSITIONS = st.lists(st.floats(-5, 5), min_size=3, max_size=3)
MOTIONS = st.builds(
    lambda q, p: from_rotation_translation(quaternion_to_matrix(np.array(q)), np.array(p)),
    QUATERNIONS,
    POSITIONS,
)


def motion(x: float = 0.0, yaw: float = 0.0) -> np.ndarray:
    """Make a motion along x that turns about z."""
    return from_rotation_translation(yaw_rotation(yaw), np.array([x, 0.0, 0.0]))


@given(MOTIONS, MOTIONS, MOTIONS)
def test_chain_up_and_down_is_the_product_of_its_links(
    base_from_camera: np.ndarray, map_from_base: np.ndarray, base_from_arm: np.ndarray
) -> None:
    tree = TransformTree()
    tree.add_static("camera", "base", base_from_camera)
    tree.add_static("arm", "base", base_from_arm)
    tree.add("base", "map", map_from_base, 5 * S)
    np.testing.assert_allclose(
        tree.lookup("map", "camera", 5 * S), compose(map_from_base, base_from_camera), atol=1e-9
    )
    np.testing.assert_allclose(
        tree.lookup("arm", "camera", 77 * S), compose(inverse(base_from_arm), base_from_camera), atol=1e-9
    )
    np.testing.assert_allclose(
        tree.lookup("camera", "map", 5 * S), inverse(tree.lookup("map", "camera", 5 * S)), atol=1e-9
    )


def test_between_two_samples_position_and_heading_change_evenly() -> None:
    tree = TransformTree()
    tree.add("base", "map", motion(1.0, 0.0), 1 * S)
    tree.add("base", "map", motion(3.0, 1.0), 2 * S)
    np.testing.assert_allclose(tree.lookup("map", "base", 1 * S + S // 4), motion(1.5, 0.25), atol=1e-9)
    np.testing.assert_allclose(tree.lookup("map", "base", 2 * S), motion(3.0, 1.0), atol=1e-12)


def test_rotation_takes_the_shorter_way() -> None:
    tree = TransformTree()
    tree.add("base", "map", motion(yaw=3.0), 0)
    tree.add("base", "map", motion(yaw=-3.0), 2 * S)
    np.testing.assert_allclose(tree.lookup("map", "base", S), motion(yaw=np.pi), atol=1e-9)


def test_time_after_the_newest_sample_may_come_and_time_before_the_oldest_may_not() -> None:
    tree = TransformTree()
    tree.add("base", "map", motion(), 10 * S)
    tree.add("base", "map", motion(), 11 * S)
    with pytest.raises(TransformLookupError, match="0.500 s older than the frame") as late:
        tree.lookup("map", "base", 11 * S + S // 2)
    assert late.value.may_come
    with pytest.raises(TransformLookupError, match="1.000 s newer than the frame") as early:
        tree.lookup("map", "base", 9 * S)
    assert not early.value.may_come


@pytest.mark.parametrize(("target", "source"), [("nowhere", "base"), ("base", "nowhere")])
def test_unknown_frame_is_named(target: str, source: str) -> None:
    tree = TransformTree()
    tree.add_static("base", "map", motion())
    with pytest.raises(TransformLookupError, match="'nowhere' is not in TF") as error:
        tree.lookup(target, source, S)
    assert not error.value.may_come


def test_frames_of_separate_trees_have_no_motion() -> None:
    tree = TransformTree()
    tree.add_static("camera", "rig", motion())
    tree.add_static("base", "map", motion())
    with pytest.raises(TransformLookupError, match="separate trees"):
        tree.lookup("map", "camera", S)


def test_samples_may_arrive_out_of_order_and_twice() -> None:
    tree = TransformTree()
    for x, stamp in ((3.0, 3), (1.0, 1), (9.0, 2), (2.0, 2)):
        tree.add("base", "map", motion(x), stamp * S)
    for x in (1.0, 1.5, 2.0, 2.5, 3.0):
        assert tree.lookup("map", "base", round(x * S))[0, 3] == pytest.approx(x)


def test_old_samples_are_forgotten() -> None:
    tree = TransformTree(memory_s=10.0)
    for second in range(100):
        tree.add("base", "map", motion(float(second)), second * S)
    assert tree.lookup("map", "base", 89 * S)[0, 3] == 89.0
    with pytest.raises(TransformLookupError):
        tree.lookup("map", "base", 80 * S)


def test_recording_that_begins_again_is_followed() -> None:
    tree = TransformTree(memory_s=10.0)
    for second in (100, 101, 1, 2):
        tree.add("base", "map", motion(float(second)), second * S)
    assert tree.lookup("map", "base", S + S // 2)[0, 3] == pytest.approx(1.5)


def test_frame_that_gets_another_parent_leaves_the_old_one() -> None:
    tree = TransformTree()
    tree.add("cup", "table", motion(1.0), S)
    tree.add("table", "map", motion(10.0), S)
    tree.add("hand", "map", motion(20.0), S)
    tree.add("cup", "hand", motion(2.0), S)
    assert tree.lookup("map", "cup", S)[0, 3] == 22.0


def test_loop_in_tf_ends() -> None:
    tree = TransformTree()
    tree.add_static("a", "b", motion(1.0))
    tree.add_static("b", "a", motion(1.0))
    tree.add_static("c", "a", motion(1.0))
    with pytest.raises(TransformLookupError):
        tree.lookup("map", "c", S)
    assert tree.lookup("a", "c", S)[0, 3] == 1.0


@pytest.mark.parametrize(("child", "parent"), [("", "map"), ("base", ""), ("map", "map")])
def test_transform_that_joins_no_two_frames_is_refused(child: str, parent: str) -> None:
    with pytest.raises(ValueError, match="joins no two frames"):
        TransformTree().add(child, parent, motion(), S)


def test_matrix_that_is_no_motion_is_refused_and_changes_nothing() -> None:
    tree = TransformTree()
    tree.add("base", "map", motion(1.0), S)
    with pytest.raises(TransformError):
        tree.add("base", "map", np.eye(4) * 2, 2 * S)
    assert tree.lookup("map", "base", S)[0, 3] == 1.0


def test_number_of_frames_and_samples_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transform_tree, "MAX_FRAMES", 3)
    monkeypatch.setattr(transform_tree, "MAX_SAMPLES", 5)
    tree = TransformTree()
    for name in ("a", "b", "c"):
        tree.add(name, "map", motion(), S)
    with pytest.raises(ValueError, match="more than 3 frames"):
        tree.add("d", "map", motion(), S)
    for count in range(50):
        tree.add("a", "map", motion(float(count)), S + count)
    assert len(tree._edges["a"].stamps_ns) == 5
    assert tree.lookup("map", "a", S + 49)[0, 3] == 49.0
