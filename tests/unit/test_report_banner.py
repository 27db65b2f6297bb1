from __future__ import annotations

import msgspec

from harness.analysis.evidence import Analysis, Cell, Undecided
from harness.judging.figures import SliceFigures
from harness.report.banner import warnings
from harness.results.records.finding import Finding
from harness.results.records.machine_record import Partition
from harness.results.records.run_record import RunRecord
from tests import handmade_analysis as handmade

NOT_QUIET = Finding("not_quiet", "info", "others still used the machine", "end what else runs")
BUSY = Finding("busy_while_idle", "info", "uses 0.9 of a core while idle", "stop the thread")
GROWS = Finding("memory_grows", "info", "memory grew by 1000 MB per 1,000 requests", "find the cache")
THROTTLED = Finding("throttled", "info", "held back for 2 s", "raise the quota")
INVALID = Finding("wrong_answers", "invalid", "3 wrong answers", "fix it")


def with_run(analysis: Analysis, **changes: object) -> Analysis:
    run: RunRecord = msgspec.structs.replace(analysis.run, **changes)
    return msgspec.structs.replace(analysis, run=run)


def with_first_slice(analysis: Analysis, slice: SliceFigures) -> Analysis:
    return msgspec.structs.replace(analysis, slices=(slice, *analysis.slices[1:]))


def only(analysis: Analysis) -> str:
    """The one warning there is."""
    (line,) = warnings(analysis)
    return line


def test_a_good_run_on_a_good_machine_has_no_warning() -> None:
    assert warnings(handmade.analysis()) == ()


def test_a_service_of_somebodys_own_may_have_been_the_bottleneck() -> None:
    good = handmade.analysis()
    asks = tuple(msgspec.structs.replace(each, services=("postgres",)) for each in good.run.workloads)
    assert only(with_run(good, own_services=("postgres",), workloads=asks)) == (
        f"The postgres of {', '.join(each.name for each in asks)} was somebody's own, and its CPU use is not known: "
        "nothing here shows that it was not the bottleneck."
    )
    assert warnings(with_run(good, workloads=asks)) == ()


def test_fewer_than_three_rounds() -> None:
    assert "Fewer than 3 valid rounds: at most 2" in only(handmade.analysis(rounds=2))


def test_a_single_strategy_with_too_few_valid_rounds_is_named() -> None:
    good = handmade.analysis()
    thin = msgspec.structs.replace(good.cells[0], capacity=handmade.estimate(100.0, 2))
    line = only(msgspec.structs.replace(good, cells=(thin, *good.cells[1:])))
    assert "Fewer than 3 valid rounds for sync_def on io (2)." in line


def test_invalid_and_failed_slices() -> None:
    good = handmade.analysis()
    spec = good.run.plan[0]
    assert "1 of 6 slices cannot be trusted" in only(with_first_slice(good, handmade.slice(spec, findings=(INVALID,))))
    assert "1 of 6 slices failed" in only(with_first_slice(good, handmade.slice(spec, error="exited with 1")))


def test_a_variant_that_works_while_nobody_asks_and_one_that_grows_are_named() -> None:
    good = handmade.analysis()
    spec = good.run.plan[0]
    busy, grows = warnings(with_first_slice(good, handmade.slice(spec, findings=(BUSY, GROWS))))
    assert busy.startswith(f"Busy while nobody asks: {spec.variant} on io.")
    assert grows.startswith(f"Memory that grows with the requests: {spec.variant} on io.")


def test_an_idle_cost_that_is_not_known_is_said() -> None:
    good = handmade.analysis()
    unknown = [msgspec.structs.replace(cell, idle_cores=None) for cell in good.cells]
    assert "was not measured for any variant: CPU-seconds" in only(msgspec.structs.replace(good, cells=tuple(unknown)))
    line = only(msgspec.structs.replace(good, cells=(unknown[0], *good.cells[1:])))
    assert f"was not measured for {unknown[0].variant} on io: CPU-seconds" in line


def test_a_variant_whose_idle_cost_alone_is_not_known_has_no_cpu_per_request() -> None:
    good = handmade.analysis()
    first = good.cells[0]
    lacking = Finding("idle_unknown", "info", "the pilot failed", "measure again")
    spec = next(spec for spec in good.run.plan if spec.variant == first.variant)
    slices = tuple(
        handmade.slice(spec, findings=(lacking,)) if slice.record.spec == spec else slice for slice in good.slices
    )
    cells = (msgspec.structs.replace(first, idle_cores=None), *good.cells[1:])
    line = only(msgspec.structs.replace(good, cells=cells, slices=slices))
    assert f"not measured for {first.variant} on io, and was for others: no CPU-seconds per request there" in line


