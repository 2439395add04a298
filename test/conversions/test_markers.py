# SPDX-License-Identifier: Apache-2.0
"""Markers: what viewers need in order to show boxes and to stop showing them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from sample_detections import DETECTIONS, FRAME, detection
from visualization_msgs.msg import Marker

from ide3d_ros.conversions.markers import BOX_NAMESPACE, LABEL_NAMESPACE, label_color, marker_array
from ide3d_ros.conversions.stamps import header
from ide3d_ros.conversions.transforms import quaternion_from_message
from ide3d_ros.geometry.rotation import quaternion_to_matrix
from ide3d_ros.scene.results import Detection

HEADER = header("eye", 5)


@given(st.lists(DETECTIONS, max_size=4))
@settings(deadline=None, max_examples=30)
def test_old_markers_go_first_and_every_marker_can_be_drawn(detections: list[Detection]) -> None:
    first, *rest = marker_array(detections, HEADER, lifetime_s=0.5).markers
    assert first.action == Marker.DELETEALL
    assert len(rest) == 2 * len(detections)
    assert len({(marker.ns, marker.id) for marker in rest}) == len(rest)
    for marker in rest:
        assert (marker.action, marker.color.a) == (Marker.ADD, 1.0)
        assert marker.header == header(FRAME.frame_id, FRAME.stamp_ns)
        assert (marker.lifetime.sec, marker.lifetime.nanosec) == (0, 500_000_000)
        assert max(marker.scale.x, marker.scale.z) > 0
        q = marker.pose.orientation
        assert abs(np.linalg.norm([q.w, q.x, q.y, q.z]) - 1) < 1e-9


def test_drawn_edges_are_the_box() -> None:
    one = detection()
    edges = marker_array([one], HEADER, lifetime_s=1.0).markers[1]
    assert (edges.ns, edges.type) == (BOX_NAMESPACE, Marker.LINE_LIST)
    points = np.array([[point.x, point.y, point.z] for point in edges.points])
    assert points.shape == (26, 3)
    position = edges.pose.position
    turn = quaternion_to_matrix(quaternion_from_message(edges.pose.orientation))
    drawn = points @ turn.T + [position.x, position.y, position.z]
    ends = {tuple(np.round(point, 6)) for point in drawn[:24]}
    assert ends == {tuple(np.round(corner, 6)) for corner in one.box.corners()}
    lengths = np.linalg.norm(drawn[0:24:2] - drawn[1:24:2], axis=1)
    np.testing.assert_allclose(sorted(lengths), [0.5] * 4 + [0.6] * 4 + [0.9] * 4)
    np.testing.assert_allclose(drawn[25] - drawn[24], one.box.rotation[:, 0] * 0.125, atol=1e-9)


def test_label_floats_above_the_box_and_says_how_sure_it_is() -> None:
    label = marker_array([detection()], HEADER, lifetime_s=1.0).markers[2]
    assert (label.ns, label.type, label.text) == (LABEL_NAMESPACE, Marker.TEXT_VIEW_FACING, "red chair 0.90")
    assert (
        label.pose.position.y < 0.1 - 0.45
    )  # up is -y in an optical frame; the box's top is 0.45 above its centre


def test_nothing_detected_clears_what_was_drawn() -> None:
    (only,) = marker_array([], HEADER, lifetime_s=1.0).markers
    assert only.action == Marker.DELETEALL


def test_label_keeps_its_colour_in_every_process() -> None:
    assert label_color("chair") == (0.89, 0.47, 0.76)
    assert label_color("caf\u00e9 \udcff") == label_color("caf\u00e9 \udcff")


def test_marker_ids_stay_with_their_things_when_others_come_into_view() -> None:
    def ids(*labels: str) -> list[int]:
        things = [replace(detection(), label=label) for label in labels]
        return [one.id for one in marker_array(things, HEADER, lifetime_s=1.0).markers[1::2]]

    chair, second = ids("chair", "chair")
    assert chair != second
    mug, still_chair, still_second = ids("mug", "chair", "chair")
    assert (still_chair, still_second) == (chair, second)
    assert mug not in (chair, second)
    assert all(0 <= one < 2**31 for one in ids(*(f"thing {i}" for i in range(50)), "\udcff"))
