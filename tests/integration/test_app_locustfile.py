"""`bench app MODULE:APP --locustfile FILE`, through the command line, with an app and users as people write them."""

from __future__ import annotations

import json
import os
import re
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.children import child
from tests.integration.test_app_command import ROOT, bench_app

SHOP = """
import asyncio, time
from fastapi import FastAPI
from fastapi.responses import RedirectResponse

app = FastAPI()

@app.get("/quick")
async def quick():
    return {}

@app.get("/v1/slow")
async def slow():
    time.sleep(0.05)
    return {}

@app.post("/orders")
async def make(order: dict):
    return order

@app.get("/away")
async def away():
    return RedirectResponse("https://other.example.com/x")

@app.get("/never")
async def never():
    await asyncio.sleep(1000)
"""

USERS = """
from locust import FastHttpUser, HttpUser, LoadTestShape, between, task
import random  # the folder has a module of this name

class Peak(LoadTestShape):
    def tick(self):
        return 1000, 1000

class Buyer(HttpUser):
    host = "https://shop.example.com"

    @task
    def buy(self):
        self.client.get("/quick?page=1", name="/quick")
        self.client.post("/orders", json={"number": random.choice([7])})
        self.client.get("/missing")
        self.client.get("/away")
        self.client.get("https://prod.example.com/x")
        {}["token"]

class Reader(FastHttpUser):
    host = "https://shop.example.com/v1"
    wait_time = between(0.05, 0.1)

    @task
    def read(self):
        self.client.get("/slow")
        self.client.get("http://prod.example.com:8080/x")

class Patient(FastHttpUser):
    fixed_count = 1

    @task
    def wait(self):
        self.client.get("/never")
"""

USER = """
from locust import HttpUser, constant, task

class Asker(HttpUser):
    @task
    def ask(self):
        print("a flood " * 1000)
        self.client.get("/quick")
"""


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    (tmp_path / "shop.py").write_text(SHOP)
    return tmp_path


def run_locustfile(folder: Path, text: str, *options: str) -> tuple[int, str, list[str]]:
    """Exit code, what was printed, the lines of errors. In a folder of its own, as the file's project."""
    project = folder / "project"
    project.mkdir(exist_ok=True)
    (project / "users.py").write_text(text)
    done = bench_app("shop:app", "--dir", str(folder), "--locustfile", "users.py", *options, cwd=project)
    return done.returncode, done.stdout, done.stderr.splitlines()


