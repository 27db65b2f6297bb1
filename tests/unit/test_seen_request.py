from __future__ import annotations

from fastapi import Depends, FastAPI
from fastapi.routing import APIRoute

from harness.inside.bench_inside.seen_request import SeenRequest


def test_the_route_is_found_by_its_endpoint_where_the_scope_has_none() -> None:
    """As up to FastAPI 0.73."""
    app = FastAPI()

    def user() -> str:
        return "me"

    @app.get("/orders/{order}")
    def orders(order: int, user: str = Depends(user)) -> int:
        return order

    (route,) = (each for each in app.routes if isinstance(each, APIRoute))
    request = SeenRequest({"app": app, "endpoint": route.endpoint, "path": "/orders/7", "root_path": ""})
    assert (request.template(), request.sync_dependencies()) == ("/orders/{order}", 1)
    assert SeenRequest({"app": app, "path": "/orders/7"}).template() is None
