# SPDX-License-Identifier: Apache-2.0
"""Where the weights of a run come from, through all runs that it began with, and whose licence applies."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch


def labelled_images(state: dict[str, Any]) -> list[str]:
    """Name the label files in the Omni3D format that the weights of a checkpoint were trained on.

    Args:
        state: of the checkpoint.

    Returns:
        File names, those of the run itself and of the runs that it began with, each once.
    """
    # Runs of earlier versions lack both keys.
    own = state["train_config"]["data"].get("omni3d", {}).get("labels", [])
    return list(dict.fromkeys([*state.get("inherited_labels", []), *(Path(path).name for path in own)]))


def provenance(state: dict[str, Any]) -> dict[str, Any]:
    """Say in JSON values where the weights of a checkpoint come from, for a bundle's manifest.

    Labelled images are not this project's: a "licence" stands there where any were trained on.
    """
    config = state["train_config"]
    rooms = ["rooms rendered by ide3d-worlds"] if config["data"]["directory"] else []
    labels = [f"images labelled in {name}" for name in labelled_images(state)]
    return {
        "preset": config["preset"],
        "seed": config["seed"],
        "steps": state["step"],
        "batch": config["optimisation"]["batch"],
        "data": ", ".join([*rooms, *labels]),
        **({"licence": "that of the labelled images and their labels applies"} if labels else {}),
        "torch": torch.__version__.split("+")[0],
    }
