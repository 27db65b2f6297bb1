"""Starts what the targets depend on, once a run, and says when it is gone."""

from __future__ import annotations

import http.client
import secrets
import sys
from collections.abc import Sequence
from pathlib import Path
from time import monotonic, sleep
from types import TracebackType
from typing import Self

from harness.processes.ports import free_port
from harness.processes.process import Supervised, child_environment
from harness.results.records.errors import HarnessError

_READY_S = 15.0
_POLL_S = 0.02


class ServiceError(HarnessError):
    """The upstream did not start or has ended."""


class UpstreamService:
    """`harness.services.upstream` under uvicorn, on a free loopback port. Leaving the `with` block ends it."""

    def __init__(self, root: Path, log_path: Path, *, sigma: float, seed: int, cpus: Sequence[int] | None) -> None:
        self._log_path = log_path
        self._token = secrets.token_hex(16)
        self.port = free_port()
        environment = child_environment(root) | {
            "BENCH_TOKEN": self._token,
            "BENCH_UPSTREAM_SIGMA": str(sigma),
            "BENCH_UPSTREAM_SEED": str(seed),
        }
        command = [
            *(sys.executable, "-m", "uvicorn", "harness.services.upstream:app", "--host", "127.0.0.1"),
            *("--port", str(self.port), "--loop", "uvloop", "--http", "httptools", "--no-access-log"),
            *("--log-level", "warning", "--lifespan", "off", "--timeout-keep-alive", "75", "--backlog", "4096"),
        ]
        self._process = Supervised(command, cwd=root, env=environment, log_path=log_path, cpus=cpus)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def supervisor_pid(self) -> int:
        return self._process.supervisor_pid

    def wait_ready(self) -> None:
        """Raises ServiceError when it has ended, or when a stranger answers on its port."""
        deadline_s = monotonic() + _READY_S
        while not self._answers():
            self.check_alive()
            if monotonic() > deadline_s:
                raise ServiceError(
                    f"upstream: not ready within {_READY_S:g} s on port {self.port}; see {self._log_path}"
                )
            sleep(_POLL_S)

    def check_alive(self) -> None:
        if self._process.exit_code() is not None:
            raise ServiceError(f"upstream: {self._process.ended()}; see {self._log_path} and --resume the run")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.kill()

    def _answers(self) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=1.0)
        try:
            connection.request("GET", "/health")
            return connection.getresponse().headers.get("x-bench-token") == self._token
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()
