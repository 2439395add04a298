# SPDX-License-Identifier: Apache-2.0
"""Does a camera give what perception needs: images that arrive, are stamped and are calibrated."""

from __future__ import annotations

import math
from dataclasses import replace

from rclpy.qos import QoSCompatibility, qos_check_compatible

from ide3d_ros.cli.doctor.findings import Finding, fail, ok, skip, warn
from ide3d_ros.cli.doctor.observation import CameraObservation, Endpoint
from ide3d_ros.conversions.cameras import CameraInfoError, camera_from_info, rectified_camera_from_info
from ide3d_ros.conversions.stamps import nanoseconds_from_time
from ide3d_ros.geometry.camera import Camera

SLOW_HZ = 1.0
LATE_NS, EARLY_NS = 2_000_000_000, 100_000_000
_LISTED = 5


def check_camera(camera: CameraObservation, *, seconds: float, clock: str, rectified: bool) -> list[Finding]:
    """Make every check of one camera.

    Args:
        camera: what was seen of it.
        seconds: how long it was listened to.
        clock: what stamps are compared with.
        rectified: images are rectified, so that P holds and not K.
    """
    return [
        check_publishers(camera),
        check_qos(camera),
        check_rate(camera, seconds=seconds),
        check_encoding(camera),
        check_stamps(camera, clock=clock),
        check_info(camera, rectified=rectified),
        check_pairing(camera, rectified=rectified),
    ]


def check_depth(depth: CameraObservation, *, seconds: float, clock: str) -> list[Finding]:
    """Make every check of a depth topic that perception takes; its calibration is that of the images.

    Args:
        depth: what was seen of it.
        seconds: how long it was listened to.
        clock: what stamps are compared with.
    """
    published = check_publishers(depth)
    if not depth.image_publishers:
        fix = "let the driver publish depth registered to the images, or name its topic: depth.topic"
        published = replace(published, fix=fix)
    return [
        published,
        check_qos(depth),
        check_rate(depth, seconds=seconds),
        _check_depth_encoding(depth),
        check_stamps(depth, clock=clock),
    ]


def _check_depth_encoding(depth: CameraObservation) -> Finding:
    check = f"{depth.image_topic} encoding"
    if not depth.images:
        return skip(check, "no depth has arrived")
    bad = [one for one in depth.images if one.fault]
    if bad:
        return fail(
            check,
            f"{len(bad)} of {len(depth.images)} depth images cannot be read: {bad[-1].fault}",
            "let the driver publish 16UC1 or 32FC1, or compressedDepth as png",
        )
    newest = depth.images[-1]
    size = f"{newest.width}x{newest.height} " if newest.width else ""
    return ok(check, f"{size}{newest.encoding}")


def check_publishers(camera: CameraObservation) -> Finding:
    """Look whether somebody publishes the images, and as the right type."""
    check = f"{camera.image_topic} publishers"
    if not camera.image_publishers:
        return fail(
            check,
            "nobody publishes this topic",
            "start the camera driver, or remap: image_topic:=TOPIC in bringup.launch.py",
        )
    others = [one for one in camera.image_publishers if one.type_name != camera.type_name]
    if others:
        return fail(
            check,
            f"{_named(others)} where {camera.type_name} is needed",
            "camera.transport: raw takes Image, compressed takes CompressedImage on image/compressed",
        )
    if len(camera.image_publishers) > 1:
        return warn(
            check,
            f"{len(camera.image_publishers)} nodes publish this topic: {_named(camera.image_publishers)}",
            "give each camera its own topic",
        )
    return ok(check, _named(camera.image_publishers))


def check_qos(camera: CameraObservation) -> Finding:
    """Look whether each perception node's subscription fits each publisher."""
    check = f"{camera.image_topic} qos"
    if not camera.image_publishers:
        return skip(check, "nobody publishes this topic")
    if not camera.image_subscribers:
        return skip(check, "no perception node subscribes to this topic")
    for publisher in camera.image_publishers:
        for subscriber in camera.image_subscribers:
            fits, reason = qos_check_compatible(publisher.qos, subscriber.qos)
            if fits == QoSCompatibility.ERROR:
                return fail(
                    check,
                    f"{publisher.node} and {subscriber.node} do not fit: {reason}",
                    f"qos_overrides.{camera.image_topic}.subscription.reliability: best_effort",
                )
    return ok(check, "every publisher fits every perception node")


def check_rate(camera: CameraObservation, *, seconds: float) -> Finding:
    """Look how often images arrive."""
    check = f"{camera.image_topic} rate"
    if not camera.image_publishers:
        return skip(check, "nobody publishes this topic")
    if not camera.images:
        return fail(
            check,
            f"no image in {seconds:.0f} s, although {_named(camera.image_publishers)}",
            "check the driver's log and trigger; from another machine or container: its network and /dev/shm",
        )
    rate = len(camera.images) / seconds
    if rate < SLOW_HZ:
        return warn(
            check,
            f"{rate:.1f} images a second",
            "raise the driver's rate; if it is right, images get lost: see fast dds profile",
        )
    return ok(check, f"{rate:.1f} images a second")


