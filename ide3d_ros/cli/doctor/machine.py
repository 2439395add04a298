# SPDX-License-Identifier: Apache-2.0
"""Is this machine fit for the nodes: Python, ROS, the variables ROS reads, shared memory, network, memory."""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from xml.etree import ElementTree

from ide3d_ros.cli.doctor.findings import Finding, fail, ok, skip, warn

WHEEL_RMW = "rmw_fastrtps_cpp"
NEEDED_MESSAGES = (
    "rclpy",
    "sensor_msgs.msg",
    "vision_msgs.msg",
    "visualization_msgs.msg",
    "tf2_msgs.msg",
    "diagnostic_msgs.msg",
    "ide3d_msgs.srv",
)
NEEDED_PACKAGES = (
    "numpy",
    "cv2",
    "onnxruntime",
    "tokenizers",
    "pydantic",
    "scipy",
    "manifold3d",
    "pyquaternion",
    "yaml",
    "mcap",
)
_LAST_DOMAIN, _SAFE_DOMAINS = 232, (*range(0, 102), *range(215, 233))
_RANGES = ("SUBNET", "LOCALHOST", "OFF", "SYSTEM_DEFAULT")
_PROFILE_VARIABLE = "FASTRTPS_DEFAULT_PROFILES_FILE"
_MAX_PROFILE_BYTES = 1 << 20
_DEFAULT_SEGMENT_BYTES = 562_000  # Fast DDS 2.x; smaller than one 640x480 RGB image
_USUAL_PROCESSES = 4  # a camera, perception, a viewer and somebody who asks
_UDP_BYTES = 4 << 20
_MIB = 1 << 20


def check_python(version: Sequence[int] = sys.version_info) -> Finding:
    """Look at the interpreter's version."""
    text = f"Python {version[0]}.{version[1]} in {sys.prefix}"
    if tuple(version[:2]) < (3, 11):
        return fail("python", text, "use Python 3.11 or newer; `make demo` finds or makes an environment")
    return ok("python", text)


def check_packages(load: Callable[[str], object] = importlib.import_module) -> Finding:
    """Look whether the Python packages of requirements/robot.txt can be imported.

    Args:
        load: imports a module by its name.
    """
    return _check_modules(
        "python packages", NEEDED_PACKAGES, "pip install -r requirements/robot.txt, or run `make demo`", load
    )


def check_ros(load: Callable[[str], object] = importlib.import_module) -> Finding:
    """Look whether rclpy and every message package can be imported.

    Args:
        load: imports a module by its name.
    """
    return _check_modules(
        "ros packages",
        NEEDED_MESSAGES,
        "source ROS and the workspace (. install/setup.bash), or run `make demo` for its own environment",
        load,
    )


def check_rmw(environ: Mapping[str, str], *, installed: Sequence[str], from_wheels: bool) -> Finding:
    """Look whether the middleware that is asked for is there; rcl ends the process when it is not.

    Args:
        environ: the process's variables.
        installed: names of the middlewares that the ament index lists.
        from_wheels: ROS comes from PyPI's wheels, which are linked to one middleware.
    """
    asked = environ.get("RMW_IMPLEMENTATION", "")
    if not asked or asked == WHEEL_RMW:
        return ok("middleware", asked or f"the default ({WHEEL_RMW} in Jazzy)")
    if from_wheels:
        return fail(
            "middleware",
            f"RMW_IMPLEMENTATION is {asked}, but the ROS wheels hold {WHEEL_RMW} alone",
            "unset RMW_IMPLEMENTATION",
        )
    if asked not in installed:
        return fail(
            "middleware",
            f"RMW_IMPLEMENTATION is {asked}, which is not installed ({', '.join(installed) or 'none is'})",
            f"sudo apt install ros-jazzy-{asked.replace('_', '-')}, or unset RMW_IMPLEMENTATION",
        )
    return ok("middleware", f"{asked}; every peer must use the same one")


