"""The cases of a calibration. Each sets one law, sends requests with our generator and with stock Locust, and compares
both with what the server did.

Whatever goes wrong in a case is a finding of that case: what it had measured before is kept.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import ceil
from pathlib import Path

from msgspec.structs import replace

from harness.calibration import accuracy
from harness.calibration.accuracy import PERCENTS, Round
from harness.calibration.case_record import Case, Count
from harness.calibration.comparison_record import FAST_HTTP_USER
from harness.calibration.laws import (
    ANSWER,
    CYCLE_S,
    DROP_ONE_IN,
    FIXED_MS,
    FREEZE_S,
    MEDIAN_MS,
    QUICK_MS,
    SIGMA,
    WRONG_ONE_IN,
    Law,
    Seen,
    truth_ms,
)
from harness.calibration.our_generator import OurGenerator
from harness.calibration.stock_locust import StockResult, run_stock
from harness.calibration.truth_server import CalibrationError, TruthServer
from harness.results import histograms
from harness.results.records.errors import HarnessError
from harness.results.records.metric import Metric
from harness.results.records.outcome import Outcome
from harness.results.records.schedule import schedule

LATENCY_LAWS = (Law.QUICK, Law.FIXED, Law.LOGNORMAL)
LOW_RPS, HIGH_RPS = 100.0, 1_000.0
# So few rounds show their scatter only roughly, which makes the uncertainty larger (`accuracy.bound_ms`). Twice as many
# would make it a fifth smaller and the calibration half a minute longer.
LATENCY_ROUNDS = 6
LATENCY_ROUND_S = {LOW_RPS: 2.0, HIGH_RPS: 0.5}  # 200 requests and more: a p99 needs 100
FREEZE_RPS = 200.0
FREEZE_CYCLES = 3
COUNT_RPS = 200.0
COUNT_S = 2.5
STOCK_USERS = 10
_STOCK_S = 2
_STOCK_FREEZE_S = int(2 * CYCLE_S)
_ENOUGH_FREEZE = 0.5  # of what the law says of the p99

TITLES = {
    Law.FIXED: f"every answer takes {FIXED_MS:g} ms",
    Law.QUICK: f"every answer takes {QUICK_MS:g} ms",
    Law.LOGNORMAL: f"log-normal, median {MEDIAN_MS:g} ms, sigma {SIGMA:g}",
    Law.FREEZE: f"stands still {FREEZE_S:g} s in every {CYCLE_S:g} s",
    Law.DROP: f"drops 1 request in {DROP_ONE_IN}, before or in the middle of the answer",
    Law.WRONG: f"answers wrongly 1 time in {WRONG_ONE_IN}",
}


@dataclass(frozen=True)
class CalibrationSetup:
    """What all cases share. `few`: our generator with fewer users than requests wait in a freeze. `cpus`: where stock
    Locust runs; our generators run there already. `with_stock`: whether stock Locust runs at all."""

    folder: Path
    server: TruthServer
    ours: OurGenerator
    few: OurGenerator
    cpus: Sequence[int] | None
    with_stock: bool = True


def latency_case(
    setup: CalibrationSetup, law: Law, rate_rps: float, allowed_ms: float | None, rounds: int = LATENCY_ROUNDS
) -> Case:
    """Percentiles of an open loop below saturation: all rounds count. Stock Locust runs once, beside the higher rate:
    its closed loop has no rate of its own."""
    done: list[Round] = []
    stock: StockResult | None = None

    def measure() -> None:
        nonlocal stock
        for seed in range(1, rounds + 1):
            done.append(_latency_round(setup, law, rate_rps, seed))  # noqa: PERF401 - kept when the next one fails
        if rate_rps == HIGH_RPS:
            stock, _ = ask_stock(setup, law, _STOCK_S)

    error = error_of(measure)
    return Case(
        law=law,
        title=TITLES[law],
        rate_rps=rate_rps,
        figures=accuracy.quantile_errors(law_ms(law), done, stock.percentiles_ms if stock else {}, allowed_ms)
        if done
        else (),
        note=f"{rate_rps:g} requests/s; medians of {len(done)} rounds of {LATENCY_ROUND_S[rate_rps]:g} s",
        error=error,
    )


def _latency_round(setup: CalibrationSetup, law: Law, rate_rps: float, seed: int) -> Round:
    name, duration_s = f"{law}-{rate_rps:g}-{seed}", LATENCY_ROUND_S[rate_rps]
    setup.server.begin(law, seed=seed, requests=len(schedule("poisson", rate_rps, duration_s, seed)))
    setup.ours.open_loop(name, setup.server.address, rate_rps, duration_s, seed)
    did_ms = [delay_us / 1e3 for delay_us in setup.server.end().delays_us]
    ours_ms = percentiles_ms(setup.ours.times(name), f"round {seed}")
    if not did_ms:
        raise CalibrationError(f"round {seed}: the server has no record of an answer")
    return Round({p: accuracy.nearest_rank(did_ms, p) for p in PERCENTS}, ours_ms)


def freeze_case(setup: CalibrationSetup, cycles: int = FREEZE_CYCLES) -> Case:
    """Response times from the intended start, over whole cycles of a server that stands still.

    There are few users: all but the first requests of a freeze wait for a free user, and are answered at once when they
    are sent. An instrument that counts from the send (coordinated omission) would find a p99 of a few ms.

    "What the server did" is computed from its real freezes and the real arrivals: the p90 by the law depends on how
    many requests happen to arrive when (3 % with this many requests).
    """
    case = Case(
        law=Law.FREEZE,
        title=TITLES[Law.FREEZE],
        rate_rps=FREEZE_RPS,
        note=f"{FREEZE_RPS:g} requests/s by {setup.few.users} users over {cycles} whole cycles",
    )

    def measure() -> None:
        nonlocal case
        seed, duration_s = 1, cycles * CYCLE_S
        setup.server.begin(Law.FREEZE)
        record = setup.few.open_loop(Law.FREEZE, setup.server.address, FREEZE_RPS, duration_s, seed)
        seen = setup.server.end()
        start_s = setup.few.load_began_s + record.start_s
        intended_s = [start_s + offset_s for offset_s in schedule("poisson", FREEZE_RPS, duration_s, seed)]
        frozen_ms = accuracy.frozen_ms(intended_s, seen.freezes_s)
        did_ms = {percent: accuracy.nearest_rank(frozen_ms, percent) for percent in PERCENTS}
        law = law_ms(Law.FREEZE)
        if did_ms[99] < _ENOUGH_FREEZE * law[99]:
            raise CalibrationError(f"the server stood still for {did_ms[99]:.0f} ms, {law[99]:.0f} ms were asked for")
        ours_ms = percentiles_ms(setup.few.times(Law.FREEZE), "freeze")
        service_ms = percentiles_ms(setup.few.times(Law.FREEZE, Metric.SERVICE), "freeze")
        sent = accuracy.from_send(did_ms[99], service_ms[99])
        case = replace(case, figures=accuracy.freeze_figures(law, did_ms, ours_ms, {}), from_send=sent)
        stock, _ = ask_stock(setup, Law.FREEZE, _STOCK_FREEZE_S)
        if stock:
            figures = accuracy.freeze_figures(law, did_ms, ours_ms, stock.percentiles_ms)
            case = replace(case, figures=figures)

    error = error_of(measure)
    return replace(case, error=error)


def counts_case(setup: CalibrationSetup, law: Law) -> Case:
    """Every dropped request, every wrong answer and every right one is counted by both sides; the counts must agree."""
    case = Case(law=law, title=TITLES[law], rate_rps=COUNT_RPS)

    def measure() -> None:
        nonlocal case
        setup.server.begin(law)
        record = setup.ours.open_loop(law, setup.server.address, COUNT_RPS, COUNT_S, 1)
        seen = setup.server.end()
        outcome = Outcome.CONNECTION_ERROR if law is Law.DROP else Outcome.WRONG_ANSWER
        bad = Count(
            what="dropped" if law is Law.DROP else "wrong answers",
            truth=_bad(seen),
            ours=record.outcomes.get(outcome, 0),
        )
        right = Count(what="right answers", truth=_right(seen), ours=record.outcomes.get(Outcome.OK, 0))
        every = Count(what="requests", truth=seen.answered + seen.dropped, ours=record.scheduled)
        case = replace(case, counts=(bad, right, every))
        stock, stock_seen = ask_stock(setup, law, _STOCK_S)
        if stock and stock_seen:
            bad = replace(bad, stock_truth=_bad(stock_seen), stock=stock.failures)
            case = replace(case, counts=(bad, right, every))

    error = error_of(measure)
    return replace(case, error=error)


def error_of(measure: Callable[[], None]) -> str:
    """What ended `measure` early, in one line; empty when nothing did."""
    try:
        measure()
    except HarnessError as error:
        return str(error)
    return ""


def _right(seen: Seen) -> int:
    return seen.answered - seen.wrong


def _bad(seen: Seen) -> int:
    return seen.dropped + seen.wrong


def law_ms(law: Law) -> dict[float, float]:
    return {percent: truth_ms(law, percent / 100) for percent in PERCENTS}


def percentiles_ms(histogram: histograms.Histogram, of: str) -> dict[float, float]:
    """Raises CalibrationError, which begins with `of`, when there was no right answer at all."""
    if not histogram.total:
        raise CalibrationError(f"{of}: not one right answer was received")
    return {p: histogram.at_rank(ceil(histogram.total * p / 100)) / 1e3 for p in PERCENTS}


def ask_stock(setup: CalibrationSetup, law: Law, duration_s: int) -> tuple[StockResult | None, Seen | None]:
    if not setup.with_stock:
        return None, None
    setup.server.begin(law)
    said = run_stock(
        setup.folder,
        FAST_HTTP_USER,
        setup.server.url,
        ANSWER,
        users=STOCK_USERS,
        duration_s=duration_s,
        percents=PERCENTS,
        cpus=setup.cpus,
    )
    return said, setup.server.end()
