"""One route of somebody's own app, as it was asked one request at a time."""

from __future__ import annotations

from msgspec import Struct


class RouteAnswer(Struct, frozen=True):
    """`path` is None when it was not asked. `template` is None when only a path was named. `status` 0: no answer came.
    `reason`: why it was not asked, or gave no answer. `answer` is what it said, `alike`: the same each time.
    `expected` is the status that somebody asked for; None: any success."""

    method: str
    template: str | None
    path: str | None
    status: int
    reason: str = ""
    answer: str = ""
    alike: bool = True
    expected: int | None = None
