"""Where CPUs are kept apart the harness stays off the target's, and what it starts runs where it belongs."""

from __future__ import annotations

import os
import sys
import threading
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from harness.machine.affinity import kept_off_the_target
from harness.machine.partition import available_cpus
from harness.processes.process import Supervised, child_environment
from harness.results.records.machine_record import Partition
from tests.bench_kit import PARTITIONED, TINY, Project, wait_for
from tests.serving_kit import wait_until

CPUS = available_cpus()
pytestmark = pytest.mark.skipif(sys.platform != "linux" or len(CPUS) < 2, reason="needs Linux and two CPUs")


def apart() -> Partition:
    return Partition(available=CPUS, target=CPUS[:1], generator=CPUS[1:2], quota_cores=None, pinned=True)


def own_threads() -> list[set[int]]:
    return [os.sched_getaffinity(thread.id) for thread in psutil.Process().threads()]


def test_every_thread_of_the_harness_is_on_the_reserved_cpus_and_comes_back() -> None:
    ended = threading.Event()
    display = threading.Thread(target=ended.wait)  # begun before, as the display is
    display.start()
    try:
        with kept_off_the_target(apart()):
            sampler = threading.Thread(target=ended.wait)
            sampler.start()
            assert own_threads() == [set(CPUS[1:2])] * len(own_threads())
        assert own_threads() == [set(CPUS)] * len(own_threads())
    finally:
        ended.set()
        display.join()
        sampler.join()


def test_they_come_back_after_an_error_too() -> None:
    with pytest.raises(ZeroDivisionError), kept_off_the_target(apart()):
        _ = 1 / 0
    assert os.sched_getaffinity(0) == set(CPUS)


def test_where_all_share_nothing_changes() -> None:
    with kept_off_the_target(Partition(CPUS, CPUS, (), None, False)):
        assert os.sched_getaffinity(0) == set(CPUS)


def test_a_supervisor_stays_off_the_targets_cpus_and_its_command_runs_on_its_own(tmp_path: Path) -> None:
    """A command that starts another, as a server with workers does."""
    source = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'import time; time.sleep(60)'])"
    with (
        kept_off_the_target(apart()),
        Supervised(
            [sys.executable, "-c", source],
            cwd=tmp_path,
            env=child_environment(tmp_path),
            log_path=tmp_path / "log",
            cpus=CPUS[:1],
        ) as target,
    ):
        supervisor = psutil.Process(target.supervisor_pid)
        wait_until(lambda: len(supervisor.children(recursive=True)) == 2)
        assert supervisor.cpu_affinity() == list(CPUS[1:2])
        assert [child.cpu_affinity() for child in supervisor.children(recursive=True)] == [list(CPUS[:1])] * 2


def test_a_run_keeps_itself_its_generator_and_its_services_off_the_targets_cpus(tmp_path: Path) -> None:
    project = Project(tmp_path, ["pure_async_aiohttp"], TINY, command=PARTITIONED)

    target, reserved = {CPUS[:1]}, {CPUS[1:2]}
    right = {
        "harness": reserved,
        "supervisor": reserved,
        "generator": reserved,
        "services": reserved,
        "target": target,
    }
    seen: dict[str, set[tuple[int, ...]]] = {}

    def is_placed_right() -> bool:
        """All of them at one moment; what is being started just then may still be where its parent is."""
        seen.clear()
        for process in project.processes():
            with suppress(psutil.Error):  # it has ended meanwhile
                seen.setdefault(_kind(process), set()).add(tuple(process.cpu_affinity()))
        return seen == right

    with project.start("run", "--profile", "tiny.toml") as bench:
        wait_for(is_placed_right, 60.0, lambda: str(seen))
        threads = [os.sched_getaffinity(thread.id) for thread in psutil.Process(bench.pid).threads()]
        out, err = bench.communicate(timeout=120)
    assert bench.returncode in (0, 3), out + err
    assert threads == [set(CPUS[1:2])] * len(threads)


def _kind(process: psutil.Process) -> str:
    words = process.cmdline()
    if any(word.endswith("supervisor.py") for word in words):
        return "supervisor"
    if "locust" in words:
        return "generator"
    if any("bench_inside" in word for word in words):
        return "target"
    return "harness" if "-c" in words else "services"
