"""How disturbed the machine was during a trial."""

from __future__ import annotations

from msgspec import Struct


class Noise(Struct, frozen=True):
    """The machine while the trial ran."""

    steal_percent: float | None
    load_1m: float | None
    canary_ms: float  # a fixed pure-Python loop, just before the trial
    quiet_wait_s: float = 0.0
    throttled_s: float | None = None  # cgroup cpu.stat
    cpu_pressure_percent: float | None = None  # time in which some task, ours too, had to wait for a CPU (PSI)
