# SPDX-License-Identifier: Apache-2.0
"""The perception node's parameters."""

from __future__ import annotations

from ide3d_ros.engine.selection import ENGINE_NAMES
from ide3d_ros.nodes.depth_intake import DEPTH_TRANSPORTS
from ide3d_ros.nodes.parameters import Parameter

PERCEPTION_PARAMETERS: tuple[Parameter, ...] = (
    Parameter(
        "autostart", True, "Whether the node configures and activates itself, without a lifecycle manager."
    ),
    Parameter(
        "cameras",
        [""],
        "Names of the cameras, each the prefix of its topics; empty is one camera on image and camera_info.",
    ),
    Parameter(
        "target_frame",
        "",
        "Frame that boxes are stated in, by TF at the image's stamp; empty is the camera's optical frame.",
    ),
    Parameter(
        "target_frame_wait_s",
        0.1,
        "Seconds that TF may come after its image; boxes without TF are not published.",
        bounds=(0.0, 5.0),
        dynamic=True,
    ),
    Parameter(
        "fixed_frame",
        "",
        "Frame that stands still, such as odom, in which bundles that read the camera's pose get it, by TF.",
    ),
    Parameter("model.bundle", "nano", "Embedded bundle's name, or the path of a bundle folder."),
    Parameter("model.engine", "auto", "What runs the bundle's graphs.", choices=ENGINE_NAMES),
    Parameter("model.window", 1, "Newest frames of a camera that answer a request.", bounds=(1, 64)),
    Parameter("model.threads", 0, "CPU threads of the engine; 0 takes all cores.", bounds=(0, 256)),
    Parameter(
        "model.cache_mb",
        0.0,
        "Memory for the frames of all cameras, MiB: beyond it the oldest are forgotten; 0 sets no limit.",
        bounds=(0.0, 1_000_000.0),
    ),
    Parameter(
        "keyframes.motion",
        0.03,
        "With a window of several frames: change of the image that earns a place in it (share of white).",
        bounds=(0.0, 1.0),
    ),
    Parameter(
        "keyframes.gap_s",
        2.0,
        "With a window of several frames: seconds after which a frame earns a place whatever it shows.",
        bounds=(0.0, 3600.0),
    ),
    Parameter(
        "camera.transport",
        "raw",
        "Kind of image messages: sensor_msgs/Image on image, or CompressedImage on image/compressed.",
        choices=("raw", "compressed"),
    ),
    Parameter(
        "camera.images",
        "raw",
        "Whether images are raw (K and distortion hold) or rectified (P holds, nothing is distorted).",
        choices=("raw", "rectified"),
    ),
    Parameter(
        "depth.topic",
        "",
        "Topic with depth in the pixels of the image, below the camera's name; for bundles that read depth.",
    ),
    Parameter(
        "depth.transport",
        "raw",
        "Kind of depth messages: Image on the topic, or CompressedImage on the topic with /compressedDepth.",
        choices=tuple(DEPTH_TRANSPORTS),
    ),
    Parameter(
        "depth.wait_s",
        0.2,
        "Seconds that depth and pose may come after their image; a frame without what is read is dropped.",
        bounds=(0.0, 5.0),
        dynamic=True,
    ),
    Parameter(
        "detection.rate_hz",
        5.0,
        "Detections a second and camera at most; 0 looks at frames only when a request needs one.",
        bounds=(0.0, 120.0),
        dynamic=True,
    ),
    Parameter(
        "detection.min_score",
        0.0,
        "Continuous detections that score lower are not published; the bundle's own threshold comes first.",
        bounds=(0.0, 1.0),
        dynamic=True,
    ),
    Parameter(
        "detection.vocabulary",
        [""],
        "Words or phrases to detect; empty detects the bundle's own categories.",
    ),
    Parameter(
        "query.timeout_s",
        10.0,
        "Seconds until a request without a timeout of its own is answered TIMEOUT.",
        bounds=(0.1, 600.0),
        dynamic=True,
    ),
    Parameter(
        "query.queue_size", 16, "Requests that may wait for the engine.", bounds=(1, 1000), dynamic=True
    ),
    Parameter(
        "query.freshness_s",
        0.2,
        "A waiting frame is encoded before a request when what is known is older than this.",
        bounds=(0.0, 60.0),
        dynamic=True,
    ),
    Parameter(
        "query.max_frame_age_s",
        2.0,
        "Requests are answered STALE when no frame has arrived for this long.",
        bounds=(0.05, 3600.0),
        dynamic=True,
    ),
    Parameter(
        "markers.lifetime_s",
        1.0,
        "Seconds that viewers keep a marker without a new one; 0 keeps it.",
        bounds=(0.0, 3600.0),
        dynamic=True,
    ),
    Parameter("diagnostics.period_s", 1.0, "Seconds between two diagnostics messages.", bounds=(0.1, 60.0)),
    Parameter(
        "diagnostics.silence_s",
        5.0,
        "Seconds without images after which the topic's publishers are named in the log.",
        bounds=(0.5, 600.0),
        dynamic=True,
    ),
)
