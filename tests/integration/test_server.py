"""Real ASGI servers, tiny targets: what comes up, what does not and why, what is left.

What is the server's own part in it is asked of every server that there is a file of.
"""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import msgspec
import pytest

from harness.processes.ports import free_port, why_not
from harness.results.records.probe_line import ProbeLine
from harness.results.records.strategy import ServerOptions
from harness.results.store import read_lines
from harness.serving import server as server_module
from harness.serving.asgi_server import asgi_server, known_servers
from harness.serving.health import Health, ask_health
from harness.serving.server import PortError, ServeError, Server
from harness.serving.target import target_of
from tests.serving_kit import (
    HEALTHY,
    Launcher,
    carriers,
    is_running,
    launching,
    token_of,
    wait_until,
    write_strategy,
    write_target,
)

LINUX_ONLY = pytest.mark.skipif(sys.platform != "linux", reason="a daemon escapes without a subreaper")


@pytest.fixture
def launch(tmp_path: Path) -> Iterator[Launcher]:
    """For what does not depend on the kind of server."""
    with launching(tmp_path) as launcher:
        yield launcher


REPLACING = [name for name in known_servers() if asgi_server(name).replaces_workers]
ENDING = [name for name in known_servers() if name not in REPLACING]


@pytest.fixture(params=known_servers())
def launch_each(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Launcher]:
    with launching(tmp_path, kind=request.param) as launcher:
        yield launcher


@pytest.fixture(params=ENDING)
def launch_ending(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Launcher]:
    """Servers that end with their only worker."""
    with launching(tmp_path, kind=request.param) as launcher:
        yield launcher


@pytest.fixture(params=REPLACING)
def launch_replacing(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Launcher]:
    """Servers that start another worker instead."""
    with launching(tmp_path, kind=request.param) as launcher:
        yield launcher


def get(server: Server, path: str, timeout_s: float = 20.0) -> bytes:
    connection = http.client.HTTPConnection(server.host, server.port, timeout=timeout_s)
    try:
        connection.request("GET", path)
        return connection.getresponse().read()
    finally:
        connection.close()


@contextmanager
def busy(server: Server, path: str, times: int = 1) -> Iterator[None]:
    """`times` requests under way, and answered when it is left."""
    with ThreadPoolExecutor(times) as pool:
        asked = [pool.submit(get, server, path) for _ in range(times)]
        yield
        for answer in asked:
            answer.result()


def probe_lines(root: Path) -> list[ProbeLine]:
    return [line for path in (root / "probe").glob("*.jsonl") for line in read_lines(path, ProbeLine)]


# ------------------------------------------------------------------------------------------------ what comes up


@pytest.mark.parametrize("loop", ["uvloop", "asyncio"])
def test_serves_a_target_of_another_root(launch_each: Launcher, monkeypatch: pytest.MonkeyPatch, loop: str) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("BENCH_THREADS", "999")
    body = (
        HEALTHY
        + """
@app.get("/env")
async def env():
    loop = type(asyncio.get_running_loop()).__module__
    return {"loop": loop, **{name: value for name, value in os.environ.items() if name.startswith("BENCH_")}}
"""
    )
    variant = msgspec.structs.replace(
        write_strategy(launch_each.root, "mine", body),
        server=ServerOptions(loop=loop),
        params={"size": 8, "mode": "fast"},
    )
    server = launch_each(target_of(variant, launch_each.root, {"BENCH_UPSTREAM": "http://127.0.0.1:9"}))
    env = json.loads(get(server, "/env"))
    assert env["loop"].startswith(loop)
    assert (env["BENCH_SIZE"], env["BENCH_MODE"]) == ("8", "fast")
    assert env["BENCH_UPSTREAM"] == "http://127.0.0.1:9"
    assert "BENCH_THREADS" not in env
    assert len(server.pids()) == 1
    assert server.exit_code() is None
    assert server.stop(5.0) == "stopped"


