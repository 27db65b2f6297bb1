"""Which requests an app's OpenAPI schema allows to be made without knowing anything else about the app. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlencode

from msgspec import Struct

_METHODS = ("get", "post", "put", "patch", "delete", "options", "head", "trace")


class AppRoute(Struct, frozen=True):
    """`path` is what is asked; None when it cannot be, and then `missing` says why, as in "the path parameter `id`
    needs an example or a default in the schema". `template` is empty where only a path was named."""

    method: str
    template: str
    path: str | None = None
    headers: dict[str, str] = {}
    missing: str = ""

    @property
    def name(self) -> str:
        return f"{self.method} {self.template}"


def routes_of_schema(schema: Any, prefix: str = "") -> list[AppRoute]:
    """All operations, in the order of the schema. `prefix` is where the app is mounted. What is not as OpenAPI says is
    left out."""
    routes = []
    for template, item in _mapping(_mapping(schema).get("paths")).items():
        for method in _METHODS:
            operation = _mapping(item).get(method)
            if not isinstance(operation, Mapping):
                continue
            name = prefix + str(template)
            if method == "get":
                given = [*_list(_mapping(item).get("parameters")), *_list(operation.get("parameters"))]
                routes.append(_get(name, [_resolved(each, schema) for each in given], schema))
            else:
                routes.append(AppRoute(method.upper(), name, missing="only GET is asked"))
    return routes


def _get(template: str, parameters: list[Mapping[str, Any]], schema: Any) -> AppRoute:
    path, query, headers = template, {}, {}
    for parameter in parameters:
        name, place = str(parameter.get("name")), parameter.get("in")
        if not parameter.get("required") and place != "path":
            continue
        found = _value(parameter, schema)
        if found is None:
            missing = f"the {place} parameter `{name}` needs an example or a default in the schema"
            return AppRoute("GET", template, missing=missing)
        if place == "path":
            path = path.replace("{" + name + "}", quote(found, safe=""))
        elif place == "query":
            query[name] = found
        elif place == "header":
            headers[name] = found
        else:
            headers["Cookie"] = "; ".join(filter(None, [headers.get("Cookie"), f"{name}={quote(found)}"]))
    return AppRoute("GET", template, path + ("?" + urlencode(query) if query else ""), headers)


def _value(parameter: Mapping[str, Any], schema: Any) -> str | None:
    """The first example, else the default."""
    described = _resolved(parameter.get("schema"), schema)
    examples = parameter.get("examples")
    named = list(examples.values()) if isinstance(examples, Mapping) else []
    candidates = [
        parameter.get("example"),
        *(_mapping(each).get("value") for each in named),
        *_list(described.get("examples")),
        described.get("example"),
        described.get("const"),
        described.get("default"),
    ]
    for candidate in candidates:
        if isinstance(candidate, bool):
            return str(candidate).lower()
        if isinstance(candidate, str | int | float):
            return str(candidate)
    return None


def _resolved(value: Any, schema: Any) -> Mapping[str, Any]:
    """Follows `$ref` within the schema."""
    for _ in range(10):
        reference = _mapping(value).get("$ref")
        if not isinstance(reference, str) or not reference.startswith("#/"):
            break
        value = schema
        for part in reference.removeprefix("#/").split("/"):
            value = _mapping(value).get(part)
    return _mapping(value)


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
