# SPDX-License-Identifier: Apache-2.0
"""The labelled images of a training configuration: which are there, and which categories are learned."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from ide3d_training.config import ConfigError, Omni3DData
from ide3d_training.datasets.omni3d import Omni3DError, Omni3DImage, Omni3DLabels, Omni3DRegion
from ide3d_training.datasets.omni3d_dataset import draw_references

MOST_NAMED = 8
"""Categories of which a line of the summary gives the number."""


class Omni3DSet:
    """Open label files, and split their images.

    Args:
        data: which files, where the images lie, which categories are learned.
        known: the network's own categories.
        validation: images that are held out, at the end of each file, in proportion to its length.

    Attributes:
        folder: of the images.
        training, held_out: the labels; what the network does not know is a region in them.
        added: mean extents in metres of the categories that the network gets besides its own, in their order.

    Raises:
        Omni3DError: if a label file is missing or damaged, or none of its images is there.
        ConfigError: if a name of the configuration fits no label, or there are too few images.
    """

    def __init__(self, data: Omni3DData, known: Sequence[str], validation: int):
        self.folder = Path(data.images)
        files = [Omni3DLabels(Path(path)) for path in data.labels]
        rename = {name.lower(): to.lower() for name, to in data.rename.items()}
        add = [name.lower() for name in data.add]
        self.added = added_extents(files, rename, [name for name in add if name not in known], data.labels)
        _check_names(rename, set().union(*(labels.categories for labels in files)), {*known, *self.added})
        self._files, self._absent = files, data.absent
        self._skipped, self._unknown = Counter(), Counter()
        self.training: list[Omni3DImage] = []
        self.held_out: list[Omni3DImage] = []
        found = [self._images(labels, rename, {*known, *self.added}) for labels in files]
        total = sum(map(len, found))
        if total <= validation:
            raise ConfigError(
                f"data.omni3d.labels name {total} usable images, too few for {validation} validation images; "
                "give more files or lower data.validation"
            )
        ends = np.cumsum([0, *map(len, found)]) * validation // total  # rounded so that the sum is right
        for images, count in zip(found, np.diff(ends).tolist(), strict=True):
            self.training += images[: len(images) - count]
            self.held_out += images[len(images) - count :]

    def texts(self, rng: np.random.Generator, count: int) -> Iterator[str]:
        """Yield descriptions of images that are spread evenly over the training images."""
        for index in np.linspace(0, len(self.training) - 1, min(count, len(self.training))).astype(int):
            for reference in draw_references(self.training[index], rng, 8, self._absent):
                yield reference.text

    def summary(self) -> Iterator[str]:
        """Yield sentences about what is trained on and what is not."""
        names = ", ".join(labels.name for labels in self._files)
        yield f"{len(self.training)} labelled images to train on, {len(self.held_out)} held out, of {names}"
        for why, count in sorted(self._skipped.items()):
            yield f"left out: {count} {why}"
        if self._unknown:
            named = ", ".join(f"{name} {count}" for name, count in self._unknown.most_common(MOST_NAMED))
            more = len(self._unknown) - MOST_NAMED
            yield (
                f"left out: {self._unknown.total()} boxes whose category the network does not know ({named}"
                + (f" and {more} more" if more > 0 else "")
                + "); data.omni3d.add and data.omni3d.rename make them known"
            )

    def _images(
        self, labels: Omni3DLabels, rename: Mapping[str, str], known: Collection[str]
    ) -> list[Omni3DImage]:
        """Return the images of a file that are there, with the network's names."""
        there = [image for image in labels.images if (self.folder / image.file_path).is_file()]
        if labels.images and not there:
            raise Omni3DError(
                f"none of the {len(labels.images)} images of {labels.name} is there, such as "
                f"{self.folder / labels.images[0].file_path}; set data.omni3d.images to the folder that its "
                "file paths lie in"
            )
        self._skipped.update(labels.skipped)
        if missing := len(labels.images) - len(there):
            self._skipped[f"images of {labels.name} that are not in {self.folder}"] += missing
        labelled = frozenset(rename.get(name, name) for name in labels.categories) & frozenset(known)
        return [self._known(image, rename, known, labelled) for image in there]

    def _known(
        self,
        image: Omni3DImage,
        rename: Mapping[str, str],
        known: Collection[str],
        labelled: frozenset[str],
    ) -> Omni3DImage:
        objects = [replace(one, category=rename.get(one.category, one.category)) for one in image.objects]
        regions = [replace(one, category=rename.get(one.category, one.category)) for one in image.regions]
        unknown = [one for one in objects if one.category not in known]
        self._unknown.update(one.category for one in unknown)
        return replace(
            image,
            objects=tuple(one for one in objects if one.category in known),
            regions=(*regions, *(Omni3DRegion(one.category, one.box, one.tight) for one in unknown)),
            labelled=labelled,
        )


def added_extents(
    files: Sequence[Omni3DLabels], rename: Mapping[str, str], add: Sequence[str], paths: Sequence[str]
) -> dict[str, tuple[float, float, float]]:
    """Return the mean extents in metres of categories that a network gets from label files.

    Raises:
        ConfigError: if the files hold no box of one.
    """
    extents: dict[str, list[np.ndarray]] = defaultdict(list)
    for labels in files:
        for image in labels.images:
            for one in image.objects:
                extents[rename.get(one.category, one.category)].append(one.box.extents)
    for name in add:
        if name not in extents:
            raise ConfigError(
                f"data.omni3d.add names {name!r}, of which {', '.join(paths)} hold no usable box; they have: "
                + ", ".join(sorted(extents))
            )
    return {name: tuple(np.mean(extents[name], 0).tolist()) for name in add}


def _check_names(rename: Mapping[str, str], theirs: Collection[str], known: Collection[str]) -> None:
    for name, to in rename.items():
        if name not in theirs:
            raise ConfigError(
                f"data.omni3d.rename names {name!r}, which no label has; they have: "
                + ", ".join(sorted(theirs))
            )
        if to not in known:
            raise ConfigError(
                f"data.omni3d.rename makes {to!r} of {name!r}, which the network does not know; name it in "
                "data.omni3d.add too"
            )
