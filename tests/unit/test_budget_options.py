"""`--budget` and `--precision` as people write them."""

from __future__ import annotations

import pytest

from harness.cli.order import budget_s, precision_percent
from harness.results.records.errors import UsageError


@pytest.mark.parametrize(
    ("text", "seconds"), [("90s", 90), ("10m", 600), ("1h30m", 5400), ("2 h", 7200), ("10min", 600), ("1m30s", 90)]
)
def test_a_budget_is_a_time(text: str, seconds: float) -> None:
    assert budget_s(text) == seconds


@pytest.mark.parametrize("text", ["", "10", "m", "0s", "ten minutes", "-5m", "5m10"])
def test_what_is_no_time_is_refused_with_a_way_out(text: str) -> None:
    with pytest.raises(UsageError, match="write it like 90s, 10m or 1h30m"):
        budget_s(text)


@pytest.mark.parametrize(("text", "percent"), [("5%", 5), ("2.5 %", 2.5), ("10", 10)])
def test_a_precision_is_a_share(text: str, percent: float) -> None:
    assert precision_percent(text) == percent


@pytest.mark.parametrize("text", ["", "0%", "200%", "fine", "-1%", "nan"])
def test_what_is_no_share_is_refused_with_a_way_out(text: str) -> None:
    with pytest.raises(UsageError, match="write it like 5%"):
        precision_percent(text)
