"""A change that may make somebody's own app faster: applied inside it when it starts, or in how it is served."""

from __future__ import annotations

from msgspec import Struct


class Remedy(Struct, frozen=True):
    """`name` is also that of the variant with it: `in_thread`, `workers_2`. `routes` are those that it is for, as
    `GET /orders/{order}`; empty: all. `why_not`: why it does not apply; empty when it does.

    `change` is what to write into the app or its command line. An empty line separates parts, and a part for one route
    begins with `# GET /orders/{order}: `. `inside` is for `Target.remedies`. `workers` are those that the app runs with
    it; `server`, `loop` and `http` are empty where it changes nothing about them.
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

    def change_for(self, route: str) -> str:
        """Of the change, what concerns this route."""
        of_others = tuple(f"# {each}: " for each in self.routes if each != route)
        return "\n\n".join(part for part in self.change.split("\n\n") if not part.startswith(of_others))
