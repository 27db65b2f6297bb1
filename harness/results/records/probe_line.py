"""One line of `probe/<pid>.jsonl`: what the probe saw inside one worker."""

from __future__ import annotations

from msgspec import Struct


class ProbeLine(Struct, frozen=True, omit_defaults=True):
    """One line of `probe/<pid>.jsonl`, about ten times a second, from inside one worker of the target.

    `lags_us`: how late each tick of the event loop was since the line before, also the ticks that could not run because
    of a late one (`harness.inside.bench_inside.lag`). A worker that has been asked nothing for a second has only two
    ticks a second, until it is asked something. The limiter is AnyIO's default one (40 tokens); its two figures
    are the highest since the line before. `pool_waits_us`: how long each request waited for a connection that it got
    since then from a pool (`harness.inside.bench_inside.pool_waits`); `pool_waiting` of them wait right now.
    `gil_came_back`: in a build of Python without the GIL, an extension module has brought it back.
    """

    t_s: float  # CLOCK_MONOTONIC, absolute (the worker does not know the boot's origin)
    requests: int  # since the worker started, /health not counted
    in_flight: int
    lags_us: tuple[int, ...] = ()
    overdue_us: int = 0  # how long the tick that should have come has been waiting: the loop is blocked right now
    limiter_borrowed: int = 0
    limiter_waiting: int = 0
    pool_waits_us: tuple[int, ...] = ()
    pool_waiting: int = 0
    gil_came_back: bool = False
