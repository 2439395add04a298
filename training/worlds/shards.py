# SPDX-License-Identifier: Apache-2.0
"""A rendered data set on disk: written shard by shard, in parallel, resumable.

::

    DIR/dataset.json                    every setting the pixels depend on
    DIR/shard-00000/rgb.npy             uint8  (N, H, W, 3)
                    depth.npy           uint16 (N, H, W), millimetres along the optical axis, 0 = unknown
                    ids.npy             uint8  (N, H, W), ids of objects, 0 = the room's shell
                    frames.jsonl        N lines, one FrameGraph each

Room i of a data set has the seed ``seed + i``. Its frames stand one after the other in the order of the index
in their labels, and rooms by seed. A shard holds whole rooms, as many as make up to 64 frames. All rooms of a
data set belong to one split. Each frame's labels carry its own pose and camera.

A shard appears under its name only when it is complete (it is written beside and renamed), so whatever an
interruption leaves behind is never read.
"""

from __future__ import annotations

import contextlib
import json
import multiprocessing
import os
import shutil
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from ide3d_training.worlds.categories import CATEGORIES, COLORS
from ide3d_training.worlds.motion import MOTIONS
from ide3d_training.worlds.scene_graph import FrameGraph
from ide3d_training.worlds.sensor import SENSORS
from ide3d_training.worlds.splits import split_of

# Raise this whenever the same seed would give other pixels or labels, so that data sets are never mixed.
GENERATOR_VERSION = 2
FRAMES_PER_SHARD = 64
SETTINGS_FILE = "dataset.json"
PICTURES = ("rgb", "depth", "ids")
"""Arrays of a shard, each in a file of its name."""
MILLIMETRES = 1000.0
"""Units of the depth array in a metre."""
_SHARD_PATTERN = "shard-[0-9][0-9][0-9][0-9][0-9]"


class DatasetError(RuntimeError):
    """A data set's folder cannot be written, or does not hold what it should."""


