"""How fast each generator is, with the same fast server and one core each, in short turns.

They alternate because a shared machine changes its speed within minutes. Within a round all generators meet about the
same interference (duet benchmarking: Bulej et al., ICPE 2020).
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from pathlib import Path

from harness.calibration import wrk
from harness.calibration.cases import error_of
from harness.calibration.comparison_record import FAST_HTTP_USER, HTTP_USER, OURS, WRK, Speed
from harness.calibration.laws import ANSWER, Law, Seen
from harness.calibration.our_generator import OurGenerator
from harness.calibration.stock_locust import run_stock
from harness.calibration.truth_server import CalibrationError, TruthServer

THROUGHPUT_ROUNDS = 3
THROUGHPUT_TURN_S = 2
THROUGHPUT_CONNECTIONS = 50
# At its beginning and its end a turn has not its full load.
_EDGE_S = 0.3


def measure(
    folder: Path,
    on_line: Callable[[str], None],
    *,
    server_cpus: Sequence[int] | None,
    generator_cpus: Sequence[int] | None,
    rounds: int = THROUGHPUT_ROUNDS,
) -> tuple[tuple[Speed, ...], str]:
    """The speed of all installed generators, ours first, and in one line what ended it early; the turns until then are
    kept. The server counts the requests, so that all are measured in the same way."""
    with (
        TruthServer(folder / "fast.log", loop="uvloop", cpus=server_cpus) as server,
        OurGenerator(folder, "fast", ANSWER, {}, users=THROUGHPUT_CONNECTIONS, cpus=generator_cpus) as ours,
    ):
        server.wait_ready()
        ours.wait_ready()

        def stock(user: str) -> Callable[[], object]:
            return lambda: run_stock(
                folder,
                user,
                server.url,
                ANSWER,
                users=THROUGHPUT_CONNECTIONS,
                duration_s=THROUGHPUT_TURN_S,
                percents=(),
                cpus=generator_cpus,
            )

        generators: dict[str, Callable[[], object]] = {
            OURS: lambda: ours.closed_loop(OURS, server.address, THROUGHPUT_CONNECTIONS, THROUGHPUT_TURN_S),
            FAST_HTTP_USER: stock(FAST_HTTP_USER),
            HTTP_USER: stock(HTTP_USER),
        }
        if wrk.is_installed():
            generators[WRK] = lambda: wrk.run_wrk(
                folder,
                server.url + ANSWER,
                connections=THROUGHPUT_CONNECTIONS,
                duration_s=THROUGHPUT_TURN_S,
                cpus=generator_cpus,
            )
        turns: dict[str, list[float]] = {name: [] for name in generators}

        def take_turns() -> None:
            for number in range(1, rounds + 1):
                for name, run in generators.items():
                    server.begin(Law.FAST)
                    run()
                    turns[name].append(rate_rps(server.end()))
                on_line(f"throughput, round {number} of {rounds}")

        error = error_of(take_turns)
    speeds = tuple(
        Speed(generator=name, rps=statistics.median(found), slices_rps=tuple(found))
        for name, found in turns.items()
        if found
    )
    return speeds, error


def rate_rps(seen: Seen) -> float:
    """Answers per second without the beginning and the end of a turn; Locust's start and stop do not count."""
    under_way = [
        (moment_s, answered)
        for (moment_s, answered), (_, before) in zip(seen.ticks[1:], seen.ticks, strict=False)
        if answered > before
    ]
    if not under_way:
        raise CalibrationError("the fast server was not asked at all")
    first_s, last_s = under_way[0][0] + _EDGE_S, under_way[-1][0] - _EDGE_S
    inner = [(moment_s, answered) for moment_s, answered in under_way if first_s <= moment_s <= last_s]
    if len(inner) < 2:
        raise CalibrationError("the fast server was asked for too short a time")
    return (inner[-1][1] - inner[0][1]) / (inner[-1][0] - inner[0][0])
