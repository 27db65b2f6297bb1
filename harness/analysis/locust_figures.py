"""What is said of a locustfile's requests: figures of a closed loop, and what was wrong with the run. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from msgspec import Struct

from harness.judging.figures import Percentile
from harness.judging.percentiles import Latencies
from harness.results.histograms import Histogram
from harness.results.records.asked_health import AskedHealth
from harness.results.records.locust_lines import (
    OTHER_NAMES,
    LocustRecord,
    NamedRequests,
    SecondOfRequests,
)
from harness.results.records.sample import Sample, TreeName
from harness.results.records.text import count

CLOSED_LOOP = (
    "closed-loop: a user waits for its answer before it asks again, so a stall hides the requests that were not made; "
    "these are not response times at a rate"
)
_BUSY_CORES = 0.9  # Locust is one thread: from here on it may be what is slow


class LocustRow(Struct, frozen=True, kw_only=True):
    """One method and name. Percentiles are of answers that were no failures; None: too few of them. Those in `at_least`
    lie among requests that had no answer, so the truth is this or more."""

    method: str
    name: str
    requests: int
    rps: float
    failures: int
    failure_texts: dict[str, int]
    unanswered: int
    p50_ms: float | None
    p90_ms: float | None
    p99_ms: float | None
    at_least: tuple[str, ...] = ()

    @property
    def shown(self) -> str:
        return f"{self.method} {self.name}"


class LocustHealth(Struct, frozen=True):
    """The probe's own path, asked at a steady rate meanwhile: how late the event loop was. Times count from when a
    question was due."""

    asked: int
    unanswered: int
    p50_ms: float | None
    p99_ms: float | None
    longest_ms: float


class LocustUsage(Struct, frozen=True):
    """CPUs used in the measured time; None where it was not sampled."""

    target_cores: float | None
    locust_cores: float | None
    target_rss_bytes: int | None


class LocustFigures(Struct, frozen=True, kw_only=True):
    """`problems` are lines that make the run incomplete, `notes` what a reader should know."""

    loop: str = "closed"
    said: str = CLOSED_LOOP
    users: int
    warm_up_s: float
    measured_s: float
    rows: tuple[LocustRow, ...]
    seconds: tuple[SecondOfRequests, ...]
    health: LocustHealth
    usage: LocustUsage
    problems: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def requests(self) -> int:
        return sum(row.requests for row in self.rows)

    def why_nothing(self) -> str:
        """Why there is no figure at all; empty when there is one."""
        if self.requests:
            return ""
        because = f": {'; '.join(self.problems)}" if self.problems else ""
        if any(row.unanswered for row in self.rows):
            return f"none of its requests had an answer{because}"
        way_out = "" if because else "; give it a longer --run-time or more --users, or look at its wait_time"
        return f"made no request to the app in {self.measured_s:.1f} s{because}{way_out}"


def locust_figures(
    record: LocustRecord,
    health: Sequence[AskedHealth],
    samples: Sequence[Sample],
    *,
    warm_up_s: float,
    run_time_s: float,
) -> LocustFigures:
    """The rows with the most requests first."""
    began_s, ended_s = record.ended.began_s, record.ended.ended_s
    measured_s = max(0.0, ended_s - began_s)
    rows = sorted((_row(each, measured_s) for each in record.requests), key=lambda row: -row.requests)
    usage = _usage(samples, began_s, ended_s)
    return LocustFigures(
        users=record.started.users,
        warm_up_s=warm_up_s,
        measured_s=round(measured_s, 3),
        rows=tuple(rows),
        seconds=record.seconds,
        health=_health([each for each in health if began_s <= each.due_s <= ended_s]),
        usage=usage,
        problems=tuple(_problems(record, rows, measured_s, run_time_s)),
        notes=tuple(_notes(record, rows, usage)),
    )


def _row(named: NamedRequests, measured_s: float) -> LocustRow:
    times = Latencies(_histogram(named.answered_us), _histogram(named.given_up_us))
    percentiles = {f"p{permille // 10}": times.percentile(permille) for permille in (500, 900, 990)}
    return LocustRow(
        method=named.method,
        name=named.name,
        requests=named.count,
        rps=round(named.count / measured_s, 2) if measured_s else 0.0,
        failures=named.failures,
        failure_texts=named.failure_texts,
        unanswered=times.given_up.total,
        p50_ms=_value_ms(percentiles["p50"]),
        p90_ms=_value_ms(percentiles["p90"]),
        p99_ms=_value_ms(percentiles["p99"]),
        at_least=tuple(name for name, each in percentiles.items() if each is not None and each.at_least),
    )


def _histogram(pairs: Iterable[tuple[int, int]]) -> Histogram:
    ordered = sorted(pairs)
    return Histogram(
        np.array([value for value, _ in ordered], np.int64), np.array([many for _, many in ordered], np.int64)
    )


def _value_ms(percentile: Percentile | None) -> float | None:
    return None if percentile is None else percentile.value_ms


def _health(asked: Sequence[AskedHealth]) -> LocustHealth:
    def pairs(values: Iterable[float]) -> Histogram:
        return _histogram((round(value * 1000), 1) for value in values)

    times = Latencies(
        pairs(each.ms for each in asked if each.ms is not None),
        pairs(each.waited_ms for each in asked if each.ms is None),
    )
    p50_ms, p99_ms = (_value_ms(times.percentile(permille)) for permille in (500, 990))
    longest_ms = max((each.waited_ms for each in asked), default=0.0)
    return LocustHealth(len(asked), times.given_up.total, p50_ms, p99_ms, round(longest_ms, 3))


def _usage(samples: Sequence[Sample], began_s: float, ended_s: float) -> LocustUsage:
    inside = [sample for sample in samples if began_s <= sample.t_s <= ended_s]
    rss = [sample.rss_bytes for sample in inside if sample.tree == "target"]
    return LocustUsage(_cores(inside, "target"), _cores(inside, "generator"), max(rss, default=None))


def _cores(samples: Sequence[Sample], tree: TreeName) -> float | None:
    own = [sample for sample in samples if sample.tree == tree]
    if len(own) < 2 or own[-1].t_s <= own[0].t_s:
        return None
    return round((own[-1].cpu_s - own[0].cpu_s) / (own[-1].t_s - own[0].t_s), 3)


def _problems(record: LocustRecord, rows: Sequence[LocustRow], measured_s: float, run_time_s: float) -> Iterable[str]:
    ended = record.ended
    if not ended.complete:
        ended_early = f"ended after {measured_s:.1f} s of {run_time_s:g} s"
        yield f"{ended_early}: its users had all stopped, or the file ended the run"
    for text, many in ended.raised.items():
        yield f"raised {text} ({count(many, 'time')})"
    for place, many in ended.refused.items():
        yield f"asked {place} ({count(many, 'time')}): not sent; only the app that was started is asked"
    for row in rows:
        if row.failures:
            failed = f"{row.failures:,} of {count(row.requests, 'request')} failed"
            yield f"{row.shown}: {failed}: {_texts(row.failure_texts)}"
        if row.unanswered:
            yield f"{row.shown}: {count(row.unanswered, 'request')} had no answer when the run was over"


def _notes(record: LocustRecord, rows: Sequence[LocustRow], usage: LocustUsage) -> Iterable[str]:
    if record.started.ignored_shape:
        yield f"its {record.started.ignored_shape} is not used: --users and --run-time say how many ask for how long"
    if any(row.name == OTHER_NAMES for row in rows):
        yield "it has more than 1,000 names; give requests to the same route one `name`"
    if usage.locust_cores is not None and usage.locust_cores >= _BUSY_CORES:
        yield f"Locust used {usage.locust_cores:.2f} of one CPU: it may be what was slow, and not the app"


def _texts(texts: Mapping[str, int]) -> str:
    return ", ".join(f"{text} ({many:,})" for text, many in texts.items())
