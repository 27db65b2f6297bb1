"""A process tree's CPU: exited children count exactly once, whatever happens between two reads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.sampling.process_tree import ProcessTree, Reading, continued

ROOT = 1


@dataclass
class Process:
    parent: int
    started: float
    own_s: float = 0.0
    reaped_s: float = 0.0
    zombie: bool = False


@dataclass
class Kernel:
    """A supervisor that is a subreaper, and what may happen below it. All CPU times are whole numbers, so that sums are
    exact. It is also a Source; with `steps` > 0 things happen between any two answers that it gives."""

    random: Random
    steps: int = 0
    slack_s: float = 0.0
    reuse_pids: bool = False
    true_s: float = 0.0
    clock: float = 1.0
    processes: dict[int, Process] = field(default_factory=lambda: {ROOT: Process(parent=0, started=0.0)})

    def step(self) -> None:
        live = [pid for pid, process in self.processes.items() if not process.zombie]
        zombies = [pid for pid, process in self.processes.items() if process.zombie]
        others = [pid for pid in live if pid != ROOT]
        action = self.random.choice(["work", "fork", "exit", "reap", "reap"])
        if action == "work":
            self.processes[self.random.choice(live)].own_s += 1
            self.true_s += 1
        elif action == "fork" and len(self.processes) < 8:
            self.fork(self.random.choice(live))
        elif action == "exit" and others:
            self.exit(self.random.choice(others))
        elif action == "reap" and zombies:
            self.reap(self.random.choice(zombies))

    def fork(self, parent: int) -> int:
        free = [pid for pid in range(2, 12) if pid not in self.processes]
        pid = free[0] if self.reuse_pids else int(self.clock) + 1000
        self.clock += 1
        self.processes[pid] = Process(parent=parent, started=self.clock)
        return pid

    def exit(self, pid: int) -> None:
        self.processes[pid].zombie = True
        for process in self.processes.values():
            if process.parent == pid:
                process.parent = ROOT

    def reap(self, pid: int) -> None:
        gone = self.processes.pop(pid)
        self.processes[gone.parent].reaped_s += gone.own_s + gone.reaped_s

    def meanwhile(self) -> None:
        for _ in range(self.random.randint(0, self.steps)):
            self.step()

    def descendants(self, root: int) -> list[int]:
        pids = [root]
        for pid in pids:
            self.meanwhile()
            pids += [child for child, process in self.processes.items() if process.parent == pid and child not in pids]
        return pids

    def read(self, pid: int) -> Reading | None:
        self.meanwhile()
        process = self.processes.get(pid)
        if process is None:
            return None
        return Reading(started=process.started, cpu_s=process.own_s + process.reaped_s, rss_bytes=10, threads=1)

    def switches(self, pid: int) -> Mapping[int, tuple[int, int]]:
        return {pid: (5, 1)} if pid in self.processes else {}

    def pss_bytes(self, pid: int) -> int | None:
        return 3 if pid in self.processes else 0


@given(random=st.randoms(use_true_random=False), steps=st.integers(0, 4), reuse_pids=st.booleans())
def test_cpu_never_falls_is_never_too_much_and_is_exact_once_the_tree_holds_still(
    random: Random, steps: int, reuse_pids: bool
) -> None:
    kernel = Kernel(random, reuse_pids=reuse_pids)
    tree = ProcessTree(kernel, ROOT)
    previous_s = 0.0
    for _ in range(8):
        kernel.steps = steps
        cpu_s = tree.read(discover=random.random() < 0.5).cpu_s
        assert previous_s <= cpu_s <= kernel.true_s
        kernel.steps = 0
        previous_s = tree.read(discover=True).cpu_s
        assert previous_s == kernel.true_s


def test_a_child_counts_once_while_it_runs_as_a_zombie_and_when_reaped() -> None:
    kernel = Kernel(Random(0))
    tree = ProcessTree(kernel, ROOT)
    child = kernel.fork(ROOT)
    kernel.processes[child].own_s = 7
    assert tree.read(discover=True).cpu_s == 7
    kernel.exit(child)
    assert tree.read(discover=True).cpu_s == 7
    kernel.reap(child)
    assert tree.read(discover=False).cpu_s == 7


def test_a_process_that_vanishes_during_the_pass_makes_it_read_again() -> None:
    kernel = Kernel(Random(0))
    tree = ProcessTree(kernel, ROOT)
    child = kernel.fork(ROOT)
    kernel.processes[child].own_s = 7
    read = kernel.read

    def read_late(pid: int) -> Reading | None:
        if pid == child and child in kernel.processes:  # its reaper has been read by now, without it
            kernel.exit(child)
            kernel.reap(child)
        return read(pid)

    kernel.read = read_late  # type: ignore[method-assign]  # one fixed race instead of a random one
    assert tree.read(discover=True).cpu_s == 7


def test_a_known_process_that_the_kernel_leaves_out_of_the_list_still_counts() -> None:
    kernel = Kernel(Random(0))
    tree = ProcessTree(kernel, ROOT)
    child = kernel.fork(ROOT)
    kernel.processes[child].own_s = 7
    assert tree.read(discover=True).processes == 2
    kernel.descendants = lambda root: [root]  # type: ignore[method-assign]  # as proc_tid_children(5) warns
    totals = tree.read(discover=True)
    assert (totals.cpu_s, totals.processes) == (7, 2)


def test_a_root_that_is_gone_keeps_its_cpu_and_its_reused_pid_is_a_stranger() -> None:
    kernel = Kernel(Random(0))
    tree = ProcessTree(kernel, ROOT)
    kernel.processes[ROOT].own_s = 5
    assert tree.read(discover=True).cpu_s == 5
    kernel.processes[ROOT] = Process(parent=0, started=99.0, own_s=1000)
    kernel.fork(ROOT)
    for _ in range(2):
        totals = tree.read(discover=True)
        assert (totals.cpu_s, totals.processes, totals.rss_bytes) == (5, 0, 0)


def test_sums_of_memory_threads_and_switches() -> None:
    kernel = Kernel(Random(0))
    child = kernel.fork(ROOT)
    tree = ProcessTree(kernel, ROOT)
    totals = tree.read(discover=True)
    assert (totals.rss_bytes, totals.processes, totals.threads, tree.pss_bytes()) == (20, 2, 2, 6)
    assert tree.switches() == (10, 2)
    kernel.exit(child)
    kernel.reap(child)
    tree.read(discover=True)
    assert tree.switches() == (10, 2), "what an exited thread had is kept"


def test_pss_is_unknown_when_one_process_does_not_tell() -> None:
    kernel = Kernel(Random(0))
    child = kernel.fork(ROOT)
    kernel.pss_bytes = lambda pid: None if pid == child else 3  # type: ignore[method-assign]
    tree = ProcessTree(kernel, ROOT)
    tree.read(discover=True)
    assert tree.pss_bytes() is None


def test_cpu_that_processes_took_with_them_is_carried_on() -> None:
    """macOS: 8 s are gone with an exited child; the 1 s that comes next is on top of what was seen."""
    cpu_s, lost_s = continued(10.0, 2.0, 0.0, slack_s=0.1, settled=True)
    assert (cpu_s, lost_s) == (10.0, 8.0)
    assert continued(cpu_s, 3.0, lost_s, slack_s=0.1, settled=True) == (11.0, 8.0)


@pytest.mark.parametrize(("total_s", "settled"), [(9.95, True), (2.0, False)])
def test_rounding_and_an_unsettled_pass_are_waited_out(total_s: float, settled: bool) -> None:
    assert continued(10.0, total_s, 0.0, slack_s=0.1, settled=settled) == (10.0, 0.0)
