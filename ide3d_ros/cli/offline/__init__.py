# SPDX-License-Identifier: Apache-2.0
"""`ide3d offline`: answer questions about a recorded bag, the same bytes each time.

No ROS graph, no clock and no thread has a say: frames come from the bag in the order in which it was
recorded, stamps are those of the bag, and each question is asked at a frame that the questions file names.
"""
