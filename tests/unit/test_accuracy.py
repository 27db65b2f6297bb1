from __future__ import annotations

import pytest

from harness.calibration.accuracy import (
    PERCENTS,
    Round,
    allowed_ms,
    freeze_figures,
    from_send,
    frozen_ms,
    nearest_rank,
    quantile_errors,
)


def test_two_percent_or_a_third_of_a_millisecond() -> None:
    assert allowed_ms(50) == pytest.approx(1.0)
    assert allowed_ms(15) == allowed_ms(1) == pytest.approx(0.3)


def test_a_percentile_is_a_value_that_was_there() -> None:
    values = [float(value) for value in range(1, 201)]
    assert [nearest_rank(values, percent) for percent in (50, 90, 99, 100)] == [100, 180, 198, 200]


def rounds(*errors_ms: float) -> list[Round]:
    """Of a server that took 50 ms, and one by one a little more."""
    took_ms = [50 + 0.1 * number for number in range(len(errors_ms))]
    return [
        Round(dict.fromkeys(PERCENTS, did_ms), dict.fromkeys(PERCENTS, did_ms + error_ms))
        for did_ms, error_ms in zip(took_ms, errors_ms, strict=True)
    ]


LAW_MS = dict.fromkeys(PERCENTS, 50.0)


@pytest.mark.parametrize(
    ("errors_ms", "error_ms", "passed"),
    [
        ((0.1, 0.2, 9.0), 0.2, True),  # a disturbed round does not decide
        ((0.1, 1.3, 9.0), 1.3, False),  # ... nor a good one
        ((0.1, -1.2, -1.3), -1.2, False),
        ((-1.3, 0.9, 1.0), 0.9, True),
    ],
)
def test_the_median_over_the_rounds_is_judged_and_each_is_kept(
    errors_ms: tuple[float, ...], error_ms: float, passed: bool
) -> None:
    judged = quantile_errors(LAW_MS, rounds(*errors_ms), {50.0: 51.0})
    assert [figure.percent for figure in judged] == list(PERCENTS)
    for figure in judged:
        assert figure.errors_ms == pytest.approx(errors_ms)
        assert figure.error_ms == pytest.approx(error_ms)
        assert figure.did_ms == pytest.approx(50.1)
        assert figure.passed == passed
    assert [figure.stock_ms for figure in judged] == [51.0, None, None]


def test_each_percentile_has_its_own_errors() -> None:
    one = Round({50.0: 50.0, 90.0: 50.0, 99.0: 50.0}, {50.0: 50.9, 90.0: 51.1, 99.0: 48.9})
    assert [figure.passed for figure in quantile_errors(LAW_MS, [one], {})] == [True, False, False]


def test_what_is_due_in_a_freeze_waits_for_its_end() -> None:
    waits_ms = frozen_ms([0.5, 1.0, 1.9, 2.4, 7.0], [(1.0, 2.4), (6.0, 7.5)])
    assert waits_ms == pytest.approx([0, 1400, 500, 0, 500])


def test_only_the_p99_of_a_freeze_is_judged_and_within_three_percent() -> None:
    law_ms = {50.0: 0.0, 90.0: 900.0, 99.0: 1350.0}
    near = freeze_figures(law_ms, law_ms, {50.0: 5.0, 90.0: 990.0, 99.0: 1389.0}, {99.0: 4.0})
    assert [figure.percent for figure in near] == list(PERCENTS)
    assert all(figure.passed for figure in near)
    assert [figure.stock_ms for figure in near] == [None, None, 4.0]
    counted_from_send = freeze_figures(law_ms, law_ms, {50.0: 0.2, 90.0: 1.0, 99.0: 4.0}, {})
    assert [figure.passed for figure in counted_from_send] == [True, True, False]


def test_a_freeze_that_counting_from_the_send_would_show_as_well_proves_nothing() -> None:
    assert from_send(1350, 4).passed
    assert not from_send(1350, 1345).passed
