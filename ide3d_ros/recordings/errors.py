# SPDX-License-Identifier: Apache-2.0
"""What can be wrong with a recording."""

from __future__ import annotations


class RecordingError(ValueError):
    """A recording is missing, damaged or not of a known form; the sentence names the file."""
