"""What Linux control groups allow this process: CPU, how long a quota has held it back, and memory.

Our own group may have a quota, and so may every group above it that we can see, so all are read. Version 2 has
`cpu.max` and `throttled_usec` (Documentation/admin-guide/cgroup-v2.rst), version 1 `cpu.cfs_quota_us` and
`throttled_time` (Documentation/scheduler/sched-bwc.rst).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path, PurePosixPath

_PROC = Path("/proc/self")


def quota_cores() -> float | None:
    """CPU-seconds a second that the strictest quota allows; None where there is none."""
    found = [quota for folder in _folders() if (quota := quota_of(_text(folder, "cpu.max"), *_version_1(folder)))]
    return min(found, default=None)


def throttled_s() -> float | None:
    """For how long quotas have held us back since the groups were made; None where the kernel does not count it."""
    found = [seconds for folder in _folders() if (seconds := throttled_in(_text(folder, "cpu.stat"))) is not None]
    return sum(found) if found else None


def memory_left_bytes() -> int | None:
    """What the strictest memory limit of our groups still allows (version 2 only); None where there is none."""
    found = [
        left for folder in _folders() if (left := left_of(_text(folder, "memory.max"), _text(folder, "memory.current")))
    ]
    return min(found, default=None)


def left_of(memory_max: str, memory_current: str) -> int | None:
    """Bytes, from the texts of `memory.max` ("max": no limit) and `memory.current`."""
    if not memory_max.isdigit() or not memory_current.isdigit():
        return None
    return max(1, int(memory_max) - int(memory_current))


def quota_of(cpu_max: str, cfs_quota_us: str = "", cfs_period_us: str = "") -> float | None:
    """Cores from the text of `cpu.max` ("150000 100000", "max 100000") or of version 1's two files (-1: no quota)."""
    quota, period = (cpu_max or f"{cfs_quota_us} {cfs_period_us}").split() or ("max", "1")
    if quota == "max" or int(quota) <= 0:
        return None
    return int(quota) / int(period)


def throttled_in(cpu_stat: str) -> float | None:
    """Seconds from the text of `cpu.stat` of either version; None when it does not say."""
    values = dict(line.split() for line in cpu_stat.splitlines())
    if "throttled_usec" in values:
        return int(values["throttled_usec"]) / 1e6
    return int(values["throttled_time"]) / 1e9 if "throttled_time" in values else None


def folders(membership: str, mounts: str) -> list[Path]:
    """Our group's folder and those above it, nearest first, from the texts of /proc/self/cgroup and
    /proc/self/mountinfo; empty when the CPU controller is not mounted."""
    groups = dict(_memberships(membership))
    for version in (1, 2):  # where both are mounted, the CPU controller is version 1's if that lists it
        mount = next(_mounts(mounts, version), None)
        if mount is None or version not in groups:
            continue
        root, point = mount
        # In a container the mount shows only a part of the hierarchy; what lies outside it cannot be seen.
        path = PurePosixPath(groups[version])
        below = path.relative_to(root) if path.is_relative_to(root) and ".." not in path.parts else PurePosixPath()
        return [point / part for part in (below, *below.parents)]
    return []


def _memberships(text: str) -> Iterator[tuple[int, str]]:
    for line in text.splitlines():
        number, controllers, path = line.split(":", 2)
        if number == "0":
            yield 2, path
        elif "cpu" in controllers.split(","):
            yield 1, path


def _mounts(text: str, version: int) -> Iterator[tuple[str, Path]]:
    """Root and mount point of each mount of the CPU controller, see proc_pid_mountinfo(5)."""
    for line in text.splitlines():
        left, _, right = line.partition(" - ")
        kind, _, options = right.split(" ", 2)
        if (kind == "cgroup2" and version == 2) or (kind == "cgroup" and version == 1 and "cpu" in options.split(",")):
            root, point = left.split(" ")[3:5]
            yield root, Path(point)


def _folders() -> list[Path]:
    return folders(_text(_PROC, "cgroup"), _text(_PROC, "mountinfo"))


def _version_1(folder: Path) -> tuple[str, str]:
    return _text(folder, "cpu.cfs_quota_us"), _text(folder, "cpu.cfs_period_us")


def _text(folder: Path, name: str) -> str:
    """A file's text, stripped; empty when it is not there or not ours to read: then nothing is known from it."""
    try:
        return (folder / name).read_text().strip()
    except OSError:
        return ""
