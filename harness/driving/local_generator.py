"""The generator on this machine: starts Locust for one session, sends it loads, collects what it counted."""

from __future__ import annotations

import socket
import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from time import monotonic
from types import TracebackType
from typing import Self

from harness.driving.control_line import ControlLine, readable
from harness.driving.generator import GeneratorError, GeneratorGoneError
from harness.driving.inside.protocol import Abort, EndAt, GeneratorFailed, LoadBegan, Quit, Ready, Warm
from harness.driving.load import Done, Ended, Load, Progress, Started
from harness.driving.shares import Event, MergedEvents, add_up, share_out, users_of
from harness.processes.process import Supervised, child_environment
from harness.results.records.workload import Workload

_PLUGIN = Path(__file__).parent / "inside" / "plugin.py"
_SEVERAL = Path(__file__).with_name("several.py")
_WATCH_S = 0.1
# Several generators end a warm-up this much later than they are told: by then all of them have heard of it.
_TOGETHER_S = 0.05
_OVERTIME_S = 15.0
_QUIT_S = 2.0


class LocalGenerator:
    """Locust's processes for one session: the `Generator` that runs on this machine.

    `load_began_s`: when the latest load began, CLOCK_MONOTONIC, for who compares its times with another process's of
    this machine.
    """

    def __init__(self, process: Supervised, lines: Sequence[ControlLine], log_path: Path) -> None:
        self._process = process
        self._lines = lines
        self._log_path = log_path
        self.load_began_s = 0.0

    @classmethod
    def launch(
        cls,
        workload: Workload,
        *,
        root: Path,
        users: int,
        latency_path: Path,
        log_path: Path,
        cpus: Sequence[int] | None,
        generators: int = 1,
    ) -> Self:
        """Returns at once: Locust's imports overlap with the server's.

        Several generators share the users and every load, and write `latency.hlog`, `latency-2.hlog` and so on, which
        `harness.results.histograms` reads as one.
        """
        commands = []
        lines = []
        with ExitStack() as until_started, ExitStack() as on_error:
            descriptors = []
            for number in range(generators):
                ours, theirs = socket.socketpair()
                until_started.enter_context(theirs)
                on_error.enter_context(ours)
                descriptors.append(theirs.fileno())
                lines.append(ControlLine(ours, log_path))
                own_users = users_of(number, users, generators)
                own_path = latency_path.with_stem(f"{latency_path.stem}-{number + 1}") if number else latency_path
                commands.append(
                    [
                        *(sys.executable, "-m", "locust", "--headless", "--only-summary", "--skip-log-setup"),
                        *("-f", f"{_PLUGIN},{root / workload.path}", "-H", "http://127.0.0.1:1"),
                        *("-u", str(own_users), "-r", str(own_users)),
                        *("--bench-control-fd", str(theirs.fileno())),
                        *("--bench-latency-log", str(own_path)),
                    ]
                )
            process = Supervised(
                _all_at_once(commands, descriptors),
                cwd=root,
                # numpy's OpenBLAS starts a thread a core, which spins for a while; there is nothing for it to do.
                env=child_environment(root) | {"OPENBLAS_NUM_THREADS": "1"},
                log_path=log_path,
                cpus=cpus,
                pass_fds=descriptors,
            )
            on_error.pop_all()
        return cls(process, lines, log_path)

    @property
    def local_pid(self) -> int:
        return self._process.supervisor_pid

    def wait_ready(self, timeout_s: float) -> None:
        deadline_s = monotonic() + timeout_s
        for line in self._lines:
            message = line.receive(deadline_s, "become ready")
            if not isinstance(message, Ready):
                raise GeneratorError(f"load generator: said {message} before it was ready; see {self._log_path}")

    def run(
        self,
        load: Load,
        on_event: Callable[[Started | Progress | Ended], None],
        is_server_gone: Callable[[], bool],
    ) -> Done:
        """See `Generator.run`."""
        shares = share_out(load, len(self._lines))
        busy = dict(enumerate(self._lines[: len(shares)]))
        for number, line in busy.items():
            line.send(shares[number])
        together_s = _TOGETHER_S if len(shares) > 1 else 0.0

        def hear(event: Event) -> None:
            if isinstance(event, Warm):
                at_s = monotonic() + together_s
                for line in busy.values():
                    line.send(EndAt(event.phase, at_s))
            else:
                on_event(event)

        merged = MergedEvents(len(shares), hear)
        done: dict[int, Done] = {}
        began_s: dict[int, float] = {}
        deadline_s = monotonic() + sum(p.duration_s for p in load.phases) + load.drain_s + _OVERTIME_S
        aborted = False
        while busy:
            if not aborted and is_server_gone():
                for line in busy.values():
                    line.send(Abort())
                aborted = True
            if monotonic() > deadline_s:
                raise GeneratorGoneError(f"load generator: silent after its phases; see {self._log_path}")
            told = readable(list(busy.values()), _WATCH_S)
            for number, line in [item for item in busy.items() if item[1] in told]:
                match message := line.receive(deadline_s, "end its phases"):
                    case Done():
                        done[number] = message
                        del busy[number]
                    case GeneratorFailed():
                        raise GeneratorError(f"load generator: {message.message}; see {self._log_path}")
                    case LoadBegan(at_s):
                        began_s[number] = at_s
                        self.load_began_s = min(began_s.values())
                    case Started() | Progress() | Warm() | Ended():
                        merged.hear(number, message)
        numbers = sorted(done)
        return add_up(load, [done[number] for number in numbers], [began_s[number] for number in numbers])

    def stop(self) -> None:
        """See `Generator.stop`; what it recorded is on disk already."""
        try:
            for line in self._lines:
                line.send(Quit())
            self._process.wait_exit(_QUIT_S)
        except GeneratorError:
            pass  # it is gone already, which is what we want
        self._end()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()

    def _end(self) -> None:
        self._process.kill()
        for line in self._lines:
            line.close()


def _all_at_once(commands: Sequence[Sequence[str]], descriptors: Sequence[int]) -> Sequence[str]:
    """One command that is all of them."""
    if len(commands) == 1:
        return commands[0]
    words = [sys.executable, "-I", "-S", str(_SEVERAL), ",".join(map(str, descriptors))]
    for command in commands:
        words += ["--", *command]
    return words