def test_waits_for_every_worker(launch_each: Launcher) -> None:
    server = launch_each(write_target(launch_each.root, "mine", HEALTHY), workers=3)
    assert len(server.pids()) == 3
    assert server.main_pid not in server.pids()
    assert all(map(is_running, server.pids()))
    assert server.is_idle(2.0)
    assert server.stop(5.0) == "stopped"
    assert not any(map(is_running, server.pids()))


def test_a_second_server_of_the_trial_is_not_taken_for_the_first(launch_each: Launcher) -> None:
    """They share the probes' folder."""
    strategy = write_target(launch_each.root, "mine", HEALTHY)
    first = launch_each(strategy, workers=2)
    pids = first.pids()
    first.kill()
    second = launch_each(strategy, workers=2)
    assert len(second.pids()) == 2
    assert not set(pids) & set(second.pids())


SLOW = (
    HEALTHY
    + """
@app.get("/slow")
async def slow():
    await asyncio.sleep(1.5)
    return {}

@app.get("/block")
async def block():
    time.sleep(0.1)
    return {}

@app.get("/stall")
async def stall():
    time.sleep(1.5)
    return {}

@app.get("/sync")
def sync():
    time.sleep(1.0)
    return {}
"""
)


def test_a_folder_that_is_no_package_does_not_measure_this_checkouts_targets_instead(launch: Launcher) -> None:
    strategy = write_target(launch.root, "sync_def", HEALTHY)
    (launch.root / "targets" / "__init__.py").unlink()
    server = launch(strategy, wait=False)
    with pytest.raises(ServeError, match=r"ImportError: `targets` is .*; add an empty .*/targets/__init__.py"):
        server.wait_ready(20.0)


def test_is_idle_only_with_nothing_in_flight(launch_each: Launcher) -> None:
    """Whichever of two workers answers `/health`: the other one has the request, or it has not."""
    server = launch_each(write_target(launch_each.root, "mine", SLOW), workers=2)
    assert server.is_idle(2.0)
    with busy(server, "/slow"):
        wait_until(lambda: any(line.in_flight for line in probe_lines(launch_each.root)))
        assert not server.is_idle(0.3)
        assert not server.is_idle(0.3)
    assert server.is_idle(2.0)


@pytest.mark.parametrize("workers", [1, 2])
def test_a_worker_that_cannot_answer_is_not_idle(launch_each: Launcher, workers: int) -> None:
    server = launch_each(write_target(launch_each.root, "mine", SLOW), workers=workers)
    with busy(server, "/stall"):
        wait_until(lambda: not server.is_idle(0.2), 1.0)
    assert server.is_idle(2.0)


def test_a_worker_that_is_stopped_is_not_idle(launch_each: Launcher) -> None:
    """Nothing in flight by its last line; but that line is old."""
    server = launch_each(write_target(launch_each.root, "mine", HEALTHY), workers=2)
    assert server.is_idle(2.0)
    os.kill(server.pids()[0], signal.SIGSTOP)
    assert not server.is_idle(0.5)
    os.kill(server.pids()[0], signal.SIGCONT)
    assert server.is_idle(5.0)


def test_health_is_signed_and_says_what_is_in_flight(launch_each: Launcher) -> None:
    server = launch_each(write_target(launch_each.root, "mine", SLOW))
    token = token_of(server.main_pid)
    assert ask_health(server.host, server.port, 5.0) == Health(200, token, 0)
    with busy(server, "/slow", times=3):
        wait_until(lambda: ask_health(server.host, server.port, 5.0) == Health(200, token, 3))


def test_the_probe_sees_a_blocked_loop(launch: Launcher) -> None:
    server = launch(write_target(launch.root, "mine", SLOW))
    assert get(server, "/block") == b"{}"
    wait_until(lambda: any(lag > 75_000 for line in probe_lines(launch.root) for lag in line.lags_us))


def test_the_probe_sees_requests_wait_for_a_thread(launch_each: Launcher) -> None:
    server = launch_each(write_target(launch_each.root, "mine", SLOW))
    with busy(server, "/sync", times=60):
        wait_until(lambda: any(line.limiter_waiting > 0 for line in probe_lines(launch_each.root)))
    assert max(line.limiter_borrowed for line in probe_lines(launch_each.root)) == 40
    wait_until(lambda: probe_lines(launch_each.root)[-1].requests == 60)
    assert server.stop(5.0) == "stopped"
    assert probe_lines(launch_each.root)[-1].in_flight == 0


