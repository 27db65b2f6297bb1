"""A scenario with methods, headers and bodies, asked three ways: by the plain `locust` command, by the harness's
generator and by the check before a load. All three must send the same."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import NamedTuple

import pytest

from harness.catalog.workload_file import read_workload
from harness.driving.load import Load
from harness.driving.local_generator import LocalGenerator
from harness.processes.process import child_environment
from harness.results.records.outcome import Outcome
from harness.serving.answers import check_answers
from tests.bench_kit import CHECKOUT, wait_for
from tests.integration.test_local_generator import closed
from tests.integration.test_plain_locust import LISTENER, told

SCENARIO = """
from itertools import count
from locust import task
from harness.scenario import BenchUser, Status

REQUESTS = [
    {"method": "POST", "path": "/orders?from=here", "json": {"item": 1, "note": "é"}, "headers": {"X-Shop": "a b"},
     "answer": {"made": {"item": 1, "note": "é"}}},
    {"method": "PUT", "path": "/orders", "form": {"a": "1 2", "b": [1, 2]}, "status": 303},
    ["/plain", {"right": True}],
    {"method": "HEAD", "path": "/plain", "status": 200},
    {"method": "DELETE", "path": "/orders", "status": 204},
]
numbers = count()

class Buyer(BenchUser):
    @task
    def described(self):
        self.ask(**REQUESTS[0])

    @task
    def redirected(self):
        self.ask(**REQUESTS[1])

    @task
    def listed(self):
        self.ask(*REQUESTS[2])

    @task
    def head(self):
        self.ask("/plain", Status(200), method="HEAD")

    @task
    def without_content(self):
        self.ask(**REQUESTS[4])

    @task
    def judged(self):
        number = next(numbers)
        self.ask("/echo", lambda body: int(body) == number, method="PATCH", body=f"{number}")

    @task
    def gone(self):
        self.ask("/gone", Status(404))

    @task
    def wrong(self):
        self.ask("/wrong", lambda body: body.no_such_attribute)

    @task
    def busy(self):
        self.ask("/plain", Status(201))
"""
FAILING = {("GET", "/wrong"), ("GET", "/plain")}


class Heard(NamedTuple):
    """A request, as a server understood it."""

    method: str
    path: str
    accept: str
    content_type: str
    shop: str
    body: bytes


@contextmanager
def shop() -> Iterator[tuple[int, list[Heard]]]:
    """Its port, and what it was asked."""
    heard: list[Heard] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1  # else headers and body are sent apart, and TCP lets the body wait

        def handle_any(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            named = [self.headers.get(name, "") for name in ("Accept", "Content-Type", "X-Shop")]
            heard.append(Heard(self.command, self.path, *named, body))
            assert self.headers["Host"] == f"127.0.0.1:{self.server.server_address[1]}"
            status, answer = 200, b'{"right": true}'
            match self.command:
                case "POST":
                    answer = b'{"made": %b}' % body
                case "PUT":
                    status, answer = 303, b""
                case "DELETE":
                    status, answer = 204, b""
                case "PATCH":
                    answer = body
                case "GET" if self.path == "/gone":
                    status = 404
            self.send_response(status)
            if status == 303:
                self.send_header("Location", "/followed")
            if status != 204:
                self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(answer)

        do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = handle_any  # noqa: N815

        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        thread = Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server.server_address[1], heard
        server.shutdown()
        thread.join(10)


@pytest.fixture
def scenario(tmp_path: Path) -> Path:
    path = tmp_path / "buyer.py"
    path.write_text(SCENARIO + LISTENER, encoding="utf-8")
    return path


def unchanging(heard: list[Heard]) -> Counter[Heard]:
    """Without the numbers of PATCH."""
    return Counter(each._replace(body=b"") if each.method == "PATCH" else each for each in heard)


def test_everybody_asks_the_same_and_judges_it_alike(tmp_path: Path, scenario: Path) -> None:
    workload = read_workload(scenario, "buyer.py")
    with shop() as (port, heard):
        verdict = check_answers("127.0.0.1", port, workload, 10.0)
        assert (verdict.status, verdict.error) == ("ok", "")
        checked = unchanging(heard)
        assert [each.method for each in heard] == ["POST", "PUT", "GET", "HEAD", "DELETE"]
        assert heard[0] == Heard(
            "POST", "/orders?from=here", "application/json", "application/json", "a b", '{"item":1,"note":"é"}'.encode()
        )
        assert heard[1].content_type == "application/x-www-form-urlencoded" and heard[1].body == b"a=1+2&b=1&b=2"

        heard.clear()
        command = [sys.executable, "-m", "locust", "--headless", "-f", str(scenario), "-H", f"http://127.0.0.1:{port}"]
        with subprocess.Popen(
            [*command, "-u", "4", "-r", "4", "-t", "60s", "-s", "5"],
            cwd=CHECKOUT,
            env=child_environment(CHECKOUT),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        ) as locust:
            wait_for(lambda: len(heard) > 120, 50.0)
            locust.terminate()
        plain = unchanging(heard)
        rows = told(tmp_path)
        assert len(rows) == plain.total() > 100
        failed = Counter((row[0], row[1]) for row in rows if row[6] != "None")
        assert failed.keys() == FAILING
        reasons = {str(row[6]) for row in rows if row[6] != "None"}
        assert {reason.partition("(")[0] for reason in reasons} == {"WrongAnswerError", "HttpStatusError"}
        assert any("its predicate raised AttributeError" in reason for reason in reasons)
        assert any("status 200, expected 201" in reason for reason in reasons)

        heard.clear()
        with LocalGenerator.launch(
            workload,
            root=tmp_path,
            users=8,
            latency_path=tmp_path / "latency.hlog",
            log_path=tmp_path / "locust.log",
            cpus=None,
        ) as generator:
            generator.wait_ready(30)
            load = Load(("127.0.0.1", port), (closed("capacity", 1.5, 4),), 3.0, 10.0, 0.0)
            (record,) = generator.run(load, lambda event: None, lambda: False).records
        driven = unchanging(heard)
    assert record.scheduled == sum(record.outcomes.values()) == driven.total() > 100
    assert set(record.outcomes) == {Outcome.OK, Outcome.WRONG_ANSWER}
    rows = told(tmp_path)[len(rows) :]
    assert record.outcomes[Outcome.WRONG_ANSWER] == sum(row[6] != "None" for row in rows)
    assert plain.keys() == driven.keys() >= checked.keys()
    assert not any(each.path == "/followed" for each in plain)
    assert json.loads(next(each.body for each in driven if each.method == "POST")) == {"item": 1, "note": "é"}
    assert "Traceback" not in (tmp_path / "locust.log").read_text()
