"""A command and everything it starts, under a supervisor process. When we die, the supervisor ends all of it."""

from __future__ import annotations

import contextlib
import os
import secrets
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from harness.results.records.errors import HarnessError
from harness.results.records.text import count

if TYPE_CHECKING:
    import psutil

MARK = "BENCH_TREE"  # in the environment of every process of a tree, so that `kill_marked` finds them
GONE_S = 10.0  # SIGKILL is immediate, unless the kernel itself is stuck
_SUPERVISOR = Path(__file__).with_name("supervisor.py")


class ProcessError(HarnessError):
    """A command that cannot be started, or that even SIGKILL does not end."""


class Supervised:
    """Runs `command` from construction until `stop`, `kill` or the end of the `with` block; then its tree is gone.

    Standard output and error go to `log_path` (appended; see `supervisor.Log` for its limit), standard input is empty.
    `cpus` pins the tree where the platform can. `pass_fds` are inherited by the command; close your own copies after.
    TMPDIR is a folder of the tree's own, made in `scratch_in` (None: where temporary files are) and removed at the end.
    If this process dies, however it dies, the tree dies too. For use by one thread.

    Raises ProcessError when the supervisor cannot be started. A command that cannot be run ends with 126 and says why
    in its log.
    """

    def __init__(
        self,
        command: Sequence[str],
        *,
        cwd: Path,
        env: Mapping[str, str],
        log_path: Path,
        cpus: Sequence[int] | None = None,
        nice: int = 0,
        pass_fds: Sequence[int] = (),
        scratch_in: Path | None = None,
    ) -> None:
        self._mark = secrets.token_hex(16)
        self._main_pid: int | None = None
        self._exit_code: int | None = None
        self._gone = False
        self._swept: int | None = None
        self._heard = b""
        try:
            with contextlib.ExitStack() as on_error:
                # Python's process pools leave a folder with a socket in TMPDIR when they are killed.
                self._scratch = tempfile.mkdtemp(prefix="bench-", dir=scratch_in and scratch_in.resolve())
                on_error.callback(self._remove_scratch)
                self._control, theirs = socket.socketpair()
                on_error.enter_context(self._control)
                fd = theirs.fileno()
                options = ["--fd", str(fd), "--nice", str(nice), "--scratch", self._scratch]
                options += ["--cpus", ",".join(map(str, cpus))] if cpus else []
                options += ["--close", ",".join(map(str, pass_fds))] if pass_fds else []
                with theirs, log_path.open("ab") as log:
                    self._supervisor = subprocess.Popen(
                        [sys.executable, "-I", "-S", str(_SUPERVISOR), *options, "--", *command],
                        cwd=cwd,
                        env={**env, MARK: self._mark, "TMPDIR": self._scratch},
                        stdin=subprocess.DEVNULL,
                        stdout=log,
                        stderr=log,
                        pass_fds=(fd, *pass_fds),
                        start_new_session=True,
                    )
                on_error.pop_all()
        except OSError as error:
            raise ProcessError(f"{command[0]}: cannot be started ({error})") from error

    @property
    def supervisor_pid(self) -> int:
        return self._supervisor.pid

    @property
    def main_pid(self) -> int:
        """The command's own process; raises ProcessError when the supervisor died before it had started it."""
        self._pump(lambda: self._main_pid is not None, GONE_S)
        if self._main_pid is None:
            raise ProcessError("the supervisor died before it started the command; run it again")
        return self._main_pid

    def exit_code(self) -> int | None:
        """How the command ended (negative: the signal); None while it runs. Does not wait."""
        return self.wait_exit(0)

    def wait_exit(self, timeout_s: float) -> int | None:
        """Wait up to `timeout_s` for the command to end; its exit code, or None."""
        self._pump(lambda: self._exit_code is not None, timeout_s)
        return self._exit_code

    def stop(self, grace_s: float, by: signal.Signals = signal.SIGTERM) -> str:
        """Send the signal `by`, and SIGKILL after `grace_s`. Returns when the whole tree is gone, and says how it
        ended: "stopped", "killed: ...", or its own way ("exited with 1", also when that was its answer to the
        signal)."""
        if self.wait_exit(0) is not None:
            self.kill()
            return self.ended()
        self._say(f"signal:{by:d}")
        in_time = self.wait_exit(grace_s) is not None
        self.kill()
        if not in_time:
            return f"killed: did not stop within {grace_s:g} s of {by.name}"
        return "stopped" if self._exit_code in (0, -by) and self._swept is None else self.ended()

    def kill(self) -> None:
        """Send SIGKILL to the whole tree; return when it is gone. Raises ProcessError if that takes over 10 s."""
        if self._supervisor.returncode is not None:
            return
        self._say("kill")
        self._pump(lambda: self._gone, GONE_S)
        if not self._gone:  # the supervisor goes on trying, also after we have ended
            raise ProcessError(f"process {self._main_pid}: still there {GONE_S:g} s after SIGKILL; look for hung I/O")
        self._remove_scratch()  # before the supervisor hears that we are done: it removes what is still there then
        self._control.close()
        self._supervisor.wait()

    def ended(self) -> str:
        """How the command ended: "exited with 1", "killed by SIGSEGV"; "is running" before."""
        if self._swept is not None:
            swept = count(self._swept, "process", "processes")
            return f"killed: its supervisor had been killed ({swept} of its tree had to be killed)"
        code = self.wait_exit(0)
        return "is running" if code is None else describe_exit(code)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.kill()

    def _remove_scratch(self) -> None:
        shutil.rmtree(self._scratch, ignore_errors=True)

    def _say(self, word: str) -> None:
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # it ended meanwhile: the pump finds out
            self._control.sendall(word.encode() + b"\n")

    def _pump(self, until: Callable[[], bool], timeout_s: float) -> None:
        """Read what the supervisor says until `until()`, the end of the tree or the timeout."""
        deadline_s = time.monotonic() + timeout_s
        poller = select.poll()
        if not self._gone:
            poller.register(self._control, select.POLLIN)
        while not (until() or self._gone):
            if not poller.poll(max(0.0, deadline_s - time.monotonic()) * 1000):
                return
            self._hear()

    def _hear(self) -> None:
        try:
            content = self._control.recv(4096)
        except ConnectionResetError:
            content = b""
        if not content:
            self._supervisor_vanished()
            return
        *lines, self._heard = (self._heard + content).split(b"\n")
        for word, _, value in (line.decode().partition(" ") for line in lines):
            match word:
                case "started":
                    self._main_pid = int(value)
                case "exit":
                    self._exit_code = int(value)
                case "gone":
                    self._gone = True

    def _supervisor_vanished(self) -> None:
        """The supervisor is not reaped yet, so no other process or session can have its pid."""
        self._swept = kill_marked(self._mark, self._supervisor.pid)
        if self._exit_code is None:
            self._exit_code = -signal.SIGKILL  # the command went with it: PR_SET_PDEATHSIG, or the sweep
        self._gone = True


