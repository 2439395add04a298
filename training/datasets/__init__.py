# SPDX-License-Identifier: Apache-2.0
"""From rendered rooms to packed training batches."""
