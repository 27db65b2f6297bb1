"""The sampler: a thread that writes what each process tree uses to `samples.jsonl`, five times a second."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType

import msgspec

from harness.results.records.errors import HarnessError
from harness.results.records.sample import Sample, TreeName
from harness.sampling.proc import platform_source
from harness.sampling.process_tree import ProcessTree, Source

DETAIL_S = 1.0  # new processes, context switches and PSS: at most this often
# ... and less often where that would use more than this share of a core for one tree: the cost grows with its threads.
DETAIL_SHARE = 0.001
# The cost of PSS grows with the memory (proc.py): a target of 80 MiB is read every second, one of 240 MiB every three.
# The target's memory is a result; that of the other trees is only context. The whole sampler stays under 1 % of a core:
# tests/integration/test_sampler_cost.py.
PSS_SHARE: Mapping[TreeName, float] = {"target": 0.0015, "generator": 0.0003, "services": 0.0003}


class SamplerError(HarnessError):
    """Samples could not be taken or written: the slice has no CPU figures."""


class Pace:
    """When something expensive is due again: after `DETAIL_S`, or later if it would use more than `share` of a core."""

    def __init__(self, share: float) -> None:
        self._share = share
        self._due_s = float("-inf")

    def due(self, now_s: float) -> bool:
        return now_s >= self._due_s

    def done(self, now_s: float, cost_s: float) -> None:
        self._due_s = now_s + max(DETAIL_S, cost_s / self._share)


class WatchedTree:
    """A tree under its name, and when its expensive figures are due."""

    def __init__(self, name: TreeName, source: Source, root_pid: int, service: str) -> None:
        self.name = name
        self.service = service
        self.root_pid = root_pid
        self.tree = ProcessTree(source, root_pid)
        self.detail = Pace(DETAIL_SHARE)
        self.pss = Pace(PSS_SHARE[name])

    def sample(self, origin_s: float, mark: str) -> Sample:
        now_s = time.monotonic()
        detail = bool(mark) or self.detail.due(now_s)
        cost_s = time.thread_time()
        totals = self.tree.read(discover=detail)
        voluntary, involuntary = self.tree.switches() if detail else (None, None)
        if detail:
            self.detail.done(now_s, time.thread_time() - cost_s)
        pss_bytes = None
        # The target has at least one in every phase, at its end. At other edges so expensive a read would disturb.
        if self.pss.due(now_s) if not mark else self.name == "target" and _ends_measuring(mark):
            cost_s = time.thread_time()
            pss_bytes = self.tree.pss_bytes()
            self.pss.done(now_s, time.thread_time() - cost_s)
        return Sample(
            t_s=now_s - origin_s,
            tree=self.name,
            cpu_s=totals.cpu_s,
            rss_bytes=totals.rss_bytes,
            processes=totals.processes,
            mark=mark,
            pss_bytes=pss_bytes,
            threads=totals.threads,
            ctx_voluntary=voluntary,
            ctx_involuntary=involuntary,
            service=self.service,
        )


KnownTrees = dict[tuple[TreeName, str, int], WatchedTree]  # by name, service and root PID


class Sampler:
    """Samples process trees into `path` from `start()` to `stop()`, or for the length of a `with`.

    All methods may be called from any thread. When samples can no longer be taken or written (disk full), sampling
    ends and `error` says why; `mark` and the end of the `with` raise it.

    `known`: trees that an earlier sampler has watched. What is expensive goes on at its pace, and is not read anew at
    the beginning of each of many short stretches.
    """

    def __init__(
        self,
        path: Path,
        origin_monotonic_s: float,
        *,
        hz: float = 5.0,
        source: Source | None = None,
        known: KnownTrees | None = None,
    ) -> None:
        self._path = path
        self._origin_s = origin_monotonic_s
        self._period_s = 1 / hz
        self._source = source or platform_source()
        self._watched: dict[tuple[TreeName, str], WatchedTree] = {}
        self._known = {} if known is None else known
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="sampler", daemon=True)
        self._encoder = msgspec.json.Encoder()
        self._file: int | None = None
        self._error: SamplerError | None = None
        self._thread_cpu_s = 0.0
        self._marks_cpu_s = 0.0
        self._wall_s = 0.0

    def watch(self, tree: TreeName, root_pid: int, service: str = "") -> None:
        """Sample the tree under `root_pid` from now on; it takes the place of another one of the same name. There can
        be several of "services", each under its own `service`."""
        with self._lock:
            old = self._watched.get((tree, service))
            if old is None or old.root_pid != root_pid:
                key = (tree, service, root_pid)
                new = self._known.get(key) or WatchedTree(tree, self._source, root_pid, service)
                self._watched[tree, service] = self._known[key] = new

    def unwatch(self, tree: TreeName) -> None:
        """Sample this tree no longer; not an error when there was none."""
        with self._lock:
            self._watched = {key: watched for key, watched in self._watched.items() if watched.name != tree}

    def mark(self, label: str) -> None:
        """Sample all trees right now, with `label` as their mark. Raises SamplerError when sampling has failed."""
        if self._file is None:
            raise SamplerError(f"mark {label!r}: the sampler is not running; call start() first")
        began_s = time.thread_time()
        self._sample(label)
        with self._lock:
            self._marks_cpu_s += time.thread_time() - began_s
        if self.error is not None:
            raise self.error

    @property
    def error(self) -> SamplerError | None:
        """Why sampling ended early; None while all is well."""
        if self._error is None and not self._stop.is_set() and self._file is not None and not self._thread.is_alive():
            return SamplerError("the sampler's thread died: a defect in harness/sampling; its traceback is on stderr")
        return self._error

    @property
    def cpu_s(self) -> float:
        """CPU time that sampling itself has used: its thread's, and the marks'."""
        return self._thread_cpu_s + self._marks_cpu_s

    @property
    def wall_s(self) -> float:
        """Time spent reading and writing samples."""
        return self._wall_s

    def start(self) -> None:
        """Open the file and begin. Raises SamplerError when it cannot be opened."""
        try:
            self._file = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError as error:
            raise self._failed(error) from error
        self._thread.start()

    def stop(self) -> None:
        """End and close the file. Does not raise: look at `error`."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()
        with self._lock:
            if self._file is not None:
                os.close(self._file)
                self._file = None

    def __enter__(self) -> Sampler:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, traceback: TracebackType | None
    ) -> None:
        error = self.error
        self.stop()
        error = error or self.error
        if error is not None and value is None:
            raise error

    def _run(self) -> None:
        due_s = time.monotonic()
        while self._error is None:
            self._sample("")
            self._thread_cpu_s = time.thread_time()
            # At fixed times, so that the cost of a sample does not make the period longer; missed samples are left out.
            due_s = max(due_s + self._period_s, time.monotonic())
            if self._stop.wait(due_s - time.monotonic()):
                return

    def _sample(self, mark: str) -> None:
        with self._lock:
            if self._error is not None or self._file is None:
                return
            began_s = time.perf_counter()
            try:
                samples = [watched.sample(self._origin_s, mark) for watched in self._watched.values()]
                _write(self._file, self._encoder.encode_lines(samples))
            except OSError as error:
                self._error = self._failed(error)
            self._wall_s += time.perf_counter() - began_s

    def _failed(self, error: OSError) -> SamplerError:
        return SamplerError(
            f"{self._path}: no samples can be written ({error.strerror}); free space or choose another --results"
        )


def _write(file: int, content: bytes) -> None:
    """All of it: a disk that fills up takes the first part and refuses only the rest."""
    while content:
        content = content[os.write(file, content) :]


def _ends_measuring(mark: str) -> bool:
    """Not a warm-up's end: the capacity phase begins there, and would begin late."""
    return mark.endswith(":end") and not mark.startswith("warmup")
