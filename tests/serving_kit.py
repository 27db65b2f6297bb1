"""What the tests of the serving side share: tiny targets in a temporary root, and proofs that nothing is left."""

from __future__ import annotations

import textwrap
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import msgspec
import psutil

from harness.processes.ports import why_not
from harness.results.records.strategy import ServerOptions
from harness.results.records.variant import Variant
from harness.serving.server import Server
from harness.serving.target import Target, target_of

UVICORN = ServerOptions().server
HEALTHY = """
import asyncio, os, time
from fastapi import FastAPI

app = FastAPI()

@app.get("/health")
async def health():
    return {"status": "ok"}
"""


def wait_until(condition: Callable[[], object], timeout_s: float = 10.0) -> None:
    """Poll until the condition holds; fails after the timeout."""
    deadline_s = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline_s, "the condition did not come true in time"
        time.sleep(0.01)


def write_strategy(root: Path, name: str, body: str) -> Variant:
    folder = root / "targets"
    folder.mkdir(exist_ok=True)
    (folder / "__init__.py").touch()
    (folder / f"{name}.py").write_text(textwrap.dedent(body))
    return Variant(name=name, strategy=name, title=name, path=f"targets/{name}.py")


def write_target(root: Path, name: str, body: str) -> Target:
    return target_of(write_strategy(root, name, body), root, {"BENCH_UPSTREAM": "http://127.0.0.1:9"})


def is_running(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def token_of(pid: int) -> str:
    wait_until(psutil.Process(pid).environ)  # empty for a moment while the process is in exec
    return psutil.Process(pid).environ()["BENCH_TOKEN"]


def carriers(token: str) -> list[int]:
    """Processes that have the server's token in their environment."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.status() != psutil.STATUS_ZOMBIE and process.environ().get("BENCH_TOKEN") == token:
                found.append(process.pid)
        except psutil.Error:
            continue  # it ended meanwhile, or is another user's
    return found


class Launcher:
    """Launches servers of one root, all of one kind, and remembers which processes must be gone afterwards."""

    def __init__(self, root: Path, stack: ExitStack, server: str) -> None:
        self.root = root
        self.server = server
        self._stack = stack
        self.launched: list[tuple[Server, str]] = []

    def __call__(
        self,
        target: Target,
        *,
        workers: int = 1,
        port: int | None = None,
        wait: bool = True,
    ) -> Server:
        number = len(self.launched)
        server = self._stack.enter_context(
            Server.launch(
                msgspec.structs.replace(
                    target, workers=workers, server=msgspec.structs.replace(target.server, server=self.server)
                ),
                probe_dir=self.root / "probe",
                log_path=self.root / f"server-{number}.log",
                port=port,
            )
        )
        self.launched.append((server, token_of(server.supervisor_pid)))
        if wait:
            server.wait_ready(20.0)
        return server

    def log(self, number: int = -1) -> str:
        return (self.root / f"server-{number % len(self.launched)}.log").read_text()


@contextmanager
def launching(root: Path, *, strangers: tuple[int, ...] = (), kind: str = UVICORN) -> Iterator[Launcher]:
    """A launcher. At the end of the block no process has one of its tokens, and its ports can be bound again."""
    with ExitStack() as stack:
        launcher = Launcher(root, stack, kind)
        yield launcher
    for server, token in launcher.launched:
        assert carriers(token) == []
        assert not is_running(server.supervisor_pid)
        assert server.port in strangers or why_not(server.port) == ""
