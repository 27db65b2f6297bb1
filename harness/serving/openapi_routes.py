"""Which requests an app's OpenAPI schema allows to be made without knowing anything else about the app. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote, unquote

import msgspec
from msgspec import Struct

from harness.results.records.app_request import AppRequest
from harness.serving.openapi_values import body_shape, example_of, list_of, mapping_of, resolved_reference
from harness.serving.request_entry import Pairs, RequestEntry

_METHODS = ("get", "post", "put", "patch", "delete", "options", "head", "trace")
_FORM = "application/x-www-form-urlencoded"
_PLACE = re.compile(r"\{[^{}]*\}")
# A GET should change nothing, but not every app keeps to that.
_DELETES = frozenset(
    {
        *("cancel", "clear", "delete", "destroy", "drop", "erase", "flush", "kill", "logout", "purge", "remove"),
        *("reset", "restart", "revoke", "shutdown", "stop", "truncate", "unsubscribe", "wipe"),
    }
)
_WORDS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")


class AppRoute(Struct, frozen=True):
    """One operation. `entry` is what the schema says of a request; where it does not say enough, or the request may
    change something, `missing` says why it is not asked, as in "the path parameter `id` needs an example or a default
    in the schema"."""

    method: str
    template: str
    entry: RequestEntry
    missing: str = ""

    @property
    def name(self) -> str:
        return f"{self.method} {self.template}"

    @property
    def request(self) -> AppRequest | None:
        """None when it is not asked. Any 2xx is right: the statuses in schemas are often not those of the app."""
        if self.missing:
            return None
        return msgspec.structs.replace(self.entry, status=None).request(self.template)


def routes_of_schema(schema: Any, prefix: str = "") -> list[AppRoute]:
    """All operations, in the order of the schema. `prefix` is where the app is mounted. What is not as OpenAPI says is
    left out."""
    routes = []
    for template, item in mapping_of(mapping_of(schema).get("paths")).items():
        for method in _METHODS:
            operation = mapping_of(item).get(method)
            if not isinstance(operation, Mapping):
                continue
            given = [*list_of(mapping_of(item).get("parameters")), *list_of(operation.get("parameters"))]
            parameters = [resolved_reference(each, schema) for each in given]
            routes.append(_route(method.upper(), prefix + str(template), parameters, operation, schema))
    return routes


def route_without_schema(method: str, template: str) -> AppRoute:
    """What is known of a route by its method and path alone."""
    entry = RequestEntry(method=method, path=template)
    if method == "GET" and "{" in template:
        return AppRoute(method, template, entry, "its path needs a value; name one with --ask")
    return AppRoute(method, template, entry, _unsafe(method, template))


def with_template(request: AppRequest, routes: Sequence[AppRoute]) -> AppRequest:
    """`request` with the template of the route that its path is of, if it has none: the first one, as in the app."""
    if request.template:
        return request
    path = request.path.partition("?")[0]
    for route in routes:
        literals = (re.escape(part) for part in _PLACE.split(route.template))
        is_of_it = re.fullmatch("[^/]+".join(literals), path) or route.template == unquote(path)
        if route.method == request.method and is_of_it:
            return msgspec.structs.replace(request, template=route.template)
    return request


def _route(
    method: str, template: str, parameters: list[Mapping[str, Any]], operation: Mapping[str, Any], schema: Any
) -> AppRoute:
    body, needs_body = _body(operation, schema)
    if method == "GET" and not needs_body:
        body = {}
    entry, unknown = _with_parameters(
        RequestEntry(method=method, path=template, status=_status(operation), **body), parameters, schema
    )
    if method == "GET" and unknown:
        needs = "needs an example or a default" if len(unknown) == 1 else "need examples or defaults"
        return AppRoute(method, template, entry, f"{' and '.join(unknown)} {needs} in the schema")
    if unsafe := _unsafe(method, template):
        return AppRoute(method, template, entry, unsafe)
    if needs_body:
        return AppRoute(method, template, entry, "it needs a body, which bench-app.toml can have")
    try:
        entry.request()
    except ValueError as error:  # an example that HTTP cannot send
        return AppRoute(method, template, entry, str(error))
    return AppRoute(method, template, entry)


def _unsafe(method: str, template: str) -> str:
    if method != "GET":
        return f"{method} is sent only when bench-app.toml has it; see --init"
    if _DELETES & {word.lower() for word in _WORDS.findall(template)}:
        return "its path says that it deletes something; --ask PATH asks for it"
    return ""


def _with_parameters(
    entry: RequestEntry, parameters: list[Mapping[str, Any]], schema: Any
) -> tuple[RequestEntry, list[str]]:
    """Those that are required, and which of them have no value: those are empty in the entry."""
    path, headers, unknown = entry.path, {}, []
    query: Pairs = {}
    for parameter in parameters:
        name, place = str(parameter.get("name")), str(parameter.get("in"))
        if not parameter.get("required") and place != "path":
            continue
        found = example_of(parameter, schema)
        if found is None:
            unknown.append(f"the {place} parameter `{name}`")
        value = found or ""
        if place == "path" and found is not None:
            path = path.replace("{" + name + "}", quote(value, safe=""))
        elif place == "query":
            query[name] = value
        elif place == "header":
            headers[name] = value
        elif place == "cookie":
            headers["Cookie"] = "; ".join(filter(None, [headers.get("Cookie"), f"{name}={quote(value)}"]))
    return msgspec.structs.replace(entry, path=path, query=query, headers=headers), unknown


def _status(operation: Mapping[str, Any]) -> int | None:
    """The first one of success that it names."""
    named = [str(status) for status in mapping_of(operation.get("responses"))]
    return next((int(status) for status in named if re.fullmatch(r"[23][0-9][0-9]", status)), None)


def _body(operation: Mapping[str, Any], schema: Any) -> tuple[dict[str, Any], bool]:
    """As a field of an entry, and whether it must be sent."""
    described = resolved_reference(operation.get("requestBody"), schema)
    kinds = mapping_of(described.get("content"))
    needed = bool(described.get("required"))
    if not kinds:
        return {}, needed
    kind = next((str(each) for each in kinds if "json" in str(each)), str(next(iter(kinds))))
    shape = body_shape(mapping_of(kinds[kind]), schema)
    if "json" in kind:
        return {"json": shape}, needed
    if kind == _FORM:
        fields = {name: value for name, value in mapping_of(shape).items() if isinstance(value, str | int | float)}
        return {"form": fields}, needed
    return {"body": ""}, needed
