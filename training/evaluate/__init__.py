# SPDX-License-Identifier: Apache-2.0
"""Score a bundle on frames with known truth.

`posed` says what is asked about a frame, `world_frames` poses it about simulated rooms, `responders` answer
it, `scoring` compares and sums up, `runner` does so beside the prior, `report` prints, `cli` is
`ide3d-evaluate`. Frames from elsewhere need only become `PosedFrame`s.
"""
