"""What settles a warm-up and what must not: synthetic closed loops, no clock."""

from random import Random

import pytest

from harness.driving.inside.warmth import FEWEST_BATCH_ANSWERS, SETTLED_BATCHES, SHORTEST_BATCH_S, Warmth


def settled_after_s(services_s: list[float], users: int, limit_s: float) -> float | None:
    """When `users` that take turns with answers of `services_s` (the last again and again) have settled."""
    warmth, rest = Warmth(users, start_s=0.0), iter(services_s)
    due = [(next(rest, services_s[-1]), number) for number in range(users)]
    took = {number: due_s for due_s, number in due}
    while due:
        now_s, number = min(due)
        due.remove((now_s, number))
        if now_s >= limit_s:
            return None
        warmth.answered(took[number], now_s)
        if warmth.is_settled:
            return now_s
        took[number] = next(rest, services_s[-1])
        due.append((now_s + took[number], number))
    return None


def test_equal_answers_settle_as_soon_as_four_batches_are_there() -> None:
    assert settled_after_s([0.1], users=64, limit_s=5) == pytest.approx(SETTLED_BATCHES * 0.1)


def test_fast_answers_do_not_settle_before_four_of_the_shortest_batches() -> None:
    assert settled_after_s([0.001], users=4, limit_s=5) == pytest.approx(SETTLED_BATCHES * SHORTEST_BATCH_S, abs=0.02)


def test_answers_that_still_become_faster_do_not_settle() -> None:
    cold = [0.1 * 0.7 ** (number // 64) + 0.02 for number in range(64 * 8)]
    after_s = settled_after_s(cold, users=64, limit_s=5)
    assert after_s is not None
    assert after_s > sum(cold[::64][:5])


def test_scatter_alone_does_not_keep_it_from_settling() -> None:
    random = Random(1)
    noisy = [0.1 * random.lognormvariate(0, 0.2) for _ in range(10_000)]
    after_s = settled_after_s(noisy, users=64, limit_s=5)
    assert after_s is not None
    assert after_s < 0.6


def test_a_pool_that_serves_40_of_64_at_once_settles_on_both_kinds() -> None:
    """First come first served: 40 after one wait, the others after two, and so on in turns."""
    warmth, waiting = Warmth(64, start_s=0.0), [0.0] * 64
    for turn in range(1, 20):
        served, waiting = waiting[:40], waiting[40:] + [turn * 0.1] * 40
        for asked_s in served:
            warmth.answered(turn * 0.1 - asked_s, turn * 0.1)
        if warmth.is_settled:
            break
    assert 4 <= turn <= 6


def test_too_few_answers_never_settle() -> None:
    """A blocked loop: 64 users, ten answers a second, each a wait later than the one before."""
    warmth = Warmth(64, start_s=0.0)
    for number in range(10):
        warmth.answered(0.1 * number, 0.1 * number)
    assert not warmth.is_settled


def test_one_user_needs_more_than_one_answer_a_batch() -> None:
    after_s = settled_after_s([0.1], users=1, limit_s=10)
    assert after_s == pytest.approx(SETTLED_BATCHES * FEWEST_BATCH_ANSWERS * 0.1)
