# SPDX-License-Identifier: Apache-2.0
"""What a node detects, as vision_msgs/LabelInfo."""

from __future__ import annotations

from collections.abc import Sequence

from std_msgs.msg import Header
from vision_msgs.msg import LabelInfo, VisionClass

from ide3d_ros.conversions.answers import printable


def label_info(labels: Sequence[str], threshold: float, info_header: Header) -> LabelInfo:
    """Write a vocabulary.

    Detections carry the label itself as class_id, as phrases are not known beforehand; the numbers here only
    give the order.

    Args:
        labels: words or phrases, at most 65,536.
        threshold: least score of what is published.
        info_header: stamped when it came into force.
    """
    classes = [VisionClass(class_id=i, class_name=printable(label)) for i, label in enumerate(labels)]
    return LabelInfo(header=info_header, class_map=classes, threshold=float(threshold))
