"""https://hypercorn.readthedocs.io, 0.18 or newer: HTTP/1 with h11."""

from __future__ import annotations

import re

from harness.serving.asgi_server import AsgiServer, LaunchOrder


class Hypercorn(AsgiServer):
    loops = ("uvloop", "asyncio")
    parsers = ("h11",)
    settings_prefix = "HYPERCORN_"
    routine = re.compile(r"\[[-\d: +]+\] \[\d+\] \[(INFO|WARNING)\] |.*LifespanFailureError: ")
    port_taken = re.compile(r"OSError: \[Errno \d+\] .*address already in use", re.IGNORECASE)

    def command(self, order: LaunchOrder) -> list[str]:
        # 0: in this process. Its workers are "daemonic" processes, which multiprocessing lets have no children, and a
        # strategy with a process pool needs some. With several workers such a strategy cannot run under it.
        workers = order.workers if order.workers > 1 else 0
        return [
            *(order.interpreter, "-m", "hypercorn", order.app),
            *("--bind", f"{order.host}:{order.port}", "--workers", str(workers)),
            *("--worker-class", order.loop),
            *("--log-level", "warning", "--error-logfile", "-"),
        ]
