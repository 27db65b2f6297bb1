from __future__ import annotations

import threading
import time
from itertools import pairwise

from harness.serving.health import Health
from harness.serving.health_watch import HealthWatch


def test_a_stall_is_in_the_times_of_all_questions_that_fell_into_it() -> None:
    """Also of those that were due while others had no answer yet."""
    open_s = time.monotonic() + 0.5
    enough = threading.Event()
    asked: list[float] = []

    def ask(limit_s: float) -> Health | str:
        assert limit_s == 5.0
        asked.append(time.monotonic())
        if len(asked) >= 40:
            enough.set()
        time.sleep(max(0.0, open_s - time.monotonic()))  # the stall itself
        return Health(200, "", 0)

    with HealthWatch(ask, rate_hz=50.0) as watch:
        assert enough.wait(30.0)
    times = watch.asked
    assert len(times) >= 40
    stalled = [each for each in times if each.due_s < open_s]
    assert 20 <= len(stalled) <= 27
    for each in stalled:
        assert each.ms is not None and each.ms >= (open_s - each.due_s) * 1000 - 1
    gaps = [b.due_s - a.due_s for a, b in pairwise(times)]
    assert all(abs(gap - 0.02) < 1e-6 for gap in gaps)


def test_no_answer_and_no_success_are_no_times() -> None:
    answers = iter(["/health: nothing listened on its port", Health(503, "", 0), Health(200, "", 0)])
    done = threading.Event()

    def ask(limit_s: float) -> Health | str:
        answer = next(answers, None)
        if answer is None:
            done.set()
        return answer or ""

    with HealthWatch(ask, rate_hz=100.0) as watch:
        assert done.wait(30.0)
    first, second, third, *others = watch.asked
    assert (first.ms, second.ms) == (None, None)
    assert third.ms is not None and third.ms == third.waited_ms
    assert all(each.ms is None for each in others)
