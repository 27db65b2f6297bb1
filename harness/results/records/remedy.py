"""A remedy: what can be changed about how somebody's own app runs, so that it answers more."""

from __future__ import annotations

from msgspec import Struct


class Remedy(Struct, frozen=True):
    """`name` is that of its variant: `in_thread`, `workers_2`, and of a combination `in_thread_workers_2`. `routes` are
    those that it changes, as "GET /orders/{id}"; empty: all. `why_not`: why it does not apply; empty: it does.
    `change` are the lines to write into the app, or on the command line that runs it. `inside` is the JSON that tells
    the target. Empty `server`, `loop` and `http`: as the app is."""

    name: str
    title: str  # "`def` in place of `async def`"
    routes: tuple[str, ...]
    why_not: str
    change: str
    inside: str
    workers: int = 1
    server: str = ""
    loop: str = ""
    http: str = ""
