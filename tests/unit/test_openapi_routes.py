from __future__ import annotations

from typing import Annotated, Any

import pytest
from fastapi import Cookie, FastAPI, Header, Path, Query

from harness.serving.openapi_routes import routes_of_schema


def schema() -> Any:
    app = FastAPI()

    @app.get("/plain")
    def plain() -> None: ...

    @app.get("/orders/{order}")
    def orders(order: int) -> None: ...

    @app.get("/users/{user}")
    def users(user: Annotated[str, Path(examples=["a b/c"])]) -> None: ...

    @app.get("/search")
    def search(
        text: Annotated[str, Query(examples=["x&y"])], flag: Annotated[bool, Query(examples=[True])], page: int = 1
    ) -> None: ...

    @app.get("/tenant")
    def tenant(
        name: Annotated[str, Header(alias="X-Tenant", examples=["t"])], sid: Annotated[str, Cookie(examples=["s"])]
    ) -> None: ...

    @app.post("/orders")
    def make() -> None: ...

    return app.openapi()


def test_what_needs_nothing_or_has_examples_is_asked_and_the_rest_says_what_is_missing() -> None:
    routes = {route.name: route for route in routes_of_schema(schema())}
    assert routes["GET /plain"].path == "/plain"
    assert routes["GET /users/{user}"].path == "/users/a%20b%2Fc"
    assert routes["GET /search"].path == "/search?text=x%26y&flag=true"
    assert routes["GET /tenant"].headers == {"X-Tenant": "t", "Cookie": "sid=s"}
    missing = routes["GET /orders/{order}"]
    assert missing.path is None
    assert missing.missing == "the path parameter `order` needs an example or a default in the schema"
    assert (routes["POST /orders"].path, routes["POST /orders"].missing) == (None, "only GET is asked")


def test_the_routes_of_a_mounted_app_have_its_prefix() -> None:
    routes = routes_of_schema({"paths": {"/users": {"get": {}}}}, "/admin")
    assert [(route.template, route.path) for route in routes] == [("/admin/users", "/admin/users")]


def test_parameters_of_the_path_and_references_are_followed() -> None:
    described = {
        "paths": {"/a/{id}": {"parameters": [{"$ref": "#/components/parameters/Id"}], "get": {}}},
        "components": {
            "parameters": {"Id": {"name": "id", "in": "path", "required": True, "schema": {"$ref": "#/x"}}},
        },
        "x": {"default": 7},
    }
    assert [route.path for route in routes_of_schema(described)] == ["/a/7"]


@pytest.mark.parametrize("odd", [None, [], 3, {"paths": []}, {"paths": {"/a": 3}}, {"paths": {"/a": {"get": 1}}}])
def test_what_is_no_schema_has_no_routes(odd: Any) -> None:
    assert routes_of_schema(odd) == []
