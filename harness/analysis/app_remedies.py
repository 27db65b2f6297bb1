"""Which remedies apply to somebody's own app, by what its routes did one request at a time. Pure.

What a remedy gains is measured. Here it is only said whether it can gain anything, and what is to be changed for it.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec

from harness.analysis.app_check import AppCheck, CheckedRoute
from harness.analysis.blocking_lines import THRESHOLD_MS, BlockingLine
from harness.results.records.remedy import Remedy

ANYIO_THREADS = 40  # its default limiter's
_MOST_THREADS = 1000
# A request that does nothing uses half of this, and on a slow machine most of it, in FastAPI itself.
_TRIVIAL_CPU_MS = 2.0

# Where what blocks may be moved, and what that is called in the order to the app.
_MOVED = {"endpoint": "in_thread", "dependency": "dependencies_in_thread"}
_GIL = "# Python computes in one thread at a time: unless the call lets go of the GIL, a process pool is needed."


def remedies(
    check: AppCheck, *, cores: int, users: int, installed: Collection[str], workers: int = 1
) -> tuple[Remedy, ...]:
    """All of them, also those that do not apply. `cores` are what the app may use, `users` the most that ask at once.
    `installed` are the packages in its own environment, and `workers` how many it runs."""
    moved = _in_thread(check, workers)
    more = _more_workers(cores, workers)
    return (
        moved,
        _on_loop(check, workers),
        more,
        *_both(moved, more),
        _more_threads(check, users, workers),
        _of_package("uvloop", "uvloop's event loop", "uvicorn ... --loop uvloop", installed, workers, loop="uvloop"),
        _of_package(
            "httptools", "httptools' HTTP parser", "uvicorn ... --http httptools", installed, workers, http="httptools"
        ),
        _of_package(
            "granian",
            "granian in place of uvicorn",
            f"granian --interface asgi ... --workers {workers}",
            installed,
            workers,
            server="granian",
            loop="asyncio",
        ),
    )


def _in_thread(check: AppCheck, workers: int) -> Remedy:
    by_route = {route: list(_movable(route)) for route in check.routes}
    moved = {route: lines for route, lines in by_route.items() if lines}
    order = {
        key: [route.name for route, lines in moved.items() if any(line.where == place for line in lines)]
        for place, key in _MOVED.items()
    }
    why_not = "" if moved else "; ".join(dict.fromkeys(_blocked_elsewhere(check.routes)))
    return Remedy(
        name="in_thread",
        title="`def` in place of `async def`",
        routes=tuple(route.name for route in moved),
        why_not="" if moved else why_not or "no async endpoint blocks the loop",
        change="\n\n".join(_as_def(route, line) for route, lines in moved.items() for line in _one_a_place(lines)),
        inside=_json({key: names for key, names in order.items() if names}),
        workers=workers,
    )


def _movable(route: CheckedRoute) -> Iterator[BlockingLine]:
    """The lines that would block a thread of their own in place of the loop. A dependency that blocks the loop is
    `async def`, whatever its endpoint is."""
    for line in route.findings:
        is_async = route.kind == "async def" if line.where == "endpoint" else route.movable_dependencies > 0
        if line.where in _MOVED and is_async and line.cause != "cannot_run":
            yield line


def _one_a_place(lines: Sequence[BlockingLine]) -> list[BlockingLine]:
    """A function is changed once, however many of its lines block; the longest comes first."""
    first: dict[tuple[str, str], BlockingLine] = {}
    for line in lines:
        first.setdefault((line.where, line.function if line.where == "dependency" else ""), line)
    return list(first.values())


def _blocked_elsewhere(routes: Sequence[CheckedRoute]) -> Iterator[str]:
    for route in routes:
        for line in route.findings:
            place = _place(line)
            if line.cause == "cannot_run":
                yield f"{route.name}: {place} keeps the GIL in another thread: that belongs into a process"
            elif line.where == "endpoint" and route.kind == "def":
                yield f"{route.name}: the endpoint is `def` already"
            elif line.where == "middleware":
                yield f"{route.name} blocks in middleware, {place}: change it there"
            elif line.where == "dependency":
                yield f"{route.name} blocks in a dependency with `yield` or an overridden one, {place}: change it there"
            elif line.where == "background":
                yield f"{route.name} blocks in a background task, {place}: make that `def`"
            elif line.where == "generator":
                yield f"{route.name} blocks in the generator of its answer, {place}: make that `def`"
            else:
                yield f"{route.name} blocks outside of endpoints and dependencies, {place}: change it there"


def _as_def(route: CheckedRoute, line: BlockingLine) -> str:
    call = f" in {line.call}" if line.call else ""
    said = [f"# {route.name}: {_place(line)} {line.cause} for {line.ms:g} ms{call}"]
    if line.cause == "computes":
        said.append(_GIL)
    if line.where == "dependency":
        return "\n".join([*said, f"def {line.function}(...):  # was: async def"])
    return "\n".join([*said, _decorator(route), f"def {route.endpoint or line.function}(...):  # was: async def"])


def _on_loop(check: AppCheck, workers: int) -> Remedy:
    are_def = [route for route in check.routes if route.kind == "def"]
    trivial = [route for route in are_def if _is_trivial(route)]
    why_not = (
        "each `def` endpoint computes, or calls what may wait: it needs its thread"
        if are_def
        else "no endpoint is `def`"
    )
    return Remedy(
        name="on_loop",
        title="`async def` for a trivial `def`",
        routes=tuple(route.name for route in trivial),
        why_not="" if trivial else why_not,
        change="\n\n".join(
            f"# {route.name}: it only computes, and that in no time; it must stay like this\n"
            f"{_decorator(route)}\nasync def {route.endpoint or '...'}(...):  # was: def"
            for route in trivial
        ),
        inside=_json({"on_loop": [route.name for route in trivial]} if trivial else {}),
        workers=workers,
    )


def _is_trivial(route: CheckedRoute) -> bool:
    """It would block the loop for as long as it takes. That it does not wait today is not enough: it must not be able
    to."""
    if route.findings or not route.cannot_wait or not 0 < route.status < 400:
        return False
    return route.cpu_ms is not None and route.cpu_ms < _TRIVIAL_CPU_MS


def _more_workers(cores: int, workers: int) -> Remedy:
    why_not = ""
    if cores == 1:
        why_not = "it has one core"
    elif workers >= cores:
        why_not = f"it runs {workers} workers already, on {cores} cores"
    return Remedy(
        name=f"workers_{cores}",
        title=f"{cores} workers in place of {workers}",
        routes=(),
        why_not=why_not,
        change=f"uvicorn ... --workers {cores}\n# Each worker has its own memory: caches and counters are not shared.",
        inside="",
        workers=cores,
    )


def _both(moved: Remedy, more: Remedy) -> tuple[Remedy, ...]:
    if moved.why_not or more.why_not:
        return ()
    both = msgspec.structs.replace(
        moved,
        name=f"{moved.name}_{more.name}",
        title=f"{moved.title}, and {more.title}",
        change=f"{moved.change}\n\n{more.change}",
        workers=more.workers,
    )
    return (both,)


def _more_threads(check: AppCheck, users: int, workers: int) -> Remedy:
    in_threads = [route for route in check.routes if route.kind == "def" or route.sync_dependencies]
    waiting = [route for route in in_threads if _waited_in_thread_ms(route) >= THRESHOLD_MS]
    threads = min(_MOST_THREADS, 10 * math.ceil(users / 10))
    why_not = ""
    if not in_threads:
        why_not = "nothing runs in threads: no endpoint and no dependency is `def`"
    elif not waiting:
        why_not = f"nothing waits in threads for {THRESHOLD_MS:g} ms: more of them would only take turns"
    elif users <= ANYIO_THREADS:
        why_not = f"AnyIO's {ANYIO_THREADS} threads are enough for {users} users"
    return Remedy(
        name=f"threads_{threads}",
        title=f"{threads} threads in place of {ANYIO_THREADS}",
        routes=tuple(route.name for route in waiting),
        why_not=why_not,
        change="# in the app's lifespan, before its `yield`\n"
        "limiter = anyio.to_thread.current_default_thread_limiter()\n"
        f"limiter.total_tokens = {threads}",
        inside="" if why_not else _json({"threads": threads}),
        workers=workers,
    )


def _waited_in_thread_ms(route: CheckedRoute) -> float:
    if route.service_ms is None or route.thread_ms is None or route.cpu_ms is None:
        return 0.0
    return min(route.service_ms, route.thread_ms) - route.cpu_ms


def _of_package(
    package: str, title: str, change: str, installed: Collection[str], workers: int, **options: str
) -> Remedy:
    is_there = package in installed
    return Remedy(
        name=package,
        title=title,
        routes=(),
        why_not="" if is_there else f"{package} is not installed in the app's environment; pip install {package}",
        change=f"pip install {package}\n{change}",
        inside="",
        workers=workers,
        server=options.get("server", ""),
        loop=options.get("loop", ""),
        http=options.get("http", ""),
    )


def _decorator(route: CheckedRoute) -> str:
    return f'@app.{route.method.lower()}("{route.path}")'


def _place(line: BlockingLine) -> str:
    return f"{Path(line.file).name}:{line.line} `{line.function}`"


def _json(order: dict[str, Any]) -> str:
    return msgspec.json.encode(order).decode() if order else ""
