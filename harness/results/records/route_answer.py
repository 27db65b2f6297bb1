"""What a route of somebody's own app answered when it was asked."""

from __future__ import annotations

from msgspec import Struct

from harness.results.records.answer import is_success
from harness.results.records.text import printable

_SHOWN_CHARS = 120
_NEEDS_CREDENTIALS = (401, 403)


class RouteAnswer(Struct, frozen=True):
    """One request to the app, as it was asked: `path` is None when it was not, and has no credential. `template` is
    None when only a path was named. `status` 0: no answer came. `reason`: why it was not asked, gave no answer, or
    what is wrong with its status. `answer`: SHA-256 of the answer without the fields that differ each time; empty: none
    came to its end. `alike`: it was the same each time. `expected`: the status that is right; None: any 2xx. `cut`: why
    the answer was not read to its end, such as that it has none; it cannot be measured under load then."""

    method: str
    template: str | None
    path: str | None
    status: int
    reason: str = ""
    answer: str = ""
    alike: bool = True
    expected: int | None = None
    cut: str = ""

    @property
    def asks_for_credentials(self) -> bool:
        return self.status in _NEEDS_CREDENTIALS and bool(self.reason)


def wrong_status(status: int, expected: int | None, location: str = "") -> str:
    """What is wrong with it, as a phrase: "answered 500, expected 201". Empty when nothing is. `location` is where a
    redirect leads to."""
    if is_success(status) if expected is None else status == expected:
        return ""
    said = f"answered {status}" + ("" if expected is None else f", expected {expected}")
    if status in _NEEDS_CREDENTIALS:
        return f"{said} (it asks for credentials)"
    if 300 <= status < 400 and location:
        place = printable(location.partition("?")[0])  # a query may hold a credential
        return f"{said} (a redirect to {place[:_SHOWN_CHARS]}, which is not followed)"
    return said