def test_users_of_both_kinds_run_as_they_are_and_nobody_but_the_app_is_asked(
    shop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOCUST_USERS", "500")
    monkeypatch.setenv("LOCUST_HOST", "https://prod.example.com")
    (shop / "project").mkdir()
    (shop / "project" / "locust.conf").write_text("host = https://prod.example.com\nrun-time = 1s\nusers = 400\n")
    code, said, problems = run_locustfile(shop, USERS, "--json", "--users", "5", "--run-time", "3s")
    assert code == 3, problems
    found: dict[str, Any] = json.loads(said)["locust"]
    assert (found["loop"], found["users"]) == ("closed", 5)
    assert found["said"].startswith("closed-loop: a user waits for its answer before it asks again, so a stall hides")
    assert 2.9 < found["measured_s"] < 3.5
    rows = {f"{row['method']} {row['name']}": row for row in found["rows"]}
    assert set(rows) == {"GET /quick", "POST /orders", "GET /missing", "GET /slow", "GET /never"}
    for name in ("GET /quick", "POST /orders", "GET /slow"):
        row = rows[name]
        assert (row["failures"], row["unanswered"]) == (0, 0), row
        assert row["requests"] >= 3
        assert row["rps"] == pytest.approx(row["requests"] / found["measured_s"], abs=0.01)
    assert 50 <= rows["GET /slow"]["p50_ms"] <= rows["GET /slow"]["p90_ms"]
    missing = rows["GET /missing"]
    assert missing["failure_texts"] == {"answered 404": missing["failures"]}
    assert missing["p50_ms"] is None
    assert (rows["GET /never"]["requests"], rows["GET /never"]["unanswered"]) == (0, 1)
    assert sum(second["count"] for second in found["seconds"]) == sum(row["requests"] for row in rows.values())
    # One blocked route is in everybody's way.
    assert found["health"]["p50_ms"] > 20
    assert found["health"]["asked"] == pytest.approx(10 * found["measured_s"], abs=3)
    assert found["usage"]["target_cores"] > 0
    assert found["usage"]["locust_cores"] > 0
    assert found["notes"] == ["its Peak is not used: --users and --run-time say how many ask for how long"]
    for words in (
        r"raised users\.py:19: KeyError: 'token' \(\d+ times\)",
        r"asked other\.example\.com:443 \(\d+ times\): not sent; only the app that was started is asked",
        r"asked prod\.example\.com:443 \(\d+ times\): not sent; .*",
        r"asked prod\.example\.com:8080 \(\d+ times\): not sent; .*",
        r"GET /missing: (\d+) of \1 requests failed: answered 404 \(\1\)",
        r"GET /never: 1 request had no answer when the run was over",
    ):
        assert any(re.fullmatch(f"problem: {words}", line) for line in problems), (words, problems)
    assert len(problems) == len(found["problems"]) == 6


def test_a_line_for_each_name_and_nothing_to_complain_about(shop: Path) -> None:
    code, said, problems = run_locustfile(shop, USER, "--users", "2", "--run-time", "2s")
    assert (code, problems) == (0, []), said
    first, row, health, cpu, *_ = said.splitlines()
    assert re.match(r"2 users, 2\.\d s after 0\.5 s of warm-up; closed-loop: ", first)
    ms = r"\d+\.\d ms"
    assert re.fullmatch(rf"GET /quick: [\d,]+\.\d/s, p50 {ms}, p90 {ms}, p99 {ms}", row), said
    assert re.fullmatch(rf"health, asked \d+ times meanwhile: p50 {ms}, longest {ms}", health), said
    assert re.fullmatch(r"CPU: the app \d\.\d\d cores, \d+ MiB; Locust \d\.\d\d", cpu), said


def test_what_cannot_be_run_or_asks_nothing_is_one_line(shop: Path) -> None:
    head = "from locust import HttpUser, constant, task\n"
    user = "class Asker(HttpUser):\n    wait_time = constant(100)\n    @task\n    def ask(self):\n        "
    quits = "self.client.get('/quick'); self.environment.runner.quit()"
    for text, code, words in (
        ("def broken(:\n", 2, r"--locustfile users\.py:1: is not Python \(.*\); correct it"),
        ("", 3, r"users\.py: did not start: has no user class; derive one from HttpUser or FastHttpUser"),
        (
            "import sys\nsys.exit('needs\\x1b[31m TOKEN')\n",
            3,
            "users\\.py: did not start; Locust's output says: needs\N{REPLACEMENT CHARACTER}\\[31m TOKEN",
        ),
        (
            "import requests\nrequests.get('https://prod.example.com/token')\n",
            3,
            r"users\.py: did not start: users\.py:2: prod\.example\.com:443 is not the app that is measured",
        ),
        (
            f"{head}{user}{{}}['name']\n",
            3,
            r"users\.py: made no request to the app in 1\.\d s: raised users\.py:6: KeyError: 'name' \(2 times\)",
        ),
        (
            f"{head}{user}{quits}\n",
            3,
            r"users\.py: made no request to the app in 0\.0 s: ended after 0\.0 s of 1 s: .*",
        ),
        (f"{head}{user}__import__('os')._exit(4)\n", 3, r"users\.py: Locust ended before its time: exited with 4; .*"),
    ):
        found, said, problems = run_locustfile(shop, text, "--users", "2", "--run-time", "1s")
        assert (found, said) == (code, ""), (text, problems)
        assert len(problems) == 1 and re.fullmatch(f"bench: {words}", problems[0]), (text, problems)


def test_a_locustfile_is_a_run_of_its_own(tmp_path: Path) -> None:
    for options, words in (
        (
            ["--check", "--max-blocked", "0"],
            "bench: --locustfile no.py: is a run of its own; leave out --check and --max-blocked",
        ),
        ([], "bench: --locustfile no.py: is no .py file; name the one with your HttpUser or FastHttpUser classes"),
        (["--run-time", "soon"], "bench: --run-time soon: is not a time; write it like 90s, 10m or 1h30m"),
    ):
        done = bench_app("shop:app", "--dir", str(tmp_path), "--locustfile", "no.py", *options)
        assert (done.returncode, done.stdout, done.stderr.splitlines()) == (2, "", [words])


@pytest.mark.skipif(sys.platform != "linux", reason="/proc")
def test_nothing_is_left_when_the_harness_is_killed(shop: Path) -> None:
    tells = "import os; open({!r}, 'w').write(str(os.getpid()))\n"
    (shop / "shop.py").write_text(tells.format(str(shop / "app.pid")) + SHOP)
    (shop / "users.py").write_text(USER + "    def on_start(self):\n        " + tells.format(str(shop / "locust.pid")))
    command = [sys.executable, "-m", "harness", "app", "shop:app", "--dir", str(shop)]
    command += ["--locustfile", str(shop / "users.py"), "--run-time", "100s"]
    with child(command, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}) as harness:
        pids = [_pid(shop / name) for name in ("app.pid", "locust.pid")]
        harness.send_signal(signal.SIGKILL)
    _wait_until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in pids))


def _pid(path: Path) -> int:
    _wait_until(lambda: path.exists() and path.read_text() != "")
    return int(path.read_text())


def _wait_until(is_true: Callable[[], bool], timeout_s: float = 30.0) -> None:
    end_s = time.monotonic() + timeout_s
    while not is_true():
        assert time.monotonic() < end_s
        time.sleep(0.02)
