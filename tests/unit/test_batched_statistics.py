"""Locust's statistics fed in batches say what they would have said of one request after the other."""

import gevent
import pytest
from hypothesis import given
from hypothesis import strategies as st

with pytest.MonkeyPatch.context() as patch:
    patch.setenv("LOCUST_SKIP_MONKEY_PATCH", "1")  # this process has threads and sockets of its own
    from locust.env import Environment

    from harness.driving.inside.batched_statistics import StatsInBatches

_REQUESTS = st.lists(
    st.tuples(
        st.sampled_from(["GET", "HEAD"]),
        st.sampled_from(["/io", "/cpu"]),
        st.one_of(st.none(), st.floats(0.01, 60_000)),
        st.integers(0, 5000),
    ),
    max_size=700,
)


def said(stats: object, name: str, method: str) -> dict[str, object]:
    entry = stats.total if not name else stats.get(name, method)  # type: ignore[attr-defined]
    return {
        "requests": entry.num_requests,
        "without a time": entry.num_none_requests,
        "failures": entry.num_failures,
        "bytes": entry.total_content_length,
        "ms": round(entry.total_response_time, 3),
        "shortest": entry.min_response_time,
        "longest": entry.max_response_time,
        "buckets": dict(entry.response_times),
        "each second": sum(entry.num_reqs_per_sec.values()),
    }


@given(_REQUESTS)
def test_all_sums_are_those_of_one_request_after_the_other(requests: list[tuple[str, str, float | None, int]]) -> None:
    one_by_one, batched = Environment(), Environment()
    in_batches = StatsInBatches(batched.stats)
    for method, name, time_ms, size_bytes in requests:
        one_by_one.stats.log_request(method, name, time_ms, size_bytes)
        batched.stats.log_request(method, name, time_ms, size_bytes)
        if size_bytes > 4000:
            for stats in (one_by_one.stats, batched.stats):
                stats.log_error(method, name, "too large")
    in_batches.feed()
    for key in {("", ""), *((name, method) for method, name, *_ in requests)}:
        assert said(batched.stats, *key) == said(one_by_one.stats, *key)


def test_a_reader_waits_for_half_a_second_at_most() -> None:
    environment = Environment()
    StatsInBatches(environment.stats)
    environment.stats.log_request("GET", "/io", 1.0, 2)
    assert environment.stats.num_requests == 0
    gevent.sleep(0.6)
    assert environment.stats.num_requests == 1
