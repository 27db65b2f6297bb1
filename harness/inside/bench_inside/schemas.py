"""Where an app, and the apps that are mounted in it, have their OpenAPI schemas."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .app_routes import ends_of


def schemas_of(app: Any, prefix: str = "", within: tuple[Any, ...] = ()) -> Iterator[dict[str, str]]:
    """The `path` of each schema, and the `prefix` of the paths in it. `app` may be wrapped in middleware.
    `within` are the apps that it is mounted in: it may lead back to one of them."""
    with_routes = ends_of(app, lambda each: isinstance(getattr(each, "routes", None), list))
    if not with_routes or any(with_routes[0] is each for each in within):
        return
    within = (*within, with_routes[0])
    url = getattr(with_routes[0], "openapi_url", None)
    if isinstance(url, str):
        yield {"path": prefix + url, "prefix": prefix}
    for route in with_routes[0].routes:
        path = getattr(route, "path", None)
        if isinstance(path, str) and "{" not in path and hasattr(route, "app") and not hasattr(route, "endpoint"):
            yield from schemas_of(route.app, prefix + path, within)
