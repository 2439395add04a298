# SPDX-License-Identifier: Apache-2.0
"""The folder of built plans. A plan has a JSON sidecar that says what it was built from and for.

The sidecar is written last and by rename, and names its plan by the plan's own hash: what it points to is
always whole, also while another process builds the same plan anew.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

import ide3d_ros.bundle
from ide3d_ros.bundle import Bundle, embedded_bundles
from ide3d_ros.engine.cuda_device import Gpu
from ide3d_ros.engine.errors import CorruptPlanError, MissingPlanError, PlanMismatchError, PlanStoreError
from ide3d_ros.engine.plan_key import PlanKey
from ide3d_ros.engine.tensorrt_library import TensorRt

FOLDER_VARIABLE = "IDE3D_PLANS"
_EMBEDDED = Path(ide3d_ros.bundle.__file__).parent
_MAX_SIDECAR_BYTES = 1 << 16
_FileName = Annotated[str, Field(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.:-]*\.plan$", max_length=200)]


class PlanRecord(BaseModel):
    """Hold what a sidecar says."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    schema_version: Literal[1] = Field(description="version of this schema")
    bundle: Annotated[str, Field(max_length=64)] = Field(description="name of the bundle")
    key: PlanKey = Field(description="what the plan was built from and for")
    file: _FileName = Field(description="name of the plan, beside this file")
    bytes: Annotated[int, Field(ge=1)] = Field(description="length of the plan")
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")] = Field(description="hash of the plan")
    built: str = Field(description="when it was built, UTC, ISO 8601")
    build_s: Annotated[float, Field(ge=0, allow_inf_nan=False)] = Field(description="how long that took, s")


@dataclass(frozen=True)
class StoredPlan:
    """Hold a readable sidecar and where it lies."""

    sidecar: Path
    record: PlanRecord

    @property
    def file(self) -> Path:
        """Path of the plan."""
        return self.sidecar.parent / self.record.file


@dataclass(frozen=True)
class Pruned:
    """Name a removed file, its length in bytes and why it was removed."""

    file: Path
    bytes: int
    why: str


