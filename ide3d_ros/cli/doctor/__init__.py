# SPDX-License-Identifier: Apache-2.0
"""`ide3d doctor`: find what is wrong on a machine and say how to mend it.

Each check is a function of what it looks at, so that a test can break just that: `machine` looks at variables
and files, `model` at the bundle and what runs it, and `cameras`, `perception` and `transforms` at an
`Observation` of the running nodes, which `listening` makes.
"""