def child_environment(root: Path) -> dict[str, str]:
    """The environment for a child process of a run: `root` can be imported, and nothing changes a measurement by
    accident.

    Removed are: variables for us, uvicorn and Locust that the shell may have (all three read options from variables),
    proxies (all traffic is local), and the switch that keeps Python from caching bytecode. Without that cache a server
    boots several times as slowly (uvicorn with a small app: 4-8 s instead of 1 s).
    """
    env = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("BENCH_", "UVICORN_", "LOCUST_"))
        and not name.lower().endswith("_proxy")
        and name not in ("PYTHONDONTWRITEBYTECODE", "WEB_CONCURRENCY")
    }
    paths = [str(root), *filter(None, [env.get("PYTHONPATH")])]
    return env | {
        "PYTHONPATH": os.pathsep.join(paths),
        "NO_PROXY": "127.0.0.1,localhost",  # a desktop's system settings are proxies too (urllib.request.getproxies)
    }


def describe_exit(code: int) -> str:
    """`exited with 1`, `killed by SIGSEGV`"""
    if code >= 0:
        return f"exited with {code}"
    try:
        return f"killed by {signal.Signals(-code).name}"
    except ValueError:  # a real-time signal has no name
        return f"killed by signal {-code}"


def _belongs(process: psutil.Process, mark: str, session: int) -> bool:
    import psutil  # noqa: PLC0415 - as in `kill_marked`

    try:
        if process.status() == psutil.STATUS_ZOMBIE:
            return False
        return os.getsid(process.pid) == session or process.environ().get(MARK) == mark
    except (psutil.Error, OSError):  # it ended meanwhile, or is another user's
        return False


def kill_marked(mark: str, session: int) -> int:
    """Kill every process that carries `mark` in its environment or is of `session`; how many there were.

    The last resort, when a supervisor was killed. A process can overwrite its environment (process titles) and can
    leave its session, but few programs do both.
    """
    import psutil  # noqa: PLC0415 - takes longer to import than a supervisor to start, and is rarely needed

    killed: set[int] = set()
    deadline_s = time.monotonic() + GONE_S
    while time.monotonic() < deadline_s:
        found = [process for process in psutil.process_iter() if _belongs(process, mark, session)]
        if not found:
            break
        for process in found:
            with contextlib.suppress(psutil.NoSuchProcess, psutil.AccessDenied):
                process.kill()
                killed.add(process.pid)
        psutil.wait_procs(found, timeout=0.05)
    return len(killed)
