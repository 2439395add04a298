# SPDX-License-Identifier: Apache-2.0
"""Recordings played as a camera: folders of pictures and MCAP bags."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from mcap_ros2.writer import Writer
from rclpy.qos import QoSProfile, ReliabilityPolicy
from ros_graph import Graph, until
from sensor_msgs.msg import CameraInfo, CompressedImage, Image
from std_srvs.srv import Trigger
from tf2_msgs.msg import TFMessage

from ide3d_ros.conversions.cameras import camera_from_info
from ide3d_ros.conversions.images import depth_from_image, rgb_from_compressed, rgb_from_image
from ide3d_ros.conversions.stamps import nanoseconds_from_time
from ide3d_ros.conversions.transforms import matrix_from_transform
from ide3d_ros.geometry.transform import from_rotation_translation
from ide3d_ros.nodes.recordings import Bag, open_recording
from ide3d_ros.recordings import FrameFolder, RecordingError

LEVELS = (40, 120, 200)
OPTIONS = {"rate_hz": 20.0, "frame_id": "eye", "world_frame_id": "map"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Write three grey pictures with calibration and poses."""
    frames = tmp_path / "kitchen" / "frames"
    frames.mkdir(parents=True)
    for number, level in zip((0, 5, 10), LEVELS, strict=True):
        cv2.imwrite(str(frames / f"frame-{number:06d}.color.png"), np.full((12, 16, 3), level, np.uint8))
        cv2.imwrite(str(frames / f"frame-{number:06d}.depth.png"), np.full((12, 16), 900, np.uint16))
    camera = {"fx": 14.0, "fy": 14.5, "cx": 7.0, "cy": 6.0}
    moved = from_rotation_translation(np.eye(3), np.array([0.1, 0.0, 0.0]))
    write = {
        "calibration.json": {"image_size": [16, 12], "color": camera, "colour_from_depth": moved.tolist()},
        "poses.json": {
            str(number): from_rotation_translation(np.eye(3), np.array([1.0, 2.0, number])).tolist()
            for number in (0, 5)
        },
        "objects.json": {
            "room_from_world": from_rotation_translation(np.eye(3), np.array([0.0, 0.0, 7.0])).tolist()
        },
    }
    for name, content in write.items():
        (frames.parent / name).write_text(json.dumps(content))
    return frames.parent


def test_folder_knows_its_pictures_camera_and_poses(folder: Path) -> None:
    recording = open_recording(folder, **OPTIONS)
    assert isinstance(recording, FrameFolder)
    assert [frame.number for frame in recording.frames] == [0, 5, 10]
    assert (recording.camera.fx, recording.camera.width) == (14.0, 16)
    # The colour camera sits where the depth camera's origin is moved back by the offset between the two.
    np.testing.assert_allclose(recording.frames[1].world_from_camera[:3, 3], [0.9, 2.0, 12.0])
    assert recording.frames[2].world_from_camera is None
    samples = list(recording.samples())
    assert [round(sample.time_s, 3) for sample in samples] == [0.0, 0.05, 0.1]
    assert [len(sample.transforms) for sample in samples] == [1, 1, 0]


@pytest.mark.parametrize(
    ("damage", "cause"),
    [
        (lambda folder: (folder / "calibration.json").unlink(), "calibration.json is missing"),
        (lambda folder: (folder / "calibration.json").write_text("{"), "is no JSON"),
        (lambda folder: (folder / "calibration.json").write_text("[]"), "not an object"),
        (lambda folder: (folder / "calibration.json").write_text("{}"), "does not describe a camera"),
        (lambda folder: (folder / "poses.json").write_text('{"0": [[1]]}'), "not 4x4"),
        (lambda folder: [path.unlink() for path in (folder / "frames").iterdir()], "holds no pictures"),
    ],
)
def test_damaged_folder_is_refused_with_the_file_s_name(folder: Path, damage, cause: str) -> None:
    damage(folder)
    with pytest.raises(RecordingError, match=cause):
        open_recording(folder, **OPTIONS)


def test_picture_of_another_size_is_refused(folder: Path) -> None:
    cv2.imwrite(str(folder / "frames" / "frame-000000.color.png"), np.zeros((5, 5, 3), np.uint8))
    with pytest.raises(RecordingError, match="is 5x5, but calibration.json says 16x12"):
        list(open_recording(folder, **OPTIONS).samples())


def test_recording_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match="there is no recording at .*nowhere"):
        open_recording(tmp_path / "nowhere", **OPTIONS)


