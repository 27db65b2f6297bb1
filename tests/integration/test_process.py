"""Real process trees, and the ways in which they end."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
import textwrap
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from harness.processes import process as process_module
from harness.processes.process import ProcessError, Supervised, child_environment
from tests.children import child, line_of
from tests.serving_kit import is_running, wait_until

LINUX_ONLY = pytest.mark.skipif(sys.platform != "linux", reason="needs a child subreaper or /proc")
Run = Callable[..., Supervised]


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Run]:
    started: list[Supervised] = []

    def start(
        command: Sequence[str] | str, cpus: Sequence[int] | None = None, nice: int = 0, pass_fds: Sequence[int] = ()
    ) -> Supervised:
        """A command, or Python source that runs in `tmp_path`."""
        words = [sys.executable, "-c", textwrap.dedent(command)] if isinstance(command, str) else command
        env = child_environment(tmp_path) | {"PYTHONUNBUFFERED": "1"}
        process = Supervised(
            words, cwd=tmp_path, env=env, log_path=tmp_path / "log", cpus=cpus, nice=nice, pass_fds=pass_fds
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        assert not is_running(process.supervisor_pid)
        assert not Path(process._scratch).exists()


def said(tmp_path: Path) -> str:
    path = tmp_path / "log"
    return path.read_text(errors="replace") if path.exists() else ""


def pids_said(tmp_path: Path, count: int) -> list[int]:
    """The first `count` numbers in the log, a line each."""
    wait_until(lambda: said(tmp_path).count("\n") >= count)
    return [int(line) for line in said(tmp_path).splitlines()[:count]]


def test_stops_on_the_signal_that_is_asked_for(run: Run, tmp_path: Path) -> None:
    source = """
        import signal, sys, time
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        signal.signal(signal.SIGINT, lambda *_: sys.exit(0))
        print("up")
        time.sleep(60)
    """
    process = run(source)
    wait_until(lambda: said(tmp_path) == "up\n")
    assert process.stop(5.0, signal.SIGINT) == "stopped"


def test_stops_on_sigterm(run: Run) -> None:
    process = run(["sleep", "60"])
    main_pid = process.main_pid
    assert process.exit_code() is None
    assert process.ended() == "is running"
    assert process.stop(5.0) == "stopped"
    assert process.exit_code() == -signal.SIGTERM
    assert not is_running(main_pid)


def test_is_killed_after_the_grace_and_says_so(run: Run, tmp_path: Path) -> None:
    process = run("""
        import signal, time
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        print("deaf")
        time.sleep(60)
    """)
    wait_until(lambda: "deaf" in said(tmp_path))
    began_s = time.monotonic()
    assert process.stop(0.3) == "killed: did not stop within 0.3 s of SIGTERM"
    assert 0.3 <= time.monotonic() - began_s < 3
    assert not is_running(process.main_pid)


@pytest.mark.parametrize(
    ("source", "ended"),
    [("raise SystemExit(7)", "exited with 7"), ("import os; os.kill(os.getpid(), 9)", "killed by SIGKILL")],
)
def test_an_end_of_its_own_is_noticed_and_told(run: Run, source: str, ended: str) -> None:
    process = run(source)
    assert process.wait_exit(5.0) is not None
    assert process.stop(5.0) == ended
    assert process.ended() == ended


def test_wait_exit_waits_no_longer_than_it_must(run: Run) -> None:
    process = run(["sleep", "60"])
    began_s = time.monotonic()
    assert process.wait_exit(0.2) is None
    assert 0.2 <= time.monotonic() - began_s < 2
    os.kill(process.main_pid, signal.SIGKILL)
    assert process.wait_exit(5.0) == -signal.SIGKILL


@pytest.mark.parametrize("command", [["no-such-command-anywhere"], ["/"]])
def test_a_command_that_cannot_run_says_so_in_its_log(run: Run, tmp_path: Path, command: list[str]) -> None:
    process = run(command)
    assert process.wait_exit(5.0) == 126
    assert said(tmp_path).startswith(f"BENCH-ERROR: cannot run {command[0]}: [Errno")


def test_a_log_that_cannot_be_opened_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(scratch))
    with pytest.raises(ProcessError, match=r"^sleep: cannot be started .*missing.*$"):
        Supervised(["sleep", "1"], cwd=tmp_path, env={}, log_path=tmp_path / "missing" / "log")
    assert list(scratch.iterdir()) == []


def test_a_temporary_folder_that_cannot_be_made_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a TMPDIR that is gone, full or somebody else's."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "missing"))
    with pytest.raises(ProcessError, match=r"^sleep: cannot be started .*missing.*$"):
        Supervised(["sleep", "1"], cwd=tmp_path, env={}, log_path=tmp_path / "log")


# A child that ignores SIGTERM, as the forked children of a pool under uvicorn do, its grandchild in a session of its
# own, and a daemon as daemons are made: two forks and a setsid. SIGUSR1 ends the parent of them all.
FAMILY = """
    import os, signal, time

    signal.signal(signal.SIGUSR1, lambda *_: os._exit(1))

    def live():
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        os.write(1, b"%d\\n" % os.getpid())
        time.sleep(60)

    if os.fork() == 0:
        if os.fork() == 0:
            os.setsid()
            live()
        live()
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            os.environb.clear()
            live()
        os._exit(0)
    os.wait()
    os.write(1, b"%d\\n" % os.getpid())
    time.sleep(60)