def test_requests_are_counted_per_worker(launch_each: Launcher) -> None:
    server = launch_each(write_target(launch_each.root, "mine", SLOW), workers=2)
    for _ in range(5):
        get(server, "/block")
    assert server.stop(5.0) == "stopped"
    last = [read_lines(path, ProbeLine)[-1] for path in (launch_each.root / "probe").glob("*.jsonl")]
    assert len(last) == 2
    assert sum(line.requests for line in last) == 5


# ------------------------------------------------------------------------------------------- what does not come up

LIFESPAN = """
import asyncio
from contextlib import asynccontextmanager
from fastapi import FastAPI

@asynccontextmanager
async def lifespan(app):
    {startup}
    yield
    {shutdown}

app = FastAPI(lifespan=lifespan)

@app.get("/health")
async def health():
    return {{}}
"""


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (
            "import os\nimport nowhere_to_be_found",
            "says: targets/bad.py:2: ModuleNotFoundError: No module named 'nowhere_to_be_found'",
        ),
        ("def f(:\n    pass", "says: targets/bad.py:1: SyntaxError: invalid syntax"),
        ("import sys\nsys.exit('no licence')", "says: targets/bad.py:2: SystemExit: no licence"),
        (
            "application = 1",
            "says: targets/bad.py: AttributeError: module 'targets.bad' has no attribute 'app'",
        ),
        (
            LIFESPAN.format(startup="raise RuntimeError('no database')", shutdown=""),
            "says: targets/bad.py:8: RuntimeError: no database",
        ),
    ],
)
def test_an_end_before_it_is_ready_is_one_line_at_once(launch_each: Launcher, body: str, reason: str) -> None:
    server = launch_each(write_target(launch_each.root, "bad", body), wait=False)
    with pytest.raises(ServeError) as raised:
        server.wait_ready(60.0)
    assert re.fullmatch(
        rf"bad: did not start: it exited with \d; its log {re.escape(reason)}; fix targets/bad\.py", str(raised.value)
    )


@pytest.mark.parametrize("body", ["import os\nos._exit(5)", "import os\nos.kill(os.getpid(), 9)"])
def test_an_end_without_a_word_is_one_line_at_once(launch_ending: Launcher, body: str) -> None:
    server = launch_ending(write_target(launch_ending.root, "bad", body), wait=False)
    with pytest.raises(ServeError) as raised:
        server.wait_ready(60.0)
    how = r"(exited with \d+|was killed by SIGKILL)"
    assert re.fullmatch(rf"bad: did not start: it {how}; its log says nothing; fix targets/bad\.py", str(raised.value))


def test_workers_that_end_again_and_again_without_a_word_are_never_ready(launch_replacing: Launcher) -> None:
    server = launch_replacing(write_target(launch_replacing.root, "bad", "import os\nos._exit(5)"), wait=False)
    with pytest.raises(ServeError, match=r"^bad: not ready within 3 s: /health: .*; its log says nothing$"):
        server.wait_ready(3.0)


def test_workers_that_do_not_import_are_one_line_too(launch_each: Launcher) -> None:
    """And soon, though the parent may take up to its health check's 30 s to see that they have ended."""
    server = launch_each(write_target(launch_each.root, "bad", "import nowhere_to_be_found"), workers=2, wait=False)
    with pytest.raises(ServeError, match=r"bad: did not start: .*its log says: targets/bad.py:1: ModuleNotFoundError"):
        server.wait_ready(20.0)


def test_an_old_log_is_not_taken_for_the_new_one(launch: Launcher) -> None:
    (launch.root / "server-0.log").write_text("BENCH-ERROR: targets/mine.py:1: yesterday's error\n")
    launch(write_target(launch.root, "mine", HEALTHY))


