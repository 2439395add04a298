# SPDX-License-Identifier: Apache-2.0
"""Training configuration: one dataclass that is the YAML file, its defaults and its documentation."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields, is_dataclass
from pathlib import Path
from typing import Any, get_type_hints

import yaml

from ide3d_ros.network.config import EXTRA_INPUTS
from ide3d_training.datasets.prompts import PromptMix


class ConfigError(ValueError):
    """A configuration file is not usable; the sentence names the key and the way out."""


@dataclass(frozen=True)
class Omni3DData:
    """Which labelled images in the Omni3D format are trained on; see `datasets/omni3d.py` for the format.

    Attributes:
        labels: label files, such as SUNRGBD_train.json; none where rooms alone are trained on.
        images: folder that the file paths of the labels lie in.
        rename: names of categories in the labels, and by which name the network knows them, such as
            {refrigerator: fridge}.
        add: categories that the network gets besides those of the rooms, by their name after `rename`. What
            it does not know is not learned, and not taken for background either.
        absent: share of expressions that fit nothing in the image: its labels hold nothing of the category,
            which other images have, or nothing on that side. 0 for data sets that label only some of what is
            to be seen (Objectron).
    """

    labels: list[str] = field(default_factory=list)
    images: str = ""
    rename: dict[str, str] = field(default_factory=dict)
    add: list[str] = field(default_factory=list)
    absent: float = 0.2

    def __post_init__(self) -> None:
        for name in ("labels", "add"):
            values = getattr(self, name)
            if not isinstance(values, list) or not all(isinstance(one, str) for one in values):
                raise ConfigError(f"data.omni3d.{name} must be a list of names, got {values!r}")
        if not isinstance(self.rename, dict) or not all(
            isinstance(one, str) for pair in self.rename.items() for one in pair
        ):
            raise ConfigError(f"data.omni3d.rename must map names to names, got {self.rename!r}")
        if not 0 <= self.absent < 1:
            raise ConfigError(f"data.omni3d.absent must be 0 or more and below 1, not {self.absent}")


@dataclass(frozen=True)
class FrameData:
    """Which frames are trained on: rendered rooms, labelled images, or both; an epoch has each of them once.

    Attributes:
        directory: where the shards of the rooms lie, rendered by `ide3d-worlds render`; empty for no rooms.
        omni3d: labelled images in the Omni3D format; see its class. They have no depth, no poses and no
            second frame.
        views: frames of each room in a batch, next to one another in the room's sequence.
        teacher: directory of a teacher's features of these rooms, written by `ide3d-teacher cache`; empty
            where no term of the objective reads them.
        validation: rooms at the end of the set, and images at the end of the label files, that are held out
            for the curve.
        workers: processes that prepare samples.
    """

    directory: str = "data/rooms"
    omni3d: Omni3DData = field(default_factory=Omni3DData)
    views: int = 1
    teacher: str = ""
    validation: int = 256
    workers: int = 1

    def __post_init__(self) -> None:
        if not self.directory and not self.omni3d.labels:
            raise ConfigError("nothing is trained on: set data.directory, data.omni3d.labels, or both")


@dataclass(frozen=True)
class Optimisation:
    """How weights move.

    Attributes:
        steps: optimiser steps of the whole run.
        batch: frames a step, shared by all processes.
        accumulate: parts that each process computes its share of a batch in, one after the other, to save
            memory; the samples of a step stay the same.
        learning_rate: peak learning rate of AdamW.
        warmup: steps until the peak.
        decay: share of the run, at its end, over which the rate falls to zero.
        weight_decay: of matrices; vectors have none.
        clip: largest gradient norm.
        ema: decay of the averaged weights, which are the ones exported.
        precision: "float32", "bfloat16", or "auto": bfloat16 on GPUs that have it, and on CPUs where a trial
            matrix product runs faster in it.
        device: "cpu", "cuda", or "auto": CUDA where there is any.
        threads: CPU threads of each process; 0 leaves it to torch.
    """

    steps: int = 4000
    batch: int = 16
    accumulate: int = 1
    learning_rate: float = 1e-3
    warmup: int = 300
    decay: float = 0.25
    weight_decay: float = 0.05
    clip: float = 1.0
    ema: float = 0.999
    precision: str = "auto"
    device: str = "auto"
    threads: int = 0

    def __post_init__(self) -> None:
        for name in ("steps", "batch", "accumulate"):
            if getattr(self, name) < 1:
                raise ConfigError(f"optimisation.{name} must be 1 or more, not {getattr(self, name)}")


@dataclass(frozen=True)
class Validator:
    """Sizes of the geometry validator, which exists in training alone.

    Attributes:
        levels: transformer blocks of the vision tower that it reads, counted from 1, shallow to deep.
        width: channels that the levels are fused at; the "weak" validator of the paper is one that leaves the
            work to the network.
        stride: pixels of the network image for each pixel of its depth maps.
    """

    levels: list[int] = field(default_factory=lambda: [1, 2, 3, 4])
    width: int = 64
    stride: int = 4


@dataclass(frozen=True)
class LossWeights:
    """Weight of every term of the objective; depth is the term that box accuracy hangs on.

    The terms from `depth_map` to `coarse_depth` are privileged: they read depth, poses or a teacher, and what
    computes them is built only where its weight is above zero and never exported. Those named `query_` are of
    networks whose queries state boxes (`network.box_source: query`): equal weights give LLMI3D's total.
    `absent` is no term of its own: it weighs prompts without any target against the others, in `pointer`.
    """

    answer: float = 1.0
    pointer: float = 1.5
    category: float = 0.5
    color: float = 0.5
    offset: float = 0.5
    depth: float = 3.0
    extents: float = 0.5
    yaw: float = 0.5
    front: float = 0.1
    scale: float = 0.05
    gravity: float = 2.0
    depth_map: float = 0.0
    depth_map_confidence: float = 0.0
    depth_map_gradient: float = 0.0
    cross_view: float = 0.0
    cross_view_consistency: float = 0.0
    cross_view_warp: float = 0.0
    alignment: float = 0.0
    coarse_depth: float = 0.0
    query_center: float = 0.0
    query_depth: float = 0.0
    query_extents: float = 0.0
    query_rotation: float = 0.0
    query_joint: float = 0.0
    query_scale: float = 0.0
    absent: float = 1.0

    @classmethod
    def terms(cls) -> tuple[str, ...]:
        """Return the names of the terms of the objective."""
        return tuple(entry.name for entry in fields(cls) if entry.name != "absent")

    def __post_init__(self) -> None:
        for name, value in asdict(self).items():
            if not 0 <= value < float("inf"):
                raise ConfigError(f"losses.{name} must be 0 or more and finite, not {value}")

    @property
    def validated(self) -> bool:
        """Whether any term needs the geometry validator."""
        return self.depth_map + self.depth_map_confidence + self.depth_map_gradient + self.cross_viewed > 0

    @property
    def cross_viewed(self) -> float:
        """Weight of the terms that compare two frames of a room."""
        return self.cross_view + self.cross_view_consistency + self.cross_view_warp

    @property
    def query_boxed(self) -> float:
        """Weight of the terms about boxes that queries state."""
        return (
            self.query_center
            + self.query_depth
            + self.query_extents
            + self.query_rotation
            + self.query_joint
            + self.query_scale
        )

    @property
    def privileged(self) -> tuple[str, ...]:
        """Names of the terms that read what only training may see."""
        names = self.terms()
        names = names[names.index("depth_map") : names.index("coarse_depth") + 1]
        return tuple(name for name in names if getattr(self, name) > 0)


@dataclass(frozen=True)
class TrainConfig:
    """Describe one training run.

    Attributes:
        preset: name of the method, written into the bundle; `losses` and `network` are what it consists of.
        seed: of weights, order, prompts and augmentation.
        generator: directory of a run of `ide3d-generator train`, whose frozen weights a network with
            `network.branch: generator` begins with; a checkpoint holds them from then on.
        second_encoder: directory of a run of `ide3d-teacher train` whose network becomes the frozen encoder
            of the branch `second_encoder`; empty for every other branch.
        start_from: directory of an earlier run whose weights this one begins with; empty for random weights.
        vocabulary: ids of the tokenizer.
        network: sizes that differ from `NetworkConfig`'s defaults.
        data, optimisation, prompts, losses, validator: see their classes.
        checkpoint_minutes: time between checkpoints; 0 writes one after every step.
        log_every: steps between lines of the log.
        validate_every: steps between validations, each with a picture of samples.
        keep_every: steps between snapshots of the averaged weights, kept in `snapshots` for ever; 0 keeps
            none.
        tensorboard: whether the log is also written as TensorBoard events.
    """

    preset: str = "rgb"
    seed: int = 0
    generator: str = ""
    start_from: str = ""
    second_encoder: str = ""
    vocabulary: int = 512
    network: dict[str, Any] = field(default_factory=dict)
    data: FrameData = field(default_factory=FrameData)
    optimisation: Optimisation = field(default_factory=Optimisation)
    prompts: PromptMix = field(default_factory=PromptMix)
    losses: LossWeights = field(default_factory=LossWeights)
    validator: Validator = field(default_factory=Validator)
    checkpoint_minutes: float = 4.0
    log_every: int = 20
    validate_every: int = 500
    keep_every: int = 0
    tensorboard: bool = False

    def __post_init__(self) -> None:
        for name in ("log_every", "validate_every"):
            if getattr(self, name) < 1:
                raise ConfigError(f"{name} must be 1 or more steps, not {getattr(self, name)}")
        if self.keep_every < 0:
            raise ConfigError(f"keep_every must be 0 or more steps, not {self.keep_every}")
        if not 0 <= self.prompts.absent <= 1:
            raise ConfigError(f"prompts.absent is a share of expressions, 0 to 1, not {self.prompts.absent}")
        if bool(self.second_encoder) != (self.network.get("branch") == "second_encoder"):
            raise ConfigError(
                "network.branch second_encoder and the key second_encoder, a run of ide3d-teacher train, go "
                "together: set both or neither"
            )
        if self.data.omni3d.labels:
            self._refuse_what_images_lack()

    def _refuse_what_images_lack(self) -> None:
        """Refuse what reads depth, poses, a teacher's features or a second frame."""
        way_out = "train without it, or on rendered rooms alone (data.omni3d.labels: [])"
        reads = [f"losses.{name}" for name in self.losses.privileged]
        branch = self.network.get("branch", "")
        reads += [f"network.branch {branch}"] if EXTRA_INPUTS.get(branch) else []
        reads += ["data.teacher"] if self.data.teacher else []
        reads += ["data.views above 1"] if self.data.views > 1 else []
        if reads:
            raise ConfigError(
                "images of data.omni3d have no depth, no poses, no teacher's features and no neighbours in a "
                f"sequence, but {', '.join(reads)} ask{'s' if len(reads) == 1 else ''} for them; {way_out}"
            )

    def to_dict(self) -> dict[str, Any]:
        """Return plain values."""
        return asdict(self)