"""


@LINUX_ONLY
@pytest.mark.parametrize("end", ["kill", "stop", "exit", "drop", "crash"])
def test_nothing_of_the_tree_is_left(run: Run, tmp_path: Path, end: str) -> None:
    process = run(FAMILY)
    pids = pids_said(tmp_path, 4)
    assert len(set(pids)) == 4
    match end:
        case "kill":
            process.kill()
        case "stop":
            assert process.stop(5.0) == "stopped"
        case "exit":
            os.kill(process.main_pid, signal.SIGUSR1)
            assert process.wait_exit(5.0) == 1
            assert process.stop(5.0) == "exited with 1"
        case "drop":
            process._control.shutdown(socket.SHUT_WR)  # what the supervisor sees when the harness dies
            wait_until(lambda: not any(map(is_running, pids)))
        case "crash":
            os.kill(process.main_pid, signal.SIGSEGV)
            assert process.wait_exit(5.0) == -signal.SIGSEGV
            process.kill()
    assert not any(map(is_running, pids))


@LINUX_ONLY
def test_a_killed_supervisor_leaves_nothing_either(run: Run, tmp_path: Path) -> None:
    """Neither what left its session nor what was started with an empty environment."""
    process = run("""
        import os, sys, time
        live = 'import os, time; os.write(1, b"%d%c" % (os.getpid(), 10)); time.sleep(60)'
        if os.fork() == 0:
            os.setsid()
        elif os.fork() == 0:
            os.execve(sys.executable, [sys.executable, "-c", live], {})
        exec(live)
    """)
    pids = pids_said(tmp_path, 3)
    os.kill(process.supervisor_pid, signal.SIGKILL)
    assert process.wait_exit(5.0) == -signal.SIGKILL
    assert not any(map(is_running, pids))
    assert process.stop(1.0).startswith("killed: its supervisor had been killed (")


@LINUX_ONLY
def test_a_supervisor_killed_alone_takes_its_command_along(run: Run) -> None:
    """Also when nobody sweeps: harness and supervisor may be killed together."""
    process = run(["sleep", "60"])
    main_pid = process.main_pid
    os.kill(process.supervisor_pid, signal.SIGKILL)
    wait_until(lambda: not is_running(main_pid))


def test_the_supervisor_survives_what_a_terminal_sends(run: Run) -> None:
    process = run(["sleep", "60"])
    main_pid = process.main_pid
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT):
        os.kill(process.supervisor_pid, number)
    assert process.wait_exit(0.2) is None
    assert is_running(main_pid)
    assert process.stop(5.0) == "stopped"


def test_a_target_that_signals_its_group_does_not_hit_the_supervisor(run: Run) -> None:
    process = run("import os, signal; os.kill(0, signal.SIGKILL)")
    assert process.wait_exit(5.0) == -signal.SIGKILL
    assert process.stop(1.0) == "killed by SIGKILL"


@LINUX_ONLY
def test_the_command_starts_clean(run: Run, tmp_path: Path) -> None:
    """No descriptors of ours (a copy of the control end would keep the tree alive) and no ignored signals."""
    process = run(["sh", "-c", "ls /proc/self/fd; grep SigIgn /proc/self/status; readlink /proc/self/fd/0"])
    assert process.wait_exit(5.0) == 0
    *fds, ignored, stdin = said(tmp_path).split("\n")[:-1]
    assert fds == ["0", "1", "2", "3"], "3 is the folder that ls is reading"
    # 32 and 33 are glibc's own (nptl(7)): what starts us may ignore them, and no program can change that.
    assert int(ignored.split()[1], 16) & ~(0b11 << 31) == 0
    assert stdin == "/dev/null"


@LINUX_ONLY
def test_cpus_and_niceness_are_set_before_the_command_runs(run: Run) -> None:
    cpu = max(os.sched_getaffinity(0))
    process = run(["sleep", "60"], cpus=[cpu], nice=5)
    assert os.sched_getaffinity(process.main_pid) == {cpu}
    assert os.getpriority(os.PRIO_PROCESS, process.main_pid) == os.getpriority(os.PRIO_PROCESS, 0) + 5
    autogroup = Path(f"/proc/{process.main_pid}/autogroup")
    if autogroup.exists():  # the kernel is built with them
        assert autogroup.read_text().split()[-1] == "5"


def test_passed_descriptors_belong_to_the_command_alone(run: Run) -> None:
    """So that either side sees the other's end: the supervisor keeps no copy."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        fd = theirs.fileno()
        source = f"import os, time; os.write({fd}, os.read({fd}, 100).upper()); os.close({fd}); time.sleep(60)"
        process = run(source, pass_fds=[fd])
        theirs.close()
        ours.settimeout(10)
        ours.sendall(b"hello")
        assert ours.recv(100) == b"HELLO"
        assert ours.recv(100) == b"", "the command has closed its end, and nobody else has one"
        assert process.exit_code() is None


