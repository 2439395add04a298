# SPDX-License-Identifier: Apache-2.0
"""Depth belongs to the frame nearest in time, within half a frame period, whatever is lost or out of step."""

from __future__ import annotations

import pytest

from ide3d_ros.nodes.depth_pairing import MOST_HELD, WIDEST_NS, Cadence, DepthPairing

MS = 1_000_000
PERIOD = 33 * MS


def pairing(*depths_ms: float, frames_ms: tuple[float, ...] = (-99, -66, -33)) -> DepthPairing[str]:
    """Hold depth of these moments, after frames of those."""
    made: DepthPairing[str] = DepthPairing()
    for at in frames_ms:
        made.see_frame(10**12 + round(at * MS))
    for at in depths_ms:
        made.add(10**12 + round(at * MS), f"{at:g}")
    return made


def at(ms: float) -> int:
    return 10**12 + round(ms * MS)


def test_depth_of_the_same_moment_is_taken_at_once() -> None:
    made = pairing(-33, 0)
    assert made.is_settled(at(0)) and made.nearest(at(0)) == "0"


@pytest.mark.parametrize(("offset", "taken"), [(16, True), (-16, True), (17, False), (-17, False)])
def test_half_a_frame_period_is_the_limit(offset: float, taken: bool) -> None:
    assert (pairing(offset).nearest(at(0)) is not None) is taken


def test_nearest_of_two_is_taken() -> None:
    made = pairing(-12, 9)
    assert made.is_settled(at(0)) and made.nearest(at(0)) == "9"


def test_depth_is_waited_for_while_it_may_be_nearer() -> None:
    made = pairing(-90, -60, -45)
    assert not made.is_settled(at(0))
    made.add(at(30), "30")
    assert made.is_settled(at(0)) and made.nearest(at(0)) is None


def test_older_depth_that_nothing_can_beat_is_not_kept_waiting() -> None:
    made = pairing(-71, -38, -5)  # the next one comes at 28
    assert made.is_settled(at(0)) and made.nearest(at(0)) == "-5"


def test_depth_faster_than_the_camera_is_waited_for_when_the_next_is_nearer() -> None:
    made = pairing(-34, -24, -14, -8)
    assert not made.is_settled(at(0)) and made.nearest(at(0)) == "-8"
    made.add(at(2), "2")
    assert made.is_settled(at(0)) and made.nearest(at(0)) == "2"


def test_first_frame_waits_for_the_second_to_know_how_near_is_near_enough() -> None:
    made = pairing(5, frames_ms=(0,))
    assert not made.is_settled(at(0)) and made.nearest(at(0)) is None
    made.see_frame(at(33))
    assert made.is_settled(at(0)) and made.nearest(at(0)) == "5"


def test_lost_frames_do_not_widen_what_is_near() -> None:
    made = pairing(20, frames_ms=(-330, -297, -231, -165, -99, -66))
    assert made.tolerance_ns == PERIOD // 2 and made.nearest(at(0)) is None


def test_slow_camera_does_not_take_depth_of_another_moment() -> None:
    made = pairing(-101, frames_ms=(-4000, -2000))
    assert made.tolerance_ns == WIDEST_NS and made.nearest(at(0)) is None


def test_recording_that_begins_again_does_not_wait_for_depth_of_its_end() -> None:
    made = pairing(60_000, 60_033)
    made.add(at(-66), "-66")
    assert not made.is_settled(at(0)), "depth of the frame may still come"
    made.add(at(0), "0")
    assert made.is_settled(at(0)) and made.nearest(at(0)) == "0"


def test_only_the_newest_depth_is_held() -> None:
    made = pairing(*range(0, 33 * (MOST_HELD + 1), 33))
    assert made.nearest(at(0)) is None and made.nearest(at(33)) == "33"
    assert made.distance_ns(at(0)) == PERIOD
    assert DepthPairing().distance_ns(0) is None


def test_stamps_that_stand_still_or_go_back_tell_no_period() -> None:
    cadence = Cadence()
    for stamp in (100, 100, 50):
        cadence.see(stamp)
    assert cadence.half_period_ns == 0
    cadence.see(70)
    assert cadence.half_period_ns == 10
