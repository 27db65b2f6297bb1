"""https://github.com/emmett-framework/granian, 2.0 or newer: HTTP in Rust, so there is no choice of parsers."""

from __future__ import annotations

import re

from harness.serving.asgi_server import AsgiServer, LaunchOrder


class Granian(AsgiServer):
    loops = ("uvloop", "asyncio", "rloop")
    packages = {"rloop": "rloop"}  # noqa: RUF012 - a ClassVar in the base class
    settings_prefix = "GRANIAN_"
    # The last two come after the reason: when one worker has ended, granian stops all of them.
    routine = re.compile(r"\[(INFO|WARNING)\] |\[ERROR\] (Unexpected exit from worker|ASGI lifespan)|Stack backtrace:")
    port_taken = re.compile(r"Address already in use \(os error \d+\)")

    def command(self, order: LaunchOrder) -> list[str]:
        return [
            *(order.interpreter, "-m", "granian", "--interface", "asgi", order.app),
            *("--host", order.host, "--port", str(order.port), "--workers", str(order.workers)),
            *("--loop", order.loop),
            *("--no-access-log", "--log-level", "warning"),
        ]
