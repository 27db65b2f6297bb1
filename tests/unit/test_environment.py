"""What a run says about its machine."""

from __future__ import annotations

import getpass
import platform
import subprocess
from pathlib import Path

import pytest

from harness.machine.environment import (
    PACKAGES,
    cpu_model_in,
    describe,
    git_state,
    hypervisor_in,
    notes,
    package_versions,
    python_version,
)
from harness.results.records.machine_record import Partition
from harness.results.records.text import to_json

SHARED = Partition(available=(0, 1), target=(0, 1), generator=(), quota_cores=None, pinned=False)


def git(folder: Path, *arguments: str) -> None:
    identity = ["-c", "user.name=t", "-c", "user.email=t@example.invalid"]
    subprocess.run(["git", "-C", str(folder), *identity, *arguments], check=True, capture_output=True, timeout=60)


def test_this_machine(tmp_path: Path) -> None:
    environment = describe(tmp_path)
    assert environment.system == platform.system()
    assert environment.logical_cpus >= len(environment.partition.available)
    assert environment.memory_bytes > 100_000_000
    assert environment.python == python_version()
    assert {"fastapi", "uvicorn", "locust"} <= set(environment.packages)
    assert environment.git_commit == ""
    assert any("git" in note for note in environment.notes)


def test_a_report_can_be_shared(tmp_path: Path) -> None:
    """No host name, no folder; and no user name, unless it is a word like `root` that may occur by itself."""
    written = to_json(describe(tmp_path)).decode()
    assert platform.node() == "" or f'"{platform.node()}"' not in written
    assert f'"{getpass.getuser()}"' not in written
    assert str(tmp_path) not in written
    assert str(Path.home()) not in written


def test_a_checkout_has_a_commit_and_is_dirty_once_touched(tmp_path: Path) -> None:
    git(tmp_path, "init")
    assert git_state(tmp_path) == ("", False), "no commit yet"
    (tmp_path / "file").write_text("one")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-m", "one")
    commit, dirty = git_state(tmp_path)
    assert len(commit) == 40
    assert not dirty
    (tmp_path / "file").write_text("two")
    assert git_state(tmp_path) == (commit, True)


def test_the_commit_of_a_repository_around_us_is_not_ours(tmp_path: Path) -> None:
    git(tmp_path, "init")
    git(tmp_path, "commit", "--allow-empty", "-m", "one")
    (tmp_path / "unpacked").mkdir()
    assert git_state(tmp_path / "unpacked") == ("", False)


def test_without_git_nothing_breaks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    environment = describe(tmp_path)
    assert environment.git_commit == ""
    assert environment.cpu_model != "" or platform.system() != "Linux"


@pytest.mark.parametrize(
    ("cpuinfo", "model"),
    [
        ("processor\t: 0\nmodel name\t: AMD EPYC 7763\n\nprocessor\t: 1\nmodel name\t: other\n", "AMD EPYC 7763"),
        ("processor\t: 0\nCPU implementer\t: 0x41\nCPU part\t: 0xd0c\n", "ARM implementer 0x41 part 0xd0c"),
        ("", ""),
    ],
)
def test_cpu_model(cpuinfo: str, model: str) -> None:
    assert cpu_model_in(cpuinfo) == model


@pytest.mark.parametrize(
    ("cpuinfo", "vendor", "name"),
    [
        ("flags\t: fpu hypervisor sse", "QEMU", "QEMU"),
        ("flags\t: fpu hypervisor sse", "", "unknown"),
        ("flags\t: fpu sse", "Dell", "none"),
        ("", "", ""),
    ],
)
def test_hypervisor(cpuinfo: str, vendor: str, name: str) -> None:
    assert hypervisor_in(cpuinfo, vendor) == name


def test_notes_say_what_the_platform_cannot_tell() -> None:
    assert notes("linux", SHARED, governor="performance", git_commit="abc", container="none") == ()
    mac = " ".join(notes("darwin", SHARED, governor="", git_commit="abc", container=""))
    assert "PSS" in mac
    assert "steal" in mac
    assert "pinning" in mac
    limited = Partition(available=(0, 1), target=(0, 1), generator=(), quota_cores=1.5, pinned=False)
    said = " ".join(notes("linux", limited, governor="", git_commit="", container="docker"))
    assert "1.5 of 2 CPUs" in said
    assert "container (docker)" in said
    assert "governor" in said
    assert "git" in said


def test_packages_that_are_missing_are_left_out() -> None:
    assert package_versions(["msgspec", "no-such-package"]).keys() == {"msgspec"}
    assert len(PACKAGES) == len(set(PACKAGES))
