# SPDX-License-Identifier: Apache-2.0
"""The real TensorRT and the real GPU, for the tests that need them."""

from __future__ import annotations

import pytest

from ide3d_ros.engine.cuda_device import CudaDevice
from ide3d_ros.engine.errors import AbsentEngineError
from ide3d_ros.engine.tensorrt_library import TensorRt, load_tensorrt


@pytest.fixture(scope="session")
def tensorrt() -> TensorRt:
    """Load the TensorRT of this machine, or skip."""
    try:
        return load_tensorrt()
    except AbsentEngineError as error:
        pytest.skip(f"no TensorRT: {error.cause}")


@pytest.fixture(scope="session")
def building_tensorrt(tensorrt: TensorRt) -> TensorRt:
    """Load a TensorRT that can build here: the portable one, or any where there is a GPU; or skip."""
    if not tensorrt.is_portable:
        try:
            CudaDevice()
        except AbsentEngineError as error:
            pytest.skip(f"{tensorrt} builds on a GPU alone: {error.cause}")
    return tensorrt


@pytest.fixture(scope="session")
def gpu() -> CudaDevice:
    """Open the GPU of this machine, or skip."""
    try:
        return CudaDevice()
    except AbsentEngineError as error:
        pytest.skip(error.cause)
