# SPDX-License-Identifier: Apache-2.0
"""Put prompts to a running perception node, each scored in the frame that its reply names."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

from ide3d_ros.cli.demo_client import DemoClient, NoAnswerError
from ide3d_ros.cli.exchanges import Exchange, Prompt, Truth, answered_stamp, judge
from ide3d_ros.cli.moments import Moment
from ide3d_ros.cli.recorded_tour import RecordedTour
from ide3d_ros.cli.room_tour import ROUND, RoomTour, frame_graph, truth_in_room

REPLY_S = 40.0
_PARTS_S = 20.0
_ROOM_S = 40.0
_TRIES = 6


class Interview:
    """Ask through the services, and find the frame and with it the truth that each reply is about."""

    def __init__(self, client: DemoClient) -> None:
        self._client = client
        self.undecided = 0
        """Replies about frames in which the prompt has no definite answer, or that never came here."""

    def ask(
        self,
        prompt: Prompt,
        truth_in: Callable[[Prompt, Moment], Truth | None],
        place_of: Callable[[Moment], tuple[str, int]],
    ) -> Exchange | None:
        """Ask once.

        Args:
            prompt: what to ask.
            truth_in: what is right in a frame; None where that is not definite.
            place_of: a frame's room or number, for people and as a group.

        Returns:
            None if the reply cannot be scored fairly.

        Raises:
            NoAnswerError: if no reply comes.
        """
        fields = {"locate": {"expression": prompt.text}, "ask": {"question": prompt.text}, "describe": {}}
        asked_about = self._client.moments.newest()
        reply = self._client.request(prompt.service, REPLY_S, **fields[prompt.service])
        stamp_ns = answered_stamp(reply)
        moment = asked_about  # a refusal is about no frame; it counts in the one it was asked for
        if stamp_ns:
            try:
                moment = self._client.wait(lambda: self._client.moments.at(stamp_ns), _PARTS_S, "such frame")
            except NoAnswerError:
                moment = None
        truth = truth_in(prompt, moment) if moment is not None else None
        if truth is None:
            self.undecided += 1
            return None
        place, group = place_of(moment)
        return judge(prompt, reply, truth, moment, place=place, group=group)

    def tour_rooms(self, seeds: range, duration_s: float) -> Iterator[Exchange]:
        """Ask a round in each of several rooms while the camera moves.

        Args:
            seeds: of the rooms; the first is the one that the camera is in.
            duration_s: over which the prompts are spread.
        """
        tour, client = RoomTour(seeds[0]), self._client
        pace_s = duration_s / (len(seeds) * len(ROUND))
        for seed in seeds:
            if seed != seeds[0]:
                client.set_integer("sim_camera", "room.seed", seed)
            client.wait(lambda seed=seed: self._in_room(seed), _ROOM_S, f"frames of room {seed}")
            for kind in ROUND:
                next_s = time.monotonic() + pace_s
                exchange = self._persist(
                    lambda kind=kind: tour.draw(kind, client.moments.newest()), truth_in_room, _room
                )
                if exchange is not None:
                    yield exchange
                client.pause(next_s - time.monotonic())

    def watch_recording(self, tour: RecordedTour, duration_s: float) -> Iterator[Exchange]:
        """Step through a recording once and ask, at each frame, what it is labelled with.

        Args:
            tour: the labels.
            duration_s: that the frames take; asking comes on top.
        """
        client = self._client
        open_prompts = list(tour.prompts)
        for _ in range(tour.length):
            next_s = time.monotonic() + duration_s / tour.length
            shown = client.moments.newest().stamp_ns
            client.show_next_frame()
            client.wait(lambda before=shown: self._after(before), _PARTS_S, "next frame of the recording")
            number = tour.number(client.moments.newest())
            for prompt in [one for one in open_prompts if tour.suits(one, number)]:
                exchange = self._persist(lambda prompt=prompt: prompt, tour.truth, tour.place)
                if exchange is not None:
                    open_prompts.remove(prompt)
                    yield exchange
            client.pause(next_s - time.monotonic())

    def _persist(
        self,
        draw: Callable[[], Prompt],
        truth_in: Callable[[Prompt, Moment], Truth | None],
        place_of: Callable[[Moment], tuple[str, int]],
    ) -> Exchange | None:
        """Ask until a reply can be scored, a few times at most: it may be about the frame before."""
        exchanges = (self.ask(draw(), truth_in, place_of) for _ in range(_TRIES))
        return next((one for one in exchanges if one is not None), None)

    def _after(self, stamp_ns: int) -> bool:
        return self._client.moments.newest().stamp_ns > stamp_ns

    def _in_room(self, seed: int) -> bool:
        return frame_graph(self._client.moments.newest()).seed == seed


def _room(moment: Moment) -> tuple[str, int]:
    seed = frame_graph(moment).seed
    return f"room {seed}", seed
