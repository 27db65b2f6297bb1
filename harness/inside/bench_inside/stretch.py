"""A stretch of time in which the event loop did not run, and what its thread did meanwhile, place by place."""

from __future__ import annotations

from typing import Any

from .clocks import ThreadTimes
from .seen_request import SeenRequest
from .stacks import Place


class OpenStretch:
    """Grows with each look; `line` is what the harness reads as `Stretch`.

    `proven_from_s`: from here on the loop has not run, since it was asked to answer.
    """

    def __init__(self, key: Any, began_s: float, proven_from_s: float) -> None:
        self.key = key
        self.began_s = began_s
        self.proven_from_s = proven_from_s
        self.seen_s = began_s  # until here
        self.looks = 0
        self.collections = 0  # of garbage
        self.request: SeenRequest | None = None
        self.last: tuple[Place, bool] | None = None
        self._spent: dict[tuple[Place, bool], list[float]] = {}

    def add(self, place: Place, by_other: bool, until_s: float, did: ThreadTimes) -> None:
        """`by_other`: the thread could not run because of another one, which was at `place`."""
        wall_s = max(0.0, until_s - self.seen_s)
        self.seen_s = max(self.seen_s, until_s)
        self.looks += 1
        self.last = (place, by_other)
        spent = self._spent.setdefault(self.last, [0.0, 0.0, 0.0])
        spent[0] += wall_s
        spent[1] += did.cpu_s
        spent[2] += did.queued_s  # the system tells it when it is over, perhaps some looks later

    def line(self) -> dict[str, Any]:
        return {
            "t_s": self.began_s,
            "ms": _ms(self.seen_s - self.began_s),
            "request": None if self.request is None else self.request.number,
            "collections": self.collections,
            "places": [
                {
                    **place._asdict(),
                    "coroutine": None if place.coroutine is None else place.coroutine._asdict(),
                    "by_other": by_other,
                    "ms": _ms(wall_s),
                    "cpu_ms": _ms(max(0.0, min(cpu_s, wall_s))),
                    "queued_ms": _ms(max(0.0, min(queued_s, wall_s - max(0.0, cpu_s)))),
                }
                for (place, by_other), (wall_s, cpu_s, queued_s) in self._spent.items()
            ],
        }


def _ms(seconds: float) -> float:
    return round(seconds * 1e3, 3)
