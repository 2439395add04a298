# SPDX-License-Identifier: Apache-2.0
"""Lens distortion: it can be undone wherever it is defined, and says so where it is not."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from ide3d_ros.geometry.distortion import distort, turning_radius, undistort

LENSES = st.tuples(*(st.floats(-most, most) for most in (0.5, 0.4, 0.01, 0.01, 0.2)))


def disk(radius: float) -> np.ndarray:
    """Spread points over a disk about the optical axis."""
    angle, share = np.meshgrid(np.linspace(0, 2 * np.pi, 37)[:-1], np.linspace(0, 1, 15))
    return radius * np.stack([share * np.cos(angle), share * np.sin(angle)], -1).reshape(-1, 2)


@given(LENSES)
@example((0.0, 0.0, 0.0, 0.0, 0.0))
@example((1e-310, 0.0, 0.0, 0.0, 1e-310))
# Here Newton needs a near start, or it runs into the turning radius ...
@example((0.2232, 0.0971, -0.0051, 0.0083, -0.0476))
# ... and here a start beyond radius 1.
@example((0.12495, 0.11778, 0.00151, 0.00206, -0.02025))
def test_undistorting_undoes_distorting_inside_the_turning_radius(lens: tuple[float, ...]) -> None:
    ideal = disk(min(6.0, 0.95 * turning_radius(lens)))
    assert_allclose(undistort(distort(ideal, lens), lens), ideal, atol=1e-7)


@given(LENSES)
def test_no_two_rays_inside_the_turning_radius_meet_in_one_pixel(lens: tuple[float, ...]) -> None:
    radius = min(3.0, turning_radius(lens)) * 0.999
    along = np.linspace(0, radius, 200)[:, None]
    for angle in np.linspace(0, 2 * np.pi, 16):
        direction = np.array([np.cos(angle), np.sin(angle)])
        assert (np.diff(distort(along * direction, lens) @ direction) > 0).all()


@given(LENSES)
def test_distorting_agrees_with_opencv(lens: tuple[float, ...]) -> None:
    ideal = disk(min(1.0, 0.99 * turning_radius(lens)))
    rays = np.column_stack([ideal, np.ones(len(ideal))])
    expected, _ = cv2.projectPoints(rays, np.zeros(3), np.zeros(3), np.eye(3), np.array(lens))
    assert_allclose(distort(ideal, lens), expected[:, 0], atol=1e-12)


def test_four_coefficients_are_five_with_a_zero() -> None:
    assert_allclose(
        distort(disk(0.8), (0.1, 0.2, 0.01, 0.02)), distort(disk(0.8), (0.1, 0.2, 0.01, 0.02, 0.0))
    )


@given(st.floats(-2.0, -0.01))
def test_a_barrel_turns_where_its_slope_is_zero(k1: float) -> None:
    assert turning_radius((k1, 0.0, 0.0, 0.0)) == pytest.approx(1 / np.sqrt(-3 * k1))


def test_a_pincushion_never_turns() -> None:
    assert turning_radius((0.3, 0.1, 0.0, 0.0, 0.02)) == np.inf


def test_points_beyond_the_turning_radius_are_not_thrown_back_into_the_image() -> None:
    barrel = (-0.3, 0.0, 0.0, 0.0)
    radius = turning_radius(barrel)
    inside, outside = distort(np.array([[0.99 * radius, 0.0], [1.7 * radius, 0.0]]), barrel)
    assert np.isfinite(inside).all()
    assert np.isnan(outside).all()


def test_a_pixel_that_no_ray_reaches_has_no_ideal_point() -> None:
    barrel = (-0.3, 0.0, 0.0, 0.0)
    edge = distort(np.array([[0.999 * turning_radius(barrel), 0.0]]), barrel)[0, 0]
    reached, beyond = undistort(np.array([[0.99 * edge, 0.0], [1.05 * edge, 0.0]]), barrel)
    assert np.isfinite(reached).all()
    assert np.isnan(beyond).all()


def test_points_that_are_not_finite_stay_alone() -> None:
    points = np.array([[np.nan, 0.1], [np.inf, 0.0], [0.2, 0.1]])
    ideal = undistort(points, (-0.1, 0.02, 0.001, 0.0))
    assert np.isnan(ideal[:2]).any(1).all()
    assert_allclose(distort(ideal[2:], (-0.1, 0.02, 0.001, 0.0)), points[2:], atol=1e-12)
