"""CPU quota and throttling from the files of both versions of control groups."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.machine.cgroup import folders, quota_cores, quota_of, throttled_in, throttled_s

V2_MOUNT = "35 24 0:30 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate"
V1_MOUNTS = (
    "31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw\n"
    "33 31 0:30 / /sys/fs/cgroup/cpuset rw,relatime - cgroup cgroup rw,cpuset\n"
    "32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw,relatime - cgroup cgroup rw,cpu,cpuacct\n"
    "41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw"
)


@pytest.mark.parametrize(
    ("cpu_max", "quota", "period", "cores"),
    [
        ("max 100000", "", "", None),
        ("150000 100000", "", "", 1.5),
        ("", "-1", "100000", None),
        ("", "400000", "100000", 4.0),
        ("", "", "", None),
    ],
)
def test_quota(cpu_max: str, quota: str, period: str, cores: float | None) -> None:
    assert quota_of(cpu_max, quota, period) == cores


@pytest.mark.parametrize(
    ("cpu_stat", "seconds"),
    [
        ("usage_usec 5\nnr_throttled 3\nthrottled_usec 2500000", 2.5),
        ("nr_periods 0\nnr_throttled 3\nthrottled_time 1500000000", 1.5),
        ("usage_usec 5\nuser_usec 3", None),
        ("", None),
    ],
)
def test_throttled_time(cpu_stat: str, seconds: float | None) -> None:
    assert throttled_in(cpu_stat) == seconds


def test_a_group_and_all_above_it_are_looked_at() -> None:
    assert folders("0::/user.slice/session-1.scope", V2_MOUNT) == [
        Path("/sys/fs/cgroup/user.slice/session-1.scope"),
        Path("/sys/fs/cgroup/user.slice"),
        Path("/sys/fs/cgroup"),
    ]


def test_version_1_is_used_where_the_cpu_controller_is_its() -> None:
    assert folders("4:cpu,cpuacct:/jobs\n3:cpuset:/other\n0::/", V1_MOUNTS) == [
        Path("/sys/fs/cgroup/cpu,cpuacct/jobs"),
        Path("/sys/fs/cgroup/cpu,cpuacct"),
    ]


def test_a_container_sees_its_own_part_of_the_hierarchy() -> None:
    mount = "33 31 0:30 /docker/abc /sys/fs/cgroup/cpu ro - cgroup cgroup rw,cpu"
    assert folders("1:cpu:/docker/abc/job", mount) == [Path("/sys/fs/cgroup/cpu/job"), Path("/sys/fs/cgroup/cpu")]
    assert folders("1:cpu:/elsewhere", mount) == [Path("/sys/fs/cgroup/cpu")]
    assert folders("0::/../../outside", V2_MOUNT) == [Path("/sys/fs/cgroup")]


def test_nothing_is_mounted() -> None:
    assert folders("0::/", "") == []
    assert folders("", V2_MOUNT) == []


def test_this_machine_can_be_asked() -> None:
    assert (quota_cores() or 1.0) > 0
    assert (throttled_s() or 0.0) >= 0
