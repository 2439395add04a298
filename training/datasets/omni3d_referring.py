# SPDX-License-Identifier: Apache-2.0
"""A referring set made from Omni3D labels: one template description for each thing that can be told apart.

The set is this project's own ("omni3d-templates"). LLMI3D's IG3D, written by people over some of the same
images, is not public, and figures on the two cannot be compared. Descriptions name a category alone where
there is one of it, else the position beside others, a rank of size or a rank of distance; every one fits
exactly one labelled thing, by a margin. The set has no descriptions without a target: labels do not list all
that is in an image (`omni3d_absent` makes some for training, which bears a few wrong ones).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ide3d_training.datasets.omni3d import Omni3DImage, Omni3DLabels, Omni3DObject

NAME = "omni3d-templates"
ASIDE = 0.06
"""Things are left or right of one another from this share of the image's width on."""
LARGER = 1.3
"""One thing is larger than another if its volume is that many times as large."""
FARTHER = 1.1
"""One thing is farther away than another if its distance is that many times as large."""
SEEN = 0.35
"""Things of which less is visible are not described, and nothing is said of their category."""
CUT_OFF = 0.5
"""Nor are things of which more than this lies outside the image."""
SMALLEST = 0.0012
"""Nor those whose box covers less than this share of the image."""


@dataclass(frozen=True)
class Reference:
    """One description and the annotation that it fits.

    Attributes:
        text: the description.
        form: "category", "side", "relation", "size" or "depth"; "absent" where it fits nothing.
        target_id: of the annotation; None where it fits nothing.
    """

    text: str
    form: str
    target_id: int | None


def describe_image(image: Omni3DImage, rng: np.random.Generator, most: int) -> tuple[Reference, ...]:
    """Draw descriptions of an image's things, all different.

    Args:
        image: the labels.
        rng: draws which and in what words.
        most: number of descriptions.
    """
    groups = describable(image)
    found = [
        Reference(str(rng.choice(texts)), form, target.id)
        for form, texts, target in _candidates(image, groups)
    ]
    order = rng.permutation(len(found))[:most]
    return tuple(found[i] for i in order)


def referring_set(labels: Omni3DLabels, seed: int, most: int) -> dict[str, Any]:
    """Describe every image of a label file.

    Args:
        labels: of one split; the set has the same split.
        seed: with the image's id it fixes the draw.
        most: descriptions of each image.

    Returns:
        JSON-ready: `name`, `labels`, `seed`, `forms` (number of each), and `expressions`, each with `id`,
        `image_id`, `file_path`, `text`, `form`, `category`, `target_ids` and the target's `center`, `extents`
        and `quaternion` (w x y z) in the optical frame, in the project's convention.
    """
    expressions = []
    for image in labels.images:
        by_id = {one.id: one for one in image.objects}
        for reference in describe_image(image, np.random.default_rng((seed, image.id)), most):
            target = by_id[reference.target_id]
            expressions.append(
                {
                    "id": len(expressions),
                    "image_id": image.id,
                    "file_path": image.file_path,
                    "text": reference.text,
                    "form": reference.form,
                    "category": target.category,
                    "target_ids": [target.id],
                    "center": target.box.center.tolist(),
                    "extents": target.box.extents.tolist(),
                    "quaternion": target.box.quaternion.tolist(),
                }
            )
    forms = dict(sorted(Counter(one["form"] for one in expressions).items()))
    return {"name": NAME, "labels": labels.name, "seed": seed, "forms": forms, "expressions": expressions}


def describable(image: Omni3DImage) -> dict[str, list[Omni3DObject]]:
    """Group the things that may be described by category; categories with a doubtful member are left out."""
    groups: dict[str, list[Omni3DObject]] = defaultdict(list)
    doubtful = set(image.others)
    for one in image.objects:
        groups[one.category].append(one)
        if not _is_plain(one, image):
            doubtful.add(one.category)
    return {name: members for name, members in sorted(groups.items()) if name not in doubtful}


