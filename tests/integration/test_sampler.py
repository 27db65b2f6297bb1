"""The sampler on real process trees under the real supervisor."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from harness.processes.process import Supervised
from harness.results.records.sample import Sample
from harness.results.store import read_lines
from harness.sampling.portable import PortableSource
from harness.sampling.proc import ProcSource, platform_source
from harness.sampling.process_tree import ProcessTree, Source
from harness.sampling.sampler import DETAIL_S, Pace, Sampler, SamplerError

linux_only = pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")
DEADLINE_S = 30.0
# Two clock ticks of 10 ms for what was reaped, and what the supervisor itself needs to reap it.
TOLERANCE_S = 0.03
EXIT_S = 0.003  # what a process uses to exit comes after its own last look at its CPU: 1-2 ms for a small Python

BURN = """
import os, pathlib, resource, sys, time

folder, how = pathlib.Path(sys.argv[1]), sys.argv[2]

def used():
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime

def say(name, text=""):
    (folder / (name + ".part")).write_text(text)
    (folder / (name + ".part")).rename(folder / name)

def burn(name, cpu_s):
    while used() < cpu_s:
        sum(range(1000))
    say(name, repr(used()))
    os._exit(0)

def wait_for(condition):
    while not condition():
        time.sleep(0.01)

def alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True

say("ready")
wait_for((folder / "go").exists)
before = used()
if how == "waited":
    pid = os.fork()
    if pid == 0:
        burn("burnt-0", 0.4)
    os.waitpid(pid, 0)
elif how == "orphaned":
    pid = os.fork()
    if pid == 0:
        if os.fork() == 0:
            burn("burnt-0", 0.4)
        os._exit(0)
    os.waitpid(pid, 0)
    wait_for((folder / "burnt-0").exists)
elif how == "many":
    for number in range(40):
        pid = os.fork()
        if pid == 0:
            burn(f"burnt-{number}", 0.015)
        os.waitpid(pid, 0)
say("done", repr(used() - before))
time.sleep(100)
"""


def wait_until(condition: Callable[[], object], what: str) -> None:
    deadline_s = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < deadline_s, f"waited {DEADLINE_S:g} s for {what}"
        time.sleep(0.005)


@contextmanager
def running(folder: Path, script: str, *arguments: str) -> Iterator[Supervised]:
    """The script under a supervisor, once it has made the file `ready`."""
    (folder / "script.py").write_text(script)
    command = [sys.executable, str(folder / "script.py"), *arguments]
    with Supervised(command, cwd=folder, env=dict(os.environ), log_path=folder / "log") as supervised:
        wait_until((folder / "ready").exists, f"the script; its log: {(folder / 'log').read_text()}")
        yield supervised


@linux_only
@pytest.mark.parametrize("source", [ProcSource(), PortableSource()], ids=["proc", "psutil"])
@pytest.mark.parametrize("how", ["waited", "orphaned", "many"])
def test_children_that_exited_are_fully_counted(tmp_path: Path, how: str, source: Source) -> None:
    with (
        running(tmp_path, BURN, str(tmp_path), how) as supervised,
        Sampler(tmp_path / "samples.jsonl", time.monotonic(), source=source, hz=50) as sampler,
    ):
        sampler.watch("target", supervised.supervisor_pid)
        sampler.mark("burn:start")
        (tmp_path / "go").touch()
        wait_until((tmp_path / "done").exists, "the children")
        # The supervisor reaps the orphan soon after it has ended.
        wait_until(lambda: len(source.descendants(supervised.supervisor_pid)) == 2, "the tree to shrink")
        sampler.mark("burn:end")
    samples = read_lines(tmp_path / "samples.jsonl", Sample)
    start, end = (sample for sample in samples if sample.mark)
    burnt_s = [float(path.read_text()) for path in tmp_path.glob("burnt-?*") if path.suffix != ".part"]
    own_s = float((tmp_path / "done").read_text())
    assert end.cpu_s - start.cpu_s == pytest.approx(sum(burnt_s) + own_s, abs=TOLERANCE_S + EXIT_S * len(burnt_s))
    series = [sample.cpu_s for sample in samples]
    assert series == sorted(series)


@linux_only
def test_cpu_is_finer_than_a_clock_tick(tmp_path: Path) -> None:
    """At 10 % load a phase uses some 0.1 s of CPU; steps of 10 ms would be steps of 10 %."""
    script = "import pathlib, time\npathlib.Path('ready').touch()\nwhile True: sum(range(5000)); time.sleep(0.002)"
    with running(tmp_path, script) as supervised:
        tree = ProcessTree(ProcSource(), supervised.supervisor_pid)
        seen = [tree.read(discover=True).cpu_s]
        for _ in range(5):
            wait_until(lambda: tree.read(discover=False).cpu_s > seen[-1], "its CPU to grow")
            seen.append(tree.read(discover=False).cpu_s)
    assert any(round(cpu_s * 100, 3) % 1 for cpu_s in seen)


FAMILY = """
import pathlib, subprocess, sys, threading, time

