"""What the target's `/health` says, with the probe's signature."""

from __future__ import annotations

from msgspec import Struct

from harness.inside.bench_inside.probe import HEALTH, IN_FLIGHT_HEADER, TOKEN_HEADER
from harness.processes.ask import AskError, ask


class Health(Struct, frozen=True):
    """One answer. `token` is empty when another program answered; `in_flight` counts the requests of that worker."""

    status: int
    token: str
    in_flight: int


def ask_health(host: str, port: int, timeout_s: float, path: str = HEALTH) -> Health | str:
    """The answer, or in words why there was none (nobody listens, too late, not HTTP)."""
    try:
        answer = ask(host, port, path, timeout_s=timeout_s)
    except AskError as error:
        return f"{path}: {error}"
    in_flight = answer.headers.get(IN_FLIGHT_HEADER, "")
    return Health(answer.status, answer.headers.get(TOKEN_HEADER, ""), int(in_flight) if in_flight.isdigit() else 0)
