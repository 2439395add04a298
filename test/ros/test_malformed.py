# SPDX-License-Identifier: Apache-2.0
"""Two hundred messages with fields drawn at random: the node lives through them and is right afterwards."""

from __future__ import annotations

import array
import random
from collections.abc import Iterator

import pytest
from builtin_interfaces.msg import Time
from camera_stand_in import FRAME_ID, RED_CHAIR, CameraStandIn
from geometry_msgs.msg import Quaternion, Transform, TransformStamped, Vector3
from ros_graph import Graph, NodeProcess, until
from sensor_msgs.msg import CompressedImage, Image, RegionOfInterest
from std_msgs.msg import Header
from tf2_msgs.msg import TFMessage
from vision_msgs.msg import Detection3DArray

from ide3d_msgs.msg import Status
from ide3d_msgs.srv import Ask, Locate, SetVocabulary
from ide3d_ros.conversions.images import compressed_from_rgb
from ide3d_ros.conversions.stamps import nanoseconds_from_time
from ide3d_ros.nodes import qos

SEED, MESSAGES = 20240607, 200
NUMBERS = (0, 1, 2, 3, 47, 48, 63, 64, 65, 255, 256, 65_535, 2**31 - 1, 2**31, 2**32 - 1)
REALS = (0.0, -0.0, 1.0, -1.0, 1e-300, 1e300, 50.0, float("nan"), float("inf"), float("-inf"))
TEXTS = (
    "",
    " ",
    "rgb8",
    "mono8",
    "bgr8",
    "yuv422",
    "16UC1",
    "bayer_rggb8",
    "plumb_bob",
    "rational_polynomial",
    "jpeg",
    "map",
    FRAME_ID,
    "a\nb",
    "\x01" * 300,
    "ß" * 5000,
    "/" * 40,
    "../../etc/passwd",
    "<end>",
    "{0}%s",
)


