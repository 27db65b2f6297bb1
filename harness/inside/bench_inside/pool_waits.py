"""How long requests wait for a database connection: the pools of psycopg, asyncpg and SQLAlchemy, watched.

None of them tells it. psycopg's statistics are a sum of whole milliseconds, asyncpg has none, and SQLAlchemy's pool
events say when a connection was given and not when it was asked for. So the one function of each that gives connections
is timed. It is replaced in its class: pools that the app has made already are watched as well, and the app needs no
line for it. Its cost is two readings of the clock and a lock that nobody holds for longer than an addition.
"""

from __future__ import annotations

import functools
import inspect
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

# Module, class, function.
GIVERS = (
    ("psycopg_pool.pool", "ConnectionPool", "getconn"),
    ("psycopg_pool.pool_async", "AsyncConnectionPool", "getconn"),
    ("asyncpg.pool", "Pool", "_acquire"),  # what `acquire()` of a pool awaits, in each of its forms
    ("sqlalchemy.pool.base", "Pool", "connect"),
)


class PoolWaits:
    """Of all pools in this process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waits_us: list[int] = []
        self._waiting = 0
        self._watched: set[str] = set()

    def look(self) -> None:
        """Begin to watch what has been imported since the last look."""
        for module_name, class_name, name in GIVERS:
            kind = getattr(sys.modules.get(module_name), class_name, None)
            give = getattr(kind, "__dict__", {}).get(name)
            if module_name not in self._watched and callable(give):
                self._watched.add(module_name)
                setattr(kind, name, self._timed(give))

    def taken(self) -> tuple[list[int], int]:
        """The waits that have ended since the last call, also in vain, and how many requests wait right now."""
        with self._lock:
            waits_us, self._waits_us = self._waits_us, []
            return waits_us, self._waiting

    def _timed(self, give: Callable[..., Any]) -> Callable[..., Any]:
        if inspect.iscoroutinefunction(give):

            @functools.wraps(give)
            async def awaited(*args: Any, **options: Any) -> Any:
                began_s = self._begin()
                try:
                    return await give(*args, **options)
                finally:
                    self._end(began_s)

            return awaited

        @functools.wraps(give)
        def called(*args: Any, **options: Any) -> Any:
            began_s = self._begin()
            try:
                return give(*args, **options)
            finally:
                self._end(began_s)

        return called

    def _begin(self) -> float:
        with self._lock:
            self._waiting += 1
        return time.monotonic()

    def _end(self, began_s: float) -> None:
        wait_us = round((time.monotonic() - began_s) * 1e6)
        with self._lock:
            self._waiting -= 1
            self._waits_us.append(wait_us)
