"""What blocks only when requests meet is named, beside routes of the same app that are healthy."""

from __future__ import annotations

from pathlib import Path

from harness.analysis.app_check import checked, checked_under_load
from harness.results.records.app_request import AppRequest
from harness.results.watch_files import WatchFiles
from harness.serving.asked_routes import ask_routes
from harness.serving.crowd import ask_at_once
from harness.serving.own_app import own_app
from harness.serving.server import Server

SHOP = """
import asyncio
import threading
import time

from fastapi import FastAPI

app = FastAPI()
lock = threading.Lock()


def write():
    with lock:
        time.sleep(0.02)


@app.get("/counter")
async def counter():
    with lock:  # while a thread of another request has it
        pass
    await asyncio.to_thread(write)
    return {}


@app.get("/page")
async def page():
    end_s = time.thread_time() + 0.001
    while time.thread_time() < end_s:
        pass
    await asyncio.sleep(0.002)
    return {}


@app.get("/file")
def file():
    time.sleep(0.002)
    return {}
"""


def test_a_lock_that_only_requests_at_once_wait_for(tmp_path: Path) -> None:
    (tmp_path / "shop.py").write_text(SHOP)
    requests = [AppRequest(path=path, template=path) for path in ("/counter", "/page", "/file")]
    watch_dir = tmp_path / "watch"
    with Server.launch(
        own_app("shop:app", tmp_path), probe_dir=tmp_path / "probe", log_path=tmp_path / "log", watch_dir=watch_dir
    ) as server:
        server.wait_ready(30.0)
        answers = ask_routes(server, requests, times=2, timeout_s=5.0)
        alone = WatchFiles.read(watch_dir)
        assert ask_at_once(server, requests, at_once=8, at_most=300, for_s=1.2) > 20
        server.stop(2.0)
    loaded = WatchFiles.read(watch_dir)
    check = checked(answers, alone.stretches, alone.requests, alone.sources)
    assert check.findings == ()
    both = checked_under_load(check, answers, loaded.stretches, loaded.requests, loaded.sources)
    (line,) = both.findings
    waits_at = SHOP.splitlines().index("    with lock:  # while a thread of another request has it") + 1
    assert (line.file, line.line, line.function) == (str(tmp_path / "shop.py"), waits_at, "counter")
    assert (line.cause, line.where, line.route, line.under_load) == ("waits", "endpoint", "GET /counter", True)
    assert 5 < line.ms < 200
