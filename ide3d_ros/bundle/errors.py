# SPDX-License-Identifier: Apache-2.0
"""What can be wrong with a bundle; each error names the file, the cause and the way out."""

from __future__ import annotations

from pathlib import Path


class BundleError(Exception):
    """Report that a bundle cannot be used; the base of every error in this package."""


class UnknownBundleError(BundleError):
    """Report a name that is neither an embedded bundle nor a folder."""

    def __init__(self, name: str, known: tuple[str, ...]):
        embedded = ", ".join(known) if known else "none"
        super().__init__(
            f"no bundle is called '{name}'; embedded bundles: {embedded}. "
            "Give one of these names, or the path of a folder that holds a manifest.json"
        )


class MissingFileError(BundleError):
    """Report a file of the bundle that is not there or cannot be read."""

    def __init__(self, file: Path, cause: str = "does not exist"):
        super().__init__(f"bundle file {file} {cause}; copy the whole bundle folder again or export it anew")


class TruncatedFileError(BundleError):
    """Report a file whose length is not the one the manifest states."""

    def __init__(self, file: Path, expected: int, found: int):
        super().__init__(
            f"bundle file {file} has {found} bytes, its manifest says {expected}: "
            "the copy is incomplete or changed; copy the whole bundle folder again"
        )


class HashMismatchError(BundleError):
    """Report a file of the right length with other contents than were sealed."""

    def __init__(self, file: Path, expected: str, found: str):
        super().__init__(
            f"bundle file {file} has sha256 {found[:12]}..., its manifest says {expected[:12]}...: "
            "the file was changed or damaged; copy the whole bundle folder again, or seal it anew"
        )


class SchemaVersionError(BundleError):
    """Report a manifest written for another version of this package."""

    def __init__(self, file: Path, found: object, supported: int):
        super().__init__(
            f"{file} has schema_version {found!r}, this version of ide3d_ros reads {supported}; "
            "export the bundle again with this version, or install the version that wrote it"
        )


class InvalidManifestError(BundleError):
    """Report a manifest that is not JSON or breaks the schema."""

    def __init__(self, file: Path, problems: str):
        super().__init__(f"{file} is not a valid manifest: {problems}; correct it or export the bundle again")
