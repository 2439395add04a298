# SPDX-License-Identifier: Apache-2.0
"""Measures of localisation and answers, each defined as its benchmark defines it; no torch, no rendering."""