def build(cls: type, values: Any, where: str) -> Any:
    """Build a dataclass from plain values; unknown keys and wrong types are refused by name."""
    if not isinstance(values, dict):
        raise ConfigError(f"{where} must be a mapping, got {values!r}")
    hints = get_type_hints(cls)
    names = {f.name for f in fields(cls)}
    if unknown := sorted(set(values) - names):
        raise ConfigError(f"unknown key {unknown[0]!r} in {where}; known keys: {', '.join(sorted(names))}")
    made = {}
    for name, value in values.items():
        hint = hints[name]
        if is_dataclass(hint):
            value = build(hint, value, f"{where}.{name}")
        elif hint is float and isinstance(value, int) and not isinstance(value, bool):
            value = float(value)
        elif isinstance(hint, type) and not isinstance(value, hint):
            raise ConfigError(f"{where}.{name} must be {hint.__name__}, got {value!r}")
        made[name] = value
    return cls(**made)


def load_config(path: Path, overrides: list[str] | None = None) -> TrainConfig:
    """Read a YAML file, apply "dotted.key=value" overrides ("key=" sets an empty text), and check every key.

    Raises:
        ConfigError: if the file is missing, is not YAML, or names something unknown.
    """
    try:
        values = yaml.safe_load(path.read_text()) or {}
    except FileNotFoundError:
        raise ConfigError(f"no configuration at {path}; see training/configs for the shipped ones") from None
    except yaml.YAMLError as error:
        raise ConfigError(f"{path} is not YAML: {error}") from None
    for override in overrides or []:
        key, separator, text = override.partition("=")
        if not separator:
            raise ConfigError(f"override {override!r} is not KEY=VALUE")
        *parents, leaf = key.split(".")
        place = values
        for parent in parents:
            place = place.setdefault(parent, {})
        place[leaf] = yaml.safe_load(text) if text else ""
    return build(TrainConfig, values, path.name)
