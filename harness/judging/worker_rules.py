"""What the processes of a server say about it: rules of `validity`. Pure."""

from __future__ import annotations

from harness.judging.context import Context, invalid
from harness.results.records.finding import Finding
from harness.results.records.text import count


def worker_restarted(context: Context) -> Finding | None:
    """More workers of one server answered than there are: one died, or its server killed it for being silent.

    Over the whole boot: the one that died may have answered in its first slice only, and its successor only later.
    """
    if context.workers_seen <= context.variant.workers:
        return None
    return invalid(
        "worker_restarted",
        f"{context.workers_seen} processes had answered by the end of the slice, and the server has "
        f"{count(context.variant.workers, 'worker')}",
        "read server.log; some servers kill a worker that is blocked for long",
    )


def gil_is_back(context: Context) -> Finding | None:
    """What was measured on a Python without the GIL must not have run with it: its name would claim something else.

    Over the whole boot, too: once back, the GIL stays. The pre-flight check sees most of it, but a module may be
    imported by a later request.
    """
    if not context.gil_came_back:
        return None
    return invalid(
        "gil_is_back",
        f"Python {context.variant.python or 'without the GIL'} ran with the GIL by the end of the slice: an extension "
        "module that does not say that it can do without it was imported",
        "server.log names the module; use a version of it that is made for builds without the GIL",
    )
