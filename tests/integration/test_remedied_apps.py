"""Remedies in apps under a real server: what blocked the event loop no longer does, and the answers are the same."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import pytest

from harness.analysis.app_check import AppCheck, RouteAnswer, checked
from harness.analysis.app_remedies import remedies
from harness.processes.ask import ask
from harness.results.records.app_request import AppRequest
from harness.results.watch_files import WatchFiles
from harness.serving.asked_routes import ask_routes
from harness.serving.own_app import own_app
from harness.serving.server import ServeError, Server
from tests.apps_kit import APPS, CorpusApp, corpus

TESTS = APPS.parent
# An endpoint and a dependency that become `def`, and a call in a dependency with `yield`, which is moved alone.
MOVED_APPS = ("class_dependency", "dependency_teardown", "mounted_app", "prefixed_router")


@contextmanager
def served(app: str, folder: Path, *, root: Path = APPS, factory: bool = False, **options: object) -> Iterator[Server]:
    target = msgspec.structs.replace(own_app(app, root, factory=factory), **options)
    with Server.launch(
        target, probe_dir=folder / "probe", log_path=folder / "server.log", watch_dir=folder / "watch"
    ) as server:
        server.wait_ready(60.0)
        yield server


def answer_and_check(app: CorpusApp, folder: Path, inside: str = "") -> tuple[bytes, AppCheck, dict[str, str]]:
    folder.mkdir(parents=True)
    method, template = (app.route or "").split(" ")
    with served(app.target, folder, remedies=inside) as server:
        (asked,) = ask_routes(
            server, [AppRequest(method=method, template=template, path=app.path)], times=3, timeout_s=10.0
        )
        body = ask(server.host, server.port, app.path, timeout_s=10.0).body
        assert server.stop(10.0) == "stopped"
    files = WatchFiles.read(folder / "watch")
    answer = RouteAnswer(method, template, app.path, asked.status)
    return body, checked([answer], files.stretches, files.requests, files.sources), files.sources


@pytest.mark.parametrize("app", [app for app in corpus() if app.name in MOVED_APPS], ids=lambda app: app.name)
def test_what_blocked_blocks_no_longer_and_answers_the_same(app: CorpusApp, tmp_path: Path) -> None:
    before, check, sources = answer_and_check(app, tmp_path / "as_is")
    assert len(check.findings) == 1
    remedy = remedies(check, cores=2, users=10, installed=(), sources=sources)[0]
    assert (remedy.name, remedy.routes, remedy.why_not) == ("in_thread", (app.route,), "")
    after, check, _ = answer_and_check(app, tmp_path / "in_thread", remedy.inside)
    assert check.findings == ()
    assert check.routes[0].status == 200
    assert after == before


def test_each_worker_of_a_factorys_app_has_the_remedies(tmp_path: Path) -> None:
    wanted = ["GET /v1/items/{item}", "GET /orders/{order}", "GET /awaits", "GET /nowhere"]
    order = {"in_thread": wanted, "on_loop": ["GET /ping"]}
    inside = json.dumps({**order, "threads": 200})
    with served("remedied_shop:make_app", tmp_path, root=TESTS, factory=True, remedies=inside, workers=2) as server:

        def answer(path: str) -> object:
            return json.loads(ask(server.host, server.port, path, timeout_s=10.0).body)

        assert server.reported() == "GET /nowhere: the app has no such route"  # it runs, and the others are moved
        for _ in range(10):  # whichever worker answers
            assert answer("/orders/7") == {
                **{"order": 7, "ran": "thread", "tenant": "acme", "thread": "AnyIO worker thread"}
            }
            assert answer("/v1/items/3") == {"item": 3, "ran": "thread"}
            assert answer("/ping") == {"ran": "loop"}
            assert answer("/threads") == {"threads": 200}
        assert ask(server.host, server.port, "/awaits", timeout_s=10.0).status == 500
        assert server.reported().startswith("GET /awaits: the endpoint awaits, so it cannot be `def`; ")
    seen = WatchFiles.read(tmp_path / "watch").requests
    assert {each.threads for each in seen} == {200}  # the number in force, which is neither AnyIO's nor the app's own


@pytest.mark.parametrize("server", ["uvicorn", "granian", "hypercorn", "gunicorn"])
def test_one_that_cannot_be_applied_is_one_line(tmp_path: Path, server: str) -> None:
    target = own_app("app_factory:create_app", APPS, factory=True)
    options = msgspec.structs.replace(target.server, server=server, http="")
    words = r"its log says: app_factory\.py: RemedyError: GET /nowhere: the app has no such route; fix app_factory\.py$"
    with (
        pytest.raises(ServeError, match=words),
        served(
            "app_factory:create_app",
            tmp_path,
            factory=True,
            server=options,
            remedies='{"in_thread": ["GET /nowhere"]}',
        ),
    ):
        pass
