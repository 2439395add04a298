# SPDX-License-Identifier: Apache-2.0
"""What can go wrong between a bundle and the machine that runs it."""

from __future__ import annotations

from pathlib import Path


class EngineError(Exception):
    """Report that an engine cannot be started or failed while it ran; the base of every error here."""


class UnknownEngineError(EngineError):
    """Report an engine name that does not exist."""

    def __init__(self, name: str, known: tuple[str, ...]):
        super().__init__(f"no engine is called '{name}'; choose one of: {', '.join(known)}")


class NetworkOnlyError(EngineError):
    """Report that an engine was asked to run a bundle but runs networks in memory."""

    def __init__(self, name: str):
        super().__init__(
            f"engine '{name}' runs a network in memory, not a bundle; take 'auto' for a bundle, or score a "
            "training run as it is: ide3d-evaluate --run RUN"
        )


class MissingRuntimeError(EngineError):
    """Report an engine whose library is not installed or does not load here."""

    def __init__(self, engine: str, package: str, cause: str):
        super().__init__(
            f"engine '{engine}' needs the Python package {package}, which does not load here ({cause}); "
            f"install it with: python3 -m pip install {package}"
        )


class GraphError(EngineError):
    """Report a graph that the runtime cannot load."""

    def __init__(self, graph: str, file: Path, cause: str):
        super().__init__(
            f"graph {graph} ({file}) does not load: {cause}; "
            "export the bundle again, or update the engine's runtime"
        )


class GraphInterfaceError(EngineError):
    """Report a graph whose tensors are not those of the manifest."""

    def __init__(self, graph: str, file: Path, differences: list[str]):
        super().__init__(
            f"graph {graph} ({file}) is not the one its manifest describes: {'; '.join(differences)}; "
            "export the bundle again"
        )


class EngineRunError(EngineError):
    """Report a pass that failed while it ran."""

    def __init__(self, graph: str, cause: str):
        super().__init__(f"graph {graph} failed while it ran: {cause}")
