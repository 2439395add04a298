# SPDX-License-Identifier: Apache-2.0
"""A study: which methods are compared, on what, and the training runs that this takes."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from ide3d_training.config import ConfigError, TrainConfig, build, load_config

SHARED = ("data", "optimisation", "prompts", "vocabulary")
"""What all arms must have in common; a teacher's features are an arm's own."""
PLACES = (
    *("data.directory", "data.omni3d.images", "data.teacher"),
    *("second_encoder", "generator", "start_from"),
)
"""Keys that say where things lie on one machine: they change no result and are not printed."""


@dataclass(frozen=True)
class Arm:
    """One method of a study.

    Attributes:
        name: heads its row.
        run: name of its runs' directories; empty for its own name. An arm that another study has too is
            trained once where both studies name it alike here and write into one output.
        config: configuration file that it starts from, relative to the study's; empty for the study's own.
        settings: keys of the training configuration that are its own, on top of the study's.
        extra_inputs: what it needs at inference besides RGB and intrinsics.
        published: figures of the method at full size, by name, printed beside and labelled so.
    """

    name: str
    run: str = ""
    config: str = ""
    settings: dict[str, Any] = field(default_factory=dict)
    extra_inputs: str = "none"
    published: dict[str, Any] = field(default_factory=dict)

    @property
    def slug(self) -> str:
        """What its runs' directories begin with."""
        return re.sub(r"[^a-z0-9]+", "_", (self.run or self.name).lower()).strip("_")


@dataclass(frozen=True)
class Evaluated:
    """Which rooms the trained networks are scored on.

    Attributes:
        splits: names of the benchmark's splits.
        rooms: of each split, one frame each.
    """

    splits: list[str] = field(default_factory=lambda: ["test"])
    rooms: int = 100


@dataclass(frozen=True)
class Probed:
    """Which rooms of the validation split the frozen tokens are probed on.

    Attributes:
        rooms: to fit the linear depth probe on; 0 leaves the probe out.
        held_out: the rooms after them, to measure on.
    """

    rooms: int = 100
    held_out: int = 100


@dataclass(frozen=True)
class Study:
    """Describe a comparison; the YAML file has these keys.

    Attributes:
        title: heading of its section.
        about: what is asked, one paragraph.
        config: training configuration that all arms start from, relative to the study's file.
        settings: keys of the training configuration that all arms share.
        arms: the methods; the first is what the others are compared with.
        seeds: each arm is trained once with each.
        evaluation, probe: see their classes.
        published: where the arms' published figures come from.
        prepare: commands that make the data, printed with the study's own.
    """

    title: str
    config: str
    arms: list[Arm]
    about: str = ""
    settings: dict[str, Any] = field(default_factory=dict)
    seeds: list[int] = field(default_factory=lambda: [0, 1])
    evaluation: Evaluated = field(default_factory=Evaluated)
    probe: Probed = field(default_factory=Probed)
    published: str = ""
    prepare: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class PlannedRun:
    """One training run of a study.

    Attributes:
        arm, seed: what it is.
        directory: of the run.
        config: the file that it starts from.
        overrides: "dotted.key=value" on top of the file.
        settings: what file and overrides amount to.
    """

    arm: Arm
    seed: int
    directory: Path
    config: Path
    overrides: tuple[str, ...]
    settings: TrainConfig

    @property
    def name(self) -> str:
        """Name of its directory."""
        return self.directory.name

    @property
    def steps(self) -> int:
        """Steps that it takes."""
        return self.settings.optimisation.steps


