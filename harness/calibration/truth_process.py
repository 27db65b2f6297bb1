"""The server that `bench calibrate` tests the load generator with. It follows known laws: see `laws.py`.

One process, loopback only. `GET /begin?law=<law>&seed=<n>&cards=<n>` starts a law and a fresh record, `GET /answer` is
answered by it, `GET /end` returns the record (`laws.Seen`) and stops freezing. By hand:
`python -m harness.calibration.truth_process --port 9001`.

Why not uvicorn: errors of tenths of a millisecond are judged, so the server's own times must be much more exact.
asyncio's epoll and uvloop round timers to whole milliseconds; `select()` takes microseconds
(`selectors.SelectSelector.select` does not round its timeout), so the laws use that. Only `fast`, which waits for
nothing, uses uvloop. A request has arrived when the kernel has it, not when this process gets the CPU to read it:
delays count from that moment (`harness.driving.inside.kernel_stamps`).

Under `fast` the server never sleeps. Waking a sleeping server costs its sender time: on a virtual machine an interrupt
of another CPU that leaves the guest, 3 us of the 20 that a request costs our generator. A server under the load of a
fast generator does not sleep either.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import selectors
import socket
import time
from collections.abc import Iterator
from time import monotonic
from typing import Protocol, cast
from urllib.parse import parse_qsl

import msgspec

from harness.calibration.laws import (
    CYCLE_S,
    DROP_ONE_IN,
    FIXED_MS,
    FREEZE_S,
    QUICK_MS,
    RIGHT,
    WRONG,
    WRONG_ONE_IN,
    Law,
    Seen,
    dealt_ms,
)
from harness.driving.inside import kernel_stamps

_END = b"\r\n\r\n"
_TICK_S = 0.1
_FIRST_FREEZE_S = 1.0
_BACKLOG = 4096
_RECEIVE_BYTES = 64 << 10


def _response(body: bytes) -> bytes:
    return b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)


_RIGHT = _response(RIGHT)
_WRONG = _response(WRONG)
_BROKEN_OFF = _RIGHT[: -len(RIGHT) // 2]
_SMALLEST = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
_HEALTHY = _response(b'{"status":"ok"}')
_NOT_FOUND = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"


class Peer(Protocol):
    """The other end of a connection."""

    def write(self, data: bytes, /) -> None: ...

    def close(self) -> None: ...


class LawInForce:
    """The current law, and the record of what was really done."""

    def __init__(self, law: Law, seed: int, cards: int, loop: asyncio.AbstractEventLoop) -> None:
        self.law = law
        self._loop = loop
        self._asked = 0
        self._answered = 0
        self._dropped = 0
        self._wrong = 0
        self._delays_us: list[int] = []
        self._freezes_s: list[tuple[float, float]] = []
        self._ticks: list[tuple[float, int]] = []
        self._dealt: Iterator[float] = dealt_ms(seed, cards)
        self._awake: asyncio.Handle | None = None
        self._timer = loop.call_soon(self._tick)
        self._freezer = loop.call_later(_FIRST_FREEZE_S, self._freeze) if law is Law.FREEZE else None

    def answer(self, peer: Peer, came_s: float) -> None:
        match self.law:
            case Law.FAST:
                self._answered += 1
                peer.write(_SMALLEST)
            case Law.FIXED:
                self._loop.call_at(came_s + FIXED_MS / 1e3, self._reply, peer, came_s, _RIGHT)
            case Law.QUICK:
                self._loop.call_at(came_s + QUICK_MS / 1e3, self._reply, peer, came_s, _RIGHT)
            case Law.LOGNORMAL:
                self._loop.call_at(came_s + next(self._dealt) / 1e3, self._reply, peer, came_s, _RIGHT)
            case Law.FREEZE:
                self._reply(peer, came_s, _RIGHT)
            case Law.DROP:
                self._asked += 1
                if self._asked % DROP_ONE_IN == 0:
                    self._dropped += 1
                    if self._dropped % 2:
                        peer.write(_BROKEN_OFF)
                    peer.close()
                else:
                    self._reply(peer, came_s, _RIGHT)
            case Law.WRONG:
                self._asked += 1
                is_wrong = self._asked % WRONG_ONE_IN == 0
                self._wrong += is_wrong
                self._reply(peer, came_s, _WRONG if is_wrong else _RIGHT)

    def stay_awake(self) -> None:
        """The loop never sleeps until the law ends."""
        self._awake = self._loop.call_soon(self.stay_awake)

    def end(self) -> Seen:
        """What was done; the law's own timers stop."""
        self._timer.cancel()
        if self._awake is not None:
            self._awake.cancel()
        if self._freezer is not None:
            self._freezer.cancel()
        return Seen(
            law=self.law,
            answered=self._answered,
            dropped=self._dropped,
            wrong=self._wrong,
            delays_us=self._delays_us,
            freezes_s=self._freezes_s,
            ticks=self._ticks,
        )

    def _reply(self, peer: Peer, came_s: float, response: bytes) -> None:
        peer.write(response)
        self._answered += 1
        self._delays_us.append(int((monotonic() - came_s) * 1e6 + 0.5))

    def _tick(self) -> None:
        self._ticks.append((monotonic(), self._answered))
        self._timer = self._loop.call_later(_TICK_S, self._tick)

    def _freeze(self) -> None:
        began_s = monotonic()
        self._freezer = self._loop.call_at(self._loop.time() + CYCLE_S, self._freeze)
        time.sleep(FREEZE_S)  # everything stands still: reading, accepting, answering
        self._freezes_s.append((began_s, monotonic()))