def test_a_flood_of_output_is_cut_but_its_end_is_kept(run: Run, tmp_path: Path) -> None:
    process = run("""
        import os
        for _ in range(320):
            os.write(1, b"x" * 65536)
        os.write(1, b"the reason")
    """)
    assert process.wait_exit(30.0) == 0
    process.kill()
    assert (tmp_path / "log").stat().st_size < 9 * 1024 * 1024
    assert said(tmp_path).endswith("xthe reason")


@LINUX_ONLY
def test_children_that_were_reaped_count_in_the_supervisors_cpu_time(run: Run, tmp_path: Path) -> None:
    """What the sampler relies on: orphans that burnt CPU and ended are in the supervisor's `cutime`."""
    process = run("""
        import os, time
        if os.fork() == 0:
            if os.fork() == 0:
                while time.process_time() < 0.3:
                    pass
                os.write(1, b"burnt\\n")
            os._exit(0)
        os.wait()
        time.sleep(60)
    """)
    wait_until(lambda: "burnt" in said(tmp_path))

    def children_cpu_s() -> float:
        fields = Path(f"/proc/{process.supervisor_pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[13]) + int(fields[14])) / os.sysconf("SC_CLK_TCK")

    wait_until(lambda: children_cpu_s() >= 0.28)


@pytest.mark.parametrize("end", ["kill", "exit", "drop"])
def test_without_a_subreaper_the_group_is_what_is_killed(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, end: str
) -> None:
    """The way of macOS, also tried where there is a better one."""
    source = Path(process_module._SUPERVISOR).read_text()
    portable = tmp_path / "supervisor.py"
    portable.write_text(source.replace('_LINUX = sys.platform == "linux"', "_LINUX = False"))
    assert portable.read_text() != source
    monkeypatch.setattr(process_module, "_SUPERVISOR", portable)
    process = run("""
        import os, signal, time
        signal.signal(signal.SIGUSR1, lambda *_: os._exit(1))
        def live():
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            os.write(1, b"%d\\n" % os.getpid())
            time.sleep(60)
        if os.fork() == 0:  # a child, and an orphan whose parent has ended
            if os.fork() == 0:
                if os.fork() == 0:
                    live()
                os._exit(0)
            os.wait()
            live()
        os.write(1, b"%d\\n" % os.getpid())
        time.sleep(60)
    """)
    pids = pids_said(tmp_path, 3)
    match end:
        case "kill":
            process.kill()
        case "exit":
            os.kill(process.main_pid, signal.SIGUSR1)
            assert process.wait_exit(5.0) == 1
            process.kill()
        case "drop":
            process._control.shutdown(socket.SHUT_WR)
            wait_until(lambda: not any(map(is_running, pids)))
    assert not any(map(is_running, pids))


def test_a_killed_harness_leaves_nothing(tmp_path: Path) -> None:
    if sys.platform != "linux":
        pytest.skip("a daemon escapes without a subreaper")
    harness = tmp_path / "harness_like.py"
    harness.write_text(
        textwrap.dedent("""
        import os, sys, time
        from pathlib import Path
        from harness.processes.process import Supervised
        here = Path(__file__).parent
        family = [sys.executable, "-c", (here / "family.py").read_text()]
        with Supervised(family, cwd=here, env=dict(os.environ), log_path=here / "log") as process:
            time.sleep(60)
        """)
    )
    (tmp_path / "family.py").write_text(textwrap.dedent(FAMILY))
    with child([sys.executable, str(harness)]) as process:
        pids = pids_said(tmp_path, 4)
        process.kill()
    wait_until(lambda: not any(map(is_running, pids)), 5.0)


@pytest.mark.parametrize("when", ["before it has ended", "after it had ended"])
def test_a_killed_harness_leaves_no_scratch_either(tmp_path: Path, when: str) -> None:
    ended = when == "after it had ended"
    command = f"""
        import pathlib, tempfile, time
        pathlib.Path(tempfile.mkdtemp(), "left").touch()
        print("wrote", flush=True)
        time.sleep({0 if ended else 60})
    """
    harness = tmp_path / "harness_like.py"
    harness.write_text(
        textwrap.dedent(f"""
        import os, sys, time
        from pathlib import Path
        from harness.processes.process import Supervised
        here = Path(__file__).parent
        command = [sys.executable, "-c", (here / "command.py").read_text()]
        with Supervised(command, cwd=here, env=dict(os.environ), log_path=here / "log") as process:
            process._pump(lambda: {"process._gone" if ended else "process._main_pid"}, 10.0)
            print(process.supervisor_pid, flush=True)
            time.sleep(60)
        """)
    )
    (tmp_path / "command.py").write_text(textwrap.dedent(command))
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    env = {**os.environ, "TMPDIR": str(scratch)}
    with child([sys.executable, str(harness)], env=env, stdout=subprocess.PIPE) as process:
        supervisor_pid = int(line_of(process))
        wait_until(lambda: "wrote" in said(tmp_path))
        assert len(list(scratch.glob("bench-*/*/left"))) == 1
        process.kill()
    wait_until(lambda: not is_running(supervisor_pid))
    assert list(scratch.iterdir()) == []
