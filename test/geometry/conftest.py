# SPDX-License-Identifier: Apache-2.0
"""What hypothesis draws for the geometry types, in `st.from_type(Box3D)` and in `@given(...)`."""

from __future__ import annotations

import numpy as np
from hypothesis import settings
from hypothesis import strategies as st

from ide3d_ros.geometry import Box3D, Camera

# The machines that run this are busy: an example's own time says nothing.
settings.register_profile("geometry", deadline=None, max_examples=100)
settings.load_profile("geometry")


def _vectors(length: int, low: float, high: float) -> st.SearchStrategy[np.ndarray]:
    return st.lists(st.floats(low, high), min_size=length, max_size=length).map(np.array)


# Turns by multiples of 90 and 45 degrees put faces and edges of two boxes exactly in line: the hard cases.
_ALIGNED = st.lists(st.sampled_from([-1.0, 0.0, 1.0]), min_size=4, max_size=4).map(np.array).filter(np.any)
_QUATERNIONS = _ALIGNED | _vectors(4, -1.0, 1.0).filter(lambda q: np.linalg.norm(q) > 0.1)
_ROUND = st.lists(st.sampled_from([0.5, 1.0, 2.0]), min_size=3, max_size=3).map(np.array)
_BOXES = st.builds(Box3D, _vectors(3, -2.0, 2.0), _ROUND | _vectors(3, 0.02, 4.0), _QUATERNIONS)


@st.composite
def _cameras(draw: st.DrawFn) -> Camera:
    width, height = draw(st.integers(16, 2000)), draw(st.integers(16, 2000))
    focal, aspect = draw(st.floats(0.5, 3.0)) * width, draw(st.floats(0.8, 1.25))
    center = draw(st.floats(0.3, 0.7)) * width, draw(st.floats(0.3, 0.7)) * height
    lens = draw(st.none() | st.tuples(*(st.floats(-most, most) for most in (0.4, 0.2, 0.005, 0.005, 0.1))))
    return Camera(width, height, focal, focal * aspect, *center, lens or ())


st.register_type_strategy(Box3D, _BOXES)
st.register_type_strategy(Camera, _cameras())
