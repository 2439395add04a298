# SPDX-License-Identifier: Apache-2.0
"""What a plan was built from and for. A plan is used only where all of it holds."""

from __future__ import annotations

import hashlib
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from ide3d_ros.bundle import Manifest
from ide3d_ros.engine.cuda_device import Gpu
from ide3d_ros.engine.tensorrt_library import TensorRt
from ide3d_ros.engine.tensorrt_profile import spell_profile

PORTABLE_FROM = "8.0"
"""TensorRT-RTX without a list of compute capabilities builds for this one and every later one."""

Capability = Annotated[str, Field(pattern=r"^\d{1,2}\.\d$")]


class PlanKey(BaseModel):
    """Name everything that a plan depends on."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    graph: Annotated[str, Field(pattern=r"^[a-z]{1,32}$")] = Field(description="name of the graph")
    model: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")] = Field(
        description="hash of the graph's ONNX file and the weights it refers to"
    )
    library: Annotated[str, Field(max_length=32)] = Field(description="tensorrt or tensorrt_rtx")
    version: Annotated[str, Field(max_length=64)] = Field(description="of the library, in full")
    gpu: Annotated[str, Field(max_length=256)] = Field(
        description="model of GPU that the plan was built on; empty for a portable plan"
    )
    compute_capabilities: tuple[Capability, ...] = Field(
        description="of the GPUs that a portable plan is for; none for 8.0 and every later one"
    )
    profile: Annotated[str, Field(max_length=256)] = Field(description="lengths that the plan serves")

    @property
    def digest(self) -> str:
        """Hash of the whole key, 16 hexadecimal digits."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()[:16]

    @property
    def target(self) -> str:
        """Say which GPUs the plan is for."""
        if self.gpu:
            return self.gpu
        return f"compute capability {' or '.join(self.compute_capabilities) or f'{PORTABLE_FROM} and later'}"

    def runs_on(self, gpu: Gpu) -> bool:
        """Say whether the plan is for a GPU."""
        if self.gpu:
            return self.gpu == str(gpu)
        if self.compute_capabilities:
            return "{}.{}".format(*gpu.compute_capability) in self.compute_capabilities
        return gpu.compute_capability >= _numbers(PORTABLE_FROM)

    def differences(self, manifest: Manifest | None, library: TensorRt | None, gpu: Gpu | None) -> list[str]:
        """Say in what the plan is not for a bundle, a library and a GPU.

        Args:
            manifest: of the bundle that is to run.
            library: that is to run it.
            gpu: that is to run it.

        None stands for what is not known, and is taken to fit.

        Returns:
            A phrase for each difference; empty when the plan fits.
        """
        differences = []
        if manifest is not None and self.model != model_hash(manifest, self.graph):
            differences.append("it was built from another file of the graph or its weights")
        if library is not None and (self.library, self.version) != (library.name, library.version):
            differences.append(
                f"it was built by {self.library} {self.version} instead of {library.name} {library.version}"
            )
        if gpu is not None and not self.runs_on(gpu):
            differences.append(f"it was built for {self.target} instead of {gpu}")
        if manifest is not None and self.profile != spell_profile(manifest, self.graph):
            wanted = spell_profile(manifest, self.graph)
            differences.append(f"it serves {self.profile} instead of {wanted}")
        return differences


def model_hash(manifest: Manifest, graph: str) -> str:
    """Hash what a graph computes: its file and the weights, which lie in another one."""
    parts = manifest.graphs.by_name()[graph].sha256, manifest.weights.sha256
    return hashlib.sha256(" ".join(parts).encode()).hexdigest()


def key_of(
    manifest: Manifest,
    graph: str,
    library: TensorRt,
    gpu: Gpu | None,
    compute_capabilities: tuple[str, ...] = (),
) -> PlanKey:
    """Return the key of a plan that is to be built.

    Args:
        manifest: of the bundle.
        graph: vision, prefix, prompt or step.
        library: that builds.
        gpu: that a plan which is not portable is built on.
        compute_capabilities: that a portable plan is built for, such as "8.9"; none for 8.0 and later.
    """
    return PlanKey(
        graph=graph,
        model=model_hash(manifest, graph),
        library=library.name,
        version=library.version,
        gpu="" if library.is_portable else str(gpu),
        compute_capabilities=tuple(sorted(set(compute_capabilities), key=_numbers)),
        profile=spell_profile(manifest, graph),
    )


def _numbers(capability: str) -> tuple[int, ...]:
    return tuple(map(int, capability.split(".")))
