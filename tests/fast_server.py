"""A server faster than any client we measure against it: one constant answer for each request head it sees.

    python tests/fast_server.py        # prints its port; ends when its standard input closes

It does not parse; a head that arrives in two pieces is answered once, when its end comes. It never sleeps, for the
reason in `harness.calibration.truth_process`.
"""

import asyncio
import sys
from typing import Any

import uvloop

_RESPONSE = b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 15\r\n\r\n{"right": true}'
_END_OF_HEAD = b"\r\n\r\n"


class _Answer(asyncio.Protocol):
    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        self._rest = b""

    def data_received(self, data: bytes) -> None:
        if self._rest:
            data = self._rest + data
        *heads, self._rest = data.split(_END_OF_HEAD)
        self._transport.write(_RESPONSE * len(heads))


async def _serve() -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(_Answer, "127.0.0.1", 0, backlog=1024)
    print(server.sockets[0].getsockname()[1], flush=True)
    over = asyncio.Event()

    def stay_awake() -> None:
        loop.call_soon(stay_awake)

    stay_awake()
    loop.add_reader(sys.stdin.fileno(), over.set)
    await over.wait()


if __name__ == "__main__":
    uvloop.run(_serve())
