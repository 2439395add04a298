# SPDX-License-Identifier: Apache-2.0
"""A network's description and tokenizer without graphs, for networks that are not exported."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ide3d_ros.bundle.manifest import BundleDescription
from ide3d_ros.geometry.box_code import BoxCode


@dataclass(frozen=True)
class UnsealedBundle:
    """Stand in for a `Bundle` where the engine brings the network itself, as the torch engine does.

    Attributes:
        manifest: sizes, limits, categories and thresholds; no files.
        tokenizer_file: path of tokenizer.json.
    """

    manifest: BundleDescription
    tokenizer_file: Path

    @property
    def name(self) -> str:
        """Name of the network."""
        return self.manifest.name

    @property
    def box_code(self) -> BoxCode:
        """Layout of the field vector of a visual token."""
        return self.manifest.box_code