def check_domain(environ: Mapping[str, str]) -> Finding:
    """Look at ROS_DOMAIN_ID."""
    domain = environ.get("ROS_DOMAIN_ID", "")
    if not domain:
        return ok("domain", "ROS_DOMAIN_ID is not set: domain 0")
    if not domain.isdecimal() or int(domain) > _LAST_DOMAIN:
        return fail(
            "domain",
            f"ROS_DOMAIN_ID is {domain!r}",
            f"export ROS_DOMAIN_ID=0, or another number up to {_LAST_DOMAIN}",
        )
    if int(domain) not in _SAFE_DOMAINS:
        return warn(
            "domain",
            f"ROS_DOMAIN_ID is {domain}, whose ports Linux may give to other programs",
            "take a domain from 0 to 101 or from 215 to 232",
        )
    return ok("domain", f"ROS_DOMAIN_ID is {domain}; every peer must use the same one")


def check_discovery(environ: Mapping[str, str]) -> Finding:
    """Look at the variables that decide which nodes find each other."""
    reach = environ.get("ROS_AUTOMATIC_DISCOVERY_RANGE", "")
    if environ.get("ROS_LOCALHOST_ONLY", "0") == "1":
        return warn(
            "discovery",
            "ROS_LOCALHOST_ONLY=1 is deprecated and goes before ROS_AUTOMATIC_DISCOVERY_RANGE",
            "unset ROS_LOCALHOST_ONLY; export ROS_AUTOMATIC_DISCOVERY_RANGE=LOCALHOST",
        )
    if reach and reach not in _RANGES:
        return fail(
            "discovery",
            f"ROS_AUTOMATIC_DISCOVERY_RANGE is {reach!r}",
            f"set it to one of {', '.join(_RANGES)}",
        )
    if reach == "OFF":
        return fail(
            "discovery",
            "ROS_AUTOMATIC_DISCOVERY_RANGE is OFF: processes do not find each other",
            "unset ROS_AUTOMATIC_DISCOVERY_RANGE, or set it to LOCALHOST or SUBNET",
        )
    if reach == "LOCALHOST":
        return ok("discovery", "this machine alone (ROS_AUTOMATIC_DISCOVERY_RANGE is LOCALHOST)")
    return ok("discovery", "this machine and its network")


def check_security(environ: Mapping[str, str], *, from_wheels: bool) -> Finding:
    """Look at SROS2's variables, which let no node start when they are wrong.

    Args:
        environ: the process's variables.
        from_wheels: ROS comes from PyPI's wheels, whose Fast DDS knows no security.
    """
    if environ.get("ROS_SECURITY_ENABLE", "").lower() != "true":
        return ok("security", "off (ROS_SECURITY_ENABLE is not true)")
    if from_wheels:
        return fail(
            "security",
            "ROS_SECURITY_ENABLE is true, but the Fast DDS of the ROS wheels is built without security",
            "unset ROS_SECURITY_ENABLE, or use an installed ROS",
        )
    keystore = environ.get("ROS_SECURITY_KEYSTORE", "")
    if not keystore or not (Path(keystore) / "enclaves").is_dir():
        return fail(
            "security",
            f"ROS_SECURITY_KEYSTORE is {keystore!r}, where no enclaves lie",
            "make a keystore as docs/security.md shows, and set ROS_SECURITY_KEYSTORE to its folder",
        )
    if environ.get("ROS_SECURITY_STRATEGY", "") != "Enforce":
        return warn(
            "security",
            "ROS_SECURITY_STRATEGY is not Enforce: nodes without an enclave run unprotected",
            "export ROS_SECURITY_STRATEGY=Enforce",
        )
    return ok("security", f"enforced with {keystore}")


