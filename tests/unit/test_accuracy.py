from __future__ import annotations

import numpy
import pytest

from harness.calibration.accuracy import (
    PERCENTS,
    Round,
    bound_ms,
    freeze_figures,
    from_send,
    frozen_ms,
    nearest_rank,
    quantile_errors,
)


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
        ((0.1, 0.2, 9.0), 0.2, True),  # a disturbed round does not decide about failure
        ((0.1, 2.6, 9.0), 2.6, False),  # ... nor does a good one
        ((0.1, -2.6, -2.7), -2.6, False),
        ((-2.7, 0.9, 1.0), 0.9, True),
    ],
)
def test_the_median_over_the_rounds_is_judged_and_each_is_kept(
    errors_ms: tuple[float, ...], error_ms: float, passed: bool
) -> None:
    judged = quantile_errors(LAW_MS, rounds(*errors_ms), {50.0: 51.0}, 2.5)
    assert [figure.percent for figure in judged] == list(PERCENTS)
    for figure in judged:
        assert figure.errors_ms == pytest.approx(errors_ms)
        assert figure.error_ms == pytest.approx(error_ms)
        assert figure.did_ms == pytest.approx(50.1)
        assert figure.passed == passed
        assert figure.uncertainty_ms is not None
        assert figure.uncertainty_ms >= max(map(abs, errors_ms))
    assert [figure.stock_ms for figure in judged] == [51.0, None, None]
    assert all(figure.passed for figure in quantile_errors(LAW_MS, rounds(*errors_ms), {}, None))


def test_each_percentile_has_its_own_errors() -> None:
    one = Round({50.0: 50.0, 90.0: 50.0, 99.0: 50.0}, {50.0: 50.9, 90.0: 52.6, 99.0: 47.4})
    figures = quantile_errors(LAW_MS, [one], {}, 2.5)
    assert [figure.passed for figure in figures] == [True, False, False]
    assert [figure.uncertainty_ms for figure in figures] == [None, None, None], "one round says nothing about scatter"


def test_the_uncertainty_is_the_bias_and_the_prediction_interval_of_one_more_round() -> None:
    # t(0.975, 5) = 2.5706; s = 0.1; 0.5 + 2.5706 x 0.1 x sqrt(7/6)
    assert bound_ms((0.4, 0.6, 0.4, 0.6, 0.5, 0.5)) == pytest.approx(0.5 + 2.5706 * 0.0894427 * 1.0801, abs=1e-4)
    assert bound_ms((0.3, 0.3)) == pytest.approx(0.3)
    assert bound_ms((-0.3, -0.3)) == pytest.approx(0.3)
    assert bound_ms((0.3,)) is None


@pytest.mark.parametrize(("bias", "least"), [(0.0, 0.945), (0.5, 0.945), (-3.0, 0.945)])
def test_the_next_round_is_within_the_uncertainty_in_95_of_100_calibrations(bias: float, least: float) -> None:
    draws = numpy.random.default_rng(7).normal(bias, 1.0, (20_000, 7))
    within = [abs(row[6]) <= (bound_ms(tuple(row[:6])) or 0.0) for row in draws]
    assert sum(within) / len(within) >= least


def test_with_the_long_tails_of_a_disturbed_machine_it_is_still_most_of_the_time() -> None:
    """One round in ten is hit by something that costs 20 times the scatter. Six rounds cannot know that tail when they
    did not meet it."""
    random = numpy.random.default_rng(7)
    draws = random.normal(0.2, 0.1, (20_000, 7)) + 2.0 * (random.random((20_000, 7)) < 0.1)
    within = [abs(row[6]) <= (bound_ms(tuple(row[:6])) or 0.0) for row in draws]
    assert sum(within) / len(within) >= 0.9


def test_what_is_due_in_a_freeze_waits_for_its_end() -> None:
    waits_ms = frozen_ms([0.5, 1.0, 1.9, 2.4, 7.0], [(1.0, 2.4), (6.0, 7.5)])
    assert waits_ms == pytest.approx([0, 1400, 500, 0, 500])


def test_a_freeze_was_seen_when_its_p99_is_right_by_a_tenth() -> None:
    law_ms = {50.0: 0.0, 90.0: 900.0, 99.0: 1350.0}
    near = freeze_figures(law_ms, law_ms, {50.0: 5.0, 90.0: 990.0, 99.0: 1480.0}, {99.0: 4.0})
    assert [figure.percent for figure in near] == list(PERCENTS)
    assert all(figure.passed for figure in near)
    assert [figure.stock_ms for figure in near] == [None, None, 4.0]
    counted_from_send = freeze_figures(law_ms, law_ms, {50.0: 0.2, 90.0: 1.0, 99.0: 4.0}, {})
    assert [figure.passed for figure in counted_from_send] == [True, True, False]


def test_a_freeze_that_counting_from_the_send_would_show_as_well_proves_nothing() -> None:
    assert from_send(1350, 4).passed
    assert not from_send(1350, 1345).passed
