# SPDX-License-Identifier: Apache-2.0
"""A good camera passes every check; each fault of a camera is found by the check that is meant for it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from rclpy.qos import QoSProfile, ReliabilityPolicy

from ide3d_ros.cli.doctor import cameras
from ide3d_ros.cli.doctor.findings import Finding, Level
from ide3d_ros.cli.doctor.observation import CameraObservation, Endpoint, SeenImage
from ide3d_ros.conversions.cameras import info_from_camera
from ide3d_ros.geometry.camera import Camera

CAMERA = Camera(640, 480, 500.0, 500.0, 319.5, 239.5)
RELIABLE = QoSProfile(depth=5, reliability=ReliabilityPolicy.RELIABLE)
BEST_EFFORT = QoSProfile(depth=5, reliability=ReliabilityPolicy.BEST_EFFORT)
IMAGE, INFO = "sensor_msgs/msg/Image", "sensor_msgs/msg/CameraInfo"
EYE = "eye_optical_frame"
SECONDS = 2.0


def seen(number: int, **changes: object) -> SeenImage:
    stamp_ns = 10_000_000_000 + number * 100_000_000
    image = SeenImage(stamp_ns + 20_000_000, stamp_ns, EYE, 640, 480, "rgb8")
    return replace(image, **changes)


@pytest.fixture
def camera() -> CameraObservation:
    """Be a good camera, watched by a perception node."""
    images = [seen(number) for number in range(20)]
    return CameraObservation(
        image_topic="/front/image",
        info_topic="/front/camera_info",
        image_publishers=[Endpoint("/driver", IMAGE, BEST_EFFORT)],
        info_publishers=[Endpoint("/driver", INFO, BEST_EFFORT)],
        image_subscribers=[Endpoint("/perception", IMAGE, BEST_EFFORT)],
        images=images,
        infos=[info_from_camera(CAMERA, stamp_ns=one.stamp_ns, frame_id=EYE) for one in images],
    )


def findings(camera: CameraObservation) -> dict[str, Finding]:
    made = cameras.check_camera(camera, seconds=SECONDS, clock="system time", rectified=False)
    return {one.check.split()[-1]: one for one in made}


def bad(camera: CameraObservation) -> dict[str, str]:
    """Return what each check that is not content found, with its level."""
    made = findings(camera).items()
    assert all(one.fix for _, one in made if one.level in (Level.WARN, Level.FAIL))
    return {name: f"{one.level.value}: {one.text}" for name, one in made if one.level is not Level.OK}


@pytest.fixture
def depth(camera: CameraObservation) -> CameraObservation:
    """Be a good depth topic, watched by a perception node."""
    images = [replace(one, encoding="16UC1") for one in camera.images]
    return replace(camera, image_topic="/front/depth", holds_depth=True, images=images, infos=[])


def test_good_depth_passes_without_a_calibration_of_its_own(depth: CameraObservation) -> None:
    made = cameras.check_depth(depth, seconds=SECONDS, clock="system time")
    assert {one.level for one in made} == {Level.OK}
    assert [one.text for one in made if one.check.endswith("encoding")] == ["640x480 16UC1"]


def test_depth_that_cannot_be_read_or_does_not_come_is_named_with_its_parameter(
    depth: CameraObservation,
) -> None:
    broken = replace(depth, images=[seen(1, encoding="rgb8", fault="no depth picture")])
    made = {
        one.check.split()[-1]: one
        for one in cameras.check_depth(broken, seconds=SECONDS, clock="system time")
    }
    assert made["encoding"].level is Level.FAIL and "no depth picture" in made["encoding"].text
    silent = replace(depth, images=[], image_publishers=[])
    made = {
        one.check.split()[-1]: one
        for one in cameras.check_depth(silent, seconds=SECONDS, clock="system time")
    }
    assert made["publishers"].level is Level.FAIL and "depth.topic" in made["publishers"].fix
    assert made["encoding"].level is Level.SKIP


def test_good_camera_passes_every_check(camera: CameraObservation) -> None:
    assert bad(camera) == {}
    assert "10.0 images a second" in findings(camera)["rate"].text


def test_camera_that_nobody_publishes_is_found(camera: CameraObservation) -> None:
    camera.image_publishers.clear()
    camera.images.clear()
    found = bad(camera)
    assert found["publishers"] == "FAIL: nobody publishes this topic"
    assert {found[name].split(":")[0] for name in ("qos", "rate", "encoding", "stamps", "pairing")} == {
        "SKIP"
    }


def test_compressed_images_on_a_raw_topic_are_found(camera: CameraObservation) -> None:
    camera.image_publishers[:] = [Endpoint("/driver", "sensor_msgs/msg/CompressedImage", RELIABLE)]
    assert "CompressedImage" in bad(camera)["publishers"]


def test_second_publisher_is_found(camera: CameraObservation) -> None:
    camera.image_publishers.append(Endpoint("/bag", IMAGE, RELIABLE))
    assert bad(camera)["publishers"].startswith("WARN: 2 nodes publish this topic")


def test_best_effort_publisher_and_reliable_subscription_do_not_fit(camera: CameraObservation) -> None:
    camera.image_subscribers[:] = [Endpoint("/perception", IMAGE, RELIABLE)]
    found = findings(camera)["qos"]
    assert found.level is Level.FAIL and "/driver and /perception do not fit" in found.text
    assert found.fix == "qos_overrides./front/image.subscription.reliability: best_effort"


def test_silent_camera_is_found_with_its_publisher(camera: CameraObservation) -> None:
    camera.images.clear()
    assert bad(camera)["rate"] == f"FAIL: no image in 2 s, although /driver publishes {IMAGE} best_effort"


def test_slow_camera_is_found(camera: CameraObservation) -> None:
    del camera.images[1:]
    assert bad(camera)["rate"] == "WARN: 0.5 images a second"


def test_encoding_that_cannot_be_read_is_found(camera: CameraObservation) -> None:
    camera.images[-1] = seen(19, fault="image encoding '16UC1' is a depth picture")
    assert bad(camera)["encoding"].startswith("FAIL: 1 of 20 images cannot be read: image encoding '16UC1'")


def test_zero_stamps_are_found(camera: CameraObservation) -> None:
    camera.images[3] = seen(3, stamp_ns=0)
    assert bad(camera)["stamps"].startswith("FAIL: 1 of 20 stamps are zero")


def test_stamps_that_go_back_are_found(camera: CameraObservation) -> None:
    camera.images.append(seen(2))
    assert bad(camera)["stamps"] == "WARN: stamps go back"


@pytest.mark.parametrize(
    ("offset_s", "said"),
    [(5.0, "WARN: images are 5.0 s old"), (-0.5, "WARN: stamps are 0.5 s in the future")],
)
def test_clock_of_another_time_is_found(camera: CameraObservation, offset_s: float, said: str) -> None:
    camera.images[:] = [
        replace(one, received_ns=one.stamp_ns + round(offset_s * 1e9)) for one in camera.images
    ]
    assert bad(camera)["stamps"].startswith(said)


def test_missing_camera_info_is_found(camera: CameraObservation) -> None:
    camera.infos.clear()
    assert bad(camera)["calibration"].startswith("FAIL: no camera_info, although /driver")
    camera.info_publishers.clear()
    assert bad(camera)["calibration"].startswith("FAIL: nobody publishes this topic")


def test_camera_that_was_never_calibrated_is_found(camera: CameraObservation) -> None:
    camera.infos[-1].k = [0.0] * 9
    found = bad(camera)
    assert found["calibration"].startswith("FAIL: camera_info of") and "K[0] = 0" in found["calibration"]
    assert found["pairing"].startswith("SKIP")


def test_rectified_images_are_judged_by_their_projection(camera: CameraObservation) -> None:
    camera.infos[-1].p = [0.0] * 12
    assert cameras.check_info(camera, rectified=False).level is Level.OK
    found = cameras.check_info(camera, rectified=True)
    assert found.level is Level.FAIL and "P[0] = 0" in found.text


def test_camera_info_of_another_size_is_found(camera: CameraObservation) -> None:
    camera.images[-1] = seen(19, width=320, height=240)
    assert bad(camera)["pairing"] == "FAIL: the image is 320x240, camera_info says 640x480"


def test_camera_info_of_another_camera_is_found(camera: CameraObservation) -> None:
    camera.infos[-1].header.frame_id = "rear_optical_frame"
    assert bad(camera)["pairing"] == (
        "FAIL: the image is in 'eye_optical_frame', camera_info in 'rear_optical_frame'"
    )


def test_image_without_a_frame_is_found(camera: CameraObservation) -> None:
    camera.images[-1] = seen(19, frame_id="")
    assert bad(camera)["pairing"] == "FAIL: the image has no frame_id"


def test_camera_info_with_stamps_of_its_own_is_found(camera: CameraObservation) -> None:
    for info in camera.infos:
        info.header.stamp.nanosec += 1
    assert bad(camera)["pairing"] == "WARN: no camera_info has the stamp of an image"