def check_profile(environ: Mapping[str, str], packaged: Path | None) -> Finding:
    """Look at the Fast DDS profile that other programs of this shell would use.

    Args:
        environ: variables as the shell gave them.
        packaged: the profile that this package installs, if it is installed.
    """
    given = environ.get(_PROFILE_VARIABLE, "")
    export = f"export {_PROFILE_VARIABLE}={packaged or 'the path of config/fastdds_profile.xml'}"
    if not given:
        if environ.get("FASTDDS_DEFAULT_PROFILES_FILE"):
            return warn("fast dds profile", "Fast DDS 2.x ignores FASTDDS_DEFAULT_PROFILES_FILE", export)
        return warn(
            "fast dds profile",
            f"{_PROFILE_VARIABLE} is not set: nodes of this package set it themselves, camera drivers do "
            "not, and best-effort images above half a megabyte are then mostly lost",
            export,
        )
    try:
        segment, message = _profile_sizes(Path(given))
    except (OSError, ValueError) as error:
        return fail("fast dds profile", f"{given} cannot be used: {error}", export)
    if message is not None and segment < message:
        return fail(
            "fast dds profile",
            f"{given} has segment_size {segment} below maxMessageSize {message}: "
            "Fast DDS turns shared memory off",
            "make segment_size at least maxMessageSize",
        )
    if segment <= _DEFAULT_SEGMENT_BYTES:
        return warn(
            "fast dds profile",
            f"{given} has shared memory segments of {segment} bytes, less than one 640x480 image",
            export,
        )
    return ok("fast dds profile", f"{given}, segments of {segment / _MIB:.0f} MiB")


def check_shared_memory(folder: Path = Path("/dev/shm"), *, segment_bytes: int = 16 * _MIB) -> Finding:
    """Look whether Fast DDS can place its segments.

    Args:
        folder: where they lie.
        segment_bytes: that each process takes.
    """
    if not folder.is_dir() or not os.access(folder, os.W_OK):
        return fail(
            "shared memory",
            f"{folder} is missing or cannot be written: images then travel by UDP and get lost",
            "mount it (docker run --shm-size=256m, or --ipc=host)",
        )
    status = os.statvfs(folder)
    total, free = status.f_frsize * status.f_blocks, status.f_frsize * status.f_bavail
    text = f"{folder} has {free / _MIB:.0f} of {total / _MIB:.0f} MiB free"
    if free < segment_bytes:
        return fail(
            "shared memory",
            f"{text}, and one process takes {segment_bytes / _MIB:.0f} MiB",
            "docker run --shm-size=256m; `fastdds shm clean` removes what killed processes left",
        )
    if free < _USUAL_PROCESSES * segment_bytes:
        return warn(
            "shared memory",
            f"{text}: {free // segment_bytes} processes fit at {segment_bytes / _MIB:.0f} MiB each",
            "docker run --shm-size=256m, or a smaller segment_size in the Fast DDS profile",
        )
    return ok("shared memory", text)


def check_udp_buffers(folder: Path = Path("/proc/sys/net/core")) -> Finding:
    """Look whether the kernel lets a socket hold images on their way from another machine.

    Args:
        folder: the kernel's settings.
    """
    try:
        largest = int((folder / "rmem_max").read_text())
    except (OSError, ValueError) as error:
        return skip("udp buffers", f"{folder}/rmem_max cannot be read: {error}")
    if largest < _UDP_BYTES:
        return warn(
            "udp buffers",
            f"net.core.rmem_max is {largest} bytes: images from other machines get lost",
            f"sudo sysctl -w net.core.rmem_max={_UDP_BYTES}",
        )
    return ok("udp buffers", f"net.core.rmem_max is {largest} bytes")


def check_loopback(folder: Path = Path("/sys/class/net/lo")) -> Finding:
    """Look whether the loopback interface is up, without which nodes of one machine do not find each other.

    Args:
        folder: the kernel's description of the interface.
    """
    try:
        flags = int((folder / "flags").read_text(), 16)
    except (OSError, ValueError) as error:
        return skip("loopback", f"{folder}/flags cannot be read: {error}")
    if not flags & 1:
        return fail("loopback", "the interface lo is down: nodes do not find each other", "ip link set lo up")
    return ok("loopback", "the interface lo is up")


