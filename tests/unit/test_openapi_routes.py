from __future__ import annotations

from typing import Annotated, Any

import pytest
from fastapi import Cookie, FastAPI, Header, Path, Query

from harness.results.records.app_request import AppRequest
from harness.serving.openapi_routes import route_without_schema, routes_of_schema, with_template


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
    requests = {name: route.request for name, route in routes.items()}
    assert requests["GET /plain"] == AppRequest(path="/plain", template="/plain")
    assert requests["GET /users/{user}"] == AppRequest(path="/users/a%20b%2Fc", template="/users/{user}")
    assert requests["GET /search"] == AppRequest(path="/search?text=x%26y&flag=true", template="/search")
    headers = {"X-Tenant": "t", "Cookie": "sid=s"}
    assert requests["GET /tenant"] == AppRequest(path="/tenant", template="/tenant", headers=headers)
    assert requests["GET /orders/{order}"] is None
    missing = "the path parameter `order` needs an example or a default in the schema"
    assert routes["GET /orders/{order}"].missing == missing
    assert requests["POST /orders"] is None
    assert routes["POST /orders"].missing == "POST is sent only when bench-app.toml has it; see --init"


def test_everything_that_is_missing_is_said_at_once() -> None:
    parameters = [{"name": name, "in": place, "required": True} for name, place in (("a", "query"), ("b", "cookie"))]
    (route,) = routes_of_schema({"paths": {"/x": {"get": {"parameters": parameters}}}})
    assert route.missing == (
        "the query parameter `a` and the cookie parameter `b` need examples or defaults in the schema"
    )
    assert (route.entry.query, route.entry.headers) == ({"a": ""}, {"Cookie": "b="})


@pytest.mark.parametrize(
    ("operation", "missing"),
    [
        ({"requestBody": {"required": True}}, "it needs a body, which bench-app.toml can have"),
        (
            {"parameters": [{"name": "X", "in": "header", "required": True, "example": "a\nb"}]},
            "headers: the value of X",
        ),
        ({}, "path: put a value in place of {b}"),
    ],
)
def test_an_operation_that_http_cannot_send_is_not_asked(operation: Any, missing: str) -> None:
    (route,) = routes_of_schema({"paths": {"/a" if operation else "/a/{b}": {"get": operation}}})
    assert route.request is None
    assert route.missing.startswith(missing)


def test_a_body_has_the_shape_of_its_schema() -> None:
    """As far as it must be there; a schema that contains itself comes to an end."""
    tree = {"required": ["of"], "properties": {"of": {"type": "array", "items": {"$ref": "#/tree"}}}}
    shapes = {
        "a": ({"example": {"x": 1}}, {"x": 1}),
        "b": (
            {"allOf": [{"$ref": "#/point"}, {"required": ["z"], "properties": {"z": {"enum": [3]}}}]},
            {"x": 0, "z": 3},
        ),
        "c": ({"oneOf": [{"type": "null"}, {"type": ["null", "boolean"]}]}, False),
        "d": ({"type": "string", "default": "now"}, "now"),
        "e": ({"$ref": "#/tree"}, {"of": [{"of": [{"of": {}}]}]}),
        "f": (3, {}),
    }
    content = {name: {"content": {"application/json": {"schema": given}}} for name, (given, _) in shapes.items()}
    described = {
        "paths": {f"/{name}": {"post": {"requestBody": body}} for name, body in content.items()},
        "point": {"required": ["x"], "properties": {"x": {"type": "integer"}, "y": {"type": "integer"}}},
        "tree": tree,
    }
    found = {route.template[1:]: route.entry.json for route in routes_of_schema(described)}
    assert found == {name: shape for name, (_, shape) in shapes.items()}


def test_a_form_is_a_form_and_another_body_is_left_to_the_reader() -> None:
    fields = {"required": ["a", "b"], "properties": {"a": {"type": "number"}, "b": {"type": "array"}}}
    for kind, name, shape in (
        ("application/x-www-form-urlencoded", "form", {"a": 0.0}),
        ("multipart/form-data", "body", ""),
    ):
        described = {"paths": {"/": {"post": {"requestBody": {"content": {kind: {"schema": fields}}}}}}}
        assert getattr(routes_of_schema(described)[0].entry, name) == shape


@pytest.mark.parametrize(
    ("method", "path", "template"),
    [
        ("GET", "/plain?x=1", "/plain"),
        ("GET", "/orders/7", "/orders/{order}"),
        ("POST", "/orders", "/orders"),
        ("GET", "/orders/7/items", ""),
        ("DELETE", "/plain", ""),
    ],
)
def test_a_path_is_of_the_first_route_that_it_fits(method: str, path: str, template: str) -> None:
    request = AppRequest(method=method, path=path)
    assert with_template(request, routes_of_schema(schema())) == AppRequest(method=method, path=path, template=template)


def test_the_routes_of_a_mounted_app_have_its_prefix() -> None:
    routes = routes_of_schema({"paths": {"/users": {"get": {}}}}, "/admin")
    assert [route.request for route in routes] == [AppRequest(path="/admin/users", template="/admin/users")]


def test_parameters_of_the_path_and_references_are_followed() -> None:
    described = {
        "paths": {"/a/{id}": {"parameters": [{"$ref": "#/components/parameters/Id"}], "get": {}}},
        "components": {
            "parameters": {"Id": {"name": "id", "in": "path", "required": True, "schema": {"$ref": "#/x"}}},
        },
        "x": {"default": 7},
    }
    (route,) = routes_of_schema(described)
    assert route.request == AppRequest(path="/a/7", template="/a/{id}")


@pytest.mark.parametrize("odd", [None, [], 3, {"paths": []}, {"paths": {"/a": 3}}, {"paths": {"/a": {"get": 1}}}])
def test_what_is_no_schema_has_no_routes(odd: Any) -> None:
    assert routes_of_schema(odd) == []


@pytest.mark.parametrize(
    ("path", "is_asked"),
    [("/delete-all", False), ("/cache/Purge", False), ("/items_wipe", False), ("/deleted", True), ("/undelete", True)],
)
def test_a_path_that_says_that_it_deletes_is_not_asked_although_it_is_a_get(path: str, is_asked: bool) -> None:
    (route,) = routes_of_schema({"paths": {path: {"get": {}}}})
    assert (route.request is not None) == is_asked
    assert is_asked or route.missing == "its path says that it deletes something; --ask PATH asks for it"


@pytest.mark.parametrize(
    ("method", "template", "missing"),
    [
        ("GET", "/orders", ""),
        ("GET", "/orders/{order}", "its path needs a value; name one with --ask"),
        ("GET", "/cache/flush", "its path says that it deletes something; --ask PATH asks for it"),
        ("POST", "/orders", "POST is sent only when bench-app.toml has it; see --init"),
    ],
)
def test_without_a_schema_a_route_is_asked_by_its_path(method: str, template: str, missing: str) -> None:
    route = route_without_schema(method, template)
    assert route.missing == missing
    assert (route.request is None) == bool(missing)
