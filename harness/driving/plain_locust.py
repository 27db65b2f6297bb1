"""Runs somebody's own locustfile under Locust as it comes, against one server, and reads what was recorded."""

from __future__ import annotations

import ast
import contextlib
import sys
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from time import monotonic
from types import TracebackType
from typing import Self

import msgspec

from harness.processes.process import Supervised, child_environment
from harness.results.records.errors import HarnessError, UsageError
from harness.results.records.locust_lines import (
    ORDER_VARIABLE,
    LocustEnded,
    LocustLine,
    LocustRecord,
    NamedRequests,
    NotStarted,
    RecordOrder,
    SecondOfRequests,
    UsersStarted,
)
from harness.results.records.text import printable

_ROOT = Path(__file__).parents[2]
_PLUGIN = Path(__file__).parent / "inside" / "recorded.py"
_POLL_S = 0.1
_START_S = 60.0
_MOST_DRAIN_S = 10  # for tasks that are not over when the time is; Locust reads whole seconds
_OVERTIME_S = 20.0
_TAIL_BYTES = 65536
_LINE_CHARS = 300


class LocustfileError(HarnessError):
    """A locustfile that did not load, start, or run to its end."""


class PlainLocust:
    """One Locust with one locustfile. Made by `launch`; leaving it ends every process of it.

    `shown` is how messages call the file.
    """

    def __init__(self, process: Supervised, order: RecordOrder, shown: str, log_path: Path, drain_s: int) -> None:
        self._process = process
        self._drain_s = drain_s
        self._order = order
        self._shown = shown
        self._log_path = log_path

    @classmethod
    def launch(
        cls,
        locustfile: Path,
        *,
        scratch: Path,
        host: str,
        port: int,
        users: int,
        warm_up_s: float,
        run_time_s: float,
        cpus: Sequence[int] | None,
    ) -> Self:
        """Returns at once. Its lines and its log go to the folder `scratch`. The current folder is ours, as it is for
        who types `locust`."""
        file = locustfile.resolve()
        order = RecordOrder(
            locustfile=str(file),
            host=host,
            port=port,
            lines_path=str(scratch.resolve() / "locust.jsonl"),
            warm_up_s=warm_up_s,
            run_time_s=run_time_s,
        )
        drain_s = max(1, min(_MOST_DRAIN_S, round(run_time_s)))
        command = [
            # -P: as the `locust` command does it, the current folder is not searched before Locust itself is loaded.
            *(sys.executable, "-P", "-m", "locust", "--headless", "--only-summary", "-f", f"{_PLUGIN},{file}"),
            *("-u", str(users), "-r", str(users), "-s", str(drain_s)),
        ]
        env = child_environment(_ROOT) | {ORDER_VARIABLE: msgspec.json.encode(order).decode()}
        log_path = scratch / "locust.log"
        process = Supervised(command, cwd=Path.cwd(), env=env, log_path=log_path, cpus=cpus)
        return cls(process, order, str(locustfile), log_path, drain_s)

    @property
    def supervisor_pid(self) -> int:
        return self._process.supervisor_pid

    def wait(self, is_server_gone: Callable[[], bool]) -> LocustRecord | None:
        """What was recorded, when Locust has ended; None when the server went before. Raises LocustfileError."""
        began_s = monotonic()
        limit_s = self._order.warm_up_s + self._order.run_time_s + self._drain_s + _OVERTIME_S
        started_s: float | None = None
        while self._process.wait_exit(_POLL_S) is None:
            if is_server_gone():
                return None
            if started_s is None and self._has_lines():
                started_s = monotonic()
            if started_s is None and monotonic() - began_s > _START_S:
                raise LocustfileError(
                    f"{self._shown}: had started no users after {_START_S:g} s; "
                    "look at what it does when it is imported and in its test_start listeners"
                )
            if started_s is not None and monotonic() - started_s > limit_s:
                raise LocustfileError(
                    f"{self._shown}: did not end {self._drain_s + _OVERTIME_S:g} s after its time; "
                    "look for a task that computes or waits without gevent and never hands on"
                )
        return self._read()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.kill()

    def _has_lines(self) -> bool:
        path = Path(self._order.lines_path)
        return path.exists() and path.stat().st_size > 0

    def _read(self) -> LocustRecord:
        self._process.kill()  # so that its log is whole
        lines = _lines(Path(self._order.lines_path))
        for line in lines:
            if isinstance(line, NotStarted):
                reason = f": {printable(line.reason)}" if line.reason else f"; {self._last_words()}"
                raise LocustfileError(f"{self._shown}: did not start{reason}")
        started = [line for line in lines if isinstance(line, UsersStarted)]
        ended = [line for line in lines if isinstance(line, LocustEnded)]
        if not (started and ended):
            raise LocustfileError(
                f"{self._shown}: Locust ended before its time: {self._process.ended()}; {self._last_words()}"
            )
        return LocustRecord(
            started=started[0],
            requests=tuple(line for line in lines if isinstance(line, NamedRequests)),
            seconds=tuple(line for line in lines if isinstance(line, SecondOfRequests)),
            ended=ended[0],
        )

    def _last_words(self) -> str:
        with self._log_path.open("rb") as log:
            log.seek(max(0, log.seek(0, 2) - _TAIL_BYTES))
            lines = [line for line in log.read().decode(errors="replace").splitlines() if line.strip()]
        said = printable(lines[-1])[:_LINE_CHARS] if lines else ""
        return f"Locust's output says: {said}" if said else "Locust's output says nothing"


def check_locustfile(path: Path) -> None:
    """Raises UsageError for what Locust could not even import. Nothing of it is run."""
    if path.suffix != ".py" or not path.is_file():
        raise UsageError(
            f"--locustfile {path}: is no .py file; name the one with your HttpUser or FastHttpUser classes"
        )
    if "," in str(path.resolve()):
        raise UsageError(f"--locustfile {path}: Locust takes the comma in its path for a second file; rename it")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # such as for "\d" in a string
            ast.parse(path.read_bytes(), filename=str(path))
    except OSError as error:
        raise UsageError(f"--locustfile {path}: cannot be read ({error.strerror}); make it readable") from error
    except SyntaxError as error:
        line = f":{error.lineno}" if error.lineno else ""
        raise UsageError(f"--locustfile {path}{line}: is not Python ({error.msg}); correct it") from error
    except (ValueError, RecursionError, MemoryError) as error:  # NUL bytes; nested too deeply
        raise UsageError(f"--locustfile {path}: cannot be parsed ({error}); correct it") from error


def _lines(path: Path) -> list[LocustLine]:
    """Without one that was cut off."""
    content = path.read_bytes() if path.exists() else b""
    decoder: msgspec.json.Decoder[LocustLine] = msgspec.json.Decoder(LocustLine)
    lines = []
    for line in content.split(b"\n"):
        with contextlib.suppress(msgspec.MsgspecError):
            lines.append(decoder.decode(line))
    return lines