def _is_plain(one: Omni3DObject, image: Omni3DImage) -> bool:
    pixels = one.box.projected(image.camera)
    if not np.isfinite(pixels).all() or not image.camera.contains(pixels.mean(0)[None])[0]:
        return False
    inside = pixels.clip((0, 0), (image.camera.width - 1, image.camera.height - 1))
    area = float(np.prod(np.ptp(inside, axis=0))) / (image.camera.width * image.camera.height)
    hidden = one.visibility is not None and one.visibility < SEEN
    cut = one.truncation is not None and one.truncation > CUT_OFF
    return area >= SMALLEST and not hidden and not cut


def _candidates(
    image: Omni3DImage, groups: dict[str, list[Omni3DObject]]
) -> Iterator[tuple[str, Sequence[str], Omni3DObject]]:
    """Yield form, wordings and target of everything that can be said."""
    for name, members in groups.items():
        if len(members) == 1:
            yield "category", (f"the {name}",), members[0]
    column = columns(image, groups)
    for name, members in groups.items():
        if len(members) < 2:
            continue
        across = _ranked(members, lambda one: column[one.id], lambda low, high: high - low >= ASIDE)
        yield from _ends(
            "side",
            across,
            (f"the leftmost {name}", f"the {name} furthest to the left"),
            (f"the rightmost {name}", f"the {name} furthest to the right"),
        )
        sizes = _ranked(members, lambda one: one.box.volume, lambda low, high: high >= LARGER * low)
        yield from _ends(
            "size", sizes, (f"the smallest {name}",), (f"the largest {name}", f"the biggest {name}")
        )
        if len(members) > 2 and sizes[-2] is not None:
            yield "size", (f"the second largest {name}",), sizes[-2]
        away = _ranked(
            members,
            lambda one: float(np.linalg.norm(one.box.center)),
            lambda low, high: high >= FARTHER * low,
        )
        yield from _ends(
            "depth",
            away,
            (f"the nearest {name}", f"the closest {name}"),
            (f"the farthest {name}", f"the {name} furthest away"),
        )
        if len(members) > 2 and away[1] is not None:
            yield "depth", (f"the second nearest {name}",), away[1]
        for texts, beyond in beside(name, groups, column):
            if len(beyond) == 1:
                yield "relation", texts, beyond[0]


def columns(image: Omni3DImage, groups: dict[str, list[Omni3DObject]]) -> dict[int, float]:
    """Say where the centre of each thing is seen, as a share of the image's width, by annotation."""
    return {
        one.id: image.camera.project(one.box.center[None])[0, 0] / image.camera.width
        for members in groups.values()
        for one in members
    }


def beside(
    name: str, groups: dict[str, list[Omni3DObject]], column: dict[int, float]
) -> Iterator[tuple[tuple[str, ...], list[Omni3DObject]]]:
    """Look left and right of everything else that is the only one of its category.

    Args:
        name: category of what is looked for.
        groups: things that may be described, by category.
        column: where each is seen.

    Yields:
        wordings for such a side and what they fit; nothing where a thing stands too near the middle to tell.
    """
    for anchor in (members[0] for other, members in groups.items() if other != name and len(members) == 1):
        for side, sign in (("left", -1.0), ("right", 1.0)):
            aside = [(one, sign * (column[one.id] - column[anchor.id])) for one in groups[name]]
            if all(by >= ASIDE or by <= -ASIDE for _, by in aside):
                texts = (
                    f"the {name} {side} of the {anchor.category}",
                    f"the {name} to the {side} of the {anchor.category}",
                )
                yield texts, [one for one, by in aside if by >= ASIDE]


def _ranked(
    members: list[Omni3DObject],
    value: Callable[[Omni3DObject], float],
    apart: Callable[[float, float], bool],
) -> list[Omni3DObject | None]:
    """Sort things by a value; None at a place whose thing is not clearly apart from its neighbours."""
    ordered = sorted(members, key=value)
    values = [value(one) for one in ordered]
    gaps = [True, *(apart(low, high) for low, high in zip(values, values[1:], strict=False)), True]
    return [one if gaps[i] and gaps[i + 1] else None for i, one in enumerate(ordered)]


def _ends(
    form: str, ranked: list[Omni3DObject | None], first: tuple[str, ...], last: tuple[str, ...]
) -> Iterator[tuple[str, tuple[str, ...], Omni3DObject]]:
    for texts, one in ((first, ranked[0]), (last, ranked[-1])):
        if one is not None:
            yield form, texts, one
