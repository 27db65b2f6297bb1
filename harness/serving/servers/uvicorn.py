"""https://www.uvicorn.org, 0.20 or newer."""

from __future__ import annotations

import re

from harness.serving.asgi_server import AsgiServer, LaunchOrder


class Uvicorn(AsgiServer):
    loops = ("uvloop", "asyncio")
    parsers = ("httptools", "h11")
    settings_prefix = "UVICORN_"
    # uvicorn kills a worker that is silent for this long, by default 5 s. A busy worker may need longer. It is set by a
    # variable, because a version that does not know an option of the command line refuses to start.
    settings = {"UVICORN_TIMEOUT_WORKER_HEALTHCHECK": "30"}  # noqa: RUF012 - a ClassVar in the base class
    routine = re.compile(r"(INFO|WARNING): |ERROR: +(Application (startup|shutdown) failed|Traceback|Child process)")
    port_taken = re.compile(r"\[Errno \d+\].*address already in use", re.IGNORECASE)  # asyncio's words and the OS's
    refused = re.compile(r"Error: (?=No such option|Invalid value|Option |Got unexpected|Missing )")  # click's words

    def command(self, order: LaunchOrder) -> list[str]:
        return [
            *(order.interpreter, "-m", "uvicorn", order.app),
            *("--host", order.host, "--port", str(order.port), "--workers", str(order.workers)),
            *("--loop", order.loop, "--http", order.http),
            *("--no-access-log", "--log-level", "warning"),
            *order.arguments,
        ]
