"""What is asked of an app, and what is said of its answers: one small app with routes of every kind."""

from __future__ import annotations

import json
import socket
import time
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.processes.ports import HOST
from harness.results.records.app_request import AppRequest
from harness.results.records.route_answer import RouteAnswer
from harness.serving.asked_routes import ask_routes
from harness.serving.own_app import own_app
from harness.serving.server import Server
from tests.integration.test_app_command import bench_app

DESK = """
import asyncio
import itertools
from pathlib import Path

from fastapi import FastAPI, Header, HTTPException, WebSocket
from fastapi.responses import RedirectResponse, StreamingResponse
from pydantic import BaseModel

app = FastAPI()
numbers = itertools.count()


class Order(BaseModel):
    item: str
    many: int = 1


@app.get("/quick")
async def quick():
    return {"number": next(numbers), "of": [{"number": next(numbers)}], "same": True}


@app.post("/orders", status_code=201)
async def make(order: Order, x_tenant: str = Header()):
    return {"item": order.item, "tenant": x_tenant}


@app.delete("/orders")
def delete():
    Path("deleted").touch()


@app.get("/orders/{order}")
async def order(order: int):
    return order


@app.get("/closed")
async def closed(authorization: str = Header(default="")):
    if authorization != "Bearer hunter2":
        raise HTTPException(401)
    return {}


@app.get("/away")
async def away(to: str = "/quick"):
    return RedirectResponse(to)


@app.get("/big")
async def big(mb: int = 200):
    async def parts():
        for _ in range(mb):
            yield b"x" * 1_000_000
    return StreamingResponse(parts())


@app.get("/events", include_in_schema=False)
async def events():
    async def parts():
        while True:
            yield "data: x\\n\\n"
            await asyncio.sleep(0.01)
    return StreamingResponse(parts(), media_type="text/event-stream")


@app.websocket("/talk/{room}")
async def talk(websocket: WebSocket):
    await websocket.accept()


@app.get("/never", include_in_schema=False)
async def never():
    await asyncio.sleep(3600)
"""


def desk(folder: Path) -> Path:
    (folder / "desk.py").write_text(DESK)
    return folder


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = desk(tmp_path_factory.mktemp("desk"))
    with Server.launch(
        own_app("desk:app", folder), probe_dir=folder / "probe", log_path=folder / "server.log"
    ) as launched:
        launched.wait_ready(60.0)
        yield launched


def asked(server: Server, request: AppRequest, timeout_s: float = 10.0) -> RouteAnswer:
    (answer,) = ask_routes(server, [request], times=3, timeout_s=timeout_s)
    return answer


def test_method_headers_and_body_are_sent_and_the_status_is_judged(server: Server) -> None:
    request = AppRequest(
        method="POST",
        path="/orders",
        headers={"X-Tenant": "t", "Content-Type": "application/json"},
        body=b'{"item": "pen"}',
        status=201,
    )
    right = asked(server, request)
    assert (right.method, right.status, right.reason, right.alike, right.expected) == ("POST", 201, "", True, 201)
    wrong = asked(server, AppRequest(method="POST", path="/orders", headers=request.headers, body=b"{}", status=201))
    assert (wrong.status, wrong.reason) == (422, "answered 422, expected 201")
    assert len({right.answer, wrong.answer, ""}) == 3


def test_answers_that_differ_each_time_are_alike_without_the_fields_that_do(server: Server) -> None:
    assert not asked(server, AppRequest(path="/quick")).alike
    named = AppRequest(path="/quick", ignore=("number",))
    assert asked(server, named).alike
    assert asked(server, named).answer == asked(server, named).answer


def test_credentials_are_asked_for_and_never_kept(server: Server) -> None:
    closed = asked(server, AppRequest(path="/closed?token=hunter2"))
    assert (closed.status, closed.reason, closed.path) == (
        401,
        "answered 401 (it asks for credentials)",
        "/closed?token=***",
    )
    opened = asked(server, AppRequest(path="/closed", headers={"Authorization": "Bearer hunter2"}))
    assert (opened.status, opened.reason) == (200, "")
    assert "hunter2" not in repr((closed, opened))


def test_a_redirect_is_not_followed_not_even_on_this_machine(server: Server) -> None:
    with socket.create_server((HOST, 0)) as trap:
        place = f"http://{HOST}:{trap.getsockname()[1]}/trap"
        answer = asked(server, AppRequest(path=f"/away?to={place}?code=1"))
        trap.settimeout(0)
        with pytest.raises(BlockingIOError):
            trap.accept()
    assert (answer.status, answer.reason) == (307, f"answered 307 (a redirect to {place}, which is not followed)")


def test_of_a_huge_answer_only_the_beginning_is_read(server: Server) -> None:
    assert asked(server, AppRequest(path="/big?mb=2")).reason == ""
    tracemalloc.start()
    try:
        answer = asked(server, AppRequest(path="/big"), timeout_s=60.0)
        peak_bytes = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert (answer.status, answer.reason, answer.answer) == (200, "", "")
    assert answer.cut == "answered with more than 8,388,608 bytes"
    assert peak_bytes < 80_000_000


