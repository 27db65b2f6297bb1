"""How many background tasks of a request take a thread: Starlette runs those that are `def` in one, after the answer.

Nothing tells it from outside. So the one function that runs a task is replaced in its class, while the app is watched.
"""

from __future__ import annotations

import functools
import sys
from typing import Any

from .seen_request import CURRENT

_COUNTS = "_counts_background_tasks"


def count_background_tasks() -> None:
    """From now on, each adds itself to its request. Call it when the app is loaded."""
    kind: Any = getattr(sys.modules.get("starlette.background"), "BackgroundTask", None)
    run: Any = getattr(kind, "__dict__", {}).get("__call__")
    if not callable(run) or hasattr(run, _COUNTS):
        return

    @functools.wraps(run)
    async def run_background_task(self: Any) -> None:
        request = CURRENT.get(None)
        if request is not None and not getattr(self, "is_async", True):
            request.background_in_threads += 1
        await run(self)

    setattr(run_background_task, _COUNTS, True)
    kind.__call__ = run_background_task
