"""Where the schemas and the routes of an app are found, however it is wrapped."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.routing import Mount

from harness.inside.bench_inside.app_routes import routes_in
from harness.inside.bench_inside.schemas import schemas_of


class _OtherApp:
    """As `socketio.ASGIApp` has it."""

    def __init__(self, app: Any) -> None:
        self.other_asgi_app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await self.other_asgi_app(scope, receive, send)


def _in_closure(app: Any) -> Any:
    async def wrapped(scope: Any, receive: Any, send: Any) -> None:
        await app(scope, receive, send)

    return wrapped


def _shop() -> FastAPI:
    app, paid = FastAPI(docs_url=None, redoc_url=None), FastAPI(openapi_url="/paid.json", docs_url=None, redoc_url=None)
    app.add_api_route("/orders/{order}", lambda order: order)
    app.mount("/pay", _OtherApp(paid))
    return app


@pytest.mark.parametrize("wrap", [_OtherApp, _in_closure, lambda app: _OtherApp(_in_closure(app))])
def test_an_app_is_found_in_what_wraps_it(wrap: Callable[[Any], Any]) -> None:
    found = [(each["path"], each["prefix"]) for each in schemas_of(wrap(_shop()))]
    assert found == [("/openapi.json", ""), ("/pay/paid.json", "/pay")]


def test_what_is_mounted_may_lead_back_to_the_app() -> None:
    app = _shop()
    app.router.routes += [Mount("/a", _OtherApp(app)), Mount("/b", _OtherApp(app))]
    assert [each["path"] for each in schemas_of(app)] == ["/openapi.json", "/pay/paid.json"]
    assert [each.path for each in routes_in(app)] == ["/openapi.json", "/orders/{order}", "/pay/paid.json"]


def test_what_has_no_routes_has_no_schemas() -> None:
    assert list(schemas_of(_in_closure(None))) == []
