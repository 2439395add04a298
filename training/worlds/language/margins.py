# SPDX-License-Identifier: Apache-2.0
"""How clear-cut a spatial fact must be before a text may state, deny or ask it.

Each relation has a zone where it holds, a zone where it does not, and a zone between in which people would
disagree; a text that depends on the last one is never used. Positions are the centres of boxes in the camera's
level frame (x ahead, y left, z up), unless said otherwise. Things of which one carries the other, directly or
not, are never left of, behind, next to or between one another.
"""

from __future__ import annotations

import math

DISTANCE_MARGIN = 0.3
"""Metres by which an object must be nearer to the camera, or farther from it, than the next to be called so."""
NEIGHBOR_MARGIN = 0.2
"""Metres by which an object must be nearer to an anchor, or farther from it, than the next."""
SIDE_MARGIN = 0.12
"""Share of the image's width that separates the left one of a pair from the right one."""
EXTREME_MARGIN = 0.06
"""Share of the image's width by which the leftmost object, or the second from the left, leads the next one."""
VOLUME_RATIO = 1.25
"""Times by which the box of the largest of a category is larger than the next one's."""
HEIGHT_RATIO = 1.1
"""Times by which the tallest of a category is taller than the next one."""
LARGER_RATIO = 1.5
"""Times by which, of two things of different categories, the larger one's box is larger."""
TALLER_MARGIN, TALLER_RATIO = 0.08, 1.12
"""Metres and times by which, of two things of different categories, the taller one is taller; both must hold."""

BESIDE_ANGLE = math.radians(5.0)
"""A thing is left of an anchor if, seen from the camera, its centre is this far to the left of the anchor's
centre and outside of the anchor; it is not left of it if its centre is not to the left at all."""
CONE_INSIDE, CONE_OUTSIDE = 0.6, 1.2
"""Behind and in front of an anchor: sideways offset over offset along the line of sight, at most and at least."""
CONE_GAP = 0.05
"""Metres between the anchor's far (or near) edge and the centre of what is behind (or in front of) it."""

NEXT_BASE, NEXT_SHARE, NEXT_MOST = 0.15, 0.35, 0.4
"""Things are next to one another if the gap between their footprints is at most NEXT_BASE plus NEXT_SHARE of
the longest side of either, metres, but never more than NEXT_MOST ..."""
NEXT_DOUBT = 0.25
"""... and not if it is this much wider."""
SAME_LEVEL = 0.15
"""Metres between the undersides of things that are next to one another."""

UNDER_INSIDE, UNDER_OUTSIDE = 0.05, 0.1
"""Metres by which a thing's centre lies inside what it is under, seen from above, or outside what it is not."""
UNDER_TOP = 0.02
"""Metres between the tops of what is under and of what is above."""

BETWEEN_APART = 0.6
"""Metres between two anchors that something can be between."""
BETWEEN_ALONG = 0.25, 0.05
"""Share of the way from one anchor to the other, from either end: at least, and at most to be outside."""
BETWEEN_ASIDE = 0.2, 0.45
"""Offset from the line between the anchors over its length: at most, and at least to be outside."""

AHEAD_ANGLE, TURN_ANGLE = math.radians(5.0), math.radians(10.0)
"""What is less than the first angle off the camera's heading is straight ahead; one turns for the second."""

SITUATED_SIDE = math.radians(40.0), math.radians(20.0)
"""From someone's heading, and from its opposite: what is at least the first angle off both is on the left or
right; what is at most the second off one is ahead or behind."""
SITUATED_AWAY = 0.6
"""Metres between someone and what they look at or ask about."""

SHOWS_SIZE = 0.25
"""Metres: shorter sides are not asked for, a tenth of a metre says too little about them."""
