# SPDX-License-Identifier: Apache-2.0
"""Simulated rooms: from a seed to RGB, metric depth, instance ids and oriented ground-truth boxes.

``categories`` says what exists, ``room`` places it, ``viewpoint`` puts a camera into it, ``renderer`` draws
it with MuJoCo, ``scene_graph`` is what a frame is labelled with, ``shards`` is the data set on disk. Only
``renderer`` (and what draws through it) needs MuJoCo and OpenGL, so this package imports nothing by itself.
"""
