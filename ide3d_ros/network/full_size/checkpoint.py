# SPDX-License-Identifier: Apache-2.0
"""What `hf:NAME` means: a shipped config, a folder, a config file, or a checkpoint in the hub's cache."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

from huggingface_hub import try_to_load_from_cache
from huggingface_hub.errors import StrictDataclassError
from transformers import (
    AutoTokenizer,
    LlavaOnevisionConfig,
    PreTrainedConfig,
    PreTrainedTokenizerBase,
    Qwen2_5_VLConfig,
    Qwen3VLConfig,
)

from ide3d_ros.network.full_size.errors import (
    CheckpointNotCachedError,
    CheckpointNotFoundError,
    ConfigUnreadableError,
    NoTokenizerError,
    UnknownArchitectureError,
)
from ide3d_ros.network.full_size.geometry_encoder import GeometryEncoderConfig
from ide3d_ros.network.full_size.llava_video import ARCHITECTURE, RENAMED, onevision_config

PREFIX = "hf:"
CONFIGS = {
    "llava_onevision": LlavaOnevisionConfig,
    "qwen2_5_vl": Qwen2_5_VLConfig,
    "qwen3_vl": Qwen3VLConfig,
}
"""Configs by `model_type`, of the classes that have an adapter."""
SECOND_ENCODER = "second_encoder"
"""Key of a config that gives the sizes of a second encoder; VGGT-1B's where it is absent."""

_HUB_NAME = re.compile(r"[\w.-]+/[\w.-]+")


@dataclass(frozen=True)
class Checkpoint:
    """A network's sizes, and where its weights and tokenizer are, if anywhere.

    Attributes:
        name: as it was asked for, without `hf:`.
        config: sizes.
        second_encoder: sizes of the second encoder of a dual-encoder network.
        folder: folder with weights or tokenizer; None for sizes alone.
        renamed: patterns of names in the weights and what stands for them; empty where they are the same.
    """

    name: str
    config: PreTrainedConfig
    second_encoder: GeometryEncoderConfig
    folder: Path | None
    renamed: dict[str, str]

    @property
    def has_weights(self) -> bool:
        """Whether there are weights to load."""
        return self.folder is not None and any(self.folder.glob("*.safetensors"))

    def tokenizer(self) -> PreTrainedTokenizerBase:
        """Load the tokenizer.

        Raises:
            NoTokenizerError: if there is none.
        """
        if self.folder is None:
            raise NoTokenizerError(self.name, "it is a config and no folder")
        if not any((self.folder / file).is_file() for file in ("tokenizer.json", "vocab.json")):
            raise NoTokenizerError(self.name, f"neither tokenizer.json nor vocab.json in {self.folder}")
        try:
            return AutoTokenizer.from_pretrained(self.folder, local_files_only=True)
        except (OSError, ValueError) as error:
            raise NoTokenizerError(self.name, str(error).splitlines()[0]) from error


def shipped_configs() -> tuple[str, ...]:
    """Return the names of the configs that come with the package."""
    return tuple(sorted(path.name.removesuffix(".json") for path in _shipped().iterdir()))


def find_checkpoint(reference: str, cache: Path | None = None) -> Checkpoint:
    """Find what a reference names; nothing is downloaded.

    Args:
        reference: `hf:NAME`, or NAME: a shipped config, a folder, a config file, or the name on the hub of
            a checkpoint that has been fetched.
        cache: the hub's cache on this machine; the usual one where left out.

    Raises:
        CheckpointError: the kind that says what is wrong and what to do.
    """
    name = reference.removeprefix(PREFIX)
    if name in shipped_configs():
        file = _shipped() / f"{name}.json"
        return _read(name, Path(str(file)), file.read_text(), None)
    path = Path(name).expanduser()
    if path.is_dir():
        return _read_folder(name, path)
    if path.is_file():
        return _read(name, path, path.read_text(), None)
    if _HUB_NAME.fullmatch(name):
        return _read_folder(name, _cached(name, cache))
    raise CheckpointNotFoundError(name, shipped_configs())


def _shipped() -> Traversable:
    return files("ide3d_ros.network.full_size") / "configs"


def _cached(name: str, cache: Path | None) -> Path:
    """Return the folder of a checkpoint in the hub's cache."""
    config = try_to_load_from_cache(name, "config.json", cache_dir=cache)
    if not isinstance(config, str):
        raise CheckpointNotCachedError(name, "config.json")
    folder = Path(config).parent
    for index in folder.glob("*.safetensors.index.json"):
        for shard in sorted(set(json.loads(index.read_text())["weight_map"].values())):
            if not (folder / shard).is_file():
                raise CheckpointNotCachedError(name, shard)
    return folder


def _read_folder(name: str, folder: Path) -> Checkpoint:
    file = folder / "config.json"
    if not file.is_file():
        raise ConfigUnreadableError(file, "there is no such file")
    return _read(name, file, file.read_text(), folder)


def _read(name: str, file: Path, text: str, folder: Path | None) -> Checkpoint:
    try:
        values = json.loads(text)
        if not isinstance(values, dict):
            raise ValueError("it holds no JSON object")
        second = GeometryEncoderConfig(**values.pop(SECOND_ENCODER, {}))
        published = ARCHITECTURE in (values.get("architectures") or ())
        if published:
            config = onevision_config(values)
        else:
            kind = values.get("model_type")
            if kind not in CONFIGS:
                architecture = ", ".join(values.get("architectures") or ()) or f"'{kind}'"
                raise UnknownArchitectureError(file, architecture, (*CONFIGS, ARCHITECTURE))
            config = CONFIGS[kind].from_dict(values)
    except (ValueError, TypeError, StrictDataclassError) as error:
        raise ConfigUnreadableError(file, " ".join(str(error).split())) from error
    return Checkpoint(name, config, second, folder, RENAMED if published else {})
