# SPDX-License-Identifier: Apache-2.0
"""Frozen 3D networks whose tokens a model may learn from while it trains, and never sees while it runs."""
