"""Right and wrong answers of a real server."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest

from harness.results.records.workload import Request, Workload
from harness.serving.answers import AnswerCheck, check_answers
from harness.serving.server import Server
from tests.serving_kit import HEALTHY, launching, write_target

ROUTES = (
    HEALTHY
    + """
from fastapi import Response
from fastapi.responses import StreamingResponse

asked = []

@app.get("/square")
async def square(key: int):
    asked.append(key)
    return {"key": key, "value": key * key}

@app.get("/asked")
async def tell():
    return asked

@app.get("/raw")
async def raw(body: str):
    return Response(body, media_type="application/json")

@app.get("/fail")
async def fail():
    raise ValueError("no")

@app.get("/hang")
async def hang():
    await asyncio.sleep(30)

@app.get("/drip")
async def drip():
    async def drops():
        while True:
            yield b" "
            await asyncio.sleep(0.05)
    return StreamingResponse(drops())

@app.get("/huge")
async def huge():
    return "x" * 2_000_000

@app.get("/die")
async def die():
    os._exit(1)
"""
)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    root = tmp_path_factory.mktemp("root")
    with launching(root) as launch:
        yield launch(write_target(root, "routes", ROUTES))


def verdict(
    server: Server, *requests: tuple[str, Any], timeout_s: float = 10.0, at_most: int | None = None
) -> AnswerCheck:
    asked = tuple(Request(path, answer) for path, answer in requests)
    workload = Workload(name="work", title="", description="", path="", requests=asked)
    return check_answers(server.host, server.port, workload, timeout_s, at_most=at_most)


def square(key: int) -> tuple[str, Any]:
    return f"/square?key={key}", {"value": key * key, "key": key}


def test_right_answers_are_ok(server: Server) -> None:
    found = verdict(server, square(2), square(3))
    assert (found.status, found.error) == ("ok", "")
    assert 0 < found.answer_s < 5


def test_asks_each_distinct_request_once_and_no_more_than_told(server: Server) -> None:
    verdict(server, square(70), square(71), square(70), square(72), at_most=2)
    _, asked = verdict(server, ("/asked", "what it was")).error.split("answered ")
    assert asked.startswith("[") and "70,71]" in asked


def test_a_route_that_is_not_there_does_not_apply(server: Server) -> None:
    assert verdict(server, ("/nowhere", {}), square(1)) == AnswerCheck("not_applicable")


def test_a_route_that_is_gone_half_way_is_a_failure(server: Server) -> None:
    assert verdict(server, square(1), ("/nowhere", {})).error.startswith("work: /nowhere answered 404 (")


@pytest.mark.parametrize(
    ("path", "error"),
    [
        ("/square?key=2", 'answered {"key":2,"value":4}, expected {"key": 2, "value": 5}'),
        ("/square?key=x", "answered 422 ("),
        ("/fail", "answered 500 (Internal Server Error)"),
        ("/raw?body=hello", "answered what is not JSON (hello)"),
        ("/raw?body=", "answered what is not JSON ()"),
    ],
)
def test_a_wrong_answer_is_one_line(server: Server, path: str, error: str) -> None:
    found = verdict(server, (path, {"key": 2, "value": 5}))
    assert found.status == "failed"
    assert found.error.startswith(f"work: {path} {error}")
    assert "\n" not in found.error
    assert len(found.error) < 400


def test_an_answer_that_is_too_long_is_given_up(server: Server) -> None:
    assert verdict(server, ("/huge", {})).error == "work: /huge: answered with more than 1,048,576 bytes"


@pytest.mark.parametrize(("body", "expected"), [("1.0", 1), ("true", 1), ("1", "1"), ("null", 0)])
def test_another_json_type_is_another_answer(server: Server, body: str, expected: object) -> None:
    assert verdict(server, (f"/raw?body={body}", expected)).status == "failed"


@pytest.mark.parametrize("path", ["/hang", "/drip"])
def test_an_answer_that_does_not_end_is_given_up_in_time(server: Server, path: str) -> None:
    began_s = time.monotonic()
    assert verdict(server, (path, {}), timeout_s=0.5).error == f"work: {path}: did not answer within 0.5 s"
    assert time.monotonic() - began_s < 3


def test_a_server_that_is_gone_is_a_failure(tmp_path_factory: pytest.TempPathFactory) -> None:
    root = tmp_path_factory.mktemp("root")
    with launching(root) as launch:
        server = launch(write_target(root, "routes", ROUTES))
        assert verdict(server, ("/die", {})).error == "work: /die: closed the connection without an answer"
        assert server.stop(2.0) == "exited with 1"
        assert verdict(server, square(1)).error.endswith(": nothing listened on its port")
