"""Holds one process tree, and ends the tree before it ends itself. Run as a script, in a session of its own:

    python -I -S supervisor.py --fd N [--cpus 0,1] [--nice K] [--close 5,6] [--scratch DIR] -- command argument ...

`N` is one end of a socket pair. Whoever holds the other end may write `signal:15` (that signal to the command) or
`kill` (SIGKILL to the tree), and reads `started <pid>`, `exit <code>` (negative: the signal) and `gone`, a line each.
When the other end closes - also because its process was killed with SIGKILL - the tree is killed. It is killed as well
when the command ends, since what a server leaves behind (a pool's children, a daemon) still holds its port. After
`gone` this process waits for the other end to close, and then removes `DIR`, the tree's own TMPDIR. Usually the other
end has removed it by then; it is still there when the harness was killed.

How nothing escapes on Linux: this process is a child subreaper (prctl(2), PR_SET_CHILD_SUBREAPER), so that
every orphan below it becomes its child, whatever sessions or double forks it went through; `waitpid` answering
ECHILD is then the proof that the tree is empty. The command itself gets PR_SET_PDEATHSIG, so that it dies when its
supervisor is killed with SIGKILL; the harness then kills the rest (`process.kill_marked`). macOS has neither: there
the tree is what `ps` shows below the command or in its process group.

Only the standard library, for Python 3.9 or newer, and only modules that load quickly: every session starts many of
these.
"""

from __future__ import annotations

import os
import select
import signal
import sys
import time

LOG_HEAD_BYTES = 8 * 1024 * 1024
LOG_TAIL_BYTES = 64 * 1024
_RESCAN_S = 0.005
_RESCAN_MAX_S = 0.5
_AUTOGROUP_TRIES = 5
_AUTOGROUP_PAUSE_S = 0.1
_CANNOT_RUN = 126  # as a shell says: found, but could not be run
_LINUX = sys.platform == "linux"
_PR_SET_PDEATHSIG = 1  # <linux/prctl.h>
_PR_SET_CHILD_SUBREAPER = 36


class Log:
    """Passes on what the tree prints, up to a limit, so that a target cannot fill the disk.

    The head goes to stderr at once. Of everything after it only the last part is kept, in memory, and written at the
    end: the reason why a process died comes last.
    """

    def __init__(self, out_fd: int, head_bytes: int = LOG_HEAD_BYTES, tail_bytes: int = LOG_TAIL_BYTES) -> None:
        self._out_fd = out_fd
        self._head_left = head_bytes
        self._tail_bytes = tail_bytes
        self._tail = b""
        self._cut_bytes = 0
        self.read_fd, self.write_fd = os.pipe()
        os.set_blocking(self.read_fd, False)

    def relay(self) -> bool:
        """Take what is in the pipe now, at most 1 MiB at a time; False when nobody is left who could print."""
        for _ in range(16):
            try:
                chunk = os.read(self.read_fd, 65536)
            except BlockingIOError:
                return True
            if not chunk:
                return False
            head, rest = chunk[: self._head_left], chunk[self._head_left :]
            self._head_left -= len(head)
            self._write(head)
            kept = self._tail + rest
            self._tail = kept[-self._tail_bytes :]
            self._cut_bytes += len(kept) - len(self._tail)
        return True

    def finish(self) -> None:
        self.relay()
        if self._cut_bytes:
            self._write(b"\n[... %d bytes left out ...]\n" % self._cut_bytes)
        self._write(self._tail)

    def _write(self, content: bytes) -> None:
        while content:
            try:
                content = content[os.write(self._out_fd, content) :]
            except OSError:
                return  # a full disk must not stop the relay: the target would block on its full pipe


class HeldTree:
    """The command and everything below it."""

    def __init__(self, main_pid: int) -> None:
        self.main_pid = main_pid
        self.exit_code: int | None = None

    def reap(self) -> bool:
        """Collect what has ended; False when no child is left."""
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return False
            if pid == 0:
                return True
            if pid == self.main_pid:
                self.exit_code = os.waitstatus_to_exitcode(status)

    def signal(self, number: int) -> None:
        if self.exit_code is None:  # until it is reaped here, its pid cannot be anybody else's
            os.kill(self.main_pid, number)

    def kill(self) -> bool:
        """Send SIGKILL to all that live now; True when the tree is empty. Call again until it is: a process may have
        forked between the look and the kill."""
        alive = members(_processes(), os.getpid(), self.main_pid)
        for pid in alive:
            try:
                os.kill(pid, signal.SIGKILL)
            except (ProcessLookupError, PermissionError):
                continue  # it has just ended, or has changed its user: the next look tells
        has_children = self.reap()
        return not has_children and (_LINUX or not alive)


