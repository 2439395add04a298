# SPDX-License-Identifier: Apache-2.0
"""Plans are kept whole, found by everything they depend on, refused by name, and pruned."""

from __future__ import annotations

import dataclasses
import json
import os
from pathlib import Path

import pytest
from fake_bundle import describe
from tensorrt_stand_in import GPU, HostDevice, StandInLibrary, stand_in_store

from ide3d_ros.bundle import Bundle, open_bundle, seal_bundle
from ide3d_ros.engine import plan_store
from ide3d_ros.engine.cuda_device import Gpu
from ide3d_ros.engine.errors import CorruptPlanError, MissingPlanError, PlanMismatchError, PlanStoreError
from ide3d_ros.engine.plan_key import PlanKey, key_of
from ide3d_ros.engine.plan_store import PlanStore, build_command, default_folder
from ide3d_ros.engine.tensorrt_library import TensorRt

RTX_3060, RTX_4090 = Gpu("RTX 3060", (8, 6), 28), Gpu("RTX 4090", (8, 9), 128)


@pytest.fixture
def library() -> TensorRt:
    return StandInLibrary(HostDevice()).library


@pytest.fixture
def portable(library: TensorRt) -> TensorRt:
    return dataclasses.replace(library, name="tensorrt_rtx", version="1.7.1.116")


@pytest.fixture
def store(tmp_path: Path, fake_bundle: Bundle, library: TensorRt) -> PlanStore:
    return stand_in_store(tmp_path / "plans", fake_bundle, library)


def write(store: PlanStore, key: PlanKey, data: bytes = b"a plan") -> plan_store.StoredPlan:
    return store.write("fake", key, data, built="2026-01-01T00:00:00+00:00", build_s=1.5)


def test_what_was_written_is_found_and_read(store: PlanStore, fake_bundle: Bundle, library: TensorRt) -> None:
    key = key_of(fake_bundle.manifest, "step", library, GPU)
    written = write(store, key, b"the plan")
    found = store.find(fake_bundle, "step", library, GPU)
    assert found == written == store.holds("fake", key)
    assert store.read(found, fake_bundle) == b"the plan"
    assert json.loads(found.sidecar.read_text())["key"]["version"] == library.version
    assert len(store.plans()) == 4


def test_a_plan_built_anew_takes_the_place_of_the_old_one(
    store: PlanStore, fake_bundle: Bundle, library: TensorRt
) -> None:
    key = key_of(fake_bundle.manifest, "step", library, GPU)
    old, new = write(store, key, b"old"), write(store, key, b"newer")
    assert not old.file.exists() and new.file.read_bytes() == b"newer"
    assert len(list(store.folder.glob("fake-step-*.plan"))) == 1