class Control:
    """Sets the current law, for all connections."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self.rule = LawInForce(Law.FAST, 1, 1, loop)

    def handle(self, path: bytes) -> bytes:
        if path == b"/health":
            return _HEALTHY
        if path.startswith(b"/begin?"):
            query = dict(parse_qsl(path.partition(b"?")[2].decode("ascii")))
            self.rule.end()
            self.rule = LawInForce(Law(query["law"]), int(query["seed"]), int(query["cards"]), self._loop)
            if self.rule.law is Law.FAST:
                self.rule.stay_awake()
            return _HEALTHY
        if path == b"/end":
            return _response(msgspec.json.encode(self.rule.end()))
        return _NOT_FOUND


class Conversation:
    """One connection: requests without bodies, each ending with an empty line."""

    def __init__(self, control: Control, peer: Peer) -> None:
        self._control = control
        self._peer = peer
        self._rest = b""

    def take(self, data: bytes, came_s: float) -> None:
        *requests, self._rest = (self._rest + data).split(_END)
        for request in requests:
            path = request.split(b" ", 2)[1]
            if path == b"/answer":
                self._control.rule.answer(self._peer, came_s)
            else:
                self._peer.write(self._control.handle(path))


class QuickConnection(asyncio.Protocol):
    """A connection on uvloop, without kernel stamps: a request counts from when it is read."""

    def __init__(self, control: Control) -> None:
        self._control = control

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._conversation = Conversation(self._control, cast(Peer, transport))  # uvloop's transport has both methods

    def data_received(self, data: bytes) -> None:
        self._conversation.take(data, monotonic())


class StampedConnection:
    """A plain socket on the loop. A request counts from when the kernel has it."""

    def __init__(self, control: Control, connection: socket.socket, loop: asyncio.AbstractEventLoop) -> None:
        self._connection = connection
        self._loop = loop
        self._conversation = Conversation(control, self)
        connection.setblocking(False)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        kernel_stamps.switch(connection, on=True)
        loop.add_reader(connection, self._on_readable)

    def write(self, data: bytes, /) -> None:
        try:
            sent_bytes = self._connection.send(data)
        except OSError:  # the other end has gone, or does not read
            sent_bytes = 0
        if sent_bytes < len(data):
            self.close()

    def close(self) -> None:
        if self._connection.fileno() >= 0:
            self._loop.remove_reader(self._connection)
            self._connection.close()

    def _on_readable(self) -> None:
        try:
            data, ancillary, _, _ = self._connection.recvmsg(_RECEIVE_BYTES, kernel_stamps.SPACE_BYTES)
        except BlockingIOError:
            return
        except OSError:  # reset
            data, ancillary = b"", []
        if data:
            age_s = kernel_stamps.age_s(ancillary)
            self._conversation.take(data, monotonic() - age_s)
        else:
            self.close()


async def serve_stamped(listener: socket.socket, control: Control) -> None:
    loop = asyncio.get_running_loop()
    while True:
        connection, _ = await loop.sock_accept(listener)
        StampedConnection(control, connection, loop)


async def serve(port: int, *, quick: bool) -> None:
    """Serves until the process is ended. `quick`: on uvloop, without kernel stamps."""
    loop = asyncio.get_running_loop()
    control = Control(loop)
    with socket.create_server(("127.0.0.1", port), backlog=_BACKLOG) as listener:
        listener.setblocking(False)
        # No garbage collection: it would be a delay that does not belong to the law.
        gc.collect()
        gc.freeze()
        gc.disable()
        if quick:
            server = await loop.create_server(lambda: QuickConnection(control), sock=listener, backlog=_BACKLOG)
            await server.serve_forever()
        else:
            await serve_stamped(listener, control)


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m harness.calibration.truth_process", description="A server with known answer times."
    )
    parser.add_argument("--port", type=int, default=9001, help="on 127.0.0.1 (default 9001)")
    parser.add_argument("--loop", choices=("select", "uvloop"), default="select", help="uvloop for the law `fast`")
    arguments = parser.parse_args()
    if arguments.loop == "uvloop":
        import uvloop  # noqa: PLC0415 - only for `fast`

        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(serve(arguments.port, quick=True))
    else:
        with asyncio.Runner(loop_factory=lambda: asyncio.SelectorEventLoop(selectors.SelectSelector())) as runner:
            runner.run(serve(arguments.port, quick=False))


if __name__ == "__main__":
    main()