def members(processes: list[tuple[int, int, int]], root_pid: int, group: int) -> list[int]:
    """The processes below `root_pid` or in process group `group`, parents first (a parent that is dead cannot
    replace its children). `processes`: (pid, parent's pid, group) of all that are not zombies."""
    children: dict[int, list[int]] = {}
    for pid, parent, _ in processes:
        children.setdefault(parent, []).append(pid)
    found: list[int] = []
    level = [root_pid]
    while level:
        level = [child for pid in level for child in children.get(pid, [])]
        found += level
    known = {root_pid, *found}
    return found + [pid for pid, _, process_group in processes if process_group == group and pid not in known]


def _processes() -> list[tuple[int, int, int]]:
    return processes_from_proc() if _LINUX else processes_from_ps()


def processes_from_proc() -> list[tuple[int, int, int]]:
    found = []
    for name in os.listdir("/proc"):  # noqa: PTH208 - pathlib alone would double the time to start
        if name.isdigit():
            try:
                with open(f"/proc/{name}/stat", "rb") as file:  # noqa: PTH123
                    stat = file.read()
            except OSError:
                continue  # it ended meanwhile
            # pid (name) state ppid pgrp ...: the name may hold blanks and brackets, see proc_pid_stat(5)
            state, parent, group = stat[stat.rindex(b")") + 2 :].split()[:3]
            if state not in b"ZX":
                found.append((int(name), int(parent), int(group)))
    return found


def processes_from_ps() -> list[tuple[int, int, int]]:
    import subprocess  # noqa: PLC0415 - not on Linux, and it takes as long to import as all the rest

    with subprocess.Popen(["ps", "-A", "-o", "pid=,ppid=,pgid=,stat="], stdout=subprocess.PIPE) as ps:
        rows = [line.split() for line in ps.communicate()[0].splitlines()]
    return [
        (int(pid), int(parent), int(group))
        for pid, parent, group, state in rows
        if int(pid) != ps.pid and not state.startswith(b"Z")
    ]


def _prctl(option: int, value: int) -> None:
    import ctypes  # noqa: PLC0415 - Linux only

    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(option, value, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), f"prctl({option})")


def renice(nice: int) -> None:
    """Add to the niceness of this process and of its session. Where Linux groups processes by session
    (`sched_autogroup_enabled`, the default), a process's niceness counts only within its session, and each session has
    a niceness of its own (sched(7))."""
    os.nice(nice)
    for _ in range(_AUTOGROUP_TRIES if nice else 0):
        try:
            with open("/proc/self/autogroup", "w") as file:  # noqa: PTH123
                file.write(str(nice))
            return
        except BlockingIOError:  # the kernel takes one change in 0.1 s from all who are not root
            time.sleep(_AUTOGROUP_PAUSE_S)
        except OSError:
            return  # this kernel has no such groups


def start_command(command: list[str], log_fd: int, cpus: list[int], nice: int) -> int:
    """Fork and exec; the pid, once the command runs: a signal that came before would meet our own handlers.
    A command that cannot be run says so in the log and ends with 126."""
    supervisor = os.getpid()
    until_exec, held_until_exec = os.pipe()  # closed by exec, as all that Python opens
    pid = os.fork()
    if pid:
        os.close(held_until_exec)
        os.read(until_exec, 1)
        os.close(until_exec)
        return pid
    try:
        # Python ignores these, and what is ignored stays so across exec; handlers of ours do not.
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)
        signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
        # A group of its own: a target that signals its whole group (`os.kill(0, ...)`) does not hit the supervisor.
        os.setpgid(0, 0)
        if _LINUX:
            _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
            if os.getppid() != supervisor:  # it died before the line above could matter
                os._exit(_CANNOT_RUN)
        if cpus and _LINUX:
            os.sched_setaffinity(0, cpus)
        renice(nice)
        os.dup2(log_fd, 1)
        os.dup2(log_fd, 2)
        os.execvp(command[0], command)
    except OSError as error:
        os.write(log_fd, f"BENCH-ERROR: cannot run {command[0]}: {error}\n".encode())
    finally:
        os._exit(_CANNOT_RUN)