@pytest.mark.parametrize("reliability", ["reliable", "best_effort"])
def test_folder_is_played_in_a_loop_with_stamps_of_now(
    start, graph: Graph, folder: Path, reliability: str
) -> None:
    policy = {"reliable": ReliabilityPolicy.RELIABLE, "best_effort": ReliabilityPolicy.BEST_EFFORT}[
        reliability
    ]
    images = graph.listen(Image, "image", QoSProfile(depth=20, reliability=policy))
    infos = graph.listen(CameraInfo, "camera_info", QoSProfile(depth=20, reliability=policy))
    transforms = graph.listen(TFMessage, "/tf", 100)
    node = start(
        "ide3d_ros.nodes.replay",
        f"replay.path:={folder}",
        "replay.rate_hz:=20.0",
        f"camera.reliability:={reliability}",
    )
    begin_ns = graph.node.get_clock().now().nanoseconds

    def places() -> set[tuple[float, ...]]:
        known = [
            matrix_from_transform(one.transform) for message in list(transforms) for one in message.transforms
        ]
        return {tuple(float(number) for number in np.round(matrix[:3, 3], 6)) for matrix in known}

    until(lambda: len(images) >= 8 and len(infos) >= 3, lambda: f"{len(images)} images; {node.output()}", 20)
    until(lambda: places() == {(0.9, 2.0, 7.0), (0.9, 2.0, 12.0)}, f"poses at {places()}")
    levels = [int(rgb_from_image(image)[0, 0, 0]) for image in images]
    assert set(levels) == set(LEVELS)
    if reliability == "reliable":  # best effort may lose a frame on a busy machine
        place = LEVELS.index(levels[0])
        assert levels[:6] == [LEVELS[(place + step) % 3] for step in range(6)]
    stamps = [nanoseconds_from_time(image.header.stamp) for image in images]
    assert stamps == sorted(stamps)
    assert stamps[0] > begin_ns - 10**9
    assert camera_from_info(infos[-1]).fy == 14.5


def test_stepped_recording_shows_a_picture_for_each_call(start, graph: Graph, folder: Path) -> None:
    images = graph.listen(Image, "image")
    transforms = graph.listen(TFMessage, "/tf", 100)
    start("ide3d_ros.nodes.replay", f"replay.path:={folder}", "replay.stepped:=true", "replay.loop:=false")
    for count, level in enumerate(LEVELS, start=1):
        assert len(images) < count
        asked_ns = graph.node.get_clock().now().nanoseconds
        assert graph.call(Trigger, "replay/play_next").success
        until(lambda count=count: len(images) == count, f"picture {count} did not come")
        assert int(rgb_from_image(images[-1])[0, 0, 0]) == level
        # Stamped when it is shown, not when it would have been its turn.
        assert nanoseconds_from_time(images[-1].header.stamp) > asked_ns
    assert [nanoseconds_from_time(one.transforms[0].header.stamp) for one in transforms] == [
        nanoseconds_from_time(one.header.stamp) for one in images[:2]
    ]
    until(
        lambda: graph.call(Trigger, "replay/play_next").message == "the recording has been played to its end",
        "the end was not told",
    )


def test_depth_of_a_folder_is_played_where_it_is_in_the_pixels_of_the_pictures(
    start, graph: Graph, folder: Path
) -> None:
    assert not any(sample.depths for sample in open_recording(folder, **OPTIONS).samples()), (
        "another camera's"
    )
    calibration = json.loads((folder / "calibration.json").read_text())
    del calibration["colour_from_depth"]
    (folder / "calibration.json").write_text(json.dumps(calibration))
    depths, images = graph.listen(Image, "depth", 20), graph.listen(Image, "image", 20)
    start("ide3d_ros.nodes.replay", f"replay.path:={folder}", "replay.rate_hz:=20.0")
    until(lambda: len(depths) > 3 and len(images) > 5, "no depth", 20)
    np.testing.assert_allclose(depth_from_image(depths[0]), 0.9, rtol=1e-6)
    stamps = {nanoseconds_from_time(one.header.stamp) for one in images}
    assert {nanoseconds_from_time(one.header.stamp) for one in depths[-2:]} <= stamps


def test_recording_that_plays_by_itself_is_not_stepped(start, graph: Graph, folder: Path) -> None:
    start("ide3d_ros.nodes.replay", f"replay.path:={folder}")
    reply = graph.call(Trigger, "replay/play_next")
    assert (reply.success, "replay.stepped" in reply.message) == (False, True)


