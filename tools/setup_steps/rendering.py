# SPDX-License-Identifier: Apache-2.0
"""Checks once that MuJoCo can draw here; a failure is easier to read now than in the middle of a demo."""

from __future__ import annotations

from pathlib import Path

from .failure import SetupError, run_logged
from .stamps import Stamps
from .virtual_environment import environment_variables, state_folder

_STEP = "rendering"

_DRAW = """
import mujoco
model = mujoco.MjModel.from_xml_string("<mujoco><worldbody><geom size='1'/></worldbody></mujoco>")
data = mujoco.MjData(model)
mujoco.mj_forward(model, data)
with mujoco.Renderer(model, 16, 16) as renderer:
    renderer.update_scene(data)
    renderer.render()
"""


def check_rendering(venv: Path, base_key: str) -> None:
    """Draw one small image with MuJoCo, off screen.

    Args:
        venv: environment with MuJoCo installed.
        base_key: key of the simulation requirements; the check is done once for each.

    Raises:
        SetupError: if nothing can be drawn.
    """
    state = state_folder(venv)
    stamps = Stamps(state / "stamps")
    if stamps.is_current(_STEP, base_key):
        return
    variables = environment_variables(venv)
    variables.setdefault("MUJOCO_GL", "egl")
    log = state / "logs" / "rendering.log"
    log.unlink(missing_ok=True)
    try:
        run_logged([str(venv / "bin" / "python"), "-c", _DRAW], log, variables)
    except SetupError as error:
        raise SetupError(
            f"MuJoCo cannot draw on this machine with MUJOCO_GL={variables['MUJOCO_GL']}.\n  {error}\n"
            "  Install the software renderer: sudo apt-get install -y libegl1 libgl1 libgl1-mesa-dri\n"
            "  or: sudo apt-get install -y libosmesa6, and set MUJOCO_GL=osmesa"
        ) from error
    stamps.finish(_STEP, base_key)
