"""One line of `watch/<pid>.stretches.jsonl`: a stretch of time in which the event loop of one worker did not run."""

from __future__ import annotations

from msgspec import Struct


class HeldCoroutine(Struct, frozen=True):
    """A coroutine of the user's that stands still at `line`. `first_line`: of its function, decorators included."""

    file: str
    function: str
    first_line: int
    line: int
    columns: tuple[int, ...] = ()  # as of a place


class StretchPlace(Struct, frozen=True):
    """What a thread was at, and for how long in this stretch: the innermost line of the user's code (`file` is None
    where none was on the stack) and the function of a library that it had called (None where that is not Python).

    `by_other`: the event loop's thread could not run because of another one, which was here, and `cpu_ms` is the CPU
    time of all the others meanwhile. Else it was here itself, `cpu_ms` on a CPU and `queued_ms` ready without one.
    `columns` is the part of the source that was being executed: line, end line, column, end column (in bytes); empty
    before Python 3.11. `coroutine`: the innermost one on the stack; None where that is none of the user's.
    `takes_turns`: other threads computed as well as the one that was here.
    """

    file: str | None
    line: int
    function: str
    call: str | None
    where: str
    by_other: bool
    ms: float
    cpu_ms: float
    queued_ms: float
    columns: tuple[int, ...] = ()
    coroutine: HeldCoroutine | None = None
    takes_turns: bool = False


class Stretch(Struct, frozen=True):
    """`request` is the `number` of a `RequestLine` of the same worker; None: it was no request's. A long stretch has a
    line a second; they have the same `t_s`, and the last one counts."""

    t_s: float  # when it began, CLOCK_MONOTONIC
    ms: float
    request: int | None
    places: tuple[StretchPlace, ...]
    collections: int = 0  # of all garbage, meanwhile: they belong to no line, and may take tens of milliseconds
