from __future__ import annotations

import pytest

from harness.calibration.judge import (
    PERCENTS,
    Round,
    allowed_ms,
    best,
    figures,
    freeze_figures,
    from_send,
    frozen_ms,
    percentile,
)


def test_two_percent_or_a_third_of_a_millisecond() -> None:
    assert allowed_ms(50) == pytest.approx(1.0)
    assert allowed_ms(15) == allowed_ms(1) == pytest.approx(0.3)


def test_a_percentile_is_a_value_that_was_there() -> None:
    values = [float(value) for value in range(1, 201)]
    assert [percentile(values, percent) for percent in (50, 90, 99, 100)] == [100, 180, 198, 200]


def test_the_best_round_is_the_one_nearest_to_the_truth_in_its_worst_percentile() -> None:
    late = Round({50.0: 50.0, 99.0: 50.0}, {50.0: 50.1, 99.0: 54.0})
    good = Round({50.0: 50.0, 99.0: 50.0}, {50.0: 50.5, 99.0: 50.6})
    early = Round({50.0: 50.0, 99.0: 50.0}, {50.0: 45.0, 99.0: 50.0})
    assert best([late, good, early]) is good
    assert good.badness == pytest.approx(0.6)
    assert early.badness == pytest.approx(5.0)


def test_an_error_beyond_the_bound_fails_in_either_direction() -> None:
    one = Round({50.0: 50.0, 90.0: 50.0, 99.0: 50.0}, {50.0: 50.9, 90.0: 51.1, 99.0: 48.9})
    judged = figures({50.0: 50.0, 90.0: 50.0, 99.0: 50.0}, one, {50.0: 51.0})
    assert [figure.passed for figure in judged] == [True, False, False]
    assert [figure.stock_ms for figure in judged] == [51.0, None, None]
    assert judged[1].error_ms == pytest.approx(1.1)


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