def _write_bag(path: Path, *, with_info: bool = True) -> None:
    """Write a bag as a driver would fill it: compressed images at 20 Hz, camera_info, transforms."""
    header = "std_msgs/Header header\n"
    parts = {
        "std_msgs/Header": "builtin_interfaces/Time stamp\nstring frame_id",
        "sensor_msgs/RegionOfInterest": "uint32 x_offset\nuint32 y_offset\n"
        "uint32 height\nuint32 width\nbool do_rectify",
    }
    definitions = {
        "sensor_msgs/msg/CompressedImage": header + "string format\nuint8[] data",
        "sensor_msgs/msg/CameraInfo": header
        + "uint32 height\nuint32 width\nstring distortion_model\nfloat64[] d\nfloat64[9] k\nfloat64[9] r\n"
        + "float64[12] p\nuint32 binning_x\nuint32 binning_y\nsensor_msgs/RegionOfInterest roi",
    }
    with path.open("wb") as stream:
        writer = Writer(stream)
        schemas = {
            name: writer.register_msgdef(
                name, text + "".join(f"\n{'=' * 80}\nMSG: {part}\n{inner}" for part, inner in parts.items())
            )
            for name, text in definitions.items()
        }
        for step in range(4):
            stamp_ns = 50_000_000_000 + step * 50_000_000
            stamped = {"stamp": {"sec": 50, "nanosec": step * 50_000_000}, "frame_id": "bag_camera"}
            jpeg = cv2.imencode(".jpg", np.full((12, 16, 3), 60 * step, np.uint8))[1].tobytes()
            info = {
                "header": stamped,
                "width": 16,
                "height": 12,
                "distortion_model": "plumb_bob",
                "d": [0.0] * 5,
            }
            info |= {"k": [20.0, 0, 8, 0, 20, 6, 0, 0, 1], "r": [1.0, 0, 0, 0, 1, 0, 0, 0, 1]}
            info |= {"p": [0.0] * 12, "binning_x": 0, "binning_y": 0}
            info |= {
                "roi": dict.fromkeys(("x_offset", "y_offset", "height", "width"), 0) | {"do_rectify": False}
            }
            if with_info:
                writer.write_message(
                    "/front/camera_info", schemas["sensor_msgs/msg/CameraInfo"], info, stamp_ns, stamp_ns
                )
            writer.write_message(
                "/front/image_raw/compressed",
                schemas["sensor_msgs/msg/CompressedImage"],
                {"header": stamped, "format": "jpeg", "data": jpeg},
                stamp_ns,
                stamp_ns,
            )
        writer.finish()


def test_bag_is_played_on_the_topics_of_a_camera(start, graph: Graph, tmp_path: Path) -> None:
    _write_bag(tmp_path / "drive.mcap")
    images = graph.listen(CompressedImage, "image/compressed", 20)
    infos = graph.listen(CameraInfo, "camera_info", 20)
    node = start("ide3d_ros.nodes.replay", f"replay.path:={tmp_path / 'drive.mcap'}", "replay.loop:=false")
    until(lambda: len(images) >= 4 and len(infos) >= 4, lambda: f"{len(images)} images; {node.output()}", 20)
    until(lambda: "to its end" in node.output(), node.output)
    assert [round(float(rgb_from_compressed(image).mean()) / 60) for image in images] == [0, 1, 2, 3]
    assert images[0].header.frame_id == "bag_camera"
    stamps = [nanoseconds_from_time(image.header.stamp) for image in images]
    np.testing.assert_allclose(np.diff(stamps), 50_000_000, atol=2)
    assert {nanoseconds_from_time(info.header.stamp) for info in infos} == set(stamps)
    assert camera_from_info(infos[0]).fx == 20.0
    assert abs(stamps[0] - graph.node.get_clock().now().nanoseconds) < 60 * 10**9
    assert node.alive


def test_bag_without_the_topic_says_what_it_has(tmp_path: Path) -> None:
    _write_bag(tmp_path / "drive.mcap", with_info=False)
    with pytest.raises(
        RecordingError, match="no camera_info topic /front/camera_info.*It has /front/image_raw/compressed"
    ):
        Bag(tmp_path / "drive.mcap")
    with pytest.raises(RecordingError, match="no image topic /rear"):
        Bag(tmp_path / "drive.mcap", image_topic="/rear")
    _write_bag(tmp_path / "drive.mcap")
    with pytest.raises(RecordingError, match="no depth topic /depth; it has /front"):
        Bag(tmp_path / "drive.mcap", depth_topic="/depth")


@pytest.mark.parametrize("content", [b"", b"not a bag at all", b"\x89MCAP0\r\n" + bytes(40)])
def test_file_that_is_no_bag_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "drive.mcap").write_bytes(content)
    with pytest.raises(RecordingError, match="drive.mcap"):
        Bag(tmp_path / "drive.mcap")


def test_missing_recording_ends_the_start_with_the_way_out(start) -> None:
    node = start("ide3d_ros.nodes.replay", "replay.path:=/nonexistent/recording")
    assert node.wait() == 1
    assert "there is no recording at /nonexistent/recording" in node.output()
    assert "Traceback" not in node.output()
