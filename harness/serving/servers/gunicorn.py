"""https://gunicorn.org/asgi, 25.1 or newer, with its own ASGI worker. With uvicorn's worker class it would be uvicorn
under another process manager."""

from __future__ import annotations

import re

from harness.serving.asgi_server import AsgiServer, LaunchOrder


class Gunicorn(AsgiServer):
    loops = ("uvloop", "asyncio")
    parsers = ("python", "fast")
    packages = {"fast": "gunicorn_h1c"}  # noqa: RUF012 - a ClassVar in the base class
    settings_prefix = "GUNICORN_"
    # Its lines about workers come after the reason.
    routine = re.compile(
        r"\[[-\d: +]+\] \[\d+\] \[(INFO|WARNING|(ERROR|CRITICAL)\] (Worker |Reason: |Shutting down|Exception in ))"
    )
    port_taken = re.compile(r"\[ERROR\] Connection in use: ")
    replaces_workers = True

    def command(self, order: LaunchOrder) -> list[str]:
        return [
            # A module without settings: else it would read a gunicorn.conf.py in the target's folder.
            *(order.interpreter, "-m", "gunicorn", "--config", "python:bench_inside", order.app),
            *("--bind", f"{order.host}:{order.port}", "--workers", str(order.workers)),
            *("--worker-class", "asgi", "--asgi-loop", order.loop, "--http-parser", order.http),
            *("--keep-alive", "5"),  # as uvicorn and hypercorn; its own are 2 s, and an idle user would be disconnected
            # All gunicorns of a user would have the same socket.
            *("--no-control-socket", "--log-level", "warning"),
        ]
