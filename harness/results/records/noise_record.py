"""How disturbed the machine was during a slice."""

from __future__ import annotations

from msgspec import Struct


class Noise(Struct, frozen=True):
    """The machine while the slice ran."""

    steal_percent: float | None
    load_1m: float | None
    canary_ms: float  # a fixed pure-Python loop, at the beginning of its round
    quiet_wait_s: float = 0.0
    # What ran beside the processes of the run, per second; it is what a user's browser or another build takes away.
    foreign_cores: float | None = None
    throttled_s: float | None = None  # cgroup cpu.stat
    cpu_pressure_percent: float | None = None  # time in which some task, ours too, had to wait for a CPU (PSI)