def test_never_ready_is_one_line_in_time(launch: Launcher) -> None:
    body = "import sys, time\nprint('connecting to the database', file=sys.stderr)\ntime.sleep(60)"
    server = launch(write_target(launch.root, "bad", body), wait=False)
    line = "bad: not ready within 2 s: /health: nothing listened on its port; its log says: connecting to the database"
    with pytest.raises(ServeError, match=f"^{re.escape(line)}$"):
        server.wait_ready(2.0)


def test_a_sick_health_is_never_ready(launch: Launcher) -> None:
    body = "from fastapi import FastAPI\napp = FastAPI()\n@app.get('/health')\ndef health(): raise ValueError('sick')"
    server = launch(write_target(launch.root, "bad", body), wait=False)
    with pytest.raises(ServeError, match=r"not ready within 2 s: /health answered 500; .*: ValueError: sick"):
        server.wait_ready(2.0)


def test_a_hanging_health_is_never_ready(launch: Launcher) -> None:
    body = "import asyncio\nfrom fastapi import FastAPI\napp = FastAPI()\n"
    body += "@app.get('/health')\nasync def health(): await asyncio.sleep(60)"
    server = launch(write_target(launch.root, "bad", body), wait=False)
    with pytest.raises(ServeError, match=r"not ready within 8 s: /health: did not answer within [0-9.]+ s; its log"):
        server.wait_ready(8.0)  # the boot is a part of it


def test_a_missing_health_is_told_at_once(launch: Launcher) -> None:
    server = launch(write_target(launch.root, "bad", "from fastapi import FastAPI\napp = FastAPI()"), wait=False)
    with pytest.raises(ServeError, match=r"bad: has no /health; add the route to targets/bad.py"):
        server.wait_ready(60.0)


def test_a_root_that_cannot_be_written_is_one_line(launch: Launcher) -> None:
    strategy = write_target(launch.root, "mine", HEALTHY)
    (launch.root / "probe").write_text("a file where the folder should be")
    with pytest.raises(ServeError, match=r"probe: cannot be made \(File exists\); free space or"):
        launch(strategy)


# ------------------------------------------------------------------------------------------ how it ends, and when


def test_hanging_at_shutdown_is_killed_and_told(launch_each: Launcher) -> None:
    body = LIFESPAN.format(startup="", shutdown="await asyncio.sleep(60)")
    server = launch_each(write_target(launch_each.root, "stubborn", body))
    assert server.stop(0.5) == "killed: did not stop within 0.5 s of SIGTERM"


MORTAL = (
    HEALTHY
    + """
@app.get("/die")
async def die():
    os.write(2, b"out of memory, says nobody\\n")
    os._exit(5)
"""
)


def test_dying_in_the_middle_is_noticed_with_its_reason(launch_ending: Launcher) -> None:
    server = launch_ending(write_target(launch_ending.root, "mortal", MORTAL))
    with pytest.raises(http.client.RemoteDisconnected):
        get(server, "/die")
    wait_until(lambda: server.exit_code() is not None)
    code = server.exit_code()  # of the worker, or what its parent makes of it
    why = "its log says: out of memory, says nobody"
    assert server.describe_exit("capacity") == f"it exited with {code} during capacity; {why}"
    assert not server.is_idle(0.2)
    assert server.stop(1.0) == f"exited with {code}"


def test_a_worker_that_was_replaced_is_another_one(launch_replacing: Launcher) -> None:
    """Then the slice is not valid: `worker_restarted`."""
    server = launch_replacing(write_target(launch_replacing.root, "mortal", MORTAL))
    (first,) = server.pids()
    with pytest.raises(http.client.RemoteDisconnected):
        get(server, "/die")
    wait_until(lambda: len(server.pids()) == 2)
    assert not is_running(first)
    assert server.exit_code() is None
    wait_until(lambda: server.is_idle(1.0))


