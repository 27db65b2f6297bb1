"""What is measured again after an interruption, and what stays a failure."""

from __future__ import annotations

import pytest

from harness.measuring.progress import failures, to_measure
from harness.results.records.boot_record import BootRecord
from harness.results.records.finding import Finding
from harness.results.records.run_record import RunRecord
from harness.results.records.schema import SCHEMA_VERSION
from harness.results.records.slice_record import SliceRecord, SliceSpec
from tests.synthetic_run import run_record

RECORD = run_record(["sync_def", "fake_async"], ["io"], rounds=2, seed=1, phase_s=1.0, rates_percent=(), peculiar=False)
GENERATOR_DIED = Finding("generator_died", "invalid", "load generator: ended by itself", "resume")
SERVICE_DIED = Finding("service_died", "invalid", "upstream: killed by SIGKILL", "resume")


def boot(variant: str, *slices: SliceRecord, number: int = 1) -> BootRecord:
    return BootRecord(
        schema_version=SCHEMA_VERSION,
        workload="io",
        variant=variant,
        number=number,
        session=1,
        started_epoch_s=0.0,
        origin_monotonic_s=0.0,
        slices=slices,
    )


def slice(spec: SliceSpec, error: str = "", *events: Finding) -> SliceRecord:
    return SliceRecord(
        spec=spec, boot=1, status="failed" if error else "complete", error=error, elapsed_s=1.0, events=events
    )


def boots(record: RunRecord, left_out: tuple[SliceSpec, ...] = (), **failed: SliceRecord) -> list[BootRecord]:
    """One of each variant, with every slice of the plan but `left_out`; `failed` takes the place of the first."""
    found = []
    for variant in ("sync_def", "fake_async"):
        done = [slice(spec) for spec in record.plan if spec.variant == variant and spec not in left_out]
        if variant in failed:
            done = [failed[variant] if failed[variant].spec == each.spec else each for each in done]
        found.append(boot(variant, *done))
    return found


def of_round(round: int) -> list[SliceSpec]:
    return [spec for spec in RECORD.plan if spec.round == round and spec.session == 1]


def test_a_round_that_was_cut_off_is_measured_again_as_a_whole() -> None:
    _, second = of_round(1)
    assert to_measure(RECORD, boots(RECORD)) == []
    assert to_measure(RECORD, boots(RECORD, (second,))) == of_round(1)
    assert to_measure(RECORD, []) == list(RECORD.plan)


def test_a_strategy_that_failed_stays_a_failure_and_its_round_is_complete() -> None:
    first = of_round(1)[0]
    found = boots(RECORD, **{first.variant: slice(first, "exited with 7")})
    assert to_measure(RECORD, found) == []
    assert failures(found, []) == {f"{first.variant} on io": "exited with 7"}


@pytest.mark.parametrize("died", [SERVICE_DIED, GENERATOR_DIED])
def test_a_round_in_which_a_service_died_is_measured_again_and_no_failure_of_the_strategy(died: Finding) -> None:
    first = of_round(1)[0]
    found = boots(RECORD, **{first.variant: slice(first, "upstream: killed by SIGKILL", died)})
    todo = to_measure(RECORD, found)
    assert todo == of_round(1)
    assert failures(found, todo) == {}


def test_a_failure_that_was_measured_again_and_went_well_is_none() -> None:
    spec = of_round(1)[0]
    found = [boot(spec.variant, slice(spec, "was cut off")), boot(spec.variant, slice(spec), number=2)]
    assert failures(found, []) == {}