class Fuzz:
    """Draw messages that are well formed for DDS and for nobody else."""

    def __init__(self, seed: int, camera: CameraStandIn) -> None:
        self._random = random.Random(seed)
        self._camera = camera

    def _header(self) -> Header:
        stamp = Time(
            sec=self._random.choice((0, 1, 2**31 - 1)), nanosec=self._random.choice((0, 999_999_999))
        )
        return Header(stamp=stamp, frame_id=self._random.choice(TEXTS))

    def _reals(self, count: int) -> list[float]:
        return [self._random.choice(REALS) for _ in range(count)]

    def _bytes(self) -> array.array:
        length = self._random.choice((0, 1, 10, 100, 9215, 9216, 9217, 50_000))
        return array.array("B", self._random.randbytes(length))

    def spoil(self, message: object, fields: dict[str, object]) -> object:
        """Put drawn values into one to three fields."""
        for name in self._random.sample(sorted(fields), self._random.randint(1, 3)):
            setattr(message, name, fields[name])
        return message

    def image(self) -> Image:
        """Draw an image."""
        choose = self._random.choice
        return self.spoil(
            self._camera.image(),
            {
                "header": self._header(),
                "width": choose(NUMBERS),
                "height": choose(NUMBERS),
                "step": choose(NUMBERS),
                "encoding": choose(TEXTS),
                "is_bigendian": choose((0, 1, 255)),
                "data": self._bytes(),
            },
        )

    def info(self) -> object:
        """Draw a camera_info."""
        choose = self._random.choice
        return self.spoil(
            self._camera.info(),
            {
                "header": self._header(),
                "width": choose(NUMBERS),
                "height": choose(NUMBERS),
                "k": self._reals(9),
                "p": self._reals(12),
                "d": self._reals(choose((0, 1, 4, 5, 8, 1000))),
                "distortion_model": choose(TEXTS),
                "binning_x": choose(NUMBERS),
                "binning_y": choose(NUMBERS),
                "roi": RegionOfInterest(
                    x_offset=choose(NUMBERS),
                    y_offset=choose(NUMBERS),
                    width=choose(NUMBERS),
                    height=choose(NUMBERS),
                ),
            },
        )

    def compressed(self, good: CompressedImage) -> CompressedImage:
        """Draw a compressed image: cut off, overwritten in places, or no image at all."""
        data = bytearray(good.data)
        for _ in range(self._random.randint(0, 20)):
            data[self._random.randrange(len(data))] = self._random.randrange(256)
        data = data[: self._random.choice((0, 1, 20, len(data) // 2, len(data)))]
        message = CompressedImage(header=good.header, format=good.format, data=array.array("B", data))
        if self._random.random() < 0.5:
            self.spoil(
                message,
                {
                    "header": self._header(),
                    "format": self._random.choice(TEXTS),
                    "data": self._bytes(),
                },
            )
        return message

    def transforms(self) -> TFMessage:
        """Draw transforms, some of them loops, some of them no motions."""
        return TFMessage(
            transforms=[
                TransformStamped(
                    header=self._header(),
                    child_frame_id=self._random.choice(TEXTS),
                    transform=Transform(
                        translation=Vector3(**dict(zip("xyz", self._reals(3), strict=True))),
                        rotation=Quaternion(**dict(zip("xyzw", self._reals(4), strict=True))),
                    ),
                )
                for _ in range(self._random.randint(0, 5))
            ]
        )

    def text(self) -> str:
        """Draw a text."""
        return self._random.choice((*TEXTS, "the red chair", "x" * 100_000, "\ufffd"))

    def seconds(self) -> float:
        """Draw a timeout."""
        return self._random.choice((0.0, 0.5, -1.0, 1e38, float("nan"), float("inf")))


@pytest.fixture
def fuzz(graph: Graph) -> Fuzz:
    """Draw the same messages in every run."""
    camera = CameraStandIn.__new__(CameraStandIn)
    camera.stamp_ns, camera.frame_id = 1_000_000_000, FRAME_ID
    return Fuzz(SEED, camera)


@pytest.fixture(params=["raw", "compressed"])
def node(request: pytest.FixtureRequest, start, fake_bundle) -> Iterator[NodeProcess]:
    """Run perception that also listens to TF."""
    process = start(
        "ide3d_ros.nodes.perception",
        f"model.bundle:={fake_bundle.folder}",
        f"camera.transport:={request.param}",
        "target_frame:=" + FRAME_ID,
        "detection.rate_hz:=100.0",
        "query.max_frame_age_s:=600.0",
    )
    process.transport = request.param
    yield process
    assert process.alive, process.output()
    assert process.stop() == 0, process.output()


def test_node_outlives_whatever_it_is_sent_and_is_right_afterwards(
    graph: Graph, node: NodeProcess, fuzz: Fuzz
) -> None:
    compressed = node.transport == "compressed"
    images = graph.speak(CompressedImage, "image/compressed") if compressed else graph.speak(Image, "image")
    camera = fuzz._camera
    camera.images, camera.infos = images, graph.speak(type(camera.info()), "camera_info")
    tf = graph.speak(TFMessage, "/tf", qos.TRANSFORMS)
    static = graph.speak(TFMessage, "/tf_static", qos.STATIC_TRANSFORMS)
    client = graph.client(Locate, "perception/locate")
    waiting = []
    for number in range(MESSAGES):
        camera.stamp_ns += 33_000_000
        good = compressed_from_rgb(RED_CHAIR, stamp_ns=camera.stamp_ns, frame_id=FRAME_ID)
        images.publish(fuzz.compressed(good) if compressed else fuzz.image())
        camera.infos.publish(fuzz.info() if number % 3 else camera.info())
        (static if number % 7 == 0 else tf).publish(fuzz.transforms())
        if number % 10 == 0:
            request = Locate.Request(expression=fuzz.text(), timeout_s=fuzz.seconds(), camera=fuzz.text())
            waiting.append(client.call_async(request))
        if number % 40 == 0:
            reply = graph.call(SetVocabulary, "perception/set_vocabulary", labels=[fuzz.text(), fuzz.text()])
            assert reply.status.code in (Status.OK, Status.INVALID_REQUEST)
            graph.call(SetVocabulary, "perception/set_vocabulary", labels=[])
    until(lambda: all(future.done() for future in waiting[-3:]), lambda: f"no reply: {node.output()}", 30)
    assert all(0 <= future.result().status.code <= Status.INACTIVE for future in waiting if future.done())

    heard = graph.listen(Detection3DArray, "detections")
    begin_ns = camera.stamp_ns = 1_500_000_000_000_000_000

    def right() -> bool:
        camera.stamp_ns += 33_000_000
        camera.infos.publish(camera.info())
        good = compressed_from_rgb(RED_CHAIR, stamp_ns=camera.stamp_ns, frame_id=FRAME_ID)
        images.publish(good if compressed else camera.image())
        return any(
            nanoseconds_from_time(message.header.stamp) > begin_ns
            and [one.results[0].hypothesis.class_id for one in message.detections] == ["chair"]
            for message in heard
        )

    until(right, lambda: f"good frames are not used any more: {node.output()[-3000:]}", 30)
    answer = graph.call(Ask, "perception/ask", question="is there a chair").answer
    assert (answer.status.code, answer.text.strip()) == (Status.OK, "yes"), answer.status.message
    assert "Traceback" not in node.output()
