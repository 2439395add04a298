# SPDX-License-Identifier: Apache-2.0
"""Recordings on disk, without ROS: a folder of pictures with its calibration, and labels made by hand."""

from ide3d_ros.recordings.errors import RecordingError
from ide3d_ros.recordings.frame_folder import FolderFrame, FrameFolder
from ide3d_ros.recordings.labels import LabelledExpression, LabelledObject, LabelledQuestion, Labels

__all__ = [
    "FolderFrame",
    "FrameFolder",
    "LabelledExpression",
    "LabelledObject",
    "LabelledQuestion",
    "Labels",
    "RecordingError",
]
