"""What the target's `/health` says, with the probe's signature."""

from __future__ import annotations

import http.client

from msgspec import Struct

from harness.inside.bench_inside.probe import HEALTH, IN_FLIGHT_HEADER, TOKEN_HEADER


class Health(Struct, frozen=True):
    """One answer. `token` is empty when whoever answered is not one of ours; `in_flight` is of that worker."""

    status: int
    token: str
    in_flight: int


def ask_health(host: str, port: int, timeout_s: float) -> Health | str:
    """Ask on a fresh connection; the reason in words when no answer came (nobody listens, too late, not HTTP).

    A plain socket underneath: proxies in the environment are not asked.
    """
    connection = http.client.HTTPConnection(host, port, timeout=timeout_s)
    try:
        connection.request("GET", HEALTH, headers={"Connection": "close"})
        answer = connection.getresponse()
        return Health(
            answer.status, answer.headers.get(TOKEN_HEADER, ""), int(answer.headers.get(IN_FLIGHT_HEADER) or 0)
        )
    except TimeoutError:
        return f"{HEALTH} did not answer"
    except ConnectionRefusedError:
        return "nothing listened on its port"
    except (OSError, http.client.HTTPException, ValueError) as error:
        return f"{HEALTH} answered with {type(error).__name__}"
    finally:
        connection.close()