def test_a_route_that_never_answers_is_given_up(server: Server) -> None:
    answer = asked(server, AppRequest(path="/never", status=200), timeout_s=0.3)
    assert (answer.status, answer.reason, answer.answer) == (0, "did not answer within 0.3 s", "")


def test_an_answer_without_an_end_has_a_status_and_what_never_ends_holds_nobody_up(server: Server) -> None:
    over_s = []
    requests = [AppRequest(path=path) for path in ("/events", "/never", "/quick")]
    events, _never, quick = ask_routes(
        server, requests, times=1, timeout_s=1.2, on_asked=lambda answer: over_s.append(time.monotonic())
    )
    assert (events.status, events.reason, events.cut) == (200, "", "answers without an end (read for 1 s)")
    assert (quick.status, quick.cut) == (200, "")
    assert over_s[2] - over_s[1] < 1.0, "waited for what never ends"


def test_a_file_is_written_filled_in_and_asked(tmp_path: Path) -> None:
    folder = desk(tmp_path)
    done = bench_app("desk:app", "--init", cwd=folder)
    said = "bench-app.toml: 7 routes, 4 of them are asked; edit it, then leave --init out\n"
    assert (done.returncode, done.stdout, done.stderr) == (0, said, "")
    path = folder / "bench-app.toml"
    again = bench_app("desk:app", "--init", cwd=folder)
    assert (again.returncode, again.stdout) == (2, "")
    assert again.stderr == "bench: bench-app.toml: exists; edit it, or name another with --requests\n"
    text = path.read_text().replace('"/big"', '"/big?mb=1"')
    _, commented, post = text.partition('#[[request]]\n#method = "POST"')
    assert commented
    head, post, rest = text.partition(commented + post.partition("\n\n")[0])
    post = "\n".join(line[1:] for line in post.splitlines()).replace('X-Tenant = ""', 'X-Tenant = "t"')
    path.write_text(head + post + rest)
    done = bench_app("desk:app", "--check", "--json", cwd=folder)
    routes = {f"{route['method']} {route['path']}": route for route in json.loads(done.stdout)["routes"]}
    assert routes["POST /orders"] == {**routes["POST /orders"], "status": 201, "reason": "", "asked": True}
    assert routes["GET /closed"]["reason"] == "answered 401, expected 200 (it asks for credentials)"
    assert routes["DELETE /orders"]["reason"] == "bench-app.toml does not ask for it"
    assert routes["WEBSOCKET /talk/{room}"]["reason"] == "websockets are not asked"
    lines = done.stderr.splitlines()
    assert lines[0] == "bench-app.toml: 5 requests"
    assert lines[1:] == [
        "GET /closed: answered 401, expected 200 (it asks for credentials)",
        "GET /away: answered 307, expected 200 (a redirect to /quick, which is not followed)",
    ]
    assert done.returncode == 3
    assert not (folder / "deleted").exists()


def test_a_recording_is_asked_of_our_own_server_and_its_credentials_are_kept_secret(tmp_path: Path) -> None:
    folder = desk(tmp_path)
    headers = [{"name": "Authorization", "value": "Bearer hunter2"}, {"name": "Host", "value": "desk.example"}]
    recorded = [("GET", "/closed", 200), ("GET", "/closed", 304), ("DELETE", "/orders", 200), ("GET", "/orders/7", 200)]
    entries = [
        {
            "request": {"method": method, "url": f"https://desk.example{path}", "headers": headers},
            "response": {"status": status},
        }
        for method, path, status in recorded
    ]
    har = folder / "rec.har"
    har.write_text(json.dumps({"log": {"entries": entries}}))
    done = bench_app("desk:app", "--check", "--json", "--har", "rec.har", "--with-credentials", cwd=folder)
    assert done.returncode == 0, done.stderr
    assert done.stderr == (
        "rec.har: 2 requests to desk.example; left out: 1 that may change something (add --unsafe)\n"
    )
    routes = [(route["path"], route["status"]) for route in json.loads(done.stdout)["routes"] if route["asked"]]
    assert routes == [("/closed", 200), ("/orders/{order}", 200)]
    assert "hunter2" not in done.stdout
    assert not (folder / "deleted").exists()


def test_what_uvicorn_is_told_reaches_it_and_what_it_does_not_know_is_named(tmp_path: Path) -> None:
    folder = desk(tmp_path)
    (folder / "bench-app.toml").write_text("[[request]]\npath = '/quick'\n")
    arguments = ("--check", "--server-arg", "limit-concurrency=7", "--server-arg", "header=X-A:b", "--server-arg")
    done = bench_app("desk:app", *arguments, "no-date-header", cwd=folder)
    assert (done.returncode, done.stderr) == (0, "bench-app.toml: 1 request\n"), done.stdout
    done = bench_app("desk:app", *arguments, "no-such-flag=3", cwd=folder)
    (line,) = done.stderr.splitlines()[1:]
    assert line.startswith("bench: --server-arg: uvicorn says: No such option")
    assert "--no-such-flag" in line
    assert line.endswith("; change it, or leave it out")
    assert (done.returncode, done.stdout) == (2, "")
