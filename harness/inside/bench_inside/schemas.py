"""Where an app, and the apps that are mounted in it, have their OpenAPI schemas."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

_DEEPEST = 20


def schemas_of(app: Any, prefix: str = "", depth: int = 0) -> Iterator[dict[str, str]]:
    """The `path` of each schema, and the `prefix` of the paths in it."""
    if depth > _DEEPEST:
        return
    url = getattr(app, "openapi_url", None)
    if isinstance(url, str):
        yield {"path": prefix + url, "prefix": prefix}
    routes = getattr(app, "routes", None)
    if not isinstance(routes, list):
        inner = getattr(app, "app", None)  # middleware around the app
        if inner is not None:
            yield from schemas_of(inner, prefix, depth + 1)
        return
    for route in routes:
        mounted = getattr(route, "app", None)
        path = getattr(route, "path", None)
        if isinstance(path, str) and "{" not in path and isinstance(getattr(mounted, "routes", None), list):
            yield from schemas_of(mounted, prefix + path, depth + 1)
