# SPDX-License-Identifier: Apache-2.0
"""Shapes of single objects, by kind of thing. ``form`` says what a builder is given and what it returns."""
