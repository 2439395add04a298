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


class AbsentEngineError(EngineError):
    """Report an engine that this machine has not got all the parts for; `auto` passes it over silently.

    Attributes:
        cause: what is absent, without the way out.
    """

    def __init__(self, cause: str, way_out: str):
        super().__init__(f"{cause}; {way_out}")
        self.cause = cause


class MissingRuntimeError(AbsentEngineError):
    """Report an engine whose library is not installed or does not load here."""

    def __init__(self, engine: str, package: str, cause: str, install: str = ""):
        super().__init__(
            f"engine '{engine}' needs the Python package {package}, which does not load here ({cause})",
            f"install it with: {install or f'python3 -m pip install {package}'}",
        )


class NoGpuError(AbsentEngineError):
    """Report a machine without a GPU that CUDA can use."""

    def __init__(self, cause: str):
        super().__init__(
            f"there is no NVIDIA GPU that CUDA can use: {cause}",
            "see whether nvidia-smi lists one, or take the engine onnx",
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


class EngineMemoryError(EngineError):
    """Report that the GPU, or the machine, has too little free memory."""

    def __init__(self, what: str, cause: str):
        super().__init__(
            f"not enough memory for {what}: {cause}; "
            "end what else uses the GPU, take a smaller bundle, or the engine onnx"
        )


class CudaError(EngineError):
    """Report a call of the CUDA driver that failed."""

    def __init__(self, call: str, cause: str):
        super().__init__(f"{call} failed: {cause}; start the program again, and look for Xid lines in dmesg")


class LibraryInterfaceError(EngineError):
    """Report a library that does not do what this version of the package expects of it."""

    def __init__(self, library: str, cause: str):
        super().__init__(
            f"{library} does not work as expected: {cause}; install a version that README names, or take the "
            "engine onnx"
        )


class PlanError(EngineError):
    """Report a plan of the engine tensorrt that is missing or cannot be used; all of these can be rebuilt."""


class MissingPlanError(PlanError):
    """Report a graph for which no plan was ever built here."""

    def __init__(self, bundle: str, graph: str, folder: Path, command: str):
        super().__init__(
            f"no plan of graph {graph} of bundle '{bundle}' lies in {folder}; build the plans: {command}"
        )


class PlanMismatchError(PlanError):
    """Report a plan that was built for something else: another file, library, GPU or range of shapes."""

    def __init__(self, file: Path, differences: list[str], command: str):
        super().__init__(
            f"plan {file} is not for this: {'; '.join(differences)}; build the plans again: {command}"
        )


class CorruptPlanError(PlanError):
    """Report a plan that is damaged."""

    def __init__(self, file: Path, cause: str, command: str):
        super().__init__(f"plan {file} is damaged: {cause}; build it again: {command} --force")


class PlanStoreError(EngineError):
    """Report a plan folder that cannot be read or written."""

    def __init__(self, folder: Path, cause: str):
        super().__init__(
            f"plan folder {folder} cannot be used: {cause}; free or name another one with the variable "
            "IDE3D_PLANS"
        )


class PlanBuildError(EngineError):
    """Report a graph that TensorRT does not turn into a plan."""

    def __init__(self, graph: str, file: Path, library: str, cause: str):
        super().__init__(
            f"{library} builds no plan from graph {graph} ({file}): {cause}; "
            "take another version of the library, or the engine onnx"
        )


class UnsupportedOperatorError(PlanBuildError):
    """Report an operator of a graph that TensorRT, or the GPU it builds for, does not know."""


class BuildCrashError(EngineError):
    """Report a build that ended without a word."""

    def __init__(self, graph: str, cause: str):
        super().__init__(
            f"building the plan of graph {graph} ended without a word: {cause}; "
            "take another version of TensorRT, or the engine onnx"
        )
