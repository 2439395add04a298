# SPDX-License-Identifier: Apache-2.0
"""Video generators, trained once and frozen, whose features a network reads (preset `vega3d`)."""