child = []

def start_child():
    child.append(subprocess.Popen([sys.executable, "-c", "import time; time.sleep(100)"]))
    time.sleep(100)

threading.Thread(target=start_child, daemon=True).start()
for _ in range(10):
    threading.Thread(target=lambda: [time.sleep(0.001) for _ in range(10**6)], daemon=True).start()
while not child:
    time.sleep(0.01)
pathlib.Path("child").write_text(str(child[0].pid))
pathlib.Path("ready").touch()
time.sleep(100)
"""


@linux_only
@pytest.mark.parametrize("children_files", [True, False])
def test_a_child_that_a_thread_started_is_found(tmp_path: Path, children_files: bool) -> None:
    with running(tmp_path, FAMILY) as supervised:
        child = int((tmp_path / "child").read_text())
        found = ProcSource(children_files=children_files).descendants(supervised.supervisor_pid)
        assert found == [supervised.supervisor_pid, supervised.main_pid, child]


@linux_only
def test_context_switches_are_those_of_all_threads(tmp_path: Path) -> None:
    """psutil's are those of the main thread, which sleeps here."""
    with running(tmp_path, FAMILY) as supervised:
        tree = ProcessTree(ProcSource(), supervised.supervisor_pid)
        assert tree.read(discover=True).threads >= 12
        before, _ = tree.switches()
        wait_until(lambda: tree.switches()[0] - before > 100, "the threads to switch")
        main_thread = PortableSource().switches(supervised.main_pid)[supervised.main_pid][0]
        assert main_thread < 100


@linux_only
def test_pss_counts_shared_pages_once(tmp_path: Path) -> None:
    script = (
        "import os, pathlib, time\ndata = bytearray(50_000_000)\n"
        "if os.fork():\n    pathlib.Path('ready').touch()\ntime.sleep(100)"
    )
    with running(tmp_path, script) as supervised:
        tree = ProcessTree(ProcSource(), supervised.supervisor_pid)
        totals = tree.read(discover=True)
        pss_bytes = tree.pss_bytes()
    assert totals.processes == 3
    assert totals.rss_bytes > 100_000_000
    assert pss_bytes is not None
    assert 50_000_000 < pss_bytes < 90_000_000


def test_samples_come_at_the_rate_asked_for_with_marks_between(tmp_path: Path) -> None:
    path = tmp_path / "samples.jsonl"
    origin_s = time.monotonic()
    with Sampler(path, origin_s, hz=20) as sampler:
        sampler.watch("generator", os.getpid())
        wait_until(lambda: len(read_lines(path, Sample)) >= 10, "ten samples")
        sampler.mark("capacity:start")
        elapsed_s = time.monotonic() - origin_s
        assert read_lines(path, Sample)[-1].mark == "capacity:start"
        sampler.unwatch("generator")
        lines = len(read_lines(path, Sample))
        sampler.mark("capacity:end")
        assert len(read_lines(path, Sample)) == lines, "nothing is watched any more"
    samples = read_lines(path, Sample)
    assert [sample.mark for sample in samples if sample.mark] == ["capacity:start"]
    marked = next(sample for sample in samples if sample.mark)
    assert marked.ctx_voluntary is not None, "an edge has everything but PSS"
    assert len(samples) <= elapsed_s * 20 + 2
    assert [sample.t_s for sample in samples] == sorted(sample.t_s for sample in samples)
    assert all(0 <= sample.t_s <= elapsed_s for sample in samples)
    assert samples[-1].rss_bytes > 10_000_000
    assert 0 < sampler.cpu_s < elapsed_s
    assert sampler.wall_s > 0
    if sys.platform == "linux":
        assert any(sample.pss_bytes for sample in samples)


def test_several_services_are_sampled_each_under_its_name(tmp_path: Path) -> None:
    path = tmp_path / "samples.jsonl"
    with Sampler(path, time.monotonic()) as sampler:
        for name in ("upstream", "echo"):
            sampler.watch("services", os.getpid(), service=name)
        sampler.mark("both")
        sampler.unwatch("services")
        sampler.mark("none")
    marked = [(sample.mark, sample.service) for sample in read_lines(path, Sample) if sample.mark]
    assert marked == [("both", "upstream"), ("both", "echo")]


