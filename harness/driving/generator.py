"""What sends the load, wherever it runs.

Who uses one knows nothing of its clock. Its records count from the start of the load's first phase; who hears `Started`
knows when that was by another clock, and places them there (`harness.driving.load.placed`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from harness.driving.load import Done, Ended, Load, Progress, Started
from harness.results.records.errors import HarnessError
from harness.results.records.workload import Workload


class GeneratorError(HarnessError):
    """The load generator did not start, died, or stopped talking."""


class GeneratorGoneError(GeneratorError):
    """It ended, or is silent: nothing more can be asked of it, and what it still says is of an earlier load."""


class Generator(Protocol):
    """Runs loads one after the other. Use as a context manager: leaving it ends it."""

    @property
    def local_pid(self) -> int | None:
        """The root of its process tree, for who samples what it uses; None where it does not run on this machine."""

    def wait_ready(self, timeout_s: float) -> None:
        """Returns when it can run a load. Raises GeneratorError."""

    def run(
        self,
        load: Load,
        on_event: Callable[[Started | Progress | Ended], None],
        is_server_gone: Callable[[], bool],
    ) -> Done:
        """Run the phases of `load` to their end and return what was counted; `on_event` hears of each step as it
        happens. When the server is gone the load is ended at once; the records then cover what happened until then.
        Raises GeneratorError; a GeneratorGoneError when another one has to take its place. What was recorded of
        each request is on disk when it returns."""

    def stop(self) -> None:
        """Ask it to end, then end it. Not an error when it has ended already."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


class LaunchGenerator(Protocol):
    """Starts a generator for the loads of one workload and returns at once; the caller ends it."""

    def __call__(
        self,
        workload: Workload,
        *,
        root: Path,
        users: int,
        latency_path: Path,
        log_path: Path,
        cpus: Sequence[int] | None,
        generators: int = 1,
    ) -> Generator:
        """`root` holds the workload's file. `users`: the most that a phase will have. `latency_path`: the .hlog to
        write; `arrivals.jsonl` goes beside it. `generators`: processes that share the work, where it has such."""
