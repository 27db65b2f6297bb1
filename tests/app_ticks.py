"""Runs apps of the corpus under uvicorn, one after the other, and prints for each a line of JSON: the statuses of its
requests and the longest time that its event loop missed, by a tick in the loop itself."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import json
import os
import socket
import sys
import time

import uvicorn

from tests.apps_kit import APPS, CorpusApp, corpus

TICK_S = 0.002
AFTER_S = 0.1  # what is still to come when the answer is there: background tasks, what follows a `yield`


class Ticks:
    def __init__(self) -> None:
        self.longest_s = 0.0

    async def run(self) -> None:
        before_s = time.perf_counter()
        while True:
            await asyncio.sleep(TICK_S)
            now_s = time.perf_counter()
            self.longest_s = max(self.longest_s, now_s - before_s - TICK_S)
            before_s = now_s

    def taken_ms(self) -> float:
        longest_s, self.longest_s = self.longest_s, 0.0
        return longest_s * 1000


async def watch(app: CorpusApp) -> dict[str, object]:
    config = uvicorn.Config(app.target, factory=app.factory, log_level="warning", lifespan="on", loop="asyncio")
    config.load()  # imports block the loop, and are not what is asked
    server = uvicorn.Server(config)
    ticks = Ticks()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        ticking = asyncio.create_task(ticks.run())
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        while not server.started:
            assert not serving.done(), app.name
            await asyncio.sleep(TICK_S)
        await asyncio.sleep(3 * TICK_S)  # the tick that came late is seen only when its turn comes
        startup_ms = ticks.taken_ms()
        await asyncio.to_thread(ask, port, "/health", {})  # the first one imports
        ticks.taken_ms()
        health = await asyncio.to_thread(ask, port, "/health", {})
        idle_ms = ticks.taken_ms()
        status, blocked_ms = 0, []
        for _ in range(3):
            status = await asyncio.to_thread(ask, port, app.path, app.headers)
            await asyncio.sleep(AFTER_S)
            blocked_ms.append(ticks.taken_ms())
        server.should_exit = True
        await serving
        ticking.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await ticking
    return {
        "name": app.name,
        "health": health,
        "status": status,
        "startup_ms": startup_ms,
        "idle_ms": idle_ms,
        "blocked_ms": sorted(blocked_ms),
    }


def ask(port: int, path: str, headers: dict[str, str]) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("GET", path, headers=headers)
    answer = connection.getresponse()
    if answer.status != http.client.SWITCHING_PROTOCOLS:
        answer.read()
    connection.close()
    return answer.status


def main() -> None:
    sys.path.insert(0, str(APPS))
    for app in corpus():
        os.environ.update(app.env)
        print(json.dumps(asyncio.run(watch(app))), flush=True)


if __name__ == "__main__":
    main()
