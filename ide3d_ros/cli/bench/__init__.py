# SPDX-License-Identifier: Apache-2.0
"""`ide3d bench`: where the milliseconds go, and what the kept work saves.

`rounds` lets cases take turns, `figures` sums their times up, `machine` says where that was, and `report`
lays it out for people and programs; none of them knows what is measured. `library` measures a Scene without
ROS, and `live` a perception node in a process of its own, with this process as its cameras.
"""
