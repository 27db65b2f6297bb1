"""An app whose routes say where they ran, "loop" or "thread", in each way in which an app can have routes; and who asks
it without a server. Nothing but FastAPI is needed, of any year: `python tests/remedied_shop.py harness/inside`.
"""

from __future__ import annotations

import asyncio
import contextvars
import json
import sys
import threading
import time
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple

import anyio.to_thread
from fastapi import APIRouter, Depends, FastAPI, HTTPException
from fastapi.routing import APIRoute
from pydantic import BaseModel
from starlette.endpoints import HTTPEndpoint
from starlette.requests import Request
from starlette.responses import JSONResponse, StreamingResponse

tenant = contextvars.ContextVar("tenant", default="nobody")


class Where(BaseModel):
    ran: str


def ran() -> str:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return "thread"
    return "loop"


class Tenant:
    def __init__(self, app):
        self.app = app

    async def __call__(self, scope, receive, send):
        tenant.set("acme")
        await self.app(scope, receive, send)


class Counted(APIRoute):
    def get_route_handler(self):
        handle = super().get_route_handler()

        async def counted(request: Request):
            response = await handle(request)
            response.headers["x-counted"] = "1"
            return response

        return counted


async def current_user():
    time.sleep(0.001)
    return ran()


async def on_the_loop():
    return "loop" if asyncio.get_running_loop().is_running() else ""


async def session():
    await asyncio.sleep(0)
    return ran()


async def used_twice(user: str = Depends(current_user)):
    return user


class Checker:
    async def __call__(self):
        time.sleep(0.001)
        return ran()


async def load():
    time.sleep(0.001)
    return {"ran": ran()}


def make_app() -> FastAPI:
    @asynccontextmanager
    async def lifespan(app):
        anyio.to_thread.current_default_thread_limiter().total_tokens = 7
        app.add_api_route("/late", load)
        yield

    app = FastAPI(lifespan=lifespan)
    app.add_middleware(Tenant)

    @app.get("/orders/{order}")
    async def order_status(order: int):
        time.sleep(0.001)
        return {"order": order, "ran": ran(), "tenant": tenant.get(), "thread": threading.current_thread().name}

    @app.get("/ping")
    def ping():
        return {"ran": ran()}

    @app.get("/model", response_model=Where)
    async def model():
        return {"ran": ran(), "secret": 1}

    @app.get("/awaits")
    async def awaits():
        await asyncio.sleep(0.001)
        return {"ran": ran()}

    @app.get("/yields")
    async def yields():
        await asyncio.sleep(0)
        return {"ran": ran()}

    @app.get("/helper")
    async def helper():
        return await load()

    @app.get("/gone")
    async def gone():
        raise HTTPException(404, {"ran": ran()})

    @app.get("/me")
    async def me(user: str = Depends(current_user), again: str = Depends(used_twice), opened: str = Depends(session)):
        return {"ran": ran(), "user": user, "again": again, "session": opened}

    @app.get("/both")
    async def both(user: str = Depends(current_user), placed: str = Depends(on_the_loop)):
        return {"ran": ran(), "user": user, "placed": placed}

    @app.get("/session")
    async def only_session(opened: str = Depends(session)):
        return {"ran": ran(), "session": opened}

    @app.get("/token")
    async def token(checked: str = Depends(Checker())):
        return {"ran": ran(), "checked": checked}

    @app.get("/threads")
    async def threads():
        return {"threads": anyio.to_thread.current_default_thread_limiter().total_tokens}

    @app.get("/stream")
    async def stream():
        made = ran()

        async def parts():
            yield json.dumps({"made": made, "ran": ran()})

        return StreamingResponse(parts(), media_type="application/json")

    @app.get("/generator")
    async def generator():
        yield 1

    class Page(HTTPEndpoint):
        async def get(self, request):
            return JSONResponse({"ran": ran()})

    async def plain(request):
        return JSONResponse({"ran": ran(), "tenant": tenant.get()})

    app.add_route("/plain", plain)
    app.add_route("/page", Page)

    items = APIRouter(prefix="/items", route_class=Counted)

    @items.get("/{item}")
    async def show(item: int):
        return {"item": item, "ran": ran()}

    outer = APIRouter(prefix="/v1")
    outer.include_router(items)
    app.include_router(outer)
    app.include_router(items, prefix="/v2")

    admin = FastAPI()

    @admin.get("/users/{user}")
    async def users(user: str):
        return {"user": user, "ran": ran()}

    app.mount("/admin", admin)
    app.mount("/wrapped", Tenant(admin))
    return app


