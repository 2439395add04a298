# SPDX-License-Identifier: Apache-2.0
"""Training state on disk: everything a killed run needs to go on as if nothing had happened."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import torch

from ide3d_ros.network import NetworkConfig
from ide3d_training.config import ConfigError

NAME = "checkpoint.pt"
SNAPSHOTS = "snapshots"
"""Folder of the steps that `keep_every` keeps."""


def save_checkpoint(directory: Path, state: dict[str, Any]) -> None:
    """Write the state whole or not at all."""
    _save(directory / NAME, state)


def save_snapshot(directory: Path, state: dict[str, Any]) -> None:
    """Write averaged weights of a step, `state["step"]`, whole or not at all, beside those of others."""
    folder = directory / SNAPSHOTS
    folder.mkdir(exist_ok=True)
    _save(folder / f"step-{state['step']:06d}.pt", state)


def snapshots(directory: Path) -> list[Path]:
    """Return the files of a run's snapshots, oldest first; none where none were kept."""
    return sorted((directory / SNAPSHOTS).glob("step-*.pt"))


def _save(path: Path, state: dict[str, Any]) -> None:
    """Write to a temporary file, flush it, then rename it."""
    temporary = path.with_name(path.name + ".part")
    with open(temporary, "wb") as file:
        torch.save(state, file)
        file.flush()
        os.fsync(file.fileno())
    os.replace(temporary, path)


def load_checkpoint(directory: Path) -> dict[str, Any] | None:
    """Return the last state saved in a run's directory, or None where there is none."""
    path = directory / NAME
    return torch.load(path, map_location="cpu", weights_only=True) if path.exists() else None


def check_checkpoint(
    state: dict[str, Any], directory: Path, sizes: NetworkConfig, training_only: set[str]
) -> None:
    """Refuse a checkpoint of another kind of run.

    Args:
        state: of the checkpoint.
        directory: where it lies.
        sizes: of the network that is asked for.
        training_only: names of the parts that are asked for beside it.

    Raises:
        ConfigError: if the checkpoint holds something else; the sentence says what.
    """
    way_out = "choose another --output, or begin from its weights with start_from"
    wanted = sizes.to_dict()
    for name, value in NetworkConfig.from_dict(state["network_config"]).to_dict().items():
        if value != wanted[name]:
            raise ConfigError(
                f"{directory} holds a run whose network has {name} {_shown(value)}, not "
                f"{_shown(wanted[name])} as configured; {way_out}"
            )
    there = set(state["training_only"])
    if there != training_only:
        raise ConfigError(
            f"{directory} holds a run that trains {_listed(there)} beside its network, not "
            f"{_listed(training_only)} as configured; {way_out}"
        )


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) < 80 else text[:77] + "..."


def _listed(names: set[str]) -> str:
    return ", ".join(sorted(names)) or "nothing"
