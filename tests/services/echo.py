"""A TCP server that sends back each line, for tests: a service that does not speak HTTP.

A line "?" is answered with its token. A line "begin SEED" is written to its log, with how many lines it has echoed
since the one before.
"""

from __future__ import annotations

import os
import socket
import socketserver
import sys

from harness.services.service import Service


class Echo(Service):
    def command(self) -> list[str]:
        return [sys.executable, __file__, self.order.host, str(self.order.port)]

    def environment(self) -> dict[str, str]:
        return {"ECHO_TOKEN": self.order.token}

    @property
    def address(self) -> str:
        return f"{self.order.host}:{self.order.port}"

    def is_ready(self, timeout_s: float) -> bool:
        return self._ask("?", timeout_s) == self.order.token

    def begin(self, seed: str) -> None:
        self._ask(f"begin {seed}", 5.0)

    def _ask(self, line: str, timeout_s: float) -> str:
        with socket.create_connection((self.order.host, self.order.port), timeout=timeout_s) as connection:
            connection.sendall(f"{line}\n".encode())
            return connection.makefile().readline().strip()


class _Handler(socketserver.StreamRequestHandler):
    echoed = 0

    def handle(self) -> None:
        for line in self.rfile:
            if line == b"?\n":
                self.wfile.write(f"{os.environ['ECHO_TOKEN']}\n".encode())
            elif line.startswith(b"begin "):
                print(line.decode().strip(), _Handler.echoed, flush=True)
                _Handler.echoed = 0
                self.wfile.write(b"ok\n")
            else:
                _Handler.echoed += 1
                self.wfile.write(line)


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 128


if __name__ == "__main__":
    with _Server((sys.argv[1], int(sys.argv[2])), _Handler) as server:
        server.serve_forever()
