"""Which remedies apply to somebody's own app, by what its routes did one request at a time. Pure.

What a remedy gains is measured. Here it is only said whether it can gain anything, and what is to be changed for it.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from typing import Any

import msgspec

from harness.analysis.app_check import AppCheck, CheckedRoute
from harness.analysis.blocking_lines import THRESHOLD_MS
from harness.analysis.in_thread_remedy import in_thread_remedy, lets_wait
from harness.analysis.written_function import written_as
from harness.results.records.remedy import Remedy
from harness.results.records.text import count

_MOST_THREADS = 1000
# A request that does nothing uses half of this, and on a slow machine most of it, in FastAPI itself.
_TRIVIAL_CPU_MS = 2.0


def remedies(
    check: AppCheck,
    *,
    cores: int,
    users: int,
    installed: Collection[str],
    sources: Mapping[str, str],
    workers: int = 1,
) -> tuple[Remedy, ...]:
    """All of them, also those that do not apply. `cores` are what the app may use, `users` the most that ask at once.
    `installed` are the packages in its own environment, `sources` its files, and `workers` how many it runs."""
    moved = in_thread_remedy(check, sources, workers)
    more = _more_workers(cores, workers)
    threads = _more_threads(check, users, workers)
    return (
        moved,
        _on_loop(check, sources, workers),
        more,
        *_both(moved, more),
        threads,
        *_with_threads(check, moved, users, workers),
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


def _on_loop(check: AppCheck, sources: Mapping[str, str], workers: int) -> Remedy:
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
            "\n".join(
                [
                    f"# {route.name}: it only computes, and that in no time; it must stay like this",
                    *written_as("async def", route.endpoint, route.endpoint_place, sources),
                ]
            )
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
        why_not = f"it runs {count(workers, 'worker')} already, on {cores} cores"
    return Remedy(
        name=f"workers_{cores}",
        title="a worker for each core" if why_not else f"{cores} workers in place of {workers}",
        routes=(),
        why_not=why_not,
        change=f"uvicorn ... --workers {cores}\n# Each worker has its own memory: caches and counters are not shared.",
        inside="",
        workers=cores,
    )


def _both(moved: Remedy, more: Remedy) -> tuple[Remedy, ...]:
    """`moved` with what `more` has on top of it."""
    if moved.why_not or more.why_not:
        return ()
    both = msgspec.structs.replace(
        moved,
        name=f"{moved.name}_{more.name}",
        title=f"{moved.title}, and {more.title}",
        change=f"{moved.change}\n\n{more.change}",
        inside=_json({**_read(moved.inside), **_read(more.inside)}),
        workers=more.workers,
        titles={route: f"{title}, and {more.title}" for route, title in moved.titles.items()},
        not_for={},
    )
    return (both,)


def _more_threads(check: AppCheck, users: int, workers: int) -> Remedy:
    in_threads = [route for route in check.routes if route.kind == "def" or route.sync_dependencies]
    waiting = [route for route in in_threads if _waited_in_thread_ms(route) >= THRESHOLD_MS]
    why_not = ""
    if not in_threads:
        why_not = "nothing runs in threads: no endpoint and no dependency is `def`"
    elif not waiting:
        why_not = f"nothing waits in threads for {THRESHOLD_MS:g} ms: more of them would only take turns"
    else:
        why_not = _enough_threads(check, users, workers)
    return _threads(check, users, workers, tuple(route.name for route in waiting), why_not)


def _with_threads(check: AppCheck, moved: Remedy, users: int, workers: int) -> tuple[Remedy, ...]:
    """What is moved and waits has a thread for each user then."""
    if not lets_wait(check, moved) or _enough_threads(check, users, workers):
        return ()
    return _both(moved, _threads(check, users, workers, moved.routes, ""))


def _enough_threads(check: AppCheck, users: int, workers: int) -> str:
    """Why more would do nothing, in words; empty where there are fewer than users."""
    if check.threads is None:
        return "AnyIO has no limit in this app"
    if check.threads >= _MOST_THREADS:
        return f"AnyIO has {check.threads:,} threads in this app already"
    if users > check.threads * workers:
        return ""
    each = f"{check.threads} threads" if workers == 1 else f"{check.threads} threads of each worker"
    return f"AnyIO's {each} are enough for {count(users, 'user')}"


def _threads(check: AppCheck, users: int, workers: int, routes: tuple[str, ...], why_not: str) -> Remedy:
    wanted = min(_MOST_THREADS, 10 * math.ceil(users / workers / 10))
    return Remedy(
        name=f"threads_{wanted}",
        title="more of AnyIO's threads" if why_not else f"{wanted} threads in place of {check.threads}",
        routes=routes,
        why_not=why_not,
        change="# in the app's lifespan, before its `yield`\n"
        "limiter = anyio.to_thread.current_default_thread_limiter()\n"
        f"limiter.total_tokens = {wanted}",
        inside="" if why_not else _json({"threads": wanted}),
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
        change=change if is_there else f"pip install {package}\n{change}",
        inside="",
        workers=workers,
        server=options.get("server", ""),
        loop=options.get("loop", ""),
        http=options.get("http", ""),
    )


def _read(order: str) -> dict[str, Any]:
    return msgspec.json.decode(order, type=dict[str, Any]) if order else {}


def _json(order: dict[str, Any]) -> str:
    return msgspec.json.encode(order).decode() if order else ""
