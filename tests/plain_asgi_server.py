"""Runs `bench_inside.served:app` as an ASGI server does, in any Python from 3.9 on and without installed packages:
startup, `/health`, a request that blocks, a request to a route, shutdown. Prints the headers of `/health`.

    python -I -S plain_asgi_server.py FOLDER_OF_BENCH_INSIDE
"""

from __future__ import annotations

import asyncio
import sys


async def serve() -> None:
    from bench_inside.served import app  # type: ignore[import-not-found]  # noqa: PLC0415

    said: asyncio.Queue = asyncio.Queue()  # type: ignore[type-arg]
    asked: asyncio.Queue = asyncio.Queue()  # type: ignore[type-arg]
    lifespan = asyncio.ensure_future(app({"type": "lifespan"}, asked.get, said.put))
    await asked.put({"type": "lifespan.startup"})
    assert await said.get() == {"type": "lifespan.startup.complete"}
    for path in ("/health", "/block", "/health"):
        await app({"type": "http", "path": path}, asked.get, said.put)
        start = await said.get()
        await said.get()
        if path == "/health":
            print({name.decode(): value.decode() for name, value in start["headers"]})
        await asyncio.sleep(0.15)
    await asked.put({"type": "lifespan.shutdown"})
    await lifespan


sys.path.insert(0, sys.argv[1])
asyncio.run(serve())