def supervise(
    control_fd: int, command: list[str], cpus: list[int], nice: int, close: list[int], scratch: str | None
) -> None:
    wake_fd = _wake_on_signals()
    os.set_inheritable(control_fd, False)  # a copy in a pool's child would outlive the harness's own end
    if _LINUX:
        _prctl(_PR_SET_CHILD_SUBREAPER, 1)
    log = Log(2)
    tree = HeldTree(start_command(command, log.write_fd, cpus, nice))
    os.close(log.write_fd)
    for fd in close:
        os.close(fd)
    _say(control_fd, f"started {tree.main_pid}")
    _watch(tree, log, control_fd, wake_fd)
    _end(tree, log, control_fd, wake_fd)
    if scratch is not None:
        _outlive(control_fd, scratch)


def _watch(tree: HeldTree, log: Log, control_fd: int, wake_fd: int) -> None:
    """Until the command ends, or the harness says `kill` or goes away."""
    poller = select.poll()
    for fd in (control_fd, wake_fd, log.read_fd):
        poller.register(fd, select.POLLIN)
    while tree.exit_code is None:
        ready = {fd for fd, _ in poller.poll()}
        if log.read_fd in ready and not log.relay():
            poller.unregister(log.read_fd)  # otherwise it would always be ready
        if wake_fd in ready:
            os.read(wake_fd, 4096)
            tree.reap()
        if control_fd in ready:
            words = _hear(control_fd)
            if "kill" in words:
                return
            for word in words:
                tree.signal(int(word.rpartition(":")[2]))


def _end(tree: HeldTree, log: Log, control_fd: int, wake_fd: int) -> None:
    """Kill what lives until nothing does."""
    ended_alone = tree.exit_code is not None
    if ended_alone:
        log.relay()  # so that the reason is in the file when the harness hears of the end
        _say(control_fd, f"exit {tree.exit_code}")
    pause_s = _RESCAN_S
    while not tree.kill():
        if select.select([wake_fd], [], [], pause_s)[0]:
            os.read(wake_fd, 4096)
        pause_s = min(2 * pause_s, _RESCAN_MAX_S)  # one that hangs in the kernel may take long to die
        log.relay()
    log.finish()
    if not ended_alone:
        _say(control_fd, f"exit {tree.exit_code}")
    _say(control_fd, "gone")


def _outlive(control_fd: int, scratch: str) -> None:
    """Remove the tree's folder when the harness went away before it could."""
    while _listens(control_fd):
        pass
    if os.path.isdir(scratch):  # noqa: PTH112
        import shutil  # noqa: PLC0415 - rarely needed, and takes as long to import as all the rest

        shutil.rmtree(scratch, ignore_errors=True)


def _wake_on_signals() -> int:
    """A pipe that becomes readable at each signal. Handlers instead of SIG_IGN: exec resets them for the command."""
    wake_fd, write_fd = os.pipe()
    os.set_blocking(write_fd, False)
    signal.set_wakeup_fd(write_fd, warn_on_full_buffer=False)
    for number in (signal.SIGCHLD, signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT):
        signal.signal(number, lambda *_: None)
    return wake_fd


def _hear(control_fd: int) -> list[str]:
    """The words that came; a closed end is heard as `kill`."""
    try:
        return os.read(control_fd, 4096).decode().split() or ["kill"]
    except ConnectionResetError:  # closed with words of ours unread
        return ["kill"]


def _listens(control_fd: int) -> bool:
    """Waits for the next word, whatever it is; False when the other end has closed."""
    try:
        return os.read(control_fd, 4096) != b""
    except ConnectionResetError:
        return False


def _say(control_fd: int, line: str) -> None:
    try:
        os.write(control_fd, line.encode() + b"\n")
    except (BrokenPipeError, ConnectionResetError):
        return  # nobody listens any more; the tree is ended anyway


def _numbers(text: str) -> list[int]:
    return [int(number) for number in text.split(",") if number]


def main(arguments: list[str]) -> None:
    split = arguments.index("--")
    options = dict(zip(arguments[:split:2], arguments[1:split:2]))
    supervise(
        control_fd=int(options["--fd"]),
        command=arguments[split + 1 :],
        cpus=_numbers(options.get("--cpus", "")),
        nice=int(options.get("--nice", "0")),
        close=_numbers(options.get("--close", "")),
        scratch=options.get("--scratch"),
    )


if __name__ == "__main__":
    main(sys.argv[1:])
