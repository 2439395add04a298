# SPDX-License-Identifier: Apache-2.0
"""`ide3d build-engine` checks first, builds what is missing, lists and prunes."""

from __future__ import annotations

import dataclasses
import io
import json
from pathlib import Path

import pytest
from rich.console import Console
from tensorrt_stand_in import GPU, HostDevice, StandInLibrary, stand_in_store
from typer.testing import CliRunner

from ide3d_ros.bundle import Bundle, open_bundle
from ide3d_ros.cli import build_engine, build_preflight, main
from ide3d_ros.cli.build_engine import PlanSettings, build_plans, list_plans, prune_plans
from ide3d_ros.cli.build_preflight import (
    Need,
    PreflightError,
    Room,
    Workshop,
    check_room,
    choose_capabilities,
    find_workshop,
    measure_room,
    need_of,
)
from ide3d_ros.engine.cuda_device import CudaDevice, Gpu
from ide3d_ros.engine.errors import AbsentEngineError, MissingRuntimeError, NoGpuError
from ide3d_ros.engine.plan_key import key_of
from ide3d_ros.engine.plan_store import PlanStore
from ide3d_ros.engine.tensorrt_library import TensorRt, load_tensorrt

BUILD_TIME = "2026-01-01T00:00:00+00:00"


@pytest.fixture
def library() -> TensorRt:
    return StandInLibrary(HostDevice()).library


@pytest.fixture
def workshop(library: TensorRt, monkeypatch: pytest.MonkeyPatch) -> Workshop:
    """Give this machine the stand-in's TensorRT and GPU."""
    here = Workshop(library, HostDevice())
    monkeypatch.setattr(build_engine, "find_workshop", lambda: here)
    return here