@linux_only
def test_every_phase_of_the_target_has_its_memory_however_short_it_is(tmp_path: Path) -> None:
    with Sampler(tmp_path / "samples.jsonl", time.monotonic()) as sampler:
        for tree in ("target", "generator"):
            sampler.watch(tree, os.getpid())
        for phase in ("capacity", "rate-10", "rate-30"):
            sampler.mark(f"{phase}:start")
            sampler.mark(f"{phase}:end")
            sampler.mark(f"{phase}:drained")
    marked = [sample for sample in read_lines(tmp_path / "samples.jsonl", Sample) if sample.mark]
    with_pss = [(sample.tree, sample.mark) for sample in marked if sample.pss_bytes]
    assert with_pss == [("target", f"{phase}:end") for phase in ("capacity", "rate-10", "rate-30")]


def sleep_often() -> None:
    for _ in range(200):
        time.sleep(0.0005)


def test_watching_the_same_tree_again_changes_nothing(tmp_path: Path) -> None:
    """A slice says at each group of phases which server it is; what exited threads had must not be forgotten."""
    with Sampler(tmp_path / "samples.jsonl", time.monotonic()) as sampler:
        sampler.watch("target", os.getpid())
        thread = threading.Thread(target=sleep_often)
        thread.start()
        while thread.is_alive():
            sampler.mark("running")
        sampler.watch("target", os.getpid())
        sampler.mark("again")
    switches = [sample.ctx_voluntary for sample in read_lines(tmp_path / "samples.jsonl", Sample) if sample.mark]
    assert switches == sorted(switch or 0 for switch in switches)
    assert len(switches) > 2


def test_a_tree_that_dies_ends_in_zeros_and_harms_nothing(tmp_path: Path) -> None:
    path = tmp_path / "samples.jsonl"
    with Sampler(path, time.monotonic()) as sampler:
        with running(tmp_path, BURN, str(tmp_path), "nothing") as supervised:
            sampler.watch("target", supervised.supervisor_pid)
            sampler.mark("alive")
        sampler.mark("dead")
    alive, dead = (sample for sample in read_lines(path, Sample) if sample.mark)
    assert alive.processes == 2
    assert (dead.processes, dead.rss_bytes) == (0, 0)
    assert dead.cpu_s >= alive.cpu_s > 0


@linux_only
def test_a_full_disk_is_an_error_that_names_the_file() -> None:
    with pytest.raises(SamplerError, match=r"/dev/full: no samples can be written \(No space left on device\)"):  # noqa: SIM117
        with Sampler(Path("/dev/full"), time.monotonic(), hz=50) as sampler:
            sampler.watch("target", os.getpid())
            wait_until(lambda: sampler.error, "the disk to be found full")
            with pytest.raises(SamplerError, match="No space left"):
                sampler.mark("capacity:start")


def test_a_file_that_cannot_be_opened_is_an_error_at_the_start(tmp_path: Path) -> None:
    with pytest.raises(SamplerError, match="No such file"):
        Sampler(tmp_path / "missing" / "samples.jsonl", time.monotonic()).start()


def test_the_error_of_the_slice_comes_before_that_of_the_sampler() -> None:
    if not Path("/dev/full").exists():
        pytest.skip("needs /dev/full")
    with pytest.raises(ZeroDivisionError), Sampler(Path("/dev/full"), time.monotonic(), hz=50) as sampler:
        sampler.watch("target", os.getpid())
        wait_until(lambda: sampler.error, "the disk to be found full")
        raise ZeroDivisionError


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_sampler_that_dies_of_a_defect_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = platform_source()
    monkeypatch.setattr(type(source), "read", lambda self, pid: 1 / 0)
    with pytest.raises(SamplerError, match="thread died"):  # noqa: SIM117
        with Sampler(tmp_path / "samples.jsonl", time.monotonic(), source=source, hz=50) as sampler:
            sampler.watch("target", os.getpid())
            wait_until(lambda: sampler.error, "the thread to die")


def test_a_mark_without_a_running_sampler_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SamplerError, match="not running"):
        Sampler(tmp_path / "samples.jsonl", time.monotonic()).mark("capacity:start")


def test_what_is_dear_is_done_once_a_second_or_as_often_as_its_share_allows() -> None:
    pace = Pace(share=0.01)
    assert pace.due(100.0)
    pace.done(100.0, cost_s=0.001)
    assert not pace.due(100.0 + DETAIL_S - 0.01)
    assert pace.due(100.0 + DETAIL_S)
    pace.done(101.0, cost_s=0.05)
    assert not pace.due(105.9)
    assert pace.due(106.0)
