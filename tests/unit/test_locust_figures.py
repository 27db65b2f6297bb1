from __future__ import annotations

from typing import Any

import msgspec
import pytest

from harness.analysis.locust_figures import LocustFigures, locust_figures
from harness.results.records.asked_health import AskedHealth
from harness.results.records.locust_lines import (
    OTHER_NAMES,
    LocustEnded,
    LocustRecord,
    NamedRequests,
    UsersStarted,
)
from harness.results.records.sample import Sample

QUICK = NamedRequests(
    method="GET",
    name="/quick",
    count=202,
    failures=2,
    failure_texts={"answered 500": 2},
    answered_us=((1000, 150), (9000, 50)),
)
ENDED = LocustEnded(began_s=100.0, ended_s=120.0, complete=True)


def figures(
    *requests: NamedRequests,
    ended: LocustEnded = ENDED,
    shape: str = "",
    health: tuple[AskedHealth, ...] = (),
    samples: tuple[Sample, ...] = (),
) -> LocustFigures:
    record = LocustRecord(
        started=UsersStarted(users=16, ignored_shape=shape), requests=requests, seconds=(), ended=ended
    )
    return locust_figures(record, health, samples, warm_up_s=5.0, run_time_s=20.0)


def test_a_row_has_its_rate_and_the_percentiles_of_what_did_not_fail() -> None:
    found = figures(NamedRequests(method="GET", name="/few", count=9, answered_us=((1000, 9),)), QUICK)
    quick, few = found.rows
    assert (quick.shown, quick.requests, quick.rps, quick.failures) == ("GET /quick", 202, 10.1, 2)
    assert (quick.p50_ms, quick.p90_ms, quick.p99_ms, quick.at_least) == (1.0, 9.0, 9.0, ())
    assert (few.p50_ms, few.p90_ms, few.p99_ms) == (None, None, None), "too few for any percentile"
    assert found.loop == "closed"
    assert found.measured_s == 20.0


def test_requests_without_an_answer_make_percentiles_lower_bounds() -> None:
    row = msgspec.structs.replace(QUICK, given_up_us=((8_000_000, 30),))
    (found,) = figures(row).rows
    assert (found.unanswered, found.p50_ms, found.p99_ms) == (30, 1.0, 8000.0)
    assert found.at_least == ("p90", "p99")


def test_what_was_wrong_is_said_in_lines() -> None:
    ended = LocustEnded(
        began_s=100.0,
        ended_s=104.04,
        complete=False,
        refused={"prod.example.com:443": 3},
        raised={"users.py:7: KeyError: 'token'": 1},
    )
    never = NamedRequests(method="GET", name="/never", given_up_us=((8_000_000, 2),))
    assert figures(QUICK, never, ended=ended).problems == (
        "ended after 4.0 s of 20 s: its users had all stopped, or the file ended the run",
        "raised users.py:7: KeyError: 'token' (1 time)",
        "asked prod.example.com:443 (3 times): not sent; only the app that was started is asked",
        "GET /quick: 2 of 202 requests failed: answered 500 (2)",
        "GET /never: 2 requests had no answer when the run was over",
    )
    assert figures(msgspec.structs.replace(QUICK, failures=0)).problems == ()


@pytest.mark.parametrize(
    ("requests", "ended", "words"),
    [
        (
            [],
            ENDED,
            "made no request to the app in 20.0 s; give it a longer --run-time or more --users, or look at its "
            "wait_time",
        ),
        (
            [],
            LocustEnded(began_s=100.0, ended_s=120.0, complete=True, refused={"prod.example.com:443": 1}),
            "made no request to the app in 20.0 s: asked prod.example.com:443 (1 time): not sent; only the app that "
            "was started is asked",
        ),
        (
            [NamedRequests(method="GET", name="/never", given_up_us=((8_000_000, 2),))],
            ENDED,
            "none of its requests had an answer: GET /never: 2 requests had no answer when the run was over",
        ),
        ([QUICK], ENDED, ""),
    ],
)
def test_a_run_without_any_request_says_why(requests: list[NamedRequests], ended: LocustEnded, words: str) -> None:
    assert figures(*requests, ended=ended).why_nothing() == words


def test_a_run_that_ended_in_its_warm_up_measured_nothing() -> None:
    found = figures(ended=LocustEnded(began_s=105.0, ended_s=101.0, complete=False))
    assert found.measured_s == 0.0
    assert found.why_nothing().startswith("made no request to the app in 0.0 s: ended after 0.0 s of 20 s: ")


def test_only_the_measured_time_counts_for_health_and_cpu() -> None:
    def asked(at_s: float, ms: float | None) -> AskedHealth:
        return AskedHealth(at_s, ms, 5000.0 if ms is None else ms)

    def sample(t_s: float, tree: Any, cpu_s: float) -> Sample:
        return Sample(t_s=t_s, tree=tree, cpu_s=cpu_s, rss_bytes=int(t_s), processes=1)

    health = (
        asked(99.0, 900.0),
        *(asked(100.0 + n / 10, 2.0) for n in range(99)),
        asked(110.0, None),
        asked(121.0, 900.0),
    )
    samples = tuple(
        sample(t_s, tree, share * t_s)
        for t_s in (99.0, 100.0, 110.0, 120.0, 121.0)
        for tree, share in (("target", 0.5), ("generator", 0.97))
    )
    found = figures(QUICK, shape="Peak", health=health, samples=samples)
    assert msgspec.structs.astuple(found.health) == (100, 1, 2.0, 2.0, 5000.0)
    assert msgspec.structs.astuple(found.usage) == (0.5, 0.97, 120)
    assert found.notes == (
        "its Peak is not used: --users and --run-time say how many ask for how long",
        "Locust used 0.97 of one CPU: it may be what was slow, and not the app",
    )


def test_more_names_than_are_kept_are_noted() -> None:
    (note,) = figures(NamedRequests(method="GET", name=OTHER_NAMES, count=3)).notes
    assert note == "it has more than 1,000 names; give requests to the same route one `name`"