# A server as the ones that caused trouble: pool children that were forked, so that they have uvicorn's listening socket
# and handlers, and now ignore SIGTERM altogether; and a daemon (two forks, a session of its own, an empty environment).
ESCAPEES = """
import multiprocessing, os, signal, subprocess, sys, time
from concurrent.futures import ProcessPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path
from fastapi import FastAPI

multiprocessing.current_process()._config["daemon"] = False  # hypercorn's several workers could have no children
FOLDER = Path(os.environ["BENCH_PROBE_DIR"]).parent
DAEMON = "import os, sys, time; os.fork() and os._exit(0); os.setsid(); os.fork() and os._exit(0); "
DAEMON += "open(sys.argv[1], 'w').write(str(os.getpid())); time.sleep(600)"

def deaf():
    signal.signal(signal.SIGTERM, signal.SIG_IGN)

def pid():
    time.sleep(0.05)
    return os.getpid()

@asynccontextmanager
async def lifespan(app):
    app.state.pool = ProcessPoolExecutor(2, multiprocessing.get_context("fork"), deaf)
    yield

app = FastAPI(lifespan=lifespan)

@app.get("/health")
async def health():
    return {}

@app.get("/escape")
def escape():
    pids = {job.result() for job in [app.state.pool.submit(pid) for _ in range(8)]}
    subprocess.run([sys.executable, "-c", DAEMON, str(FOLDER / "daemon")], env={})
    return sorted(pids)
"""


@LINUX_ONLY
@pytest.mark.parametrize(
    ("end", "workers"),
    [
        ("stop", 1),
        ("kill", 1),
        ("main killed", 1),
        ("main killed", 2),
        ("supervisor killed", 1),
        ("supervisor killed", 2),
    ],
)
def test_nothing_that_the_target_started_is_left(launch_each: Launcher, end: str, workers: int) -> None:
    server = launch_each(write_target(launch_each.root, "escapees", ESCAPEES), workers=workers)
    pids = json.loads(get(server, "/escape"))
    wait_until((launch_each.root / "daemon").exists)
    wait_until((launch_each.root / "daemon").read_text)
    daemon = int((launch_each.root / "daemon").read_text())
    pids = [*pids, daemon, *server.pids(), server.main_pid]
    assert all(map(is_running, pids))
    match end:
        case "stop":
            server.stop(1.0)
        case "kill":
            server.kill()
        case "main killed":
            os.kill(server.main_pid, signal.SIGKILL)
            wait_until(lambda: server.exit_code() is not None)
            assert server.describe_exit().startswith("it was killed by SIGKILL; its log says ")
        case "supervisor killed":
            os.kill(server.supervisor_pid, signal.SIGKILL)
            wait_until(lambda: server.exit_code() is not None)
            os.kill(daemon, signal.SIGKILL)  # it left the session and emptied its environment: out of a sweep's reach
    wait_until(lambda: not any(map(is_running, pids)), 5.0)
    assert why_not(server.port) == ""


HARNESS = """
import sys, time
from pathlib import Path
from harness.results.records.strategy import ServerOptions
from harness.serving.server import Server
from harness.serving.target import Target

root = Path(sys.argv[1])
target = Target(name="escapees", app="targets.escapees:app", folder=root, workers=int(sys.argv[2]),
                server=ServerOptions(server=sys.argv[4]))
with Server.launch(target, probe_dir=root / "probe", log_path=root / "log") as server:
    print(server.port, server.supervisor_pid, flush=True)
    if sys.argv[3] == "serving":
        server.wait_ready(20)
        print("ready", flush=True)
    time.sleep(600)
"""


