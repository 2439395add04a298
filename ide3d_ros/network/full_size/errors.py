# SPDX-License-Identifier: Apache-2.0
"""What can be wrong with a checkpoint; each message names it and the way out."""

from __future__ import annotations

from pathlib import Path


class CheckpointError(Exception):
    """Report that a full-size network cannot be had; the base of every error here."""


class CheckpointNotFoundError(CheckpointError):
    """Report a name behind `hf:` that is no shipped config, no folder and no file."""

    def __init__(self, name: str, known: tuple[str, ...]):
        super().__init__(
            f"'{name}' is neither a folder with config.json, nor a config file, nor one of the shipped "
            f"configs: {', '.join(known)}"
        )


class CheckpointNotCachedError(CheckpointError):
    """Report a name on the Hugging Face hub that has not been fetched; nothing is downloaded by itself."""

    def __init__(self, name: str, missing: str):
        super().__init__(
            f"there is no folder '{name}', and the Hugging Face cache of this machine does not hold "
            f"{missing} of a checkpoint of that name; nothing is downloaded by itself, fetch it with: "
            f"hf download {name}"
        )


class ConfigUnreadableError(CheckpointError):
    """Report a config file that does not hold the sizes of a network."""

    def __init__(self, file: Path, cause: str):
        super().__init__(f"config {file} cannot be used: {cause}; fetch the checkpoint again")


class UnknownArchitectureError(CheckpointError):
    """Report a network of a kind that has no adapter."""

    def __init__(self, file: Path, architecture: str, known: tuple[str, ...]):
        super().__init__(
            f"config {file} is of a {architecture} network, which has no adapter; those that have: "
            f"{', '.join(known)}"
        )


class NoWeightsError(CheckpointError):
    """Report a checkpoint of sizes alone where trained weights are needed."""

    def __init__(self, name: str):
        super().__init__(
            f"'{name}' has no weights (no *.safetensors beside its config); name a checkpoint folder that "
            "has, or build the network with random weights"
        )


class WrongWeightsError(CheckpointError):
    """Report weights that do not fit the sizes that the checkpoint's config states."""

    def __init__(self, folder: Path, faults: list[str]):
        shown = "; ".join(faults[:3]) + (f" and {len(faults) - 3} more" if len(faults) > 3 else "")
        super().__init__(
            f"the weights in {folder} are not those of its config: {shown}; fetch the checkpoint again, or "
            "correct config.json"
        )


class NoTokenizerError(CheckpointError):
    """Report a checkpoint without a tokenizer."""

    def __init__(self, name: str, cause: str):
        super().__init__(
            f"'{name}' has no tokenizer ({cause}); put the tokenizer.json of its language model beside "
            "config.json"
        )
