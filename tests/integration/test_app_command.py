"""`bench app --check` on small apps, through the command line."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import venv
from pathlib import Path
from typing import Any

from tests.apps_kit import APPS
from tests.children import child
from tests.serving_kit import wait_until

ROOT = Path(__file__).parents[2]

SHOP = """
import time
from fastapi import APIRouter, BackgroundTasks, FastAPI
from starlette.endpoints import HTTPEndpoint
from starlette.responses import Response

app = FastAPI()
admin = FastAPI()
router = APIRouter(prefix="/v1")

@app.get("/quick")
async def quick():
    return {}

@router.get("/slow")
async def slow():
    time.sleep(0.06)
    return {}

@app.get("/orders/{order}")
def order(order: int):
    time.sleep(0.03)
    return {}

@app.get("/closed", status_code=401)
async def closed():
    return {}

@app.get("/elsewhere", status_code=302)
async def elsewhere():
    return {}

@admin.get("/users")
async def users():
    time.sleep(0.05)
    return []

@app.get("/receipt")
async def receipt(after: BackgroundTasks):
    after.add_task(print, "sent")
    after.add_task(quick)
    after.add_task(time.sleep, 0.001)
    return {}

class Legacy(HTTPEndpoint):
    async def get(self, request):
        time.sleep(0.03)
        return Response()

app.router.add_route("/legacy", Legacy)

@app.post("/orders")
async def make():
    raise SystemExit("never asked")

app.include_router(router)
app.mount("/admin", admin)
"""


DIES = """
import os
from fastapi import FastAPI

app = FastAPI()
asked = []

@app.get("/wrong")
async def wrong():
    raise ValueError("no such table")

@app.get("/a")
async def a():
    asked.append(1)
    if len(asked) == 3:
        print("the last words", flush=True)
        os._exit(9)

@app.get("/b")
async def b():
    pass
