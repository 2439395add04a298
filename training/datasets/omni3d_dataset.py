# SPDX-License-Identifier: Apache-2.0
"""Training samples of labelled images in the Omni3D format."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from tokenizers import Tokenizer
from torch.utils.data import Dataset

from ide3d_ros.network import NetworkConfig
from ide3d_ros.scene.preprocessing import prepare_image
from ide3d_training.datasets.augmentation import jitter_light
from ide3d_training.datasets.frame_targets import frame_targets
from ide3d_training.datasets.omni3d import Omni3DError, Omni3DImage
from ide3d_training.datasets.omni3d_absent import absent_references
from ide3d_training.datasets.omni3d_frames import frame_graph, mirror_image, nearest_objects
from ide3d_training.datasets.omni3d_referring import Reference, describe_image
from ide3d_training.datasets.packing import Prompt, Sample

MOST_UNREADABLE = 20
"""So many files in a row that cannot be read are no accident."""


class Omni3DDataset(Dataset):
    """Samples of labelled images, with the same keys as `RoomDataset`: (epoch, image).

    A file that cannot be read, or is not of its labels' size, is named in the sample of the next one, which
    stands in for it.

    Args:
        images: their labels, all of whose categories the network knows.
        folder: that the labels' file paths lie in.
        config: the network that is trained.
        tokenizer: turns texts into ids.
        seed: with epoch and image it fixes every draw.
        expressions: most expressions of an image in a sample.
        absent: share of them that fit nothing in the image, where there is anything to say.
    """

    def __init__(
        self,
        images: Sequence[Omni3DImage],
        folder: Path,
        config: NetworkConfig,
        tokenizer: Tokenizer,
        seed: int,
        *,
        expressions: int,
        absent: float,
    ):
        self._images, self._folder, self._config = images, folder, config
        self._tokenizer, self._seed = tokenizer, seed
        self._expressions, self._absent = expressions, absent

    def __len__(self) -> int:
        return len(self._images)

    def __getitem__(self, key: tuple[int, int]) -> list[Sample]:
        """Return the sample of (epoch, image); it has no prompts where nothing can be asked.

        Raises:
            Omni3DError: if file after file cannot be read.
        """
        epoch, index = key
        rng = np.random.default_rng((self._seed, epoch, index))
        mirrored = bool(rng.random() < 0.5)
        image, picture, unreadable = self._readable(index)
        if mirrored:
            image, picture = mirror_image(image), np.ascontiguousarray(picture[:, ::-1])
        prepared = prepare_image(picture, image.camera, self._config.width, self._config.height)
        ids, graph = frame_graph(image, prepared.camera)
        targets, rows = frame_targets(ids, graph, self._config)
        place = {one.id: rows.get(number) for number, one in enumerate(nearest_objects(image), 1)}
        references = draw_references(image, rng, self._expressions, self._absent)
        prompts = [self._prompt(one, place) for one in references]
        return [
            Sample(
                jitter_light(prepared.pixels, rng),
                prepared.camera.K.astype(np.float32),
                tuple(prompt for prompt in prompts if prompt is not None),
                targets,
                unreadable=unreadable,
            )
        ]

    def _prompt(self, reference: Reference, place: dict[int, int | None]) -> Prompt | None:
        """Return a description as a prompt; None where too little is seen of what it fits."""
        ids = tuple(self._tokenizer.encode(f"<locate> {reference.text}").ids)
        if reference.target_id is None:
            return Prompt(ids, (), ())
        row = place.get(reference.target_id)
        return None if row is None else Prompt(ids, (), (row,))

    def _readable(self, index: int) -> tuple[Omni3DImage, np.ndarray, tuple[str, ...]]:
        """Read an image, or the first after it that can be read; name those before it."""
        lost: list[str] = []
        for step in range(min(MOST_UNREADABLE, len(self))):
            image = self._images[(index + step) % len(self)]
            try:
                return image, read_picture(self._folder / image.file_path, image), tuple(lost)
            except Omni3DError as error:
                lost.append(str(error))
        raise Omni3DError(f"{len(lost)} images in a row cannot be read; the last: {lost[-1]}")


def draw_references(
    image: Omni3DImage, rng: np.random.Generator, most: int, absent: float
) -> list[Reference]:
    """Draw what is asked about an image: descriptions of its things, and some that fit nothing.

    Args:
        image: the labels.
        rng: decides.
        most: number of descriptions.
        absent: share of those that fit nothing, but never more of them than of the others, or 1.
    """
    fitting = describe_image(image, rng, most)
    nothing = absent_references(image, rng, int(rng.binomial(most, absent)))
    nothing = nothing[: max(min(len(fitting), most // 2), 1)]  # sparse images would teach little but "none"
    return [*nothing, *fitting[: most - len(nothing)]]


def read_picture(path: Path, image: Omni3DImage) -> np.ndarray:
    """Read the file of an image.

    Returns:
        (H, W, 3) uint8 RGB.

    Raises:
        Omni3DError: if it is missing, damaged, cut off, or not of the size that its labels say.
    """
    try:
        data = np.fromfile(path, np.uint8)
    except OSError as error:
        raise Omni3DError(f"{path}: {error.strerror}") from None
    # From memory: of a JPEG file that is cut off, cv2.imread returns the upper part above grey.
    picture = cv2.imdecode(data, cv2.IMREAD_COLOR) if len(data) else None
    if picture is None:
        raise Omni3DError(f"{path} cannot be read as a picture")
    if picture.shape[:2] != (image.camera.height, image.camera.width):
        raise Omni3DError(
            f"{path} is {picture.shape[1]}x{picture.shape[0]}, but its labels say "
            f"{image.camera.width}x{image.camera.height}"
        )
    return cv2.cvtColor(picture, cv2.COLOR_BGR2RGB)
