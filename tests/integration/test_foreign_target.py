"""A target that is not ours: another folder, another environment, another Python, another version of the server.

Nothing of the harness is in its reach but `bench_inside`, and it is no FastAPI.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.processes.ask import ask
from harness.results.records.probe_line import ProbeLine
from harness.results.records.strategy import ServerOptions
from harness.results.records.workload import Request, Workload
from harness.results.store import read_lines
from harness.serving.answers import check_answers
from harness.serving.server import ServeError
from harness.serving.target import Target
from tests.pythons import VERSIONS, pythons
from tests.serving_kit import Launcher, launching

_FOUND = [version for version in VERSIONS if version in pythons()]
OLDEST, NEWEST = _FOUND[0], _FOUND[-1]

SHOP = """
import importlib.util, json, os, sys, time

async def application(scope, receive, send):
    if scope["type"] != "http":
        raise NotImplementedError  # as an app without a lifespan does it
    if scope["path"] == "/block":
        time.sleep(0.2)
    found = [name for name in ("harness", "targets", "msgspec", "anyio") if importlib.util.find_spec(name)]
    answer = {"python": "%d.%d" % sys.version_info[:2], "found": found, "folder": os.getcwd(), "pid": os.getpid()}
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"application/json")]})
    await send({"type": "http.response.body", "body": json.dumps(answer).encode()})
"""


@pytest.fixture(scope="session", params=[(OLDEST, "uvicorn==0.20.0"), (NEWEST, "uvicorn")], ids="-".join)
def interpreter(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """The Python of a fresh virtual environment with nothing but uvicorn in it, and its version."""
    version, package = request.param
    folder = tmp_path_factory.mktemp("their") / "venv"
    subprocess.run([pythons()[version], "-m", "venv", "--without-pip", str(folder)], check=True, timeout=60)
    python = str(folder / "bin" / "python")
    install = [sys.executable, "-m", "pip", "--python", python, "install", "--quiet", "--no-input", package]
    subprocess.run(install, check=True, timeout=120)
    return python, version


@pytest.fixture
def launch(tmp_path: Path) -> Iterator[Launcher]:
    with launching(tmp_path) as launcher:
        yield launcher


def shop(root: Path, python: str) -> Target:
    (root / "shop").mkdir()
    (root / "shop" / "main.py").write_text(SHOP)
    options = ServerOptions(loop="asyncio", http="h11")  # all that plain uvicorn brings along
    return Target(name="shop", app="shop.main:application", folder=root, interpreter=python, server=options)


@pytest.mark.parametrize("workers", [1, 2])
def test_somebody_elses_app_is_launched_watched_and_ended(
    launch: Launcher, interpreter: tuple[str, str], workers: int
) -> None:
    python, version = interpreter
    server = launch(shop(launch.root, python), workers=workers)
    assert len(server.pids()) == workers
    seen = json.loads(ask(server.host, server.port, "/block", timeout_s=10.0).body)
    assert seen.pop("pid") in server.pids()
    assert seen.pop("found") in ([], ["anyio"])  # newer uvicorns do not need it either, older ones never did
    assert seen == {"python": version, "folder": str(launch.root)}
    assert server.is_idle(5.0)
    assert server.stop(5.0) == "stopped"
    lines = [line for path in (launch.root / "probe").glob("*.jsonl") for line in read_lines(path, ProbeLine)]
    assert max(line.requests for line in lines) == 1
    assert max(lag for line in lines for lag in line.lags_us) >= 150_000


def test_its_answers_are_checked_as_ours_are(launch: Launcher, interpreter: tuple[str, str]) -> None:
    server = launch(shop(launch.root, interpreter[0]))
    workload = Workload(name="shop", title="", description="", path="", requests=(Request("/", {"ok": True}),))
    assert check_answers(server.host, server.port, workload, 5.0).status == "failed"
    answer = json.loads(ask(server.host, server.port, "/", timeout_s=5.0).body)
    right = Workload(name="shop", title="", description="", path="", requests=(Request("/", answer),))
    found = check_answers(server.host, server.port, right, 5.0)
    assert (found.status, found.error) == ("ok", "")


def test_what_its_environment_lacks_is_one_line(launch: Launcher, interpreter: tuple[str, str]) -> None:
    target = shop(launch.root, interpreter[0])
    (launch.root / "shop" / "main.py").write_text("import msgspec\n")
    server = launch(target, wait=False)
    with pytest.raises(
        ServeError, match=r"^shop: did not start: it exited with \d; its log says: shop/main.py:1: ModuleNotFoundError"
    ):
        server.wait_ready(30.0)


def test_an_interpreter_that_is_not_there_is_one_line(launch: Launcher) -> None:
    server = launch(shop(launch.root, "/nowhere/python"), wait=False)
    with pytest.raises(
        ServeError, match=r"^shop: did not start: it exited with 126; its log says: cannot run /nowhere/"
    ):
        server.wait_ready(30.0)
