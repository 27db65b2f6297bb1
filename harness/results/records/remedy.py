"""A change that may make somebody's own app faster: applied inside it when it starts, or in how it is served."""

from __future__ import annotations

from msgspec import Struct


class Remedy(Struct, frozen=True):
    """`name` is also that of the variant with it: `in_thread`, `workers_2`. `routes` are those that it is for, as
    `GET /orders/{order}`; empty: all. `why_not`: why it does not apply; empty when it does. `not_for`: why not for a
    route, where that is another reason than that there is nothing to change; `titles`: of a route that has its own.

    `change` is what to write into the app or its command line. An empty line separates parts, and one that is not for
    all routes begins with those that it is for: `# GET /orders/{order}, GET /orders: `. `inside` is for
    `Target.remedies`. `workers` are those that the app runs with it; `server`, `loop` and `http` are empty where it
    changes nothing about them.
    """

    name: str
    title: str
    routes: tuple[str, ...]
    why_not: str
    change: str
    inside: str
    workers: int = 1
    server: str = ""
    loop: str = ""
    http: str = ""
    titles: dict[str, str] = {}
    not_for: dict[str, str] = {}

    def change_for(self, route: str) -> str:
        """Of the change, what concerns this route."""
        return "\n\n".join(part for part in self.change.split("\n\n") if route in (self._routes_of(part) or (route,)))

    def _routes_of(self, part: str) -> list[str]:
        head = part.partition("\n")[0]
        return [each for each in self.routes if f" {each}: " in head or f" {each}, " in head]
