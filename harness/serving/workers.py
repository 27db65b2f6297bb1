"""A server's workers, known from the lines that the probe in each of them writes."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec

from harness.results.records.probe_line import ProbeLine
from harness.results.store import read_lines

_TAIL_BYTES = 65536  # more than the longest line


class Workers:
    """The workers that have written to `probe_dir` since this object was made. What an earlier server left there is not
    theirs."""

    def __init__(self, probe_dir: Path) -> None:
        self._probe_dir = probe_dir
        self._known_bytes = {path: path.stat().st_size for path in probe_dir.glob("*.jsonl")}

    def pids(self) -> tuple[int, ...]:
        """Of the workers that have started, in the order of their numbers."""
        return tuple(sorted(int(path.stem) for path in self._files()))

    def booted_s(self) -> float:
        """When the last one had started (CLOCK_MONOTONIC), as the first lines say."""
        first = [read_lines(path, ProbeLine)[:1] for path in self._files()]
        return max(line.t_s for lines in first for line in lines)

    def are_idle(self, since_s: float) -> bool:
        """Whether each living worker has written since then that nothing is in flight and its event loop not
        blocked."""
        lines = [_last_line(path) for path in self._files() if _is_alive(int(path.stem))]
        return all(
            line is not None and line.t_s >= since_s and line.in_flight == 0 and line.overdue_us == 0 for line in lines
        )

    def _files(self) -> list[Path]:
        return [p for p in self._probe_dir.glob("*.jsonl") if p.stat().st_size > self._known_bytes.get(p, 0)]


def _last_line(path: Path) -> ProbeLine | None:
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - _TAIL_BYTES))
        whole_lines = file.read().rpartition(b"\n")[0]
    try:
        return msgspec.json.decode(whole_lines.rpartition(b"\n")[2], type=ProbeLine)
    except msgspec.MsgspecError:
        return None


def _is_alive(pid: int) -> bool:
    """False for a worker that its server has replaced."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