def check_memory(needed_mib: float, *, available_mib: float | None) -> Finding:
    """Look whether the bundle fits.

    Args:
        needed_mib: what the bundle's manifest states, MiB.
        available_mib: what this process may take, MiB; None when it is not known.
    """
    if available_mib is None:
        return skip("memory", "neither /proc/meminfo nor the container's limit can be read")
    text = f"{available_mib:.0f} MiB available, the bundle needs {needed_mib:.0f} MiB"
    if available_mib < needed_mib:
        return fail(
            "memory", text, "end other programs, raise the container's limit, or take a smaller bundle"
        )
    if available_mib < 2 * needed_mib:
        return warn("memory", text, "leave room: end other programs or raise the container's limit")
    return ok("memory", text)


def available_mib(
    meminfo: Path = Path("/proc/meminfo"), control_group: Path = Path("/sys/fs/cgroup")
) -> float | None:
    """Return the memory that this process may still take, MiB; None when nothing says.

    Args:
        meminfo: the machine's memory.
        control_group: the container's limits.
    """
    known = []
    try:
        line = next(line for line in meminfo.read_text().splitlines() if line.startswith("MemAvailable:"))
        known.append(int(line.split()[1]) / 1024)
    except (OSError, StopIteration, ValueError):
        pass
    try:
        limit = (control_group / "memory.max").read_text().strip()
        if limit != "max":
            known.append((int(limit) - int((control_group / "memory.current").read_text())) / _MIB)
    except (OSError, ValueError):
        pass
    return min(known, default=None)


def installed_middlewares() -> list[str]:
    """List the middlewares in the ament index."""
    try:
        from ament_index_python import get_resources

        return sorted(name for name in get_resources("rmw_typesupport") if name != "rmw_implementation")
    except (ImportError, OSError, LookupError):
        return []


def ros_is_from_wheels() -> bool:
    """Say whether ROS comes from PyPI's wheels."""
    return importlib.util.find_spec("ros_wheels_bootstrapper") is not None


def _check_modules(check: str, names: Sequence[str], fix: str, load: Callable[[str], object]) -> Finding:
    missing = []
    for name in names:
        try:
            load(name)
        except Exception as error:  # a package built for another Python raises anything
            missing.append(f"{name} ({type(error).__name__}: {error})")
    if missing:
        return fail(check, f"{len(missing)} cannot be imported: {'; '.join(missing)}", fix)
    return ok(check, f"{', '.join(name.split('.')[0] for name in names)} can be imported")


def _profile_sizes(path: Path) -> tuple[int, int | None]:
    """Read the largest shared memory segment and the message limit beside it, bytes."""
    with path.open("rb") as stream:
        text = stream.read(_MAX_PROFILE_BYTES + 1)
    if len(text) > _MAX_PROFILE_BYTES:
        raise ValueError(f"it is longer than {_MAX_PROFILE_BYTES} bytes")
    if b"<!ENTITY" in text:
        raise ValueError("it defines entities, which no profile needs")
    try:
        root = ElementTree.fromstring(text)
    except ElementTree.ParseError as error:
        raise ValueError(f"it is no XML ({error})") from error
    found: list[tuple[int, int | None]] = []
    for transport in root.iter():
        sizes = {child.tag.rsplit("}", 1)[-1]: (child.text or "").strip() for child in transport}
        if sizes.get("segment_size", "").isdecimal():
            limit = sizes.get("maxMessageSize", "")
            found.append((int(sizes["segment_size"]), int(limit) if limit.isdecimal() else None))
    return max(found, key=lambda sizes: sizes[0], default=(_DEFAULT_SEGMENT_BYTES, None))
