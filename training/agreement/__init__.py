# SPDX-License-Identifier: Apache-2.0
"""How far two bundles agree: what a conversion costs, in metres and in answers."""
