# SPDX-License-Identifier: Apache-2.0
"""Boxes that queries state are reported where the pointer sees something, named by that token."""

from __future__ import annotations

import numpy as np
import pytest
from query_vectors import write_query_vector

from ide3d_ros.bundle import Category
from ide3d_ros.geometry import Box3D, Camera
from ide3d_ros.geometry.box_code import BoxCode
from ide3d_ros.scene.query_decoding import MAX_TURN, decode_queries

CODE = BoxCode(categories=2, colors=3, stride=16.0, focal_virtual=50.0)
CAMERAS = (Camera.from_fov(64, 48, 1.2), Camera(64, 48, 44.0, 47.0, 30.0, 26.0))
CATEGORIES = (Category(name="chair", extents=(0.5, 0.6, 1.0)), Category(name="ball", extents=(0.3, 0.3, 0.3)))
TOKENS = 12
BOX = Box3D([0.2, 0.1, 2.5], [0.5, 0.9, 1.4], [0.4, 0.5, -0.6, 0.3])


def fields_of_a_blue_ball(token: int) -> np.ndarray:
    fields = np.zeros((2 * TOKENS, CODE.size), np.float32)
    fields[token, CODE.category.start + 1] = fields[token, CODE.color.start + 2] = 10.0
    return fields


def pointer_at(*places: int | None) -> np.ndarray:
    pointer = np.full((len(places), 2 * TOKENS + 1), -20.0)
    for row, place in zip(pointer, places, strict=True):
        row[-1] = np.log(0.9 if place is None else 0.1)
        if place is not None:
            row[place] = np.log(0.9)
    return pointer


def decode(stated: np.ndarray, fields: np.ndarray, pointer: np.ndarray):
    return decode_queries(
        stated,
        fields,
        pointer,
        layout=CODE,
        frames=CAMERAS,
        tokens_per_frame=TOKENS,
        categories=CATEGORIES,
    )


def stated(frame: int, log_scale: float = -2.0) -> np.ndarray:
    return write_query_vector(BOX, CAMERAS[frame], CODE.focal_virtual, log_scale)


@pytest.mark.parametrize("frame", [0, 1])
def test_box_is_the_query_s_own_and_the_rest_the_pointed_token_s(frame):
    token = frame * TOKENS + 5
    (found,) = decode(stated(frame)[None], fields_of_a_blue_ball(token), pointer_at(token))
    np.testing.assert_allclose(found.box.center, BOX.center, atol=1e-9)
    np.testing.assert_allclose(found.box.extents, BOX.extents, atol=1e-9)
    np.testing.assert_allclose(found.box.rotation, BOX.rotation, atol=1e-9)
    assert (found.frame_index, found.category, found.color) == (frame, "ball", 2)
    assert found.score == pytest.approx(0.9)


def test_a_query_that_points_at_none_has_no_box():
    boxes = decode(np.stack([stated(0), stated(0)]), fields_of_a_blue_ball(3), pointer_at(None, 3))
    assert len(boxes) == 1


def test_numbers_that_make_no_box_are_left_out():
    broken = stated(0)
    broken[6:] = 0.0
    assert decode(broken[None], fields_of_a_blue_ball(3), pointer_at(3)) == []
    fields = fields_of_a_blue_ball(3)
    fields[3, 0] = np.inf
    assert decode(stated(0)[None], fields, pointer_at(3)) == []


def test_the_stated_scale_is_the_deviation_of_the_centre():
    sure, vague = (
        decode(stated(0, s)[None], fields_of_a_blue_ball(3), pointer_at(3))[0].covariance for s in (-2.0, 3.0)
    )
    np.testing.assert_allclose(np.sqrt(np.diag(sure)[:3]), np.exp(-2.0))
    np.testing.assert_allclose(np.sqrt(np.diag(sure)[3:]), 2 * np.exp(-2.0) / np.linalg.norm(BOX.extents))
    np.testing.assert_allclose(np.diag(vague)[3:], MAX_TURN)
