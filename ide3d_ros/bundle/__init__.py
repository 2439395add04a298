# SPDX-License-Identifier: Apache-2.0
"""The model bundle: manifest, graphs, weights and tokenizer in one checked folder."""

from ide3d_ros.bundle.errors import (
    BundleError,
    HashMismatchError,
    InvalidManifestError,
    MissingFileError,
    SchemaVersionError,
    TruncatedFileError,
    UnknownBundleError,
)
from ide3d_ros.bundle.manifest import BundleDescription, Category, Limits, Manifest, NetworkSizes
from ide3d_ros.bundle.opening import Bundle, embedded_bundles, open_bundle
from ide3d_ros.bundle.sealing import seal_bundle
from ide3d_ros.bundle.unsealed import UnsealedBundle

__all__ = [
    "Bundle",
    "BundleDescription",
    "BundleError",
    "Category",
    "HashMismatchError",
    "InvalidManifestError",
    "Limits",
    "Manifest",
    "MissingFileError",
    "NetworkSizes",
    "SchemaVersionError",
    "TruncatedFileError",
    "UnknownBundleError",
    "UnsealedBundle",
    "embedded_bundles",
    "open_bundle",
    "seal_bundle",
]
