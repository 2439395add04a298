# SPDX-License-Identifier: Apache-2.0
"""Complete a bag's frames with depth and pose as the perception node does, by the clock of the recording."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from geometry_msgs.msg import TransformStamped
from sensor_msgs.msg import CompressedImage, Image

from ide3d_ros.conversions.images import ImageError
from ide3d_ros.conversions.stamps import nanoseconds_from_time
from ide3d_ros.geometry.transform_tree import TransformTree
from ide3d_ros.nodes.depth_intake import DepthIntake
from ide3d_ros.nodes.frame_completion import FrameCompletion
from ide3d_ros.nodes.frames import FrameInput
from ide3d_ros.nodes.intake import IntakeError
from ide3d_ros.nodes.recordings import Bag
from ide3d_ros.nodes.transforms import MEMORY_S, FrameTransforms, add_transform

WAIT_S = 1.0
"""How much later than its image depth and TF may have been recorded, seconds."""


@dataclass(frozen=True)
class ExtraSources:
    """Say where a bag holds what some bundles read besides the image.

    Attributes:
        inputs: what the bundle reads, as in its manifest's `extra_inputs`.
        fixed_frame: in which the camera's pose is taken; empty for a bundle that does not read it.
    """

    inputs: tuple[str, ...]
    fixed_frame: str


class CompletedFrames:
    """Read a bag's frames together with their depth and pose.

    Iterating gives complete frames in their order; it raises RecordingError as `Bag.samples` does.
    """

    def __init__(
        self,
        bag: Bag,
        sources: ExtraSources,
        read_frame: Callable[[Image | CompressedImage], FrameInput | None],
        on_refusal: Callable[[int, str], None],
    ) -> None:
        """Read nothing yet.

        Args:
            bag: with the depth topic, for a bundle that reads depth.
            sources: where the rest is.
            read_frame: makes an image a frame; None where it cannot be used.
            on_refusal: takes the stamp, nanoseconds, of what is left out, and why, as a sentence.
        """
        self._bag = bag
        self._read_frame = read_frame
        self._on_refusal = on_refusal
        self._now_s = 0.0
        self._tree = TransformTree(MEMORY_S)
        self._done: deque[FrameInput] = deque()
        self._depth = DepthIntake(bag.depth_topic) if "depth" in sources.inputs else None
        poses = None
        if "world_from_camera" in sources.inputs:
            poses = FrameTransforms(self._tree, sources.fixed_frame, WAIT_S, clock=self._clock)
        self._completion = FrameCompletion(
            self._done.append,
            lambda frame, _, text: on_refusal(frame.stamp_ns, text),
            depth=self._depth,
            poses=poses,
            wait_s=WAIT_S,
            clock=self._clock,
        )

    def __iter__(self) -> Iterator[FrameInput]:
        for sample in self._bag.samples():
            self._now_s = sample.time_s
            for one in sample.static_transforms:
                self._add(one, is_static=True)
            for one in sample.transforms:
                self._add(one, is_static=False)
            for image in sample.images:
                frame = self._read_frame(image)
                if frame is not None:
                    self._completion.take(frame)
            for make in sample.depths:
                self._take_depth(make)
            self._completion.look()
            while self._done:
                yield self._done.popleft()
        self._now_s += 2 * WAIT_S
        self._completion.look()
        yield from self._done

    def _clock(self) -> float:
        return self._now_s

    def _take_depth(self, make: Callable[[], Image]) -> None:
        try:
            self._completion.add_depth(self._depth.take(make()))
        except (ImageError, IntakeError) as error:
            self._on_refusal(0, str(error))

    def _add(self, one: TransformStamped, *, is_static: bool) -> None:
        try:
            add_transform(self._tree, one, is_static=is_static)
        except ValueError as error:
            child, stamp_ns = one.child_frame_id.lstrip("/"), nanoseconds_from_time(one.header.stamp)
            self._on_refusal(stamp_ns, f"a transform of {child[:80]!r} is left out: {error}")
