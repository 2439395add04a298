# SPDX-License-Identifier: Apache-2.0
"""Score a bundle on frames with known truth.

`posed` says what is asked about a frame. `world_frames` poses it about simulated rooms (`seeds` says which),
`recording_frames` about real recordings. `responders` answer, `scoring` compares one frame with the truth.
`figures`, `breakdown`, `numbers`, `detection`, `object_captions` and `confidence` sum the scores up, `runner`
does so beside the prior. `perturbations` change frames, `robustness` says what that costs. `report` makes
tables, `plots` pictures; `cli` is `ide3d-evaluate`.
"""
