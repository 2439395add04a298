# SPDX-License-Identifier: Apache-2.0
"""Training state on disk: everything a killed run needs to go on as if nothing had happened."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import torch

NAME = "checkpoint.pt"


def save_checkpoint(directory: Path, state: dict[str, Any]) -> None:
    """Write the state whole or not at all: to a temporary file, flushed, then renamed."""
    temporary = directory / (NAME + ".part")
    with open(temporary, "wb") as file:
        torch.save(state, file)
        file.flush()
        os.fsync(file.fileno())
    os.replace(temporary, directory / NAME)


def load_checkpoint(directory: Path) -> dict[str, Any] | None:
    """Return the last state saved in a run's directory, or None where there is none."""
    path = directory / NAME
    return torch.load(path, map_location="cpu", weights_only=True) if path.exists() else None
