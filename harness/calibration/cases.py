"""The cases of a calibration: each sets one law, asks by ours and by stock, and compares with the truth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from pathlib import Path

from harness.calibration import accuracy
from harness.calibration.accuracy import PERCENTS, Round
from harness.calibration.calibration_record import FAST_HTTP_USER, Case, Count
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
from harness.calibration.truth_server import TruthServer
from harness.results import histograms
from harness.results.records.metric import Metric
from harness.results.records.outcome import Outcome
from harness.results.records.schedule import schedule

RATE_RPS = 200.0
QUICK_RPS = 1_000.0
LATENCY_ROUNDS = 3
ROUND_S = 2.5
FREEZE_RPS = 200.0
FREEZE_CYCLES = 3
COUNT_S = 2.5
STOCK_USERS = 10
_STOCK_S = 3
_STOCK_FREEZE_S = int(2 * CYCLE_S)

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
    """What all cases share. `few`: ours with fewer users than requests wait in a freeze. `cpus`: where stock runs; the
    others have been started there. `with_stock`: whether it runs at all."""

    folder: Path
    server: TruthServer
    ours: OurGenerator
    few: OurGenerator
    cpus: Sequence[int] | None
    with_stock: bool = True


def latency_case(rig: CalibrationSetup, law: Law) -> Case:
    """Percentiles of an open loop below saturation, over as many rounds as ever: all of them count."""
    rate_rps = QUICK_RPS if law is Law.QUICK else RATE_RPS
    rounds: list[Round] = []
    for seed in range(1, LATENCY_ROUNDS + 1):
        name = f"{law}-{seed}"
        rig.server.begin(law, seed=seed, requests=len(schedule("poisson", rate_rps, ROUND_S, seed)))
        rig.ours.open_loop(name, rig.server.address, rate_rps, ROUND_S, seed)
        did_ms = [delay_us / 1e3 for delay_us in rig.server.end().delays_us]
        rounds.append(
            Round({p: accuracy.nearest_rank(did_ms, p) for p in PERCENTS}, percentiles_ms(rig.ours.times(name)))
        )
    stock, _ = ask_stock(rig, law, _STOCK_S)
    return Case(
        law=law,
        title=TITLES[law],
        figures=accuracy.quantile_errors(law_ms(law), rounds, stock.percentiles_ms if stock else {}),
        note=f"{rate_rps:g} requests/s; medians of {LATENCY_ROUNDS} rounds of {ROUND_S:g} s",
    )


def freeze_case(rig: CalibrationSetup) -> Case:
    """Response times from the intended start, over whole cycles of a server that stands still.

    By few users: all but the first of a freeze wait for a free one, and are answered in no time once they are sent. An
    instrument that counts from the send (coordinated omission) would find a p99 of a few ms.

    What the server did is what its freezes made of the arrivals there were; the law's p90 depends on how many happened
    to arrive when (3 % at this many requests).
    """
    seed, duration_s = 1, FREEZE_CYCLES * CYCLE_S
    rig.server.begin(Law.FREEZE)
    record = rig.few.open_loop(Law.FREEZE, rig.server.address, FREEZE_RPS, duration_s, seed)
    seen = rig.server.end()
    start_s = rig.few.origin_s + record.start_s
    intended_s = [start_s + offset_s for offset_s in schedule("poisson", FREEZE_RPS, duration_s, seed)]
    frozen_ms = accuracy.frozen_ms(intended_s, seen.freezes_s)
    did_ms = {percent: accuracy.nearest_rank(frozen_ms, percent) for percent in PERCENTS}
    service_ms = percentiles_ms(rig.few.times(Law.FREEZE, Metric.SERVICE))
    stock, _ = ask_stock(rig, Law.FREEZE, _STOCK_FREEZE_S)
    return Case(
        law=Law.FREEZE,
        title=TITLES[Law.FREEZE],
        figures=accuracy.freeze_figures(
            law_ms(Law.FREEZE),
            did_ms,
            percentiles_ms(rig.few.times(Law.FREEZE)),
            stock.percentiles_ms if stock else {},
        ),
        from_send=accuracy.from_send(did_ms[99], service_ms[99]),
        note=f"{FREEZE_RPS:g} requests/s by {rig.few.users} users over {FREEZE_CYCLES} whole cycles",
    )


def counts_case(rig: CalibrationSetup, law: Law) -> Case:
    """Every drop, every wrong answer and every right one is counted, by both sides alike."""
    rig.server.begin(law)
    record = rig.ours.open_loop(law, rig.server.address, RATE_RPS, COUNT_S, 1)
    seen = rig.server.end()
    stock, stock_seen = ask_stock(rig, law, _STOCK_S)
    outcome = Outcome.CONNECTION_ERROR if law is Law.DROP else Outcome.WRONG_ANSWER
    right = Count(what="right answers", truth=_right(seen), ours=record.outcomes.get(Outcome.OK, 0))
    bad = Count(
        what="dropped" if law is Law.DROP else "wrong answers",
        truth=_bad(seen),
        ours=record.outcomes.get(outcome, 0),
        stock_truth=_bad(stock_seen) if stock_seen else None,
        stock=stock.failures if stock else None,
    )
    every = Count(what="requests", truth=seen.answered + seen.dropped, ours=record.scheduled)
    return Case(law=law, title=TITLES[law], counts=(bad, right, every))


def _right(seen: Seen) -> int:
    return seen.answered - seen.wrong


def _bad(seen: Seen) -> int:
    return seen.dropped + seen.wrong


def law_ms(law: Law) -> dict[float, float]:
    return {percent: truth_ms(law, percent / 100) for percent in PERCENTS}


def percentiles_ms(histogram: histograms.Histogram) -> dict[float, float]:
    return {p: histogram.at_rank(ceil(histogram.total * p / 100)) / 1e3 for p in PERCENTS}


def ask_stock(rig: CalibrationSetup, law: Law, duration_s: int) -> tuple[StockResult | None, Seen | None]:
    if not rig.with_stock:
        return None, None
    rig.server.begin(law)
    said = run_stock(
        rig.folder,
        FAST_HTTP_USER,
        rig.server.url,
        ANSWER,
        users=STOCK_USERS,
        duration_s=duration_s,
        percents=PERCENTS,
        cpus=rig.cpus,
    )
    return said, rig.server.end()