class PlanStore:
    """Keep plans in a folder.

    Args:
        folder: made when the first plan is written; None takes `default_folder()`.
    """

    def __init__(self, folder: Path | None = None):
        self.folder = default_folder() if folder is None else folder

    def plans(self) -> list[StoredPlan]:
        """List what has a readable sidecar, by name; whatever else lies in the folder is passed over."""
        found = []
        for sidecar in self._files("*.json"):
            try:
                found.append(StoredPlan(sidecar, _read_sidecar(sidecar)))
            except (OSError, ValueError):
                continue
        return found

    def find(self, bundle: Bundle, graph: str, library: TensorRt, gpu: Gpu) -> StoredPlan:
        """Return the plan of a graph that fits.

        Args:
            bundle, graph: what is to run.
            library, gpu: what is to run it.

        Raises:
            MissingPlanError: if no plan of this graph was ever built.
            PlanMismatchError: if those that were built are for something else; it names the nearest one.
            PlanStoreError: if the folder cannot be read.
        """
        nearest: tuple[list[str], StoredPlan] | None = None
        for plan in self.plans():
            if (plan.record.bundle, plan.record.key.graph) != (bundle.name, graph):
                continue
            differences = plan.record.key.differences(bundle.manifest, library, gpu)
            if not differences:
                return plan
            if nearest is None or len(differences) < len(nearest[0]):
                nearest = differences, plan
        if nearest is None:
            raise MissingPlanError(bundle.name, graph, self.folder, build_command(bundle))
        raise PlanMismatchError(nearest[1].file, nearest[0], build_command(bundle))

    def holds(self, bundle: str, key: PlanKey) -> StoredPlan | None:
        """Return the plan with exactly this key, if its file has the length that was written."""
        for plan in self.plans():
            if (plan.record.bundle, plan.record.key) == (bundle, key):
                try:
                    return plan if plan.file.stat().st_size == plan.record.bytes else None
                except OSError:
                    return None
        return None

    def read(self, plan: StoredPlan, bundle: Bundle) -> bytes:
        """Return a plan's bytes, after a comparison with the sidecar's hash.

        Raises:
            CorruptPlanError: if they are not what was written.
        """
        try:
            data = plan.file.read_bytes()
        except OSError as error:
            raise CorruptPlanError(plan.file, f"{error.strerror}", build_command(bundle)) from error
        if len(data) != plan.record.bytes:
            cause = f"it has {len(data)} bytes, {plan.record.bytes} were written"
            raise CorruptPlanError(plan.file, cause, build_command(bundle))
        if hashlib.sha256(data).hexdigest() != plan.record.sha256:
            raise CorruptPlanError(
                plan.file, "its contents are not those that were written", build_command(bundle)
            )
        return data

    def write(self, bundle: str, key: PlanKey, data: bytes, *, built: str, build_s: float) -> StoredPlan:
        """Keep a plan in the place of one with the same key.

        Args:
            bundle: its name.
            key: what the plan was built from and for.
            data: the plan.
            built: when, UTC, ISO 8601.
            build_s: how long building took, seconds.

        Raises:
            PlanStoreError: if the folder cannot be written.
        """
        digest = hashlib.sha256(data).hexdigest()
        stem = f"{bundle}-{key.graph}-{key.digest}"
        record = PlanRecord(
            schema_version=1,
            bundle=bundle,
            key=key,
            file=f"{stem}-{digest[:8]}.plan",
            bytes=len(data),
            sha256=digest,
            built=built,
            build_s=round(build_s, 3),
        )
        plan = StoredPlan(self.folder / f"{stem}.json", record)
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with self._locked():
                _write_whole(plan.file, data)
                _write_whole(plan.sidecar, record.model_dump_json(indent=1).encode())
                for old in self._files(f"{stem}-*.plan"):
                    if old != plan.file:
                        old.unlink(missing_ok=True)
        except OSError as error:
            raise PlanStoreError(self.folder, error.strerror or str(error)) from error
        return plan

    def prune(self, why_useless: Callable[[PlanRecord], str]) -> list[Pruned]:
        """Remove plans that are of no use, sidecars that cannot be read and what they leave behind.

        Args:
            why_useless: says why a plan is of no use; empty keeps it.

        Raises:
            PlanStoreError: if the folder cannot be written.
        """
        if not self.folder.is_dir():
            return []
        try:
            with self._locked():
                doomed = self._doomed(why_useless)
                removed = [Pruned(file, file.stat().st_size, why) for file, why in doomed.items()]
                for one in removed:
                    one.file.unlink(missing_ok=True)
        except OSError as error:
            raise PlanStoreError(self.folder, error.strerror or str(error)) from error
        return removed

    def _doomed(self, why_useless: Callable[[PlanRecord], str]) -> dict[Path, str]:
        doomed, kept = {}, set()
        for sidecar in self._files("*.json"):
            try:
                plan = StoredPlan(sidecar, _read_sidecar(sidecar))
            except (OSError, ValueError) as error:
                doomed[sidecar] = f"its sidecar cannot be read ({_first_line(error)})"
                continue
            why = "" if plan.file.is_file() else "its plan is gone"
            if why := why or why_useless(plan.record):
                doomed[sidecar] = why
            else:
                kept.add(plan.file)
        for file in (*self._files("*.plan"), *self._files(".*.partial")):
            if file not in kept:
                doomed[file] = next(
                    (why for sidecar, why in doomed.items() if file.name.startswith(sidecar.stem)),
                    "no sidecar speaks of it",
                )
        return doomed

    def _files(self, pattern: str) -> list[Path]:
        try:
            return sorted(file for file in self.folder.glob(pattern) if file.is_file())
        except OSError as error:
            raise PlanStoreError(self.folder, error.strerror or str(error)) from error

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Keep other processes from writing; readers need no lock."""
        with (self.folder / ".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def default_folder(environ: Mapping[str, str] = os.environ) -> Path:
    """Return where plans lie: IDE3D_PLANS, or ide3d_ros/plans in the user's cache (XDG_CACHE_HOME).

    Raises:
        PlanStoreError: if neither is set and the user has no home.
    """
    if chosen := environ.get(FOLDER_VARIABLE):
        return Path(chosen)
    cache = environ.get("XDG_CACHE_HOME", "")
    if os.path.isabs(cache):  # the XDG rules say to ignore any other
        return Path(cache) / "ide3d_ros" / "plans"
    if not environ.get("HOME"):
        raise PlanStoreError(Path("~/.cache"), "this user has no home")
    return Path(environ["HOME"]) / ".cache" / "ide3d_ros" / "plans"


def build_command(bundle: Bundle) -> str:
    """Return the command that builds a bundle's plans."""
    is_embedded = bundle.folder.parent == _EMBEDDED and bundle.folder.name in embedded_bundles()
    return f"ide3d build-engine --bundle {bundle.folder.name if is_embedded else bundle.folder}"


def _read_sidecar(file: Path) -> PlanRecord:
    with file.open("rb") as stream:
        text = stream.read(_MAX_SIDECAR_BYTES + 1)
    if len(text) > _MAX_SIDECAR_BYTES:
        raise ValueError(f"longer than {_MAX_SIDECAR_BYTES} bytes")
    return PlanRecord.model_validate_json(text)


def _write_whole(file: Path, data: bytes) -> None:
    partial = file.with_name(f".{file.name}.partial")
    with partial.open("wb") as stream:
        stream.write(data)
        stream.flush()
        os.fsync(stream.fileno())
    partial.replace(file)


def _first_line(error: Exception) -> str:
    if isinstance(error, ValidationError):
        return f"{error.error_count()} fields are wrong"
    return (str(error).splitlines() or [type(error).__name__])[0]
