# SPDX-License-Identifier: Apache-2.0
"""Open a bundle: find its folder, read its manifest, check every file against it."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from ide3d_ros.bundle.errors import (
    HashMismatchError,
    InvalidManifestError,
    MissingFileError,
    SchemaVersionError,
    TruncatedFileError,
    UnknownBundleError,
)
from ide3d_ros.bundle.manifest import SCHEMA_VERSION, Manifest, SealedFile
from ide3d_ros.geometry.box_code import BoxCode

MANIFEST_FILE = "manifest.json"
MAX_MANIFEST_BYTES = 1 << 20  # a manifest is a few kB; anything longer is not one

_EMBEDDED = Path(__file__).parent


@dataclass(frozen=True)
class Bundle:
    """Hold an opened bundle: its folder and its manifest, every file of which has been checked.

    Attributes:
        folder: where the files lie.
        manifest: the parsed manifest.json.
    """

    folder: Path
    manifest: Manifest

    @property
    def name(self) -> str:
        """Name of the bundle."""
        return self.manifest.name

    @property
    def box_code(self) -> BoxCode:
        """Layout of the field vector of a visual token."""
        return self.manifest.box_code

    @property
    def tokenizer_file(self) -> Path:
        """Path of tokenizer.json."""
        return self.folder / self.manifest.tokenizer.file

    def graph_file(self, graph: str) -> Path:
        """Return the path of one of the four ONNX graphs."""
        return self.folder / self.manifest.graphs.by_name()[graph].file


def embedded_bundles() -> tuple[str, ...]:
    """Return the names of the bundles that ship inside this package."""
    return tuple(sorted(file.parent.name for file in _EMBEDDED.glob(f"*/{MANIFEST_FILE}")))


def open_bundle(name_or_path: str | Path) -> Bundle:
    """Open a bundle and check it, so that whatever is loaded from it later is what was sealed.

    Args:
        name_or_path: the name of an embedded bundle such as "nano", or the path of a bundle folder.

    Raises:
        UnknownBundleError: if there is neither such a name nor such a folder.
        MissingFileError: if a file is absent or unreadable.
        TruncatedFileError: if a file has another length than the manifest states.
        HashMismatchError: if a file has other contents than were sealed.
        SchemaVersionError: if the manifest belongs to another version of this package.
        InvalidManifestError: if the manifest is not JSON or breaks the schema.
    """
    folder = _find_folder(name_or_path)
    manifest = read_manifest(folder / MANIFEST_FILE)
    for sealed in manifest.files():
        _check_file(folder / sealed.file, sealed)
    return Bundle(folder, manifest)


def read_manifest(file: Path) -> Manifest:
    """Read and validate a manifest without looking at the files it names.

    Raises:
        MissingFileError, SchemaVersionError, InvalidManifestError: as in `open_bundle`.
    """
    try:
        with file.open("rb") as stream:
            text = stream.read(MAX_MANIFEST_BYTES + 1)
    except OSError as error:
        raise _unreadable(file, error) from error
    if len(text) > MAX_MANIFEST_BYTES:
        raise InvalidManifestError(file, f"it is longer than {MAX_MANIFEST_BYTES} bytes")
    try:
        values = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InvalidManifestError(file, f"it is not JSON ({error})") from error
    if not isinstance(values, dict):
        raise InvalidManifestError(file, f"it holds a JSON {type(values).__name__}, not an object")
    # The version first: a manifest from the future would otherwise fail on whatever field happens to be new.
    version = values.get("schema_version")
    if version != SCHEMA_VERSION or isinstance(version, bool):
        raise SchemaVersionError(file, version, SCHEMA_VERSION)
    try:
        return Manifest.model_validate_json(text)
    except ValidationError as error:
        raise InvalidManifestError(file, describe_problems(error)) from error


def describe_problems(error: ValidationError) -> str:
    """Spell the first problems of a validation error as `field: cause`, in one line."""
    problems = error.errors(include_url=False, include_context=False, include_input=False)
    lines = [f"{'.'.join(map(str, p['loc'])) or 'manifest'}: {p['msg']}" for p in problems[:3]]
    if len(problems) > 3:
        lines.append(f"and {len(problems) - 3} more")
    return "; ".join(lines)


def hash_file(file: Path) -> tuple[int, str]:
    """Return the length and the sha256 (lower-case hex) of a file."""
    with file.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
        return stream.tell(), digest


def _find_folder(name_or_path: str | Path) -> Path:
    if isinstance(name_or_path, str) and name_or_path in embedded_bundles():
        return _EMBEDDED / name_or_path
    folder = Path(name_or_path)
    if name_or_path == "" or not folder.is_dir():
        raise UnknownBundleError(str(name_or_path), embedded_bundles())
    return folder


def _check_file(file: Path, sealed: SealedFile) -> None:
    try:
        found = (
            file.stat().st_size
        )  # before hashing: a truncated copy is the common damage, and costs nothing to see
        if found != sealed.bytes:
            raise TruncatedFileError(file, sealed.bytes, found)
        digest = hash_file(file)[1]
    except OSError as error:
        raise _unreadable(file, error) from error
    if digest != sealed.sha256:
        raise HashMismatchError(file, sealed.sha256, digest)


def _unreadable(file: Path, error: OSError) -> MissingFileError:
    if isinstance(error, FileNotFoundError):
        return MissingFileError(file)
    return MissingFileError(file, f"cannot be read ({error.strerror})")