def check_encoding(camera: CameraObservation) -> Finding:
    """Look whether the images can be read."""
    check = f"{camera.image_topic} encoding"
    if not camera.images:
        return skip(check, "no image has arrived")
    bad = [one for one in camera.images if one.fault]
    if bad:
        return fail(
            check,
            f"{len(bad)} of {len(camera.images)} images cannot be read: {bad[-1].fault}",
            "let the driver publish rgb8 or bgr8, or JPEG on image/compressed",
        )
    newest = camera.images[-1]
    return ok(check, f"{newest.width}x{newest.height} {newest.encoding}")


def check_stamps(camera: CameraObservation, *, clock: str) -> Finding:
    """Look whether stamps are set, go forward and agree with the clock."""
    check = f"{camera.image_topic} stamps"
    if not camera.images:
        return skip(check, "no image has arrived")
    stamps = [one.stamp_ns for one in camera.images]
    if 0 in stamps:
        return fail(
            check,
            f"{stamps.count(0)} of {len(stamps)} stamps are zero; perception refuses such images",
            "let the driver stamp its images",
        )
    if any(later < earlier for earlier, later in zip(stamps, stamps[1:], strict=False)):
        return warn(check, "stamps go back", "one clock for one topic: look for a second publisher or a loop")
    ages = sorted(one.received_ns - one.stamp_ns for one in camera.images)
    age = ages[len(ages) // 2]
    if age > LATE_NS:
        return warn(
            check,
            f"images are {age / 1e9:.1f} s old by {clock} when they arrive",
            "synchronise the clocks (chrony), or set use_sim_time where /clock is played",
        )
    if age < -EARLY_NS:
        return warn(
            check,
            f"stamps are {-age / 1e9:.1f} s in the future by {clock}",
            "synchronise the clocks (chrony), or set use_sim_time where /clock is played",
        )
    return ok(check, f"images are {age / 1e6:.0f} ms old by {clock}")


def check_info(camera: CameraObservation, *, rectified: bool) -> Finding:
    """Look whether camera_info comes and describes a calibrated camera."""
    check = f"{camera.info_topic} calibration"
    if not camera.info_publishers:
        return fail(
            check,
            "nobody publishes this topic; perception waits for it",
            "start the driver's calibration, or remap: camera_info_topic:=TOPIC in bringup.launch.py",
        )
    if not camera.infos:
        return fail(
            check,
            f"no camera_info, although {_named(camera.info_publishers)}",
            "let the driver publish it with every image",
        )
    try:
        found = _camera(camera, rectified)
    except CameraInfoError as error:
        return fail(
            check, str(error), "calibrate: ros2 run camera_calibration cameracalibrator, or feed image_rect"
        )
    degrees = math.degrees(2 * math.atan(found.width / 2 / found.fx))
    return ok(check, f"{found.width}x{found.height}, fx {found.fx:.1f}, {degrees:.0f} degrees wide")


def check_pairing(camera: CameraObservation, *, rectified: bool) -> Finding:
    """Look whether images and camera_info are of one camera: frame, size, stamps."""
    check = f"{camera.image_topic} pairing"
    if not camera.images or not camera.infos:
        return skip(check, f"no {'camera_info' if camera.images else 'image'} has arrived")
    image, info = camera.images[-1], camera.infos[-1]
    remap = "remap image and camera_info to the same camera"
    if not image.frame_id:
        return fail(check, "the image has no frame_id", "set the driver's frame parameter")
    if image.frame_id != info.header.frame_id:
        return fail(
            check, f"the image is in {image.frame_id!r}, camera_info in {info.header.frame_id!r}", remap
        )
    try:
        described = _camera(camera, rectified)
    except CameraInfoError:
        return skip(check, "camera_info describes no usable camera")
    if image.width and (image.width, image.height) != (described.width, described.height):
        return fail(
            check,
            f"the image is {image.width}x{image.height}, "
            f"camera_info says {described.width}x{described.height}",
            f"{remap} and resolution",
        )
    stamps = {nanoseconds_from_time(one.header.stamp) for one in camera.infos}
    if not stamps & {one.stamp_ns for one in camera.images}:
        return warn(
            check,
            "no camera_info has the stamp of an image",
            "let the driver publish both with one stamp; zoom and binning changes are else paired wrongly",
        )
    return ok(check, f"frame {image.frame_id}, same size, same stamps")


def _camera(camera: CameraObservation, rectified: bool) -> Camera:
    return (rectified_camera_from_info if rectified else camera_from_info)(camera.infos[-1])


def _named(endpoints: list[Endpoint]) -> str:
    shown = ", ".join(
        f"{one.node} publishes {one.type_name} {one.qos.reliability.name.lower()}"
        for one in endpoints[:_LISTED]
    )
    return shown + (f" and {len(endpoints) - _LISTED} more" if len(endpoints) > _LISTED else "")
