# SPDX-License-Identifier: Apache-2.0
"""The one place that decides how MuJoCo reaches OpenGL.

MuJoCo reads ``MUJOCO_GL`` when it is imported, so ``choose_backend`` runs before that import: a value the
user has set stands; otherwise EGL where its library is installed, else OSMesa (software, in process memory).
"""

from __future__ import annotations

import ctypes
import importlib
import os
from types import ModuleType


class NoOpenGLError(RuntimeError):
    """No way to draw: OpenGL is missing or refuses to start."""


def choose_backend() -> str:
    """Set ``MUJOCO_GL`` unless it is set.

    Returns:
        The backend's name: "egl", "osmesa", or what the user chose.

    Raises:
        NoOpenGLError: if nothing is chosen and neither library can be loaded.
    """
    chosen = os.environ.get("MUJOCO_GL")
    if not chosen:
        for name, library in (
            ("egl", "libEGL.so.1"),
            ("osmesa", "libOSMesa.so.8"),
            ("osmesa", "libOSMesa.so.6"),
        ):
            if _loads(library):
                chosen = os.environ["MUJOCO_GL"] = name
                break
        else:
            raise NoOpenGLError(
                "rendering needs OpenGL, but neither libEGL nor libOSMesa can be loaded: "
                "apt-get install libegl1 libgl1 libgl1-mesa-dri"
            )
    return chosen


def import_mujoco() -> ModuleType:
    """Choose the backend and import MuJoCo.

    Raises:
        NoOpenGLError: if there is no backend, or MuJoCo cannot use the chosen one.
    """
    backend = choose_backend()
    try:
        return importlib.import_module("mujoco")
    except ModuleNotFoundError as error:
        if error.name == "mujoco":
            raise
        raise NoOpenGLError(f"MUJOCO_GL={backend} needs the missing module {error.name}") from error
    except (RuntimeError, ImportError, AttributeError, OSError) as error:
        raise NoOpenGLError(
            f"MuJoCo cannot draw with MUJOCO_GL={backend}: {error}; try egl or osmesa"
        ) from error


def _loads(library: str) -> bool:
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True
