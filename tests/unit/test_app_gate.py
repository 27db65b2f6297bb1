"""`--max-blocked`, `--max-p99` and `--at` as people write them."""

from __future__ import annotations

import re

import pytest

from harness.cli.app_gate import arrivals_rps, check_gate, milliseconds
from harness.results.records.errors import UsageError


@pytest.mark.parametrize(
    ("text", "value_ms"), [("20ms", 20), ("0.3s", 300), ("20", 20), ("1.5 ms", 1.5), (" 2s ", 2000), ("0", 0)]
)
def test_a_limit_is_a_time(text: str, value_ms: float) -> None:
    assert milliseconds(text, "--max-p99") == pytest.approx(value_ms)


@pytest.mark.parametrize("text", ["", "ms", "-5ms", "20m", "nan", "inf", "1e3", "1e3ms", "20ms!", "٣ms", "99999999s"])
def test_what_is_no_time_is_refused_with_a_way_out(text: str) -> None:
    with pytest.raises(UsageError) as refused:
        milliseconds(text, "--max-blocked")
    assert str(refused.value) == (f"--max-blocked {text}: is not a time of at most an hour; write it like 20ms or 0.3s")


@pytest.mark.parametrize(("text", "rate"), [("50rps", 50), ("50/s", 50), ("50", 50), ("0.5 rps", 0.5)])
def test_a_rate_is_arrivals_per_second(text: str, rate: float) -> None:
    assert arrivals_rps(text) == rate


@pytest.mark.parametrize("text", ["", "0", "0rps", "-1", "many", "50/m", "50rpm", "nan", "1e9", "86401"])
def test_what_is_no_rate_is_refused_with_a_way_out(text: str) -> None:
    with pytest.raises(UsageError, match=re.escape(f"--at {text}: is not a rate of at most 86,400/s; write it like")):
        arrivals_rps(text)


def test_a_p99_needs_a_rate() -> None:
    check_gate(300, 50)
    check_gate(None, 50)
    check_gate(None, None)
    with pytest.raises(UsageError, match=r"--max-p99 300ms: at which rate\? add --at, such as --at 50rps"):
        check_gate(300, None)
