# SPDX-License-Identifier: Apache-2.0
"""A set-up skips what is done, does again what changed, and mends what an interruption left behind.

pip and `python -m venv` are stood in for by small scripts; everything else is the real thing.
"""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from setup_steps import project_package, system_packages
from setup_steps.failure import SetupError, run_logged
from setup_steps.interpreter import Interpreter, find_interpreter
from setup_steps.project_package import install_package
from setup_steps.requirement_groups import GROUPS, INDIRECT, install_groups
from setup_steps.sourced_ros import refuse_sourced_ros
from setup_steps.stamps import Stamps, content_key
from setup_steps.standard_interfaces import VISION_MSGS, write_package
from setup_steps.system_packages import Missing, provide
from setup_steps.virtual_environment import make_environment, state_folder
from setup_steps.wheel_records import forget_half_installed


def _script(path: Path, body: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("#!/bin/sh\n" + textwrap.dedent(body))
    path.chmod(0o755)
    return path


@pytest.fixture
def interpreter(tmp_path: Path) -> Interpreter:
    """A Python whose environments note each pip call, which fails while the file `broken` exists."""
    program = _script(
        tmp_path / "host" / "python3.11",
        f"""
        echo made >> {tmp_path}/environments
        mkdir -p "$3/bin" "$3/lib/python3.11/site-packages"
        cat > "$3/bin/python" <<'END'
        #!/bin/sh
        echo "$@" >> {tmp_path}/calls
        test ! -e {tmp_path}/broken
        END
        chmod +x "$3/bin/python"
        """,
    )
    return Interpreter(
        executable=program, version="3.11.7", headers=tmp_path / "Python.h", has_ensurepip=True
    )


@pytest.fixture
def venv(tmp_path: Path, interpreter: Interpreter) -> Path:
    make_environment(interpreter, tmp_path / "venv")
    return tmp_path / "venv"


@pytest.fixture
def requirements(tmp_path: Path) -> Path:
    folder = tmp_path / "requirements"
    folder.mkdir()
    (folder / INDIRECT).write_text("")
    for names in GROUPS.values():
        for name in names:
            (folder / name).write_text(
                "torch==2.13.0   # why\n" if name == "training.txt" else "six==1.16.0\n"
            )
    return folder


def _calls(tmp_path: Path) -> list[str]:
    path = tmp_path / "calls"
    return path.read_text().splitlines() if path.exists() else []


# Stamps


def test_step_counts_as_done_only_for_the_same_content(tmp_path: Path) -> None:
    stamps = Stamps(tmp_path / "stamps")
    stamps.finish("step", "key")
    assert stamps.is_current("step", "key")
    assert not stamps.is_current("step", "other key")


def test_step_that_began_again_is_not_done(tmp_path: Path) -> None:
    stamps = Stamps(tmp_path / "stamps")
    stamps.finish("step", "key")
    stamps.begin("step")
    assert not stamps.is_current("step", "key")


def test_content_key_sees_content_names_and_execution_rights_but_no_caches(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    (folder / "__pycache__").mkdir(parents=True)
    file = folder / "a.py"
    file.write_text("1")
    keys = [content_key([folder])]
    (folder / "__pycache__" / "a.pyc").write_text("cache")
    assert content_key([folder]) == keys[0]
    file.write_text("2")
    keys.append(content_key([folder]))
    file.rename(folder / "b.py")
    keys.append(content_key([folder]))
    (folder / "b.py").chmod(0o755)
    keys.append(content_key([folder]))
    keys.append(content_key([folder], "fact"))
    assert len(set(keys)) == len(keys)


# The environment itself


def test_whole_environment_is_left_alone(tmp_path: Path, venv: Path, interpreter: Interpreter) -> None:
    make_environment(interpreter, venv)
    assert (tmp_path / "environments").read_text().count("made") == 1


def test_environment_that_was_interrupted_is_made_again(venv: Path, interpreter: Interpreter) -> None:
    (state_folder(venv) / "stamps" / "environment").unlink()
    (venv / "leftover").touch()
    make_environment(interpreter, venv)
    assert not (venv / "leftover").exists()
    assert (venv / "bin" / "python").exists()


def test_environment_whose_python_was_removed_is_made_again(venv: Path, interpreter: Interpreter) -> None:
    (venv / "bin" / "python").unlink()
    make_environment(interpreter, venv)
    assert (venv / "bin" / "python").exists()


def test_environment_that_was_moved_is_made_again(
    tmp_path: Path, venv: Path, interpreter: Interpreter
) -> None:
    moved = venv.rename(tmp_path / "elsewhere")
    make_environment(interpreter, moved)
    assert (tmp_path / "environments").read_text().count("made") == 2


def test_folder_of_somebody_else_is_never_cleared(tmp_path: Path, interpreter: Interpreter) -> None:
    (tmp_path / "venv").mkdir()
    (tmp_path / "venv" / "precious").touch()
    with pytest.raises(SetupError, match="was not made by this set-up"):
        make_environment(interpreter, tmp_path / "venv")
    assert (tmp_path / "venv" / "precious").exists()


# Requirements


def test_torch_is_installed_first_and_alone(tmp_path: Path, venv: Path, requirements: Path) -> None:
    install_groups(requirements, venv, ["robot", "training"], "base")
    first, second = _calls(tmp_path)
    assert first.endswith("indirect.txt torch==2.13.0")
    assert "robot.txt" in second and "training.txt" in second


def test_installed_groups_are_not_installed_again(tmp_path: Path, venv: Path, requirements: Path) -> None:
    install_groups(requirements, venv, ["robot", "ros"], "base")
    install_groups(requirements, venv, ["robot", "ros"], "base")
    assert len(_calls(tmp_path)) == 1


def test_changed_requirement_is_installed(tmp_path: Path, venv: Path, requirements: Path) -> None:
    install_groups(requirements, venv, ["robot"], "base")
    (requirements / "robot.txt").write_text("six==1.17.0\n")
    install_groups(requirements, venv, ["robot"], "base")
    assert len(_calls(tmp_path)) == 2


def test_changed_pin_of_an_indirect_requirement_reaches_every_group(
    tmp_path: Path, venv: Path, requirements: Path
) -> None:
    install_groups(requirements, venv, ["robot"], "base")
    (requirements / INDIRECT).write_text("idna==3.20\n")
    install_groups(requirements, venv, ["robot"], "base")
    assert len(_calls(tmp_path)) == 2
    assert all(f"-c {requirements / INDIRECT}" in call for call in _calls(tmp_path))


def test_failed_installation_is_told_with_its_output_and_tried_again(
    tmp_path: Path, venv: Path, requirements: Path
) -> None:
    (tmp_path / "broken").touch()
    with pytest.raises(SetupError, match="requirements.log"):
        install_groups(requirements, venv, ["robot"], "base")
    (tmp_path / "broken").unlink()
    install_groups(requirements, venv, ["robot"], "base")
    assert len(_calls(tmp_path)) == 2


def test_interrupted_installation_is_repaired_before_the_next(
    tmp_path: Path, venv: Path, requirements: Path
) -> None:
    (state_folder(venv) / "pip-is-running").touch()
    info = _distribution(venv / "lib/python3.11/site-packages", "half")
    (info.parent / "half.py").unlink()
    install_groups(requirements, venv, ["robot"], "base")
    assert not info.exists()
    assert not (state_folder(venv) / "pip-is-running").exists()


def _distribution(site_packages: Path, name: str) -> Path:
    info = site_packages / f"{name}-1.0.dist-info"
    info.mkdir(parents=True)
    (site_packages / f"{name}.py").write_text("1234")
    (info / "RECORD").write_text(
        f"{name}.py,sha256=x,4\n__pycache__/{name}.pyc,sha256=x,9\n{info.name}/RECORD,,\n"
    )
    return info


@pytest.mark.parametrize("damage", ["missing file", "truncated file", "no record"])
def test_half_installed_package_is_forgotten(tmp_path: Path, damage: str) -> None:
    whole = _distribution(tmp_path, "whole")
    half = _distribution(tmp_path, "half")
    if damage == "missing file":
        (tmp_path / "half.py").unlink()
    elif damage == "truncated file":
        (tmp_path / "half.py").write_text("12")
    else:
        (half / "RECORD").unlink()
    (tmp_path / "~alf").mkdir()
    assert forget_half_installed(tmp_path) == [half.name]
    assert whole.exists()
    assert not half.exists() and not (tmp_path / "~alf").exists()


# This package


@pytest.fixture
def project(tmp_path: Path) -> Path:
    root = tmp_path / "project"
    (root / "ide3d_ros").mkdir(parents=True)
    (root / "setup.py").write_text("")
    (root / "ide3d_ros" / "__init__.py").write_text("")
    return root


def test_package_is_installed_once_and_again_after_an_edit(tmp_path: Path, venv: Path, project: Path) -> None:
    assert install_package(project, venv, "base")
    assert not install_package(project, venv, "base")
    (project / "ide3d_ros" / "__init__.py").write_text("x = 1")
    assert install_package(project, venv, "base")
    assert all("--no-deps" in call for call in _calls(tmp_path))


def test_package_whose_installation_failed_is_installed_again(
    tmp_path: Path, venv: Path, project: Path
) -> None:
    install_package(project, venv, "base")
    (project / "setup.py").write_text("# edited")
    (tmp_path / "broken").touch()
    with pytest.raises(SetupError):
        install_package(project, venv, "base")
    (tmp_path / "broken").unlink()
    (project / "setup.py").write_text("")
    assert install_package(project, venv, "base"), "the stamp of the first installation must be gone"


def test_every_installed_part_of_the_tree_is_a_source_of_the_package() -> None:
    setup = (Path(__file__).resolve().parents[2] / "setup.py").read_text()
    for name in ("launch", "config", "scripts", "resource", "package.xml"):
        assert name in setup and name in project_package.SOURCES


# Interfaces


def test_generated_package_names_its_dependencies_and_messages(tmp_path: Path) -> None:
    root = write_package(VISION_MSGS, tmp_path)
    cmake = (root / "CMakeLists.txt").read_text()
    for name in VISION_MSGS.messages:
        assert f'"msg/{name}.msg"' in cmake
        assert (root / "msg" / f"{name}.msg").is_file()
    for name in VISION_MSGS.dependencies:
        assert f"find_package({name} REQUIRED)" in cmake
        assert f"<depend>{name}</depend>" in (root / "package.xml").read_text()


# The machine


def test_sourced_ros_is_left_alone(tmp_path: Path) -> None:
    index = tmp_path / "ros" / "share" / "ament_index" / "resource_index" / "packages"
    index.mkdir(parents=True)
    (index / "rclpy").touch()
    with pytest.raises(SetupError, match="colcon build --base-paths . ide3d_msgs"):
        refuse_sourced_ros({"AMENT_PREFIX_PATH": f"{tmp_path / 'ws'}:{tmp_path / 'ros'}"}, tmp_path / "venv")


def test_own_environment_on_the_prefix_path_is_not_taken_for_a_ros_installation(tmp_path: Path) -> None:
    index = tmp_path / "venv" / "share" / "ament_index" / "resource_index" / "packages"
    index.mkdir(parents=True)
    (index / "rclpy").touch()
    refuse_sourced_ros({"AMENT_PREFIX_PATH": str(tmp_path / "venv")}, tmp_path / "venv")
    refuse_sourced_ros({}, tmp_path / "venv")


def test_python_of_the_wrong_version_is_named_with_the_way_out(tmp_path: Path) -> None:
    old = _script(
        tmp_path / "python3.8", 'echo \'{"executable": "/p", "version": [3, 8, 18], "include": "/i"}\''
    )
    broken = _script(tmp_path / "python3.12", "exit 1")
    with pytest.raises(SetupError, match=r"python3\.8 is 3\.8\.18(.|\n)*apt-get install"):
        find_interpreter([str(broken), str(old)])


def test_first_python_that_fits_is_taken(tmp_path: Path) -> None:
    broken = _script(tmp_path / "python3.12", "exit 1")
    found = find_interpreter([str(tmp_path / "absent"), str(broken), sys.executable])
    assert found.version == ".".join(str(number) for number in sys.version_info[:3])
    assert found.executable != Path(sys.executable), (
        "the installation itself, not this environment's link to it"
    )


def test_missing_part_is_named_with_the_exact_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(system_packages.os, "geteuid", lambda: 1000)
    with pytest.raises(SetupError, match="sudo apt-get install -y --no-install-recommends libegl1 g[+][+]"):
        provide([Missing("libEGL.so.1", ["libegl1"]), Missing("a compiler", ["g++", "libegl1"])])


def test_root_gets_missing_parts_installed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    apt = _script(tmp_path / "apt-get", f'echo "$@" >> {tmp_path}/calls')
    monkeypatch.setenv("PATH", f"{apt.parent}:/usr/bin:/bin")
    monkeypatch.setattr(system_packages.os, "geteuid", lambda: 0)
    provide([Missing("libEGL.so.1", ["libegl1"])])
    assert _calls(tmp_path)[-1] == "install -y --no-install-recommends libegl1"


def test_failing_command_is_reported_with_its_last_lines(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match=r"sh failed with exit code 3(.|\n)*the reason"):
        run_logged(
            ["sh", "-c", "echo the reason; exit 3"], tmp_path / "logs" / "x.log", {"PATH": "/usr/bin:/bin"}
        )


def test_second_set_up_waits_for_the_first(tmp_path: Path) -> None:
    from setup_steps.setup_lock import exclusive

    program = "from pathlib import Path; from setup_steps.setup_lock import exclusive\n"
    program += f"with exclusive(Path({str(tmp_path / 'venv')!r})): print('entered')"
    tools = Path(__file__).resolve().parents[2] / "tools"
    with exclusive(tmp_path / "venv"):
        second = subprocess.Popen(
            [sys.executable, "-c", program], cwd=tools, stdout=subprocess.PIPE, text=True
        )
        assert second.stdout is not None
        assert "waiting" in second.stdout.readline()
    rest, _ = second.communicate(timeout=30)
    assert rest == "entered\n"
