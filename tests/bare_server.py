"""A server as a reader would start it: `uvicorn targets.<name>:app`, without the harness around it."""

from __future__ import annotations

import http.client
import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from queue import Empty, Queue
from time import monotonic
from typing import Any

import psutil

from tests.serving_kit import is_running, wait_until

READY_S = 60.0
_RUNNING = re.compile(r"Uvicorn running on http://127\.0\.0\.1:(\d+)")


class BareServer:
    """A running process that says on its log which port it has."""

    def __init__(self, command: Sequence[str], root: Path, environment: Mapping[str, str]) -> None:
        self._process = subprocess.Popen(
            command,
            cwd=root,
            env={**os.environ, "PYTHONUNBUFFERED": "1", **environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._lines: Queue[str] = Queue()
        self._reader = threading.Thread(target=self._read)
        self._reader.start()
        self.log = ""
        self.port = 0
        self.seen: dict[int, psutil.Process] = {}

    def wait_ready(self) -> None:
        """Until the log names the port, and every worker has started."""
        deadline_s = monotonic() + READY_S
        while not self.port:
            try:
                self.log += self._lines.get(timeout=max(0.0, deadline_s - monotonic()))
            except Empty:
                raise AssertionError(f"not ready within {READY_S} s:\n{self.log}") from None
            found = _RUNNING.search(self.log)
            self.port = int(found[1]) if found else 0
        wait_until(lambda: self.status("/health") == 200, READY_S)
        self.look()

    def look(self) -> None:
        """Remember all processes of the server: they must be gone at the end."""
        root = psutil.Process(self._process.pid)
        self.seen |= {process.pid: process for process in [root, *root.children(recursive=True)]}

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def get(self, path: str) -> tuple[int, Any]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request("GET", path)
            response = connection.getresponse()
            body = response.read()
            is_json = response.headers.get_content_type() == "application/json"
            return response.status, json.loads(body) if is_json else body
        finally:
            connection.close()

    def status(self, path: str) -> int:
        try:
            return self.get(path)[0]
        except OSError:
            return 0

    def terminate(self, timeout_s: float = 20.0) -> None:
        """SIGTERM to the server alone, as a container runtime does; the server must end the rest."""
        self.look()
        self._process.terminate()
        self._process.wait(timeout_s)

    def kill(self) -> None:
        """SIGKILL to the server alone."""
        self.look()
        self._process.kill()
        self._process.wait(20.0)

    def left(self) -> list[str]:
        """The command lines of the processes that are still there."""
        left = []
        for process in self.seen.values():
            with suppress(psutil.NoSuchProcess):  # it ended between the two looks; a zombie counts as ended
                if is_running(process.pid):
                    left.append(" ".join(process.cmdline()))
        return left

    def full_log(self) -> str:
        """All of it; only after the end."""
        self._reader.join(20.0)
        while not self._lines.empty():
            self.log += self._lines.get()
        return self.log

    def end(self) -> None:
        """Ends all of its processes, whatever happened before."""
        if self._process.poll() is None:
            self.look()
            self._process.kill()
        for process in self.seen.values():
            if process.is_running():
                process.kill()
        self._process.wait(20.0)
        self._reader.join(20.0)

    def _read(self) -> None:
        assert self._process.stderr is not None
        with self._process.stderr as stream:
            for line in stream:
                self._lines.put(line)


@contextmanager
def bare_server(
    command: Sequence[str], root: Path, environment: Mapping[str, str], python: str = sys.executable
) -> Iterator[BareServer]:
    server = BareServer([python, "-m", *command], root, environment)
    try:
        server.wait_ready()
        yield server
    finally:
        server.end()


@contextmanager
def bare_upstream(root: Path, **environment: str) -> Iterator[BareServer]:
    with bare_server(["harness.services.upstream", "--port", "0"], root, environment) as server:
        yield server


@contextmanager
def bare_target(
    name: str, root: Path, upstream_url: str, *options: str, python: str = sys.executable
) -> Iterator[BareServer]:
    command = ["uvicorn", f"targets.{name}:app", "--port", "0", "--no-access-log", *options]
    with bare_server(command, root, {"BENCH_UPSTREAM": upstream_url}, python) as server:
        yield server
