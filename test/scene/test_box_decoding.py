# SPDX-License-Identifier: Apache-2.0
"""Field vectors written from boxes come back as those boxes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ide3d_ros.bundle import Category
from ide3d_ros.geometry import Box3D, Camera, optical_from_level, yaw_rotation
from ide3d_ros.geometry.box_code import BoxCode, encode_boxes
from ide3d_ros.scene.box_decoding import PointedBox, decode_boxes, decode_field

CODE = BoxCode(categories=2, colors=3, stride=16.0, focal_virtual=50.0)
CAMERAS = (Camera.from_fov(64, 48, 1.2), Camera(64, 48, 44.0, 47.0, 30.0, 26.0))
GRAVITY = np.array([[0.3, 0.05], [-0.1, -0.02]], np.float32)
CATEGORIES = (Category(name="chair", extents=(0.5, 0.6, 1.0)), Category(name="ball", extents=(0.3, 0.3, 0.3)))
TOKENS = 12


def upright_box(frame: int, center: list[float], yaw: float, extents: list[float]) -> Box3D:
    level = optical_from_level(*GRAVITY[frame].astype(float))
    return Box3D.from_matrix(center, extents, level @ yaw_rotation(yaw))


def empty_fields() -> np.ndarray:
    """Two frames whose tokens all say background."""
    fields = np.zeros((2 * TOKENS, CODE.size), np.float32)
    fields[:, CODE.category.stop - 1] = 10.0
    return fields


def write(
    fields: np.ndarray, token: int, box: Box3D, category: int, color: int = 0, margin: float = 10.0
) -> None:
    """Let one token state a box, as a perfect network would."""
    frame, place = divmod(token, TOKENS)
    coded = encode_boxes(
        box.center[None],
        box.extents[None],
        box.rotation[None],
        np.array([CATEGORIES[category].extents]),
        camera_matrix=CAMERAS[frame].K,
        pitch=float(GRAVITY[frame, 0]),
        roll=float(GRAVITY[frame, 1]),
        focal_virtual=CODE.focal_virtual,
    )
    fields[token] = 0
    fields[token, CODE.offset] = (coded.pixels[0] - CODE.token_centers(3, 4)[place]) / CODE.stride
    fields[token, CODE.depth] = coded.log_depth[0]
    fields[token, CODE.extents] = coded.extents[0]
    fields[token, CODE.yaw] = coded.yaw[0]
    fields[token, CODE.front] = 10 * coded.front[0] - 5
    fields[token, CODE.category.start + category] = margin
    fields[token, CODE.color.start + color] = margin


def pointer_at(*places: int | None) -> np.ndarray:
    """One box query for each place; None says "none"."""
    pointer = np.full((len(places), 2 * TOKENS + 1), -20.0)
    for row, place in zip(pointer, places, strict=True):
        row[-1 if place is None else place] = 0.0
    return pointer - np.log(np.exp(pointer).sum(-1, keepdims=True))


def decode_all(fields: np.ndarray, pointers: np.ndarray) -> list[list[PointedBox]]:
    return decode_boxes(
        fields, GRAVITY, pointers, layout=CODE, frames=CAMERAS, tokens_per_frame=TOKENS, categories=CATEGORIES
    )


def decode(fields: np.ndarray, pointer: np.ndarray) -> list[PointedBox]:
    return decode_all(fields, pointer[None])[0]


def read_field(fields: np.ndarray, min_score: float = 0.5) -> list[PointedBox]:
    """Read both frames."""
    found = []
    for frame, camera in enumerate(CAMERAS):
        boxes = decode_field(
            fields[frame * TOKENS : (frame + 1) * TOKENS],
            GRAVITY[frame],
            min_score=min_score,
            layout=CODE,
            camera=camera,
            categories=CATEGORIES,
        )
        found += [replace(box, frame_index=frame) for box in boxes]
    return found


def assert_same(found: Box3D, wanted: Box3D) -> None:
    np.testing.assert_allclose(found.center, wanted.center, atol=1e-4)
    np.testing.assert_allclose(found.extents, wanted.extents, atol=1e-5)
    np.testing.assert_allclose(found.rotation, wanted.rotation, atol=1e-3)


@given(
    token=st.integers(0, 2 * TOKENS - 1),
    x=st.floats(-2, 2),
    y=st.floats(-1, 1),
    z=st.floats(0.5, 6),
    yaw=st.floats(-3.1, 3.1),
    size=st.floats(0.2, 2),
)
def test_a_box_written_into_any_token_comes_back(
    token: int, x: float, y: float, z: float, yaw: float, size: float
) -> None:
    box = upright_box(token // TOKENS, [x, y, z], yaw, [size, 0.6, 1.1])
    fields = empty_fields()
    write(fields, token, box, category=0)
    (pointed,) = decode(fields, pointer_at(token))
    front = box.rotation[:, 0] @ box.center / np.linalg.norm(box.center)
    if abs(front) > 0.05:  # seen exactly from the side, either end may count as the front
        assert_same(pointed.box, box)
    assert pointed.frame_index == token // TOKENS


def test_each_query_yields_its_own_box_and_none_yields_nothing() -> None:
    near, far = upright_box(0, [0, 0, 2], 2.8, [0.5, 0.5, 1]), upright_box(1, [1, 0, 4], 3.0, [0.3, 0.3, 0.3])
    fields = empty_fields()
    write(fields, 5, near, category=0, color=1)
    write(fields, TOKENS + 7, far, category=1, color=2)
    first, second = decode(fields, pointer_at(TOKENS + 7, None, 5))
    assert_same(first.box, far)
    assert_same(second.box, near)
    assert (first.category, first.color, first.frame_index) == ("ball", 2, 1)
    assert (second.category, second.color, second.frame_index) == ("chair", 1, 0)


def test_prompts_read_together_yield_what_they_yield_alone() -> None:
    fields = empty_fields()
    write(fields, 5, upright_box(0, [0, 0, 2], 2.8, [0.5, 0.5, 1]), category=0)
    write(fields, 6, upright_box(0, [0.1, 0, 2.1], 2.7, [0.5, 0.5, 1]), category=0)
    write(fields, TOKENS + 7, upright_box(1, [1, 0, 4], 3.0, [0.3, 0.3, 0.3]), category=1)
    fields[TOKENS + 2] = np.nan
    pointers = np.stack(
        [pointer_at(TOKENS + 7, 5), pointer_at(None, None), pointer_at(TOKENS + 2, 6), pointer_at(5, None)]
    )
    together = decode_all(fields, pointers)
    assert [len(boxes) for boxes in together] == [2, 0, 1, 1]
    for boxes, pointer in zip(together, pointers, strict=True):
        for box, alone in zip(boxes, decode(fields, pointer), strict=True):
            assert (box.frame_index, box.category, box.score) == (
                alone.frame_index,
                alone.category,
                alone.score,
            )
            np.testing.assert_allclose(box.box.center, alone.box.center, rtol=1e-12)
            np.testing.assert_allclose(box.covariance, alone.covariance, rtol=1e-12)


def test_all_tokens_together_outvote_none() -> None:
    fields = empty_fields()
    write(fields, 5, upright_box(0, [0, 0, 2], 2.8, [0.5, 0.5, 1]), category=0)
    share = np.full((1, 2 * TOKENS + 1), 1e-9)
    share[0, [5, 6, 9, -1]] = [0.25, 0.2, 0.15, 0.4]  # no token beats "none" alone
    (pointed,) = decode(fields, np.log(share))
    assert pointed.score == pytest.approx(0.6, abs=1e-6)
    share[0, [5, 6, 9, -1]] = [0.2, 0.1, 0.1, 0.6]
    assert decode(fields, np.log(share)) == []


def test_tokens_state_their_things_unasked() -> None:
    fields = empty_fields()
    write(fields, 5, upright_box(0, [0, 0, 2], 2.8, [0.5, 0.5, 1]), category=0)
    write(fields, TOKENS, upright_box(1, [1, 0, 3], 2.8, [0.3, 0.3, 0.3]), category=1)
    assert {(box.category, box.frame_index) for box in read_field(fields)} == {("chair", 0), ("ball", 1)}


def test_the_tokens_of_a_thing_speak_for_it_once_and_as_precisely_as_they_claim() -> None:
    fields = empty_fields()
    write(fields, 5, upright_box(0, [0.1, 0, 2.1], 2.8, [0.5, 0.5, 1]), category=0, margin=8.0)
    precise = upright_box(0, [0, 0, 2], 2.8, [0.5, 0.5, 1])
    write(fields, 6, precise, category=0, margin=4.0)
    (even,) = read_field(fields)
    assert 2.04 < even.box.center[2] < 2.06
    fields[6, CODE.log_scale] = -3.0
    (weighted,) = read_field(fields)
    assert np.linalg.norm(weighted.box.center - precise.center) < 0.002


def test_a_thing_behind_or_in_another_frame_is_no_witness() -> None:
    fields = empty_fields()
    near = upright_box(0, [0, 0, 2], 2.8, [0.5, 0.5, 1])
    write(fields, 5, near, category=0)
    write(fields, 6, upright_box(0, [0, 0, 3], 2.8, [0.5, 0.5, 1]), category=0)
    write(fields, TOKENS + 5, upright_box(1, [0, 0, 2.1], 2.8, [0.5, 0.5, 1]), category=0)
    (pointed,) = decode(fields, pointer_at(5))
    assert_same(pointed.box, near)


def test_another_category_and_a_thing_aside_speak_for_themselves() -> None:
    fields = empty_fields()
    write(fields, 5, upright_box(0, [0, 0, 2], 2.8, [0.5, 0.5, 1]), category=0)
    write(fields, 6, upright_box(0, [0, 0, 2], 2.8, [0.3, 0.3, 0.3]), category=1)
    write(fields, 7, upright_box(0, [0.6, 0, 2], 2.8, [0.5, 0.5, 1]), category=0)
    assert len(read_field(fields)) == 3


def test_an_unsure_token_is_silent() -> None:
    fields = empty_fields()
    write(fields, 5, upright_box(0, [0, 0, 2], 2.8, [0.5, 0.5, 1]), category=0, margin=1.0)
    assert read_field(fields, min_score=0.6) == []
    assert len(read_field(fields, min_score=0.5)) == 1


def test_an_empty_room_states_nothing() -> None:
    assert read_field(empty_fields()) == []


def test_a_token_that_is_not_finite_says_nothing() -> None:
    fields = empty_fields()
    write(fields, 5, upright_box(0, [0, 0, 2], 2.8, [0.5, 0.5, 1]), category=0)
    fields[5, CODE.depth] = np.nan
    assert decode(fields, pointer_at(5)) == []
    assert read_field(fields) == []


def test_wild_numbers_still_give_finite_boxes() -> None:
    fields = np.full((2 * TOKENS, CODE.size), 1e30, np.float32)
    (pointed,) = decode(fields, pointer_at(3))
    assert np.isfinite(pointed.box.extents).all() and np.isfinite(pointed.covariance).all()


def test_covariance_is_the_spread_of_boxes_when_the_network_errs_as_it_says() -> None:
    box = upright_box(0, [0.8, -0.4, 2.5], 2.9, [0.5, 0.5, 1])
    fields = empty_fields()
    write(fields, 5, box, category=0)
    scales = np.array([0.05, 0.02, 0.1, 0.04])
    fields[5, CODE.log_scale] = np.log(scales)
    (stated,) = decode(fields, pointer_at(5))

    rng = np.random.default_rng(0)
    centers = []
    for _ in range(1000):
        noisy = fields.copy()
        noisy[5, CODE.offset] += rng.laplace(0, scales[0], 2)
        noisy[5, CODE.depth] += rng.laplace(0, scales[1])
        (drawn,) = decode(noisy, pointer_at(5))
        centers.append(drawn.box.center)
    spread = np.cov(np.array(centers).T)
    np.testing.assert_allclose(stated.covariance[:3, :3], spread, atol=0.2 * spread.max())
    assert np.linalg.eigvalsh(stated.covariance).min() > 0
    up = optical_from_level(*GRAVITY[0].astype(float))[:, 2]
    about_up = up @ stated.covariance[3:, 3:] @ up
    assert about_up == pytest.approx(2 * (scales[3] / 2) ** 2, rel=1e-5)