class Answer(NamedTuple):
    status: int
    body: Any
    headers: dict[str, str]


async def answered(app, *paths: str) -> dict[str, Answer]:
    """Starts the application as a server does, asks for each path, and ends it. Raises what its startup raises."""
    asked: Any = asyncio.Queue()
    said: Any = asyncio.Queue()
    lifespan = asyncio.ensure_future(app({"type": "lifespan", "asgi": {"version": "3.0"}}, asked.get, said.put))
    await asked.put({"type": "lifespan.startup"})
    message = await said.get()
    if message["type"] != "lifespan.startup.complete":
        await lifespan
    answers = {path: await _answer(app, path) for path in paths}
    await asked.put({"type": "lifespan.shutdown"})
    await lifespan
    return answers


async def _answer(app, path: str) -> Answer:
    messages = []
    requests = [{"type": "http.request", "body": b"", "more_body": False}]

    async def receive():
        if requests:
            return requests.pop()
        return await asyncio.Event().wait()  # the client stays

    async def send(message):
        messages.append(message)

    scope = {
        **{"type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "GET", "scheme": "http"},
        **{"path": path, "raw_path": path.encode(), "query_string": b"", "root_path": "", "headers": []},
        **{"client": ("127.0.0.1", 1), "server": ("127.0.0.1", 80)},
    }
    try:
        await app(scope, receive, send)
    except Exception as error:  # noqa: BLE001 - a server answers 500
        return Answer(500, error, {})
    body = b"".join(message.get("body", b"") for message in messages[1:])
    headers = {name.decode(): value.decode() for name, value in messages[0]["headers"]}
    return Answer(messages[0]["status"], json.loads(body), headers)


# Each path, the name of its route, and of what it answers the part that says where it ran.
MOVED = {
    "/orders/7": "GET /orders/{order}",
    "/model": "GET /model",
    "/helper": "GET /helper",
    "/me": "GET /me",
    "/plain": "GET /plain",
    "/late": "GET /late",
    "/v1/items/3": "GET /v1/items/{item}",
    "/v2/items/3": "GET /v2/items/{item}",
    "/admin/users/a": "GET /admin/users/{user}",
}


def tried(inside: Path) -> str:
    """In words, what does not hold of `bench_inside` here; empty when all of it does."""
    sys.path.insert(0, str(inside))
    from bench_inside.movable_functions import place_of_function  # noqa: PLC0415
    from bench_inside.remedied import Remedied  # noqa: PLC0415
    from bench_inside.remedies import RemedyOrder  # noqa: PLC0415

    order = RemedyOrder(
        in_thread=(*MOVED.values(), "GET /awaits", "GET /yields"),
        dependencies_in_thread={
            "GET /token": [place_of_function(Checker.__call__)],
            "GET /me": [place_of_function(current_user)],
        },
        on_loop=("GET /ping",),
        threads=200,
    )
    paths = (*MOVED, "/ping", "/awaits", "/yields", "/token", "/threads")
    before = asyncio.run(answered(make_app(), *paths))
    after = asyncio.run(answered(Remedied(make_app(), order), *paths))
    wrong = [path for path in MOVED if (before[path].body["ran"], after[path].body["ran"]) != ("loop", "thread")]
    wrong += [path for path in MOVED if before[path].status != after[path].status or after[path].status != 200]
    if (before["/ping"].body["ran"], after["/ping"].body["ran"]) != ("thread", "loop"):
        wrong.append("/ping")
    wrong += [path for path in ("/awaits", "/yields") if "awaits" not in str(after[path].body)]
    if (after["/token"].body["checked"], after["/me"].body["user"], after["/me"].body["session"]) != (
        *("thread", "thread"),
        "loop",
    ):
        wrong.append("dependencies")
    if after["/threads"].body != {"threads": 200}:
        wrong.append("/threads")
    return ", ".join(wrong)


if __name__ == "__main__":
    found = tried(Path(sys.argv[1]))
    print(found or "ok")
    sys.exit(bool(found))
