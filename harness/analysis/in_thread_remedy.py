"""What blocks the event loop, in worker threads: which function can be `def`, or which call is to be made in a thread,
and how that is written. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from harness.analysis.app_check import AppCheck, CheckedRoute
from harness.analysis.blocking_lines import BlockingLine
from harness.analysis.function_uses import is_used
from harness.analysis.threaded_call import IMPORT, ThreadedCall, threaded_call
from harness.analysis.written_function import shown_line, written_as
from harness.results.records.blocked_stretch import HeldCoroutine
from harness.results.records.remedy import Remedy

_MOST_NAMES = 4  # of routes with the same change
_GIL = "# Python computes in one thread at a time: unless the call lets go of the GIL, a process pool is needed."
_AS_DEF = "`def` in place of `async def`"
_AS_CALL = "`await run_in_threadpool(...)` for what blocks"
_AS_BOTH = "what blocks in worker threads"


class _Move(NamedTuple):
    """One of the three: the endpoint, a dependency by its file and first line, or a call. `code`: how it is written."""

    route: CheckedRoute
    line: BlockingLine
    code: tuple[str, ...]
    dependency: tuple[str, int] | None = None
    call: ThreadedCall | None = None

    @property
    def is_endpoint(self) -> bool:
        return self.dependency is None and self.call is None


def in_thread_remedy(check: AppCheck, sources: Mapping[str, str], workers: int) -> Remedy:
    """`sources` are the app's files."""
    moves: list[_Move] = []
    left: dict[str, dict[str, None]] = {}  # by route, why what blocks stays where it is
    for route in check.routes:
        for line in route.findings:
            for at in line.coroutines or (None,):
                found = _moved(route, line, at, sources)
                if isinstance(found, str):
                    left.setdefault(route.name, {})[found] = None
                else:
                    moves.append(found)
    routes = tuple(dict.fromkeys(move.route.name for move in moves))
    titles = {route: _title([move for move in moves if move.route.name == route]) for route in routes}
    not_for = {name: "; ".join(reasons) for name, reasons in left.items() if name not in routes}
    still = [f"# {name}: {reason}" for name, reasons in left.items() if name in routes for reason in reasons]
    return Remedy(
        name="in_thread",
        title=_title(moves),
        routes=routes,
        why_not=""
        if moves
        else "; ".join(map(": ".join, not_for.items())) or "no coroutine of the app blocks the loop",
        change="\n\n".join([*_parts(moves), *still]),
        inside=_inside(moves),
        workers=workers,
        titles={route: title for route, title in titles.items() if title != _title(moves)},
        not_for=not_for,
    )


def lets_wait(check: AppCheck, moved: Remedy) -> bool:
    """Whether anything that it moves waits: then each request takes a thread for that long."""
    return any(line.cause == "waits" for route in check.routes if route.name in moved.routes for line in route.findings)


def _moved(
    route: CheckedRoute, line: BlockingLine, at: HeldCoroutine | None, sources: Mapping[str, str]
) -> _Move | str:
    """`at`: the coroutine of the app that it blocks; None: it is not the app's. Else why it cannot be moved."""
    place = shown_line(line.file, line.line)
    if line.cause == "cannot_run":
        return f"{place} `{line.function}` keeps the GIL in another thread: run it in a process pool"
    function = None if at is None else (at.file, at.first_line)
    nobody_uses = at is not None and not is_used(at.function, at.file, sources)
    if nobody_uses and function == route.endpoint_place and route.endpoint_can_be_def:
        return _Move(route, line, _as_def(route.endpoint or line.function, route.endpoint_place, sources))
    if nobody_uses and at is not None and function in route.movable_dependencies:
        code = _as_def(at.function, function, sources)
        return _Move(route, line, code, dependency=function)
    if at is None:
        return _why_none(route, line, place)
    names = frozenset([line.function, (line.call or "").rpartition(".")[2]])
    call = threaded_call(sources.get(at.file, ""), at, names)
    if isinstance(call, str):
        return _why_no_call(f"{shown_line(at.file, at.line)} `{at.function}`", call, computes=line.cause == "computes")
    return _Move(route, line, (IMPORT, *call.written), call=call)


def _why_no_call(at_line: str, why: str, *, computes: bool) -> str:
    """`why`: what is known of it; may be empty."""
    if why:
        return f"{at_line}: {why}"
    how = "await it in a process pool" if computes else "call it with `await run_in_threadpool(...)`"
    return f"no call of {at_line} can be moved as it is: put what blocks into a `def`, and {how}"


def _why_none(route: CheckedRoute, line: BlockingLine, place: str) -> str:
    if (line.file, line.line) == route.endpoint_place:  # it stands for what the framework does for it
        return (
            f"{place} `{line.function}` does not block itself, but what the framework makes of its answer or its "
            "parameters: a smaller answer, or a `Response` that it makes, takes less"
        )
    where = "" if line.where in ("endpoint", "other") else f" in the {line.where}"
    return f"{place} `{line.function}` blocks{where}, and is called by a coroutine of a library: change it there"


def _as_def(name: str, place: tuple[str, int], sources: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(written_as("def", name, place, sources))


def _title(moves: Sequence[_Move]) -> str:
    calls = sum(move.call is not None for move in moves)
    if not calls:
        return _AS_DEF
    return _AS_CALL if calls == len(moves) else _AS_BOTH


def _parts(moves: Sequence[_Move]) -> Iterator[str]:
    """Each change once, with the routes that it is for; the finding with most of it comes first."""
    by_code: dict[tuple[str, ...], list[_Move]] = {}
    for move in moves:
        by_code.setdefault(move.code, []).append(move)
    for code, same in by_code.items():
        names = list(dict.fromkeys(move.route.name for move in same))
        line = same[0].line
        call = f" in {line.call}" if line.call else ""
        for_ms = f"{line.ms:g} ms{' under load' if line.under_load else ''}"
        does = f"{shown_line(line.file, line.line)} `{line.function}` {line.cause} for {for_ms}{call}"
        gil = [_GIL] if line.cause == "computes" else []
        of = ", ".join(names) if len(names) <= _MOST_NAMES else f"{len(names)} routes"
        yield "\n".join([f"# {of}: {does}", *gil, *code])


def _inside(moves: Sequence[_Move]) -> str:
    if not moves:
        return ""
    dependencies: dict[str, dict[tuple[str, int], None]] = {}
    for move in moves:
        if move.dependency is not None:
            dependencies.setdefault(move.route.name, {})[move.dependency] = None
    order: dict[str, Any] = {
        "in_thread": list(dict.fromkeys(move.route.name for move in moves if move.is_endpoint)),
        "dependencies_in_thread": {name: list(places) for name, places in dependencies.items()},
        "calls_in_thread": list(dict.fromkeys(move.call.place for move in moves if move.call is not None)),
    }
    return msgspec.json.encode({key: value for key, value in order.items() if value}).decode()