def test_an_interrupted_write_leaves_the_old_plan_in_force(
    store: PlanStore, fake_bundle: Bundle, library: TensorRt, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = key_of(fake_bundle.manifest, "step", library, GPU)
    write(store, key, b"old")
    replace = Path.replace

    def full_disk(self: Path, target: Path) -> Path:
        if target.suffix == ".json":
            raise OSError(28, "No space left on device")
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", full_disk)
    with pytest.raises(PlanStoreError, match="No space left on device.*IDE3D_PLANS"):
        write(store, key, b"new")
    assert store.read(store.find(fake_bundle, "step", library, GPU), fake_bundle) == b"old"


def test_a_sidecar_never_speaks_of_a_plan_that_is_not_whole(
    store: PlanStore, fake_bundle: Bundle, library: TensorRt, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = key_of(fake_bundle.manifest, "step", library, GPU)
    seen = []
    replace = Path.replace

    def look(self: Path, target: Path) -> Path:
        done = replace(self, target)
        plan = store.find(fake_bundle, "step", library, GPU)
        seen.append(store.read(plan, fake_bundle))
        return done

    write(store, key, b"old")
    monkeypatch.setattr(Path, "replace", look)
    write(store, key, b"new")
    assert seen == [b"old", b"new"]


def test_a_missing_plan_names_folder_and_command(tmp_path: Path, library: TensorRt) -> None:
    nano = open_bundle("nano")
    with pytest.raises(
        MissingPlanError, match=f"graph prompt of bundle 'nano' lies in {tmp_path}.*--bundle nano$"
    ):
        PlanStore(tmp_path).find(nano, "prompt", library, GPU)


def test_a_bundle_folder_is_named_in_the_command(bundle_copy: Path) -> None:
    assert build_command(open_bundle(bundle_copy)) == f"ide3d build-engine --bundle {bundle_copy}"


def test_a_plan_of_other_weights_is_refused(
    store: PlanStore, bundle_copy: Path, fake_bundle: Bundle, library: TensorRt
) -> None:
    weights = bytearray((bundle_copy / "weights.bin").read_bytes())
    weights[0] ^= 1
    (bundle_copy / "weights.bin").write_bytes(weights)
    changed = seal_bundle(bundle_copy, describe(fake_bundle.manifest.network.vocab))
    assert changed.manifest.graphs.step.sha256 == fake_bundle.manifest.graphs.step.sha256
    with pytest.raises(PlanMismatchError, match="another file of the graph or its weights"):
        store.find(changed, "step", library, GPU)


def test_a_plan_of_other_limits_is_refused_with_both(
    store: PlanStore, fake_bundle: Bundle, library: TensorRt
) -> None:
    limits = fake_bundle.manifest.limits.model_copy(update={"max_frames": 9})
    changed = dataclasses.replace(
        fake_bundle, manifest=fake_bundle.manifest.model_copy(update={"limits": limits})
    )
    with pytest.raises(PlanMismatchError, match=r"serves F 1\.\.4 .*instead of F 1\.\.9"):
        store.find(changed, "vision", library, GPU)


def test_the_nearest_of_several_plans_is_named(
    store: PlanStore, fake_bundle: Bundle, library: TensorRt
) -> None:
    newer = dataclasses.replace(library, version="10.9")
    write(store, key_of(fake_bundle.manifest, "step", newer, RTX_4090))
    other = dataclasses.replace(GPU, name="Other")
    with pytest.raises(PlanMismatchError) as caught:
        store.find(fake_bundle, "step", library, other)
    assert "built for Stand-in" in str(caught.value) and "10.9" not in str(caught.value)


def test_a_portable_plan_runs_on_the_gpus_it_is_for(fake_bundle: Bundle, portable: TensorRt) -> None:
    def plan(*numbers: str) -> PlanKey:
        return key_of(fake_bundle.manifest, "step", portable, None, numbers)

    assert plan("8.9", "12.0").runs_on(RTX_4090) and not plan("8.9", "12.0").runs_on(RTX_3060)
    assert plan().runs_on(RTX_3060) and plan().runs_on(Gpu("later", (13, 0), 1))
    assert not plan().runs_on(Gpu("RTX 2080", (7, 5), 46))
    assert plan("12.0", "8.9", "8.9") == plan("8.9", "12.0") != plan("8.9")
    assert plan("8.9", "12.0").target == "compute capability 8.9 or 12.0"


def test_a_portable_plan_for_other_gpus_is_refused(
    tmp_path: Path, fake_bundle: Bundle, portable: TensorRt
) -> None:
    store = PlanStore(tmp_path)
    write(store, key_of(fake_bundle.manifest, "step", portable, None, ("8.9",)))
    assert store.find(fake_bundle, "step", portable, RTX_4090)
    with pytest.raises(PlanMismatchError, match="built for compute capability 8.9 instead of RTX 3060"):
        store.find(fake_bundle, "step", portable, RTX_3060)


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda data: data[:-1], "it has 7 bytes, 8 were written"),
        (lambda data: data[:-1] + b"?", "its contents are not those that were written"),
        (None, "No such file or directory"),
    ],
)
def test_a_damaged_plan_is_refused(
    store: PlanStore, fake_bundle: Bundle, library: TensorRt, damage, said: str
) -> None:
    plan = write(store, key_of(fake_bundle.manifest, "step", library, GPU), b"the plan")
    if damage is None:
        plan.file.unlink()
    else:
        plan.file.write_bytes(damage(b"the plan"))
    with pytest.raises(CorruptPlanError, match=f"{said}; build it again: ide3d build-engine .* --force"):
        store.read(plan, fake_bundle)


