from __future__ import annotations

import os
import sys
import tempfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.processes.supervisor import Log, members, processes_from_proc, processes_from_ps


def _logged(chunks: list[bytes], head_bytes: int, tail_bytes: int) -> bytes:
    with tempfile.TemporaryFile() as out:
        log = Log(out.fileno(), head_bytes, tail_bytes)
        for chunk in chunks:
            os.write(log.write_fd, chunk)
            assert log.relay()
        os.close(log.write_fd)
        assert not log.relay()
        log.finish()
        os.close(log.read_fd)
        out.seek(0)
        return out.read()


@given(st.lists(st.binary(min_size=1, max_size=50), max_size=12), st.integers(0, 60), st.integers(1, 60))
def test_log_keeps_all_or_its_head_and_tail(chunks: list[bytes], head_bytes: int, tail_bytes: int) -> None:
    said = b"".join(chunks)
    logged = _logged(chunks, head_bytes, tail_bytes)
    cut_bytes = len(said) - head_bytes - tail_bytes
    if cut_bytes <= 0:
        assert logged == said
    else:
        marker = b"\n[... %d bytes left out ...]\n" % cut_bytes
        assert logged == said[:head_bytes] + marker + said[-tail_bytes:]


def test_log_on_a_full_disk_goes_on_reading() -> None:
    if sys.platform != "linux":
        pytest.skip("/dev/full is Linux's")
    full = os.open("/dev/full", os.O_WRONLY)
    log = Log(full)
    os.write(log.write_fd, b"x" * 1000)
    assert log.relay()
    os.close(log.write_fd)
    assert not log.relay(), "what was printed must have been taken from the pipe"
    os.close(log.read_fd)
    os.close(full)


def test_members_are_descendants_parents_first_and_the_group() -> None:
    #            pid parent group
    processes = [(9, 1, 9), (30, 20, 20), (20, 10, 20), (40, 1, 20), (31, 20, 77), (10, 1, 10), (50, 9, 9)]
    assert members(processes, 10, 20) == [20, 30, 31, 40]
    assert members(processes, 10, 0) == [20, 30, 31]


@st.composite
def _forests(draw: st.DrawFn) -> list[tuple[int, int, int]]:
    count = draw(st.integers(1, 15))
    return [(pid, draw(st.integers(0, pid - 1)), draw(st.integers(1, 3))) for pid in range(1, count + 1)]


@given(_forests())
def test_every_descendant_is_a_member_once_and_after_its_parent(processes: list[tuple[int, int, int]]) -> None:
    found = members(processes, 1, 0)
    parents = {pid: parent for pid, parent, _ in processes}
    descendants = set()
    for pid, parent in parents.items():
        above = parent
        while above > 1:
            above = parents[above]
        if above == 1:
            descendants.add(pid)
    assert sorted(found) == sorted(descendants)
    assert all(parents[pid] == 1 or found.index(parents[pid]) < found.index(pid) for pid in found)


def test_proc_and_ps_agree_about_this_process() -> None:
    if sys.platform != "linux":
        pytest.skip("there is no /proc to compare with")
    me = (os.getpid(), os.getppid(), os.getpgrp())
    assert me in processes_from_proc()
    assert me in processes_from_ps()
