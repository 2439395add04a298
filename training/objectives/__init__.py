# SPDX-License-Identifier: Apache-2.0
"""Training objectives, one module each. Every term is logged under its own name."""