@pytest.mark.parametrize(
    "text", ["", "{}", "[1]", "nonsense", '{"schema_version": 2}', "[" * 100_000, "\x00" * (1 << 17)]
)
def test_a_sidecar_that_cannot_be_read_is_no_plan(
    store: PlanStore, fake_bundle: Bundle, library: TensorRt, text: str
) -> None:
    plan = store.find(fake_bundle, "step", library, GPU)
    plan.sidecar.write_text(text)
    with pytest.raises(MissingPlanError):
        store.find(fake_bundle, "step", library, GPU)
    assert {one.file for one in store.prune(lambda _: "")} == {plan.sidecar, plan.file}


def test_a_sidecar_cannot_reach_outside_the_folder(
    store: PlanStore, fake_bundle: Bundle, library: TensorRt
) -> None:
    plan = store.find(fake_bundle, "step", library, GPU)
    record = json.loads(plan.sidecar.read_text())
    plan.sidecar.write_text(json.dumps({**record, "file": "../outside.plan"}))
    with pytest.raises(MissingPlanError):
        store.find(fake_bundle, "step", library, GPU)


def test_pruning_removes_what_is_useless_and_what_interrupted_builds_left(
    store: PlanStore, fake_bundle: Bundle, library: TensorRt
) -> None:
    step = store.find(fake_bundle, "step", library, GPU)
    gone = store.find(fake_bundle, "prefix", library, GPU)
    gone.file.unlink()
    orphan, partial = store.folder / "orphan.plan", store.folder / ".fake-step-1.plan.partial"
    stranger = store.folder / "notes.txt"
    for file in (orphan, partial, stranger):
        file.write_bytes(b"12345")
    removed = store.prune(lambda record: "too old" if record.key.graph == "step" else "")
    assert {one.file: one.why for one in removed} == {
        step.sidecar: "too old",
        step.file: "too old",
        gone.sidecar: "its plan is gone",
        orphan: "no sidecar speaks of it",
        partial: "no sidecar speaks of it",
    }
    assert {one.bytes for one in removed if one.file == orphan} == {5}
    assert stranger.exists() and not any(one.file.exists() for one in removed)
    assert {plan.record.key.graph for plan in store.plans()} == {"vision", "prompt"}


def test_an_empty_folder_has_nothing_to_prune_and_is_not_made(tmp_path: Path) -> None:
    store = PlanStore(tmp_path / "plans")
    assert store.prune(lambda _: "useless") == [] and store.plans() == []
    assert not store.folder.exists()


def test_a_folder_that_cannot_be_made_is_named(
    tmp_path: Path, fake_bundle: Bundle, library: TensorRt
) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(PlanStoreError, match=f"plan folder {tmp_path}/file/plans cannot be used: Not a dir"):
        write(PlanStore(tmp_path / "file" / "plans"), key_of(fake_bundle.manifest, "step", library, GPU))


def test_plans_lie_in_the_user_s_cache_unless_a_variable_says_otherwise() -> None:
    home = {"HOME": "/home/robot"}
    assert default_folder(home) == Path("/home/robot/.cache/ide3d_ros/plans")
    assert default_folder({**home, "XDG_CACHE_HOME": "/var/cache/r"}) == Path("/var/cache/r/ide3d_ros/plans")
    assert default_folder({**home, "XDG_CACHE_HOME": "relative"}) == default_folder(home)
    assert default_folder({**home, "XDG_CACHE_HOME": "/x", "IDE3D_PLANS": "/plans"}) == Path("/plans")
    with pytest.raises(PlanStoreError, match="has no home.*IDE3D_PLANS"):
        default_folder({})


def test_a_store_uses_the_default_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(os.environ, "IDE3D_PLANS", str(tmp_path / "mine"))
    assert PlanStore().folder == tmp_path / "mine"