def load_study(path: Path) -> Study:
    """Read a study's YAML file and check every key.

    Raises:
        ConfigError: if the file is missing, is not YAML, names something unknown, or two arms would share a
            directory.
    """
    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigError(f"no study at {path}; see training/configs/studies for the shipped ones") from None
    except yaml.YAMLError as error:
        raise ConfigError(f"{path} is not YAML: {error}") from None
    if not isinstance(values, dict) or not values.get("arms") or "title" not in values:
        raise ConfigError(f"{path} is no study: it needs a title, a config and a list of arms")
    arms = [build(Arm, arm, f"{path.name}.arms[{i}]") for i, arm in enumerate(values["arms"])]
    study = build(Study, values | {"arms": arms}, path.name)
    slugs = [arm.slug for arm in arms]
    for i, slug in enumerate(slugs):
        if not slug or slug in slugs[:i]:
            raise ConfigError(
                f"{path.name}: arm {arms[i].name!r} needs a name of its own, with a letter in it"
            )
    if not study.seeds:
        raise ConfigError(f"{path.name}.seeds names no seed")
    return study


def plan(study: Study, file: Path, output: Path, overrides: Sequence[str] = ()) -> list[PlannedRun]:
    """Lay out the training runs of a study, all arms of one seed before the next seed.

    Args:
        study: read from `file`.
        file: configuration files are found relative to it.
        output: the runs' directories are made in it.
        overrides: "dotted.key=value" for all runs, on top of everything else; the places of a teacher's
            features, a second encoder and a generator are for those arms that have one.

    Raises:
        ConfigError: if a configuration is wrong, or two arms would not be trained on the same.
    """
    runs = []
    for seed in study.seeds:
        for arm in study.arms:
            config = Path(os.path.normpath(file.parent / (arm.config or study.config)))
            own = [*dotted(study.settings), *dotted(arm.settings)]
            alone = load_config(config, own)
            lacking = {
                "data.teacher": not alone.data.teacher,
                "second_encoder": not alone.second_encoder,
                "generator": not alone.generator,
            }
            more = [one for one in overrides if not lacking.get(one.partition("=")[0], False)]
            words = (*own, *more, f"seed={seed}")
            directory = output / f"{arm.slug}-{seed}"
            runs.append(PlannedRun(arm, seed, directory, config, words, load_config(config, list(words))))
    first = runs[0]
    for run in runs[1:]:
        if different := difference(_shared(first.settings), _shared(run.settings)):
            raise ConfigError(
                f"arms {first.arm.name!r} and {run.arm.name!r} differ in {different}: they would not be "
                "comparable; set it for the whole study"
            )
    return runs


def dotted(settings: dict[str, Any], parents: tuple[str, ...] = ()) -> Iterator[str]:
    """Flatten nested settings into "dotted.key=value", as `ide3d-train --set` takes them."""
    for key, value in settings.items():
        if isinstance(value, dict) and value:
            yield from dotted(value, (*parents, key))
        else:
            text = yaml.safe_dump(value, default_flow_style=True, width=10_000).removesuffix("...\n")
            yield f"{'.'.join((*parents, key))}={text.strip()}"


def difference(one: dict[str, Any], other: dict[str, Any], parents: tuple[str, ...] = ()) -> str:
    """Name the first key in which two nested mappings differ, with both values; empty if they are equal."""
    for key in (*one, *(key for key in other if key not in one)):
        a, b = one.get(key), other.get(key)
        if isinstance(a, dict) and isinstance(b, dict):
            if found := difference(a, b, (*parents, key)):
                return found
        elif a != b:
            return f"{'.'.join((*parents, key))} ({a!r} and {b!r})"
    return ""


def without(values: dict[str, Any], *keys: str) -> dict[str, Any]:
    """Copy a nested mapping without some dotted keys."""
    copy = {key: without(v) if isinstance(v, dict) else v for key, v in values.items()}
    for key in keys:
        *parents, leaf = key.split(".")
        place = copy
        for parent in parents:
            place = place.get(parent, {})
        place.pop(leaf, None)
    return copy


def _shared(settings: TrainConfig) -> dict[str, Any]:
    values = settings.to_dict()
    return without({key: values[key] for key in SHARED}, "data.teacher")
