# SPDX-License-Identifier: Apache-2.0
"""A node under test in a process of its own, and this process's side of the graph, over real rmw_fastrtps."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import rclpy
from rclpy.client import Client
from rclpy.context import Context
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.qos import QoSProfile

PROFILE = Path(__file__).parents[1] / "config" / "fastdds_profile.xml"
# The first use of Fast DDS in a process reads this, so it must be set before any test makes a node.
os.environ.setdefault("FASTRTPS_DEFAULT_PROFILES_FILE", str(PROFILE))
DISCOVERY_S = 40.0
Found = TypeVar("Found")


class Graph:
    """Spin a test's own node in a thread; every entity of it is relative to `namespace`."""

    def __init__(self, domain_id: int, namespace: str) -> None:
        self.domain_id, self.namespace = domain_id, namespace
        self._context = Context()
        rclpy.init(context=self._context, domain_id=domain_id)
        self.node = Node("test", namespace=namespace, context=self._context)
        self._executor = SingleThreadedExecutor(context=self._context)
        self._executor.add_node(self.node)
        self._clients: dict[str, Client] = {}
        self._thread = threading.Thread(target=self._spin, daemon=True)
        self._thread.start()

    def _spin(self) -> None:
        try:
            self._executor.spin()
        except Exception as error:
            if self._context.ok():
                raise error

    def close(self) -> None:
        """Leave the graph."""
        self._executor.shutdown()
        self._context.try_shutdown()
        self._thread.join(5)
        self.node.destroy_node()

    def listen(self, kind: type, topic: str, qos: QoSProfile | int = 10) -> list:
        """Return a list that grows with the messages of a topic."""
        heard: list = []
        self.node.create_subscription(kind, topic, heard.append, qos)
        return heard

    def speak(self, kind: type, topic: str, qos: QoSProfile | int = 5, *, wait: bool = True):
        """Make a publisher, and wait until somebody listens."""
        publisher = self.node.create_publisher(kind, topic, qos)
        if wait:
            until(
                lambda: publisher.get_subscription_count() > 0, f"nobody subscribed to {topic}", DISCOVERY_S
            )
        return publisher

    def client(self, kind: type, name: str) -> Client:
        """Return a client of a service that is there."""
        if name not in self._clients:
            self._clients[name] = self.node.create_client(kind, name)
            assert self._clients[name].wait_for_service(DISCOVERY_S), f"service {name} did not appear"
        return self._clients[name]

    def call(self, kind: type, name: str, wait_s: float = 40.0, **fields: object):
        """Call a service and return its reply.

        A call is repeated when no reply comes: a service may have discovered the client's request but not yet
        the place for its reply, and rmw_fastrtps then drops the reply after 100 ms, which a busy machine
        exceeds.
        """
        client = self.client(kind, name)
        end = time.monotonic() + wait_s
        while time.monotonic() < end:
            future = client.call_async(kind.Request(**fields))
            attempt_end = min(end, time.monotonic() + wait_s / 2)
            while time.monotonic() < attempt_end:
                if future.done():
                    return future.result()
                time.sleep(0.002)
        raise AssertionError(f"{name} did not reply")


class NodeProcess:
    """Run a module's main in a process."""

    def __init__(self, module: str, graph: Graph, log: Path, *ros_arguments: str) -> None:
        self.log = log
        code = f"from {module} import main; main()"
        arguments = ["-r", f"__ns:={graph.namespace}"]
        for argument in ros_arguments:
            parameter = ":=" in argument and not argument.startswith("--")
            arguments += ["-p", argument] if parameter else [argument]
        environment = {**os.environ, "ROS_DOMAIN_ID": str(graph.domain_id), "ROS_LOG_DIR": str(log.parent)}
        paths = [environment.get("PYTHONPATH", ""), str(Path(__file__).parent)]
        environment["PYTHONPATH"] = os.pathsep.join(filter(None, paths))
        with log.open("wb") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-c", code, "--ros-args", *arguments],
                env=environment,
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    @property
    def alive(self) -> bool:
        """Tell whether the process runs."""
        return self._process.poll() is None

    def output(self) -> str:
        """Return everything it printed."""
        return self.log.read_text(errors="replace")

    def wait(self, wait_s: float = 60.0) -> int:
        """Wait for its end and return the exit status."""
        return self._process.wait(wait_s)

    def send_signal(self, number: int) -> None:
        """Send it a signal."""
        self._process.send_signal(number)

    def memory_kb(self) -> int:
        """Return its resident memory."""
        status = Path(f"/proc/{self._process.pid}/status").read_text()
        return int(status.split("VmRSS:")[1].split()[0])

    def stop(self) -> int:
        """Interrupt it as Ctrl-C does and return the exit status."""
        if self.alive:
            self.send_signal(signal.SIGINT)
            try:
                self._process.wait(45)
            except subprocess.TimeoutExpired:
                self._process.kill()
        return self._process.wait(20)


def until(condition: Callable[[], Found], failure: str | Callable[[], str], wait_s: float = 30.0) -> Found:
    """Wait for a condition, and return what it found; `failure` may be made when it is needed."""
    end = time.monotonic() + wait_s
    while not (found := condition()):
        assert time.monotonic() < end, failure if isinstance(failure, str) else failure()
        time.sleep(0.01)
    return found
