# SPDX-License-Identifier: Apache-2.0
"""Compare methods on the same data, steps and network: train, export, evaluate, probe, write it down."""