"""


def bench_app(*arguments: str, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "harness", "app", *arguments],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def shop(folder: Path) -> Path:
    (folder / "shop").mkdir()
    (folder / "shop" / "__init__.py").touch()
    (folder / "shop" / "main.py").write_text(SHOP)
    return folder


def test_each_route_is_asked_and_what_blocks_is_named(tmp_path: Path) -> None:
    done = bench_app(
        "shop.main:app", "--check", "--json", "--dir", str(shop(tmp_path)), "--ask", "/orders/7", "--ask", "/legacy"
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    routes = {f"{route['method']} {route['path']}": route for route in found["routes"]}
    slow = routes["GET /v1/slow"]
    (line,) = slow["findings"]
    assert line == {
        **line,
        "file": str(tmp_path / "shop" / "main.py"),
        "line": 17,
        "function": "slow",
        "call": "time.sleep",
        "cause": "waits",
        "where": "endpoint",
        "route": "GET /v1/slow",
    }
    assert 50 < line["ms"] < 80
    assert (slow["kind"], slow["status"], slow["sync_dependencies"]) == ("async def", 200, 0)
    assert slow["service_ms"] >= 60
    assert slow["blocked_ms"] > 50
    (line,) = routes["GET /admin/users"]["findings"]
    assert (line["line"], line["route"]) == (35, "GET /admin/users")
    order = routes["GET /orders/{order}"]
    assert (order["kind"], order["findings"]) == ("def", [])
    assert 20 < order["thread_ms"] < 50
    assert routes["GET /quick"]["findings"] == []
    assert routes["GET /receipt"]["background_in_threads"] == 2
    legacy = routes["GET /legacy"]
    assert (legacy["kind"], [line["function"] for line in legacy["findings"]]) == ("async def", ["get"])
    assert routes["GET /closed"]["status"] == 401
    reason = "POST is sent only when bench-app.toml has it; see --init"
    assert routes["POST /orders"] == {**routes["POST /orders"], "asked": False, "reason": reason}
    assert {line["route"] for line in found["findings"]} == {"GET /v1/slow", "GET /admin/users", "GET /legacy"}


def test_a_line_for_each_route_the_worst_first_and_a_gate(tmp_path: Path) -> None:
    done = bench_app("shop.main:app", "--check", "--dir", str(shop(tmp_path)), "--max-blocked", "20")
    lines = done.stdout.splitlines()
    ms = r"\d+(\.\d)? ms"
    assert re.fullmatch(f"GET /v1/slow: async def, {ms}, blocks the loop for {ms}", lines[0]), done.stdout + done.stderr
    assert re.fullmatch(rf"    shop/main\.py:17 slow: waits for {ms} in time\.sleep \(endpoint\)", lines[1]), (
        done.stdout
    )
    missing = "GET /orders/{order}: not asked: the path parameter `order` needs an example or a default in the schema"
    assert missing in lines
    assert any(line.startswith("GET /closed: answered 401 (it asks for credentials), async def, ") for line in lines)
    assert done.returncode == 1
    assert re.search(f"^GET /v1/slow: blocked for {ms}, above 20 ms: shop/main.py:17 slow$", done.stderr, re.MULTILINE)


def test_a_factory_and_an_env_file(tmp_path: Path) -> None:
    done = bench_app("app_factory:create_app", "--check", "--factory", "--dir", str(APPS))
    assert "app_factory.py:23 hello: waits for " in done.stdout, done.stdout + done.stderr
    (tmp_path / ".env").write_text("SETTINGS_DELAY_S=0.05\n")
    done = bench_app("settings:app", "--check", "--dir", str(APPS), "--env-file", str(tmp_path / ".env"))
    assert "settings.py:26 slow: waits for " in done.stdout, done.stdout + done.stderr


def test_what_cannot_be_run_is_one_line(tmp_path: Path) -> None:
    bare = tmp_path / "bare"
    venv.create(bare, with_pip=False, symlinks=True)
    (tmp_path / "broken.py").write_text("number = 3\n\ndef make():\n    return 4\n")
    for arguments, code, words in (
        (["main"], 2, "bench: 'main': is not MODULE:APP; name the module and the app in it, such as shop.main:app"),
        (["nowhere:app"], 3, f"; name the folder that it is imported from with --dir (now {tmp_path})"),
        (["broken:number"], 3, "TypeError: `number` is int, which is no ASGI application"),
        (["broken:make"], 3, "takes no scope, receive and send; is it a factory? Then add --factory; fix broken.py"),
        (["broken:app", "--python", str(bare)], 2, f"bench: --python {bare}/bin/python: has no uvicorn; install it"),
        (["broken:make", "--factory"], 3, "TypeError: `make()` returns int, which is no ASGI application"),
        (["broken:other"], 3, "AttributeError: module 'broken' has no attribute 'other'"),
    ):
        done = bench_app(*arguments, "--check", "--dir", str(tmp_path))
        (line,) = done.stderr.splitlines()
        assert words in line
        assert (done.returncode, done.stdout) == (code, "")


def test_an_app_that_ends_while_it_is_asked_is_named_and_what_it_said_is_shown(tmp_path: Path) -> None:
    (tmp_path / "dies.py").write_text(DIES)
    done = bench_app("dies:app", "--check", "--json", "--dir", str(tmp_path), "--max-blocked", "9s")
    routes = {route["path"]: route for route in json.loads(done.stdout)["routes"]}
    assert routes["/a"]["reason"] == "closed the connection without an answer"
    assert routes["/b"]["reason"] == "not asked: the app ended at GET /a"
    lines = done.stderr.splitlines()
    # What follows an exception without a level of its own is taken for more of its message.
    assert "dies:app answered with an error; its log says: ValueError: no such table" in lines
    assert "dies:app: it exited with 9; its log says: ValueError: no such table" in lines
    assert "no route answered with success; name paths with --ask, or see what the app needs" in lines
    assert done.returncode == 1


def test_nothing_is_left_of_it_when_it_is_killed(tmp_path: Path) -> None:
    (tmp_path / "slow.py").write_text("import time\nprint('begins', flush=True)\ntime.sleep(60)\n")
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    command = [sys.executable, "-m", "harness", "app", "slow:app", "--check", "--dir", str(tmp_path)]
    with child(command, cwd=ROOT, env={**os.environ, "TMPDIR": str(scratch)}) as bench:
        wait_until(
            lambda: any(log.stat().st_size for log in scratch.glob("bench-app-*/brought/check/server.log")), 30.0
        )
        bench.kill()
    wait_until(lambda: not list(scratch.glob("bench-*")), 30.0)