def test_a_noisy_machine() -> None:
    good = handmade.analysis()
    assert "took up to 23.0 %" in only(with_first_slice(good, handmade.slice(good.run.plan[0], steal_percent=23.0)))


def test_steal_time_that_is_not_known_is_no_noise() -> None:
    good = handmade.analysis()
    assert warnings(with_first_slice(good, handmade.slice(good.run.plan[0], steal_percent=None))) == ()


def test_slices_that_others_or_a_quota_disturbed() -> None:
    good = handmade.analysis()
    first, second, third, *rest = good.run.plan
    busy = with_first_slice(good, handmade.slice(first, findings=(NOT_QUIET,)))
    assert "of 6 valid slices 1 began while others still used the machine; their" in only(busy)
    both = (
        handmade.slice(first, findings=(NOT_QUIET, THROTTLED)),
        handmade.slice(second, findings=(THROTTLED,)),
        *(handmade.slice(spec) for spec in (third, *rest)),
    )
    line = only(msgspec.structs.replace(good, slices=both))
    assert "1 began while others still used the machine and 2 had to wait for a control group's CPU quota" in line


def test_a_disturbed_slice_that_counts_nowhere_disturbs_no_figure() -> None:
    good = handmade.analysis()
    retried = handmade.slice(good.run.plan[0], findings=(INVALID, NOT_QUIET, THROTTLED))
    again = handmade.slice(good.run.plan[0], boot=2)
    assert "cannot be trusted" in only(msgspec.structs.replace(good, slices=(retried, again, *good.slices[1:])))


def test_all_on_the_same_cpus() -> None:
    shared = handmade.run_record(partition=Partition((0, 1), (0, 1), (), None, False))
    assert "share 2 CPUs" in only(msgspec.structs.replace(handmade.analysis(), run=shared))


def test_processes_that_could_not_be_pinned() -> None:
    loose = handmade.run_record(partition=Partition((0, 1, 2, 3), (1, 2, 3), (0,), None, False))
    assert "could not be pinned" in only(msgspec.structs.replace(handmade.analysis(), run=loose))


def test_an_interrupted_run() -> None:
    good = handmade.analysis()
    half = msgspec.structs.replace(good, slices=good.slices[:4])
    assert "interrupted: 2 planned slices missing" in only(with_run(half, finished_epoch_s=None))
    assert "not complete: 2 planned slices missing" in only(half)


def test_records_that_could_not_be_read() -> None:
    broken = msgspec.structs.replace(handmade.analysis(), broken=("boots/io-x/1/boot.json: was cut off",))
    assert "boots/io-x/1/boot.json: was cut off" in only(broken)


def test_strategies_that_failed() -> None:
    good = handmade.analysis()
    unfit = Cell(variant="two_stage", workload="io", status="failed", error="never became ready")
    line = only(msgspec.structs.replace(good, cells=(*good.cells, unfit)))
    assert line.startswith("No slice got through of two_stage on io.")


def test_a_workload_that_nobody_answered_is_said_before_anything_else_is_believed() -> None:
    good = handmade.analysis()
    silent = tuple(msgspec.structs.replace(cell, without_answer=3, capacity=None, phases={}) for cell in good.cells)
    undecided = (Undecided(workload="io", reason="no strategy gave a right answer", nobody_answered=True),)
    nobody = msgspec.structs.replace(good, cells=silent, decisions=(), undecided=undecided)
    assert only(nobody) == "No decision for io: no strategy gave a right answer."
    one = msgspec.structs.replace(good, cells=(silent[0], *good.cells[1:]))
    assert only(one).startswith("No right answer in a whole closed loop: sync_def on io.")


def test_costs_that_are_not_known_are_missed_aloud() -> None:
    good = handmade.analysis()
    lacking = Finding("cost_unknown", "info", "samples.jsonl ends too early", "measure again")
    figures = handmade.slice(good.run.plan[0], findings=(lacking,))
    assert only(with_first_slice(good, figures)).startswith("1 of 6 slices without CPU-seconds per request")
