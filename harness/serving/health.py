"""What the target's `/health` says, with the probe's signature."""

from __future__ import annotations

from msgspec import Struct

from harness.inside.bench_inside.probe import GIL_HEADER, HEALTH, IN_FLIGHT_HEADER, TOKEN_HEADER
from harness.processes.ask import AskError, ask


class Health(Struct, frozen=True):
    """One answer. `token` is empty when another program answered; `in_flight` counts the requests of that worker,
    in which `gil_came_back` or not (see `harness.inside.bench_inside.gil`)."""

    status: int
    token: str
    in_flight: int
    gil_came_back: bool = False


def ask_health(host: str, port: int, timeout_s: float, path: str = HEALTH) -> Health | str:
    """The answer, or in words why there was none (nobody listens, too late, not HTTP)."""
    try:
        answer = ask(host, port, path, timeout_s=timeout_s)
    except AskError as error:
        return f"{path}: {error}"
    in_flight = answer.headers.get(IN_FLIGHT_HEADER, "")
    return Health(
        status=answer.status,
        token=answer.headers.get(TOKEN_HEADER, ""),
        in_flight=int(in_flight) if in_flight.isdigit() else 0,
        gil_came_back=GIL_HEADER in answer.headers,
    )
