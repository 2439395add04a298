# SPDX-License-Identifier: Apache-2.0
"""Descriptions that fit nothing in an Omni3D image, as far as its labels tell.

They teach a network to say "none", and are no benchmark: labels do not list all that is in an image. A
category counts as absent where its label file knows it and the image has nothing of it, not even something
unusable. Data sets that label one kind of thing an image (Objectron) do not allow that conclusion.
"""

from __future__ import annotations

import numpy as np

from ide3d_training.datasets.omni3d import UNLABELLED, Omni3DImage
from ide3d_training.datasets.omni3d_referring import Reference, beside, columns, describable


def absent_references(image: Omni3DImage, rng: np.random.Generator, most: int) -> tuple[Reference, ...]:
    """Draw descriptions that fit nothing, all different: by category, or by a side on which there is none.

    Args:
        image: the labels.
        rng: draws which and in what words.
        most: number of descriptions.

    Returns:
        references without a target, of form "absent"; none where parts of the image are not labelled.
    """
    if image.others & UNLABELLED:
        return ()
    groups = describable(image)
    column = columns(image, groups)
    missing = sorted(image.labelled - image.others - {one.category for one in image.objects})
    found = [(f"the {name}",) for name in rng.permutation(missing)[:most]]
    empty = [texts for name in groups for texts, members in beside(name, groups, column) if not members]
    found += [empty[i] for i in rng.permutation(len(empty))[:most]]
    order = rng.permutation(len(found))[:most]
    return tuple(Reference(str(rng.choice(found[i])), "absent", None) for i in order)
