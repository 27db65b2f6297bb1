"""Memory that grows with each answer is told from memory that rises in steps."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import pytest

from harness.judging.memory import memory_growth
from harness.results.records.boot_record import BootRecord
from harness.results.records.outcome import Outcome
from harness.results.records.phase_record import PhaseKind, PhaseRecord, PhaseSpec, PhaseStatus
from harness.results.records.sample import Sample
from tests.made_slices import boot, slice

MB = 1_000_000


def loaded(name: str, kind: PhaseKind, start_s: float) -> PhaseRecord:
    """Ten answers a tenth of a second for 4 s."""
    return PhaseRecord(
        spec=PhaseSpec(name, kind, 4.0, 64),
        status=PhaseStatus.COMPLETE,
        start_s=start_s,
        end_s=start_s + 4.0,
        scheduled=400,
        outcomes={Outcome.OK: 400},
        ok_per_tenth=(10,) * 40,
    )


WARMUP = loaded("warmup", PhaseKind.WARMUP, 1.0)
CAPACITY = loaded("capacity", PhaseKind.CAPACITY, 5.0)
RATE = loaded("rate-30", PhaseKind.RATE, 10.0)


def lived(*slices: tuple[PhaseRecord, ...]) -> BootRecord:
    """A boot with these slices, each by its phases."""
    return boot(*(msgspec.structs.replace(slice("sync_def", n).record, phases=own) for n, own in enumerate(slices)))


BOOT = lived((WARMUP, CAPACITY), (RATE,))


def samples(memory_bytes: Callable[[float], float], *, until_s: float = 14.1) -> list[Sample]:
    """Five a second."""
    times_s = [n / 5 for n in range(int(until_s * 5))]
    return [Sample(t_s=t, tree="target", cpu_s=t, rss_bytes=int(memory_bytes(t)), processes=2) for t in times_s]


def answers_at(t_s: float) -> float:
    return 100 * (max(0.0, min(t_s, 9.0) - 5.0) + max(0.0, min(t_s, 14.0) - 10.0))


def growth(given: list[Sample]) -> tuple[float, float]:
    """MB a right answer: of all, and of the third with the least."""
    found = memory_growth(BOOT, given)
    assert found is not None
    return found.per_answer_bytes / MB, found.least_third_bytes / MB


def test_what_is_kept_for_each_answer_has_its_part_in_every_third() -> None:
    given = samples(lambda t: 80 * MB + 0.5 * MB * answers_at(t))
    all_of_it, least = growth(given)
    assert all_of_it == pytest.approx(0.5, rel=0.02)
    assert least == pytest.approx(0.5, rel=0.1)
    found = memory_growth(BOOT, given)
    assert found is not None
    assert found.first_bytes == 80 * MB, "what the warm-up left is not growth"
    assert found.last_bytes == pytest.approx(480 * MB, rel=0.05)


def test_a_step_has_a_third_without_it() -> None:
    """A pool that is filled at the highest rate only."""
    all_of_it, least = growth(samples(lambda t: (80 if t < 10.5 else 200) * MB))
    assert all_of_it == pytest.approx(120 / 800, rel=0.05)
    assert least == 0.0


def test_growth_by_time_and_not_by_answers_is_none_of_the_load() -> None:
    """It rose before anybody asked, and rests under load."""
    assert growth(samples(lambda t: min(t, 5.0) * 100 * MB)) == (0.0, 0.0)


def test_growth_goes_on_through_all_slices_of_a_boot() -> None:
    life = lived(
        *((loaded(f"capacity-{n}", PhaseKind.CAPACITY, 5.0 + 10 * n),) for n in range(4)),
        (loaded("rate-30", PhaseKind.RATE, 45.0),),
    )

    def answers(t_s: float) -> float:
        return sum(100 * max(0.0, min(t_s - start_s, 4.0)) for start_s in (5.0, 15.0, 25.0, 35.0, 45.0))

    found = memory_growth(life, samples(lambda t: 80 * MB + 0.5 * MB * answers(t), until_s=49.1))
    assert found is not None
    assert (found.answers, found.per_answer_bytes / MB) == (pytest.approx(2000, rel=0.02), pytest.approx(0.5, rel=0.02))
    assert found.least_third_bytes / MB == pytest.approx(0.5, rel=0.05)


@pytest.mark.parametrize("given", [[], samples(lambda t: MB, until_s=5.5)])
def test_too_few_samples_tell_nothing(given: list[Sample]) -> None:
    assert memory_growth(BOOT, given) is None


def test_the_idle_phase_has_no_answers() -> None:
    idle = PhaseRecord(
        spec=PhaseSpec("idle", PhaseKind.IDLE, 1.0, 1), status=PhaseStatus.COMPLETE, start_s=12.0, end_s=13.0
    )
    found = memory_growth(lived((WARMUP, CAPACITY, idle)), samples(lambda t: t * MB))
    assert found is not None
    assert found.last_bytes <= 9 * MB