@pytest.fixture
def builds(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Put a quick build in the place of the real one; the list names the graphs that were built."""
    built: list[str] = []

    def build(_work, arguments, graph, watch) -> bytes:
        watch("Building engine", 1, 2)
        built.append(graph)
        return f"plan of {graph} for {arguments[2]}".encode()

    monkeypatch.setattr(build_engine, "build_apart", build)
    return built


def settings_for(bundle: Bundle, folder: Path, **others: object) -> PlanSettings:
    return PlanSettings(str(bundle.folder), plans=folder / "plans", json=folder / "out.json", **others)


def said_by(act, settings: PlanSettings) -> tuple[str, dict]:
    text = io.StringIO()
    act(settings, Console(file=text, width=400))
    return text.getvalue(), json.loads(settings.json.read_text())


def test_all_graphs_are_built_and_then_kept(
    fake_bundle: Bundle, tmp_path: Path, workshop: Workshop, builds: list[str]
) -> None:
    settings = settings_for(fake_bundle, tmp_path)
    text, report = said_by(build_plans, settings)
    assert builds == ["vision", "prefix", "prompt", "step"]
    assert "TensorRT 10.7.0.23, for Stand-in" in text and "4 plans built, 0 kept" in text
    assert [one["state"] for one in report["plans"]] == ["built"] * 4
    for graph in builds:
        plan = PlanStore(settings.plans).find(fake_bundle, graph, workshop.library, GPU)
        assert PlanStore(settings.plans).read(plan, fake_bundle) == f"plan of {graph} for ()".encode()
    text, report = said_by(build_plans, settings)
    assert len(builds) == 4 and "0 plans built, 4 kept" in text
    assert [one["state"] for one in report["plans"]] == ["kept"] * 4


def test_only_what_is_missing_or_cut_short_is_built(
    fake_bundle: Bundle, tmp_path: Path, workshop: Workshop, builds: list[str]
) -> None:
    settings = settings_for(fake_bundle, tmp_path)
    build_plans(settings, Console(file=io.StringIO()))
    builds.clear()
    store = PlanStore(settings.plans)
    plan = store.find(fake_bundle, "prompt", workshop.library, GPU)
    plan.file.write_bytes(b"cut")
    build_plans(settings, Console(file=io.StringIO()))
    assert builds == ["prompt"]


def test_force_builds_all_again(
    fake_bundle: Bundle, tmp_path: Path, workshop: Workshop, builds: list[str]
) -> None:
    for _ in range(2):
        build_plans(settings_for(fake_bundle, tmp_path, force=True), Console(file=io.StringIO()))
    assert len(builds) == 8


def test_the_list_says_which_plans_are_of_use_here(
    fake_bundle: Bundle, tmp_path: Path, workshop: Workshop
) -> None:
    store = stand_in_store(tmp_path / "plans", fake_bundle, workshop.library)
    old = dataclasses.replace(workshop.library, version="10.3.0")
    key = key_of(fake_bundle.manifest, "step", old, GPU)
    store.write("fake", key, b"old", built=BUILD_TIME, build_s=2.0)
    text, report = said_by(list_plans, settings_for(fake_bundle, tmp_path))
    assert "5 plans in" in text and "4 of use here" in text
    assert "no: it was built by tensorrt 10.3.0 instead of tensorrt 10.7.0.23" in text
    assert sum(not one["useless"] for one in report["plans"]) == 4
    assert report["gpu"] == str(GPU)


def test_an_empty_list_names_the_folder(fake_bundle: Bundle, tmp_path: Path, workshop: Workshop) -> None:
    text, report = said_by(list_plans, settings_for(fake_bundle, tmp_path))
    assert f"0 plans in {tmp_path / 'plans'}" in text and report["plans"] == []


def test_pruning_removes_what_is_of_no_use_here(
    fake_bundle: Bundle, tmp_path: Path, workshop: Workshop
) -> None:
    store = stand_in_store(tmp_path / "plans", fake_bundle, workshop.library)
    elsewhere = dataclasses.replace(GPU, name="Elsewhere")
    foreign = key_of(fake_bundle.manifest, "step", workshop.library, elsewhere)
    store.write("fake", foreign, b"foreign", built=BUILD_TIME, build_s=2.0)
    # Another bundle's plan, which this library and GPU can run, is none of this bundle's business.
    other = key_of(open_bundle("nano").manifest, "step", workshop.library, GPU)
    kept = store.write("nano", other, b"other", built=BUILD_TIME, build_s=2.0)
    text, report = said_by(prune_plans, settings_for(fake_bundle, tmp_path))
    assert "removed fake-step" in text and "built for Elsewhere" in text
    assert len(report["removed"]) == 2  # the plan and its sidecar
    assert kept.file.exists() and len(store.plans()) == 5


def test_a_machine_without_tensorrt_prunes_no_plan_for_that(
    fake_bundle: Bundle, tmp_path: Path, library: TensorRt, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none() -> Workshop:
        raise MissingRuntimeError("tensorrt", "tensorrt", "no module")

    monkeypatch.setattr(build_engine, "find_workshop", none)
    stand_in_store(tmp_path / "plans", fake_bundle, library)
    text, report = said_by(prune_plans, settings_for(fake_bundle, tmp_path))
    assert report["removed"] == [] and report["library"] is None


def test_no_room_ends_before_the_first_build(
    fake_bundle: Bundle, tmp_path: Path, workshop: Workshop, builds: list[str], monkeypatch
) -> None:
    monkeypatch.setattr(build_preflight, "free_memory_mb", lambda: 100.0)
    with pytest.raises(
        PreflightError, match="bundle 'fake' needs about 250 MiB of memory and 100 MiB are free"
    ):
        build_plans(settings_for(fake_bundle, tmp_path), Console(file=io.StringIO()))
    assert not builds and not (tmp_path / "plans").exists()


@pytest.mark.parametrize(
    ("room", "said"),
    [
        (Room(9.0, 100.0, 100.0), "about 10 MiB of memory and 9 MiB are free; end other programs"),
        (Room(100.0, 19.0, 100.0), "about 20 MiB of GPU memory and 19 MiB are free; end what else"),
        (Room(100.0, 100.0, 29.0), "about 30 MiB of disk for plans and 29 MiB are free; free some"),
    ],
)
def test_what_is_short_is_named(room: Room, said: str) -> None:
    with pytest.raises(PreflightError, match=said):
        check_room("nano", Need(10.0, 20.0, 30.0), room, Path("plans"))


def test_what_is_not_known_is_taken_to_suffice() -> None:
    check_room("nano", Need(10.0, 20.0, 30.0), Room(None, None, None), Path("plans"))
    check_room("nano", Need(10.0, 20.0, 30.0), Room(10.0, 20.0, 30.0), Path("plans"))


def test_need_grows_with_the_weights_and_the_manifest() -> None:
    nano = open_bundle("nano")
    need, weights = need_of(nano), nano.manifest.weights.bytes / 2**20
    assert need.memory > nano.manifest.memory_mb + 4 * weights
    assert 4 * weights < need.disk < 5 * weights
    assert need.gpu_memory == nano.manifest.memory_mb


def test_room_is_measured_where_the_plans_will_lie(tmp_path: Path, library: TensorRt) -> None:
    room = measure_room(Workshop(library, HostDevice(limit=1 << 20)), tmp_path / "not" / "yet")
    assert room.memory > 1 and room.gpu_memory == 1.0 and room.disk > 1
    assert measure_room(Workshop(library, None), tmp_path).gpu_memory is None


class Capabilities:
    __members__ = {"NONE": 0, "CURRENT": 1, "SM75": 2, "SM89": 3, "SM120": 4}


@pytest.fixture
def portable(library: TensorRt) -> TensorRt:
    library.module.ComputeCapability = Capabilities
    return dataclasses.replace(library, name="tensorrt_rtx", version="1.7.1.116")


def test_compute_capabilities_are_checked_before_anything_is_built(
    library: TensorRt, portable: TensorRt
) -> None:
    here = Workshop(portable, None)
    assert choose_capabilities(here, ()) == ()
    assert choose_capabilities(here, ("12.0", "8.9")) == ("12.0", "8.9")
    with pytest.raises(
        PreflightError, match="does not build for --compute-capability 9.0; it knows 7.5, 8.9, 12.0"
    ):
        choose_capabilities(here, ("8.9", "9.0"))
    with pytest.raises(PreflightError, match="for the GPU of this machine alone; --compute-capability"):
        choose_capabilities(Workshop(library, HostDevice()), ("8.9",))


def test_an_older_gpu_is_built_for_by_its_own_number(portable: TensorRt) -> None:
    turing, ada, hopper = (Gpu("a", number, 1) for number in ((7, 5), (8, 9), (9, 0)))
    chosen = [choose_capabilities(Workshop(portable, HostDevice(gpu)), ()) for gpu in (turing, ada, hopper)]
    assert chosen == [("7.5",), (), ()]


def test_only_a_portable_library_builds_without_a_gpu(
    library: TensorRt, portable: TensorRt, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none() -> CudaDevice:
        raise NoGpuError("the driver sees none")

    monkeypatch.setattr(build_preflight, "CudaDevice", none)
    monkeypatch.setattr(build_preflight, "load_tensorrt", lambda: portable)
    assert find_workshop().device is None
    monkeypatch.setattr(build_preflight, "load_tensorrt", lambda: library)
    with pytest.raises(NoGpuError):
        find_workshop()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--list", "--prune"), "--list and --prune exclude each other"),
        (("--force", "--list"), "--force and --list exclude each other"),
        (("--prune", "--compute-capability", "8.9"), "--compute-capability is for building, not for --prune"),
    ],
)
def test_options_that_exclude_each_other_are_refused(words: tuple[str, ...], said: str) -> None:
    outcome = CliRunner().invoke(main.app, ["build-engine", *words])
    assert isinstance(outcome.exception, main.UsageError) and str(outcome.exception) == said


def test_an_unwritable_report_is_named(fake_bundle: Bundle, tmp_path: Path, workshop: Workshop) -> None:
    settings = dataclasses.replace(settings_for(fake_bundle, tmp_path), json=tmp_path / "none" / "out.json")
    with pytest.raises(PreflightError, match="--json .*out.json cannot be written: No such file"):
        list_plans(settings, Console(file=io.StringIO()))


def test_plans_are_really_built(fake_bundle: Bundle, tmp_path: Path) -> None:
    try:
        library = load_tensorrt()
        here = find_workshop()
    except AbsentEngineError as error:
        pytest.skip(f"nothing builds plans here: {error.cause}")
    settings = settings_for(fake_bundle, tmp_path)
    text, report = said_by(build_plans, settings)
    assert [one["key"]["graph"] for one in report["plans"]] == ["vision", "prefix", "prompt", "step"]
    assert all(one["bytes"] > 1000 and one["build_s"] > 0 for one in report["plans"])
    assert report["library"] == f"{library.name} {library.version}" and "step: " in text
    gpu = here.device.gpu if here.device else Gpu("any", (8, 9), 1)
    for graph in ("vision", "prefix", "prompt", "step"):
        assert PlanStore(settings.plans).find(fake_bundle, graph, library, gpu)