@LINUX_ONLY
@pytest.mark.parametrize(
    ("number", "moment", "workers"),
    [
        (signal.SIGKILL, "booting", 1),
        (signal.SIGKILL, "booting", 2),
        (signal.SIGKILL, "serving", 1),
        (signal.SIGKILL, "serving", 2),
        (signal.SIGTERM, "serving", 1),
        (signal.SIGINT, "serving", 1),
    ],
)
@pytest.mark.parametrize("kind", known_servers())
def test_a_harness_that_is_killed_leaves_nothing(
    tmp_path: Path, number: int, moment: str, workers: int, kind: str
) -> None:
    write_target(tmp_path, "escapees", ESCAPEES)
    command = [sys.executable, "-c", HARNESS, str(tmp_path), str(workers), moment, kind]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as harness:
        assert harness.stdout is not None
        port, supervisor_pid = map(int, harness.stdout.readline().split())
        token = token_of(supervisor_pid)
        pids: list[int] = []
        if moment == "serving":
            assert harness.stdout.readline() == "ready\n"
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
            connection.request("GET", "/escape")
            pids = json.loads(connection.getresponse().read())
            connection.close()
            wait_until((tmp_path / "daemon").exists)
            wait_until((tmp_path / "daemon").read_text)
            pids.append(int((tmp_path / "daemon").read_text()))
        harness.send_signal(number)
    wait_until(lambda: not carriers(token), 5.0)
    wait_until(lambda: not any(map(is_running, [*pids, supervisor_pid])), 5.0)
    wait_until(lambda: why_not(port) == "", 5.0)


# ------------------------------------------------------------------------------------------ strangers on the port


class _Stranger(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, format: str, *args: object) -> None:
        """Not into the test's output."""


@contextmanager
def stranger() -> Iterator[int]:
    """Another process's server, as far as anybody can tell: healthy, but without our token. Its port."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Stranger) as httpd:
        thread = threading.Thread(target=httpd.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield httpd.server_port
        finally:
            httpd.shutdown()
            thread.join()


@contextmanager
def silent_stranger() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


Stranger = Callable[[], AbstractContextManager[int]]


def _first_choice(monkeypatch: pytest.MonkeyPatch, port: int) -> None:
    """The first free port that is chosen was snatched away before the server could take it."""
    choices = iter([port])
    monkeypatch.setattr(server_module, "free_port", lambda: next(choices, None) or free_port())


@pytest.mark.parametrize("server_name", known_servers())
@pytest.mark.parametrize("kind", [stranger, silent_stranger])
def test_a_stranger_on_a_chosen_port_is_not_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: Stranger, server_name: str
) -> None:
    with kind() as port, launching(tmp_path, kind=server_name) as launch:
        _first_choice(monkeypatch, port)
        server = launch(write_target(tmp_path, "mine", HEALTHY), wait=False)
        assert server.port == port
        server.wait_ready(20.0)
        assert server.port != port
        health = ask_health(server.host, server.port, 5.0)
        assert isinstance(health, Health)
        assert health.token == token_of(server.main_pid)


def test_a_given_port_is_used(launch_each: Launcher) -> None:
    port = free_port()
    assert launch_each(write_target(launch_each.root, "mine", HEALTHY), port=port).port == port


def test_a_given_port_that_is_taken_is_told_at_once(launch: Launcher) -> None:
    strategy = write_target(launch.root, "mine", HEALTHY)
    with stranger() as port, pytest.raises(PortError) as raised:
        launch(strategy, port=port)
    advice = "end that process, or choose another or no --port"
    assert str(raised.value) == f"--port {port}: Address already in use; {advice}"


@pytest.mark.parametrize(
    ("kind", "reason"),
    [(stranger, "another process answered there"), (silent_stranger, "Address already in use")],
)
@pytest.mark.parametrize("server_name", known_servers())
def test_a_given_port_that_is_snatched_away_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: Stranger, reason: str, server_name: str
) -> None:
    monkeypatch.setattr(server_module, "why_not", lambda _: "")
    with kind() as port, launching(tmp_path, strangers=(port,), kind=server_name) as launch:
        server = launch(write_target(tmp_path, "mine", HEALTHY), port=port, wait=False)
        with pytest.raises(PortError, match=f"^--port {port}: {reason}; end that process"):
            server.wait_ready(20.0)


def test_a_strategy_keeps_its_own_module_name(launch: Launcher) -> None:
    """Functions sent to a process pool are found again by it."""
    body = HEALTHY + "\n@app.get('/name')\nasync def name():\n    return __name__\n"
    server = launch(write_target(launch.root, "mine", body))
    assert get(server, "/name") == b'"targets.mine"'