@dataclass(frozen=True)
class Settings:
    """What a data set is made of: two with equal settings have equal bytes (on the same renderer).

    Attributes:
        rooms: number of rooms.
        seed: of the first room.
        width, height: of the frames, pixels.
        frames_per_room: number of frames of each room.
        motion: of the camera, one of ``motion.MOTIONS``.
        rate_hz: frames a second while the camera moves.
        sensor: kind of camera, one of ``sensor.SENSORS``.
    """

    rooms: int
    seed: int
    width: int = 256
    height: int = 192
    frames_per_room: int = 1
    motion: str = "views"
    rate_hz: float = 4.0
    sensor: str = "clean"

    def __post_init__(self) -> None:
        least = {"rooms": 1, "seed": 0, "width": 16, "height": 16, "frames_per_room": 1}
        for name, bound in least.items():
            value = getattr(self, name)
            if value < bound:
                raise DatasetError(f"{name} must be at least {bound}, not {value}")
        if self.frames_per_room > FRAMES_PER_SHARD:
            raise DatasetError(
                f"frames_per_room must be at most {FRAMES_PER_SHARD}, not {self.frames_per_room}"
            )
        for name, known in (("motion", MOTIONS), ("sensor", SENSORS)):
            value = getattr(self, name)
            if value not in known:
                raise DatasetError(f"{name} must be one of {', '.join(known)}, not {value!r}")
        if not 0 < self.rate_hz < float("inf"):
            raise DatasetError(f"rate_hz must be above 0 and finite, not {self.rate_hz}")
        first, last = split_of(self.seed), split_of(self.seed + self.rooms - 1)
        if first != last:
            raise DatasetError(
                f"seeds {self.seed} to {self.seed + self.rooms - 1} reach from split {first.name} into split "
                f"{last.name} (from {last.first} on): a data set holds one split, take other seeds"
            )

    @property
    def rooms_per_shard(self) -> int:
        """Number of rooms in a full shard."""
        return FRAMES_PER_SHARD // self.frames_per_room

    @property
    def shards(self) -> int:
        """Number of shards."""
        return -(-self.rooms // self.rooms_per_shard)

    @property
    def frames(self) -> int:
        """Number of frames."""
        return self.rooms * self.frames_per_room

    def seeds(self, shard: int) -> range:
        """Return the seeds of a shard's rooms."""
        first = shard * self.rooms_per_shard
        return range(self.seed + first, self.seed + min(first + self.rooms_per_shard, self.rooms))

    def frames_in(self, shard: int) -> int:
        """Return the number of a shard's frames."""
        return len(self.seeds(shard)) * self.frames_per_room

    def to_json(self) -> str:
        """Return the settings, with the names that labels use, as JSON."""
        described = {
            "format": "ide3d-worlds",
            "generator_version": GENERATOR_VERSION,
            **asdict(self),
            "split": split_of(self.seed).name,
            "rooms_per_shard": self.rooms_per_shard,
            "depth_unit_m": 1.0 / MILLIMETRES,
            "categories": list(CATEGORIES),
            "colors": list(COLORS),
        }
        return json.dumps(described, indent=2) + "\n"


@dataclass(frozen=True)
class Shard:
    """One finished shard; its arrays are memory maps that are read when touched.

    Attributes:
        path: its folder.
        rgb: (N, H, W, 3) uint8.
        depth: (N, H, W) uint16, millimetres, 0 = unknown.
        ids: (N, H, W) uint8.
        frames: N labels.
    """

    path: Path
    rgb: np.ndarray
    depth: np.ndarray
    ids: np.ndarray
    frames: tuple[FrameGraph, ...]


def iterate_shards(folder: str | Path) -> Iterator[Shard]:
    """Read a data set's finished shards in order.

    Args:
        folder: the data set.

    Yields:
        Its shards; fewer than its settings promise while it is still being rendered.

    Raises:
        DatasetError: if the folder holds no data set.
    """
    folder = Path(folder)
    if not (folder / SETTINGS_FILE).is_file():
        raise DatasetError(
            f"{folder} holds no data set: {SETTINGS_FILE} is missing; make one with: ide3d-worlds render"
        )
    for path in sorted(folder.glob(_SHARD_PATTERN)):
        lines, pictures = read_shard(path)
        yield Shard(path, **pictures, frames=tuple(FrameGraph.from_json(line) for line in lines))


def read_shard(path: Path) -> tuple[list[str], dict[str, np.ndarray]]:
    """Return a shard's labels, one line of JSON a frame, and its PICTURES as memory maps.

    Raises:
        DatasetError: if a file of it is missing or broken, or they are of different lengths.
    """
    try:
        lines = (path / "frames.jsonl").read_text(encoding="utf-8").splitlines()
        pictures = {name: np.load(path / f"{name}.npy", mmap_mode="r") for name in PICTURES}
    except (OSError, ValueError) as error:
        raise damaged(path, str(error)) from error
    if any(len(picture) != len(lines) for picture in pictures.values()):
        raise damaged(path, f"it has {len(lines)} labels for {len(pictures['rgb'])} frames")
    return lines, pictures


def damaged(path: Path, cause: str) -> DatasetError:
    """Make the error that says what is wrong with a shard, and the way out."""
    return DatasetError(
        f"{path} is damaged, {cause}: delete it and render again, which makes only what is missing"
    )


def render_dataset(
    settings: Settings, folder: str | Path, workers: int = 1, on_shard: Callable[[int], None] | None = None
) -> int:
    """Render what is missing of a data set.

    Args:
        settings: what to render.
        folder: where; made if need be. If it already holds a data set, that must have the same settings.
        workers: processes; they change the speed, never the bytes.
        on_shard: called with the number of frames of each shard that is finished or found finished.

    Returns:
        The number of frames drawn by this call, without those found on disk.

    Raises:
        DatasetError: if the folder cannot be written or holds something else, or workers is below 1.
    """
    if workers < 1:
        raise DatasetError(f"workers must be at least 1, not {workers}")
    folder = Path(folder)
    prepare_folder(folder, settings)
    report = on_shard or (lambda frames: None)
    missing = []
    for shard in range(settings.shards):
        if (folder / _name(shard)).is_dir():
            report(settings.frames_in(shard))
        else:
            missing.append(shard)
    if workers == 1 or len(missing) < 2:
        from ide3d_training.worlds.renderer import RoomRenderer

        if missing:
            with RoomRenderer(settings.width, settings.height) as renderer:
                for shard in missing:
                    report(_write_shard(settings, folder, shard, renderer))
    else:
        _render_in_parallel(settings, folder, missing, min(workers, len(missing)), report)
    return sum(settings.frames_in(shard) for shard in missing)


def _render_in_parallel(
    settings: Settings, folder: Path, missing: list[int], workers: int, report: Callable[[int], None]
) -> None:
    context = multiprocessing.get_context("spawn")  # OpenGL does not survive a fork
    others = set(multiprocessing.active_children())
    pool = ProcessPoolExecutor(workers, mp_context=context, initializer=_start_worker)
    try:
        with _interrupts_ignored():  # children inherit this: Ctrl-C is this process's business alone
            jobs = [pool.submit(_work, settings, folder, shard) for shard in missing]
        for done in as_completed(jobs):
            report(done.result())
    except BrokenProcessPool as error:
        raise DatasetError("a render process died, maybe for lack of memory: try fewer workers") from error
    except BaseException:
        # Ctrl-C or a failed shard: the shards under way are given up rather than waited for.
        pool.shutdown(wait=False, cancel_futures=True)
        for process in set(multiprocessing.active_children()) - others:
            process.terminate()
        raise
    pool.shutdown()


@contextlib.contextmanager
def _interrupts_ignored() -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield  # Python delivers Ctrl-C to the main thread only
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


_renderer = None  # of this worker process


def _start_worker() -> None:
    def follow_parent() -> None:
        multiprocessing.parent_process().join()
        os._exit(1)  # nobody is left to hand the shard to

    threading.Thread(target=follow_parent, daemon=True).start()


def _work(settings: Settings, folder: Path, shard: int) -> int:
    global _renderer
    if _renderer is None:  # not in the initializer: its exceptions would not reach the caller
        from ide3d_training.worlds.renderer import RoomRenderer

        _renderer = RoomRenderer(settings.width, settings.height)
    return _write_shard(settings, folder, shard, _renderer)


def _name(shard: int) -> str:
    return f"shard-{shard:05d}"


def prepare_folder(folder: str | Path, settings: Settings) -> None:
    """Make a folder ready to be rendered into, and clear what an interruption left in it.

    Args:
        folder: of the data set, new, empty or with a data set of the same settings.
        settings: what will be rendered.

    Raises:
        DatasetError: if the folder cannot be written or holds something else.
    """
    folder = Path(folder)
    path = folder / SETTINGS_FILE
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if path.exists():
            if path.read_text(encoding="utf-8") != settings.to_json():
                raise DatasetError(f"{folder} holds a data set with other settings: choose another folder")
        else:
            if any(not entry.name.startswith(f".{SETTINGS_FILE}") for entry in folder.iterdir()):
                raise DatasetError(f"{folder} is not empty and holds no data set: choose another folder")
            _write_whole(path, settings.to_json())
        for leftover in folder.glob(".shard-*"):
            shutil.rmtree(leftover, ignore_errors=True)
        if not os.access(folder, os.W_OK):
            raise PermissionError("no write permission")
    except OSError as error:
        raise DatasetError(f"cannot write to {folder}: {error.strerror or error}") from error


def _write_whole(path: Path, text: str) -> None:
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.write_text(text, encoding="utf-8")
    os.rename(draft, path)


def _write_shard(settings: Settings, folder: Path, shard: int, renderer) -> int:
    from ide3d_training.worlds.capture import capture_room

    count = settings.frames_in(shard)
    shape = (count, settings.height, settings.width)
    rgb, depth, ids = np.empty((*shape, 3), np.uint8), np.empty(shape, np.uint16), np.empty(shape, np.uint8)
    lines = []
    for seed in settings.seeds(shard):
        frames = capture_room(
            seed, renderer, settings.frames_per_room, settings.motion, settings.rate_hz, settings.sensor
        )
        for frame in frames:
            i = len(lines)
            rgb[i], ids[i] = frame.rgb, frame.ids
            depth[i] = np.round(np.minimum(frame.depth * MILLIMETRES, 65535.0))
            lines.append(frame.graph.to_json() + "\n")
    draft = folder / f".{_name(shard)}.{os.getpid()}"
    try:
        draft.mkdir()
        for name, array in (("rgb", rgb), ("depth", depth), ("ids", ids)):
            np.save(draft / f"{name}.npy", array)
        (draft / "frames.jsonl").write_text("".join(lines), encoding="utf-8")
        os.rename(draft, folder / _name(shard))
    except OSError as error:
        shutil.rmtree(draft, ignore_errors=True)
        raise DatasetError(f"cannot write {folder / _name(shard)}: {error.strerror or error}") from error
    return count
